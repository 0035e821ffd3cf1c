"""Where transfer did harm, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.against import against, base, named
from tl_jax.evaluation.statistics.metrics import JUDGED, get, per_fold, sign


def negative_transfer(
    comparisons: pd.DataFrame,
    metrics: pd.DataFrame,
    transfers: Collection[str],
    reference: str = "scratch",
    metric: str = JUDGED,
) -> list[str]:
    """A line for every arm that starts from a source and is worse than the same network without one.

    comparisons: of evaluation/comparisons.py. metrics: the table that they were made of. transfers: names of the
    strategies that use a source; their variants ("NAME lr=...", "NAME@EPOCH") are arms of their own. An arm is warned
    of where the corrected interval of its `metric` per fold minus the reference's lies on the worse side of zero, or
    where it is worse with a probability above one half. The line names what to use instead: the best baseline by mean
    value per fold, or the reference where no baseline is better.
    """
    instead, judged = fallback(metrics, reference, metric), get(metric)
    return [
        f"negative transfer: {named(row['arm'], row['source'])} does worse than {reference}: {judged.per_fold} "
        f"{judged.text(row['mean_difference'], '+')} "
        f"(95 % {judged.text(row['ci_low'], '+')} to {judged.text(row['ci_high'], '+')}), "
        f"worse with probability {row['p_worse']:.2f}; "
        f"{instead} predicts better here"
        for row in against(comparisons, reference, metric).to_dict("records")
        if base(row["arm"]) in transfers and did_harm(row)
    ]


def did_harm(row: Mapping) -> bool:
    """Whether a comparison with the reference speaks of harm: its interval on the worse side, or more probably worse.

    row: of comparisons.csv; its metric says on which side of zero worse is.
    """
    worst_case = row["ci_high"] if sign(row["metric"]) > 0 else -row["ci_low"]
    return bool(worst_case < 0 or row["p_worse"] > 0.5)


def fallback(metrics: pd.DataFrame, reference: str, metric: str = JUDGED) -> str:
    """The best of the baselines and the reference by the mean of a metric per fold."""
    rows = per_fold(metrics, metric)
    plain = rows[[arm == reference or is_baseline(arm) for arm in rows["arm"]]]
    means = plain.groupby("arm", sort=False)["value"].mean().dropna()
    means = sign(metric) * means
    return str(means.idxmax()) if len(means) else reference
