"""Many methods over several cohorts or drugs: one number for each pair of block and method.

Folds and repeats of one cohort are no blocks: they share samples, and a Friedman test over them finds differences
that are not there. Within one cohort `comparisons.compare` is the test.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.paired import corrected_t, holm, naive_wilcoxon

LEAST_BLOCKS, LEAST_METHODS = 5, 3


class Ranks(NamedTuple):
    """statistic, p: Friedman's chi-square (corrected for ties) with methods - 1 degrees of freedom, and its p.

    average: (methods,) Series of average ranks, 1 the best, best first. critical_difference: two methods whose average
    ranks are further apart differ by Nemenyi's test at alpha. pairs: a row per pair of methods, method_a,
    method_b, mean_difference (a - b) with its interval over blocks (ci_low, ci_high), p_nemenyi, p_wilcoxon, p_holm.
    """

    statistic: float
    p: float
    average: pd.Series
    critical_difference: float
    blocks: int
    alpha: float
    pairs: pd.DataFrame


def friedman(table: pd.DataFrame, alpha: float = 0.05) -> Ranks:
    """Compare the columns (methods) of a table over its rows (blocks: cohorts or drugs), higher being better.

    Demsar 2006: Friedman's test of all methods; then each pair, by Nemenyi's test on average ranks and by Wilcoxon's
    signed-rank test with Holm's correction. The mean difference has its ordinary t interval, since blocks share no
    samples. Where errors are the numbers, pass them with a minus.

    Raises InputError for fewer than 5 blocks or 3 methods, for names that are there twice, and for a gap.
    """
    check(table)
    values = table.to_numpy(np.float64)
    blocks, methods = values.shape
    ranks = stats.rankdata(-values, axis=1)
    average = pd.Series(ranks.mean(axis=0), index=table.columns, name="average_rank")
    if (ranks == ranks[0, 0]).all():  # all methods tie in every block: the statistic is 0 / 0
        statistic, p = 0.0, 1.0
    else:
        statistic, p = map(float, stats.friedmanchisquare(*values.T))
    scale = np.sqrt(methods * (methods + 1) / (6 * blocks))
    reach = float(stats.studentized_range.isf(alpha, methods, np.inf) / np.sqrt(2) * scale)
    pairs = pd.DataFrame([pair(table, a, b, average, scale) for a, b in combinations(table.columns, 2)])
    pairs["p_holm"] = holm(pairs["p_wilcoxon"])
    return Ranks(statistic, p, average.sort_values(kind="stable"), reach, blocks, alpha, pairs)


def pair(table: pd.DataFrame, a: str, b: str, average: pd.Series, scale: float) -> dict:
    """One pair of methods; scale: standard error of a difference of average ranks."""
    difference = (table[a] - table[b]).to_numpy(np.float64)
    over_blocks = corrected_t(difference, 0.0)  # without overlap it is the ordinary paired t-test
    apart = abs(average[a] - average[b]) / scale * np.sqrt(2)
    return {
        "method_a": a,
        "method_b": b,
        "mean_difference": float(difference.mean()),
        "ci_low": over_blocks.low,
        "ci_high": over_blocks.high,
        "p_nemenyi": float(stats.studentized_range.sf(apart, len(average), np.inf)),
        "p_wilcoxon": naive_wilcoxon(difference),  # naive for the repeats of one cohort, right for blocks
    }


def check(table: pd.DataFrame) -> None:
    """Raise InputError where the table allows no test."""
    blocks, methods = table.shape
    if blocks < LEAST_BLOCKS:
        raise InputError(
            f"{blocks} cohorts or drugs are too few to rank methods over them; at least {LEAST_BLOCKS}, "
            "or compare the methods within one cohort"
        )
    if methods < LEAST_METHODS:
        raise InputError(f"{methods} methods are too few for ranks; at least {LEAST_METHODS}")
    for names, what in ((table.columns, "method"), (table.index, "block")):
        if names.has_duplicates:
            raise InputError(f"the {what} {names[names.duplicated()][0]} is there twice; give one number for each")
    gaps = np.argwhere(~np.isfinite(table.to_numpy(np.float64)))
    if len(gaps):
        block, method = table.index[gaps[0][0]], table.columns[gaps[0][1]]
        raise InputError(f"{method} has no value for {block}; leave one of the two out")


def alike(ranks: Ranks) -> list[tuple[int, int]]:
    """First and last place (in `average`) of each largest run of methods that Nemenyi's test does not tell apart."""
    values, found = ranks.average.to_numpy(), []
    for first in range(len(values)):
        last = int(np.flatnonzero(values - values[first] <= ranks.critical_difference)[-1])
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
