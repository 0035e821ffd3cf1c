"""Every pair of arms of an experiment, compared on the folds they share, and all arms against one reference.

The main test of Spearman is that of `influence`, which needs held-out predictions; other metrics, and tables without
predictions, are tested by the corrected resampled t alone. The column `test` says by which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.families import BESIDE, TRANSFER, family_p, is_transfer, reference_of
from tl_jax.evaluation.statistics.influence import Held, Influence, InfluenceTest, influence_test
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
INFLUENCE, CORRECTED = "influence", "corrected t"  # in the column `test`
INFLUENCED = "spearman"  # the metric that the influence test is of
COLUMNS = (
    *("experiment", "protocol", "source_a", "arm_a", "source_b", "arm_b", "metric", "folds"),
    *("mean_difference", "ci_low", "ci_high", "test", "p", "reference", "family", "p_family"),
    *("t", "df", "p_corrected", "p_holm", "p_better", "p_rope", "p_worse"),
    *("rope", "win_rate", "cliffs_delta", "p_naive_wilcoxon"),
)
ARM = ("source", "arm")
Arms = dict[tuple[str, str], Influence]


def compare(
    metrics: pd.DataFrame,
    *,
    by_source: bool,
    predictions: pd.DataFrame | None = None,
    groups: Mapping[str, str] | None = None,
    reference: str | None = None,
    source_p: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """One row per metric and pair of arms that predicted the same held-out rows.

    Args:
        metrics: one row per experiment, protocol, source, arm, repeat, fold and metric, with value, n_train and n_test;
        a fold "pooled" stands for all folds of a repeat together. by_source: each source is an evaluated domain of its
        own, so that arms are compared within one source only.
        predictions: experiment, protocol, source, arm, repeat, fold, sample_id, y_true, y_pred; without them there is
        no influence test. groups: {sample_id: group} of related samples, which are one unit of that test.
        reference: the arm of the families; None: as `families.reference_of` fixes it. source_p: of `families.family_p`.

    mean_difference is a - b; p is that of `test`, and ci_low to ci_high its 95 % interval, which is at least as wide as
    the corrected resampled one since coverage matters more than width: it may hold 0 where p is below .05. p_family is
    p corrected for all arms of the `family` (those that start from a source, and those beside them) against the
    `reference`, and empty for pairs without it. t, df, p_corrected: of the corrected resampled t-test; p_holm: that p
    by Holm over all pairs of one experiment, protocol and metric (and source, with by_source). p_better, p_rope,
    p_worse: probabilities that a is better than b, equivalent within `rope`, or worse; win_rate and cliffs_delta count
    a as better too, so that for errors, where less is better, they point against the sign of the difference.
    p_naive_wilcoxon is the usual test over the pooled values of repeats, which is far too easily significant.
    """
    if metrics.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    study = ["experiment", "protocol", *(["source"] if by_source else [])]
    known = {} if predictions is None else influences(predictions, study, groups)
    found = []
    for key, rows in metrics.groupby([*study, "metric"], sort=False):
        own, tests = (known.get(key[:-1], {}) if key[-1] == INFLUENCED else {}), []
        part = pd.DataFrame(pairs(rows, key[-1], own, tests))
        if len(part):
            part["p_holm"] = holm(part["p_corrected"])
            part = in_families(part, tests, reference, source_p)
            found.append(part.assign(experiment=key[0], protocol=key[1], metric=key[-1]))
    return pd.concat(found, ignore_index=True)[list(COLUMNS)] if found else pd.DataFrame(columns=list(COLUMNS))


def influences(predictions: pd.DataFrame, keys: list[str], groups: Mapping[str, str] | None = None) -> dict:
    """{key of a study: {(source, arm): influence}} of the arms that predicted every sample in every repeat."""
    return {key: of_study(rows, groups) for key, rows in predictions.groupby(keys, sort=False)}


def of_study(rows: pd.DataFrame, groups: Mapping[str, str] | None = None) -> Arms:
    """{(source, arm): influence} of arms on the same folds; rows: repeat, fold, sample_id, y_true, y_pred, source, arm.

    Arms whose folds or samples are not those of the first are left out, and so is one with a gap.
    """
    found, held, first = {}, None, None
    for arm, part in rows.groupby(list(ARM), sort=False):
        wide = part.pivot(index="repeat", columns="sample_id", values=["fold", "y_true", "y_pred"])
        fold, observed, predicted = (wide[name].to_numpy(float) for name in ("fold", "y_true", "y_pred"))
        if held is None and np.isfinite(fold).all():
            first, samples = fold, list(wide["fold"].columns)
            unit = None if groups is None else [groups.get(name, name) for name in samples]
            held = Held.of(observed[0], fold.astype(int), unit)
        if held is not None and np.array_equal(fold, first) and np.isfinite(predicted).all():
            found[arm] = held.influence(predicted)
    return found


def in_families(part: pd.DataFrame, tests: list, asked: str | None, source_p: Mapping | None) -> pd.DataFrame:
    """The pairs with `reference`, `family` and `p_family`."""
    arms = list(pd.concat([part["arm_a"], part["arm_b"]]))
    reference = reference_of(arms) if asked is None else asked if asked in arms else None
    part = part.assign(reference=reference or "", family="", p_family=np.nan)
    if reference is None:
        return part
    rows = part[(part["arm_a"] == reference) != (part["arm_b"] == reference)]
    other = np.where(rows["arm_a"] == reference, "b", "a")
    named = [(row[f"arm_{k}"], row[f"source_{k}"]) for row, k in zip(rows.to_dict("records"), other, strict=True)]
    family = np.array([TRANSFER if is_transfer(*one) else BESIDE for one in named])
    for name in (TRANSFER, BESIDE):
        own = np.flatnonzero(family == name)
        if len(own):
            at = rows.index[own]
            sources = [named[k][1] for k in own]
            given = source_p if name == TRANSFER else None
            found = family_p(part.loc[at, "p"], [tests[k] for k in at], sources, given)
            part.loc[at, "family"], part.loc[at, "p_family"] = name, found
    return part


def pairs(rows: pd.DataFrame, metric: str, arms: Arms, tests: list) -> Iterator[dict]:
    """The comparisons of one metric; the influence test of each pair, or None, is put into `tests`."""
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
        found = comparison(*both.T, ratio, sign, ROPE * (np.abs(both).mean() if sign < 0 and len(both) else 1))
        tests.append(tested := influence_of(arms.get(a), arms.get(b), found["mean_difference"]))
        yield {
            **dict(zip(("source_a", "arm_a", "source_b", "arm_b"), (*a, *b), strict=True)),
            **found,
            **main_test(found, tested),
            "p_naive_wilcoxon": naive_wilcoxon(whole[:, 0] - whole[:, 1]),
        }


def influence_of(one: Influence | None, other: Influence | None, difference: float) -> InfluenceTest | None:
    """The influence test of two arms; None where one has no influence, or where predictions and metrics disagree."""
    if one is None or other is None:
        return None
    tested = influence_test(one, other)
    return tested if np.isclose(tested.difference, difference, rtol=0, atol=1e-9, equal_nan=True) else None


def main_test(found: dict, tested: InfluenceTest | None) -> dict:
    """test, p, ci_low, ci_high of a pair: of the influence test where there is one, else of the corrected t."""
    if tested is None:
        return {"test": CORRECTED, "p": found["p_corrected"]}
    return {"test": INFLUENCE, "p": tested.p, "ci_low": tested.wide_low, "ci_high": tested.wide_high}


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
