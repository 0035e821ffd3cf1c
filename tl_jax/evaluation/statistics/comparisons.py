"""Every pair of arms of an experiment, compared on the folds they share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.metrics import held_out_ratio, is_pooled
from tl_jax.evaluation.statistics.metrics import sign as sign_of
from tl_jax.evaluation.statistics.paired import (
    cliffs_delta,
    corrected_t,
    correlated_bayes,
    holm,
    naive_wilcoxon,
    win_rate,
)

# Differences no larger than this count as none: of a correlation or R2; of an error, as a share of the pair's mean.
ROPE = 0.05
COLUMNS = (
    *("experiment", "protocol", "source_a", "arm_a", "source_b", "arm_b", "metric", "folds"),
    *("mean_difference", "ci_low", "ci_high", "t", "df", "p_corrected", "p_holm", "p_better", "p_rope", "p_worse"),
    *("rope", "win_rate", "cliffs_delta", "p_naive_wilcoxon"),
)


def compare(metrics: pd.DataFrame, *, by_source: bool) -> pd.DataFrame:
    """One row per metric and pair of arms that predicted the same held-out rows.

    metrics: one row per experiment, protocol, source, arm, repeat, fold and metric, with value, n_train and n_test;
    a fold "pooled" stands for all folds of a repeat together. by_source: each source is an evaluated domain of its
    own, so that arms are compared within one source only.

    mean_difference is a - b with its corrected 95 % interval. p_better, p_rope, p_worse: probabilities that a is
    better than b, equivalent within `rope`, or worse; win_rate and cliffs_delta count a as better too, so that for
    errors, where less is better, they point against the sign of the difference. p_holm counts all pairs of one
    experiment, protocol and metric (and source, with by_source). p_naive_wilcoxon is the usual test over the pooled
    values of repeats, which is far too easily significant.
    """
    if metrics.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    keys = ["experiment", "protocol", *(["source"] if by_source else []), "metric"]
    found = []
    for key, rows in metrics.groupby(keys, sort=False):
        part = pd.DataFrame(pairs(rows, key[-1]))
        if len(part):
            part["p_holm"] = holm(part["p_corrected"])
            found.append(part.assign(experiment=key[0], protocol=key[1], metric=key[-1]))
    return pd.concat(found, ignore_index=True)[list(COLUMNS)] if found else pd.DataFrame(columns=list(COLUMNS))


def pairs(rows: pd.DataFrame, metric: str) -> Iterator[dict]:
    """The comparisons of one metric."""
    over_repeats = is_pooled(rows)
    folds = table(rows[~over_repeats], ["repeat", "fold"])
    repeats = table(rows[over_repeats], ["repeat"])
    ratio = held_out_ratio(rows[~over_repeats])
    sign = sign_of(metric)
    nothing = np.full(len(repeats), np.nan)
    # Columns as arrays once: a study of sixty arms has thousands of pairs, and pandas takes milliseconds for each.
    columns = {arm: folds[arm].to_numpy(np.float64) for arm in folds.columns}
    pooled = {arm: repeats[arm].to_numpy(np.float64) if arm in repeats else nothing for arm in folds.columns}
    for a, b in combinations(columns, 2):
        both, whole = (np.column_stack([values[a], values[b]]) for values in (columns, pooled))
        both, whole = (rows[~np.isnan(rows).any(axis=1)] for rows in (both, whole))
        yield {
            **dict(zip(("source_a", "arm_a", "source_b", "arm_b"), (*a, *b), strict=True)),
            **comparison(*both.T, ratio, sign, ROPE * (np.abs(both).mean() if sign < 0 and len(both) else 1)),
            "p_naive_wilcoxon": naive_wilcoxon(whole[:, 0] - whole[:, 1]),
        }


def table(rows: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    """Values with one column per (source, arm), in the order of their first appearance."""
    order = list(dict.fromkeys(zip(rows["source"], rows["arm"], strict=True)))
    return rows.pivot(index=index, columns=["source", "arm"], values="value")[order]


def comparison(a: np.ndarray, b: np.ndarray, ratio: float, sign: int, rope: float) -> dict:
    """What the paired values (folds,) of two arms say; sign: 1 where more is better, else -1."""
    test = corrected_t(a - b, ratio)
    worse, same, better = correlated_bayes(sign * (a - b), ratio, rope)
    return {
        "folds": len(a),
        "mean_difference": float(np.mean(a - b)) if len(a) else float("nan"),
        "ci_low": test.low,
        "ci_high": test.high,
        "t": test.t,
        "df": test.df,
        "p_corrected": test.p,
        "p_better": better,
        "p_rope": same,
        "p_worse": worse,
        "rope": rope,
        "win_rate": win_rate(sign * (a - b)),
        "cliffs_delta": cliffs_delta(sign * a, sign * b),
    }
