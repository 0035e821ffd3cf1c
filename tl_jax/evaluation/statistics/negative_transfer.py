"""Where transfer did harm, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from tl_jax.evaluation.predictors.baselines import BASELINES
from tl_jax.evaluation.statistics.against import against, base, named
from tl_jax.evaluation.statistics.metrics import spearman_per_fold


def negative_transfer(
    comparisons: pd.DataFrame, metrics: pd.DataFrame, transfers: Collection[str], reference: str = "scratch"
) -> list[str]:
    """A line for every arm that starts from a source and is worse than the same network without one.

    comparisons: of evaluation/comparisons.py. metrics: the table that they were made of. transfers: names of the
    strategies that use a source; their variants ("NAME lr=...", "NAME@EPOCH") are arms of their own. An arm is warned
    of where the corrected interval of its per-fold Spearman minus the reference's lies below zero, or where it is
    worse with a probability above one half. The line names what to use instead: the best baseline by mean Spearman
    per fold, or the reference where no baseline is better.
    """
    instead = fallback(metrics, reference)
    return [
        f"negative transfer: {named(row['arm'], row['source'])} does worse than {reference}: Spearman per fold "
        f"{row['mean_difference']:+.2f} "
        f"(95 % {row['ci_low']:+.2f} to {row['ci_high']:+.2f}), worse with probability {row['p_worse']:.2f}; "
        f"{instead} predicts better here"
        for row in against(comparisons, reference).to_dict("records")
        if base(row["arm"]) in transfers and did_harm(row)
    ]


def did_harm(row: Mapping) -> bool:
    """Whether a comparison with the reference speaks of harm: its interval below zero, or more probably worse."""
    return bool(row["ci_high"] < 0 or row["p_worse"] > 0.5)


def fallback(metrics: pd.DataFrame, reference: str) -> str:
    """The best of the baselines and the reference by mean Spearman per fold."""
    rows = spearman_per_fold(metrics)
    means = rows[rows["arm"].isin([*BASELINES, reference])].groupby("arm", sort=False)["value"].mean().dropna()
    return str(means.idxmax()) if len(means) else reference
