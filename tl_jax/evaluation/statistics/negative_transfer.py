"""Where transfer did harm, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.against import against, base, named
from tl_jax.evaluation.statistics.families import ALPHA, SCRATCH
from tl_jax.evaluation.statistics.metrics import JUDGED, get, per_fold, sign


def negative_transfer(
    comparisons: pd.DataFrame,
    metrics: pd.DataFrame,
    transfers: Collection[str],
    reference: str = SCRATCH,
    metric: str = JUDGED,
) -> list[str]:
    """A line for every arm that starts from a source and is shown to do worse than the reference.

    comparisons: of evaluation/comparisons.py. metrics: the table that they were made of. transfers: names of the
    strategies that use a source; their variants ("NAME lr=...", "NAME@EPOCH") are arms of their own. "Worse" needs the
    evidence that "better" needs: p after all corrections below .05. The line names what to use instead: the best
    baseline by mean value per fold, or the reference where no baseline is better.
    """
    instead, judged = fallback(metrics, reference, metric), get(metric)
    return [
        f"negative transfer: {named(row['arm'], row['source'])} is shown to do worse than {reference}: "
        f"{judged.per_fold} {judged.text(row['mean_difference'], '+')} "
        f"(95 % {judged.text(row['ci_low'], '+')} to {judged.text(row['ci_high'], '+')}), "
        f"p {row['p_after_looks']:.2g}; of what needs no source {instead} has the {judged.best} mean here"
        for row in against(comparisons, reference, metric).to_dict("records")
        if base(row["arm"]) in transfers and did_harm(row)
    ]


def did_harm(row: Mapping) -> bool:
    """Whether a comparison with the reference shows harm: worse, with p after all corrections below .05.

    row: of `against`; its metric says on which side of zero worse is.
    """
    return bool(row["p_after_looks"] < ALPHA and is_lower(row))


def is_lower(row: Mapping) -> bool:
    """Whether an arm is worse than the reference on average, shown or not."""
    return bool(sign(row["metric"]) * row["mean_difference"] < 0)


def fallback(metrics: pd.DataFrame, reference: str, metric: str = JUDGED) -> str:
    """The best of the baselines and the reference by the mean of a metric per fold."""
    rows = per_fold(metrics, metric)
    plain = rows[[arm == reference or is_baseline(arm) for arm in rows["arm"]]]
    means = plain.groupby("arm", sort=False)["value"].mean().dropna()
    means = sign(metric) * means
    return str(means.idxmax()) if len(means) else reference
