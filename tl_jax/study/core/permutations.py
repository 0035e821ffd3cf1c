"""Does a model predict at all? The whole study again with labels that belong to nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.metrics import sign
from tl_jax.keys import Repeats
from tl_jax.study.core.arms import Arm, How, run_arms
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.table import ResultTable, mean_by_repeat

COLUMNS = ("arm", "source", "protocol", "observed", "permutations", "at_least", "p", "null_mean", "null_q95")


def permuted(y: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) labels shuffled between groups of equal size, in blocks, so that related samples keep related labels."""
    code = np.unique(groups, return_inverse=True)[1]
    members = [np.flatnonzero(code == number) for number in range(code.max() + 1)]
    shuffled = np.array(y, np.float64)
    for size in {len(rows) for rows in members}:
        alike = [rows for rows in members if len(rows) == size]
        for rows, number in zip(alike, rng.permutation(len(alike)), strict=True):
            shuffled[rows] = y[alike[number]]
    return shuffled


def permuted_folds(problem: Problem, number: int) -> tuple[ScaledFold, ...]:
    """One repeat on permuted labels: partition, scaling and all that follows see nothing else."""
    domain, own = problem.domain, problem.way
    y, rng = domain.response.copy(), np.random.default_rng([own.seed, number])
    for rows in own.exchanged(len(domain)):
        y[rows] = permuted(domain.response[rows], domain.groups[rows], rng)
    folds = own.once(y, domain.groups, number)
    return problem.scaled((replace(fold, repeat=Repeats.PERMUTED + number) for fold in folds), y)


def permuted_problem(problem: Problem, count: int) -> Problem:
    """`count` repeats on permuted labels, as one problem; InputError where a partition cannot be drawn."""
    return problem.on([f for number in range(1, count + 1) for f in permuted_folds(problem, number)])


def permutation_test(permuted: Problem, arms: Sequence[Arm], how: How, own: ResultTable) -> pd.DataFrame:
    """One row per arm: its mean of the metric per fold, and how many of the permutations reach it.

    Args:
        permuted: see permuted_problem. own: the arms' results on true labels.
    The statistic is that of one repeat (the study's first), on true labels as on permuted ones: the mean over folds.
    at_least: permutations that predict as well or better (an error as low or lower), those that diverged included;
    null_q95: what 95 % of them do not pass. p = (1 + at_least) / (1 + permutations) (Phipson and Smyth 2010). The
    source model is fixed: it has seen no label of the target.
    """
    rows, direction = [], sign(permuted.metric)
    for one in run_arms(permuted, arms, how, "permutations"):
        seen = float(mean_by_repeat(permuted, own.of(one.arm, one.source)).iloc[0])
        chance = mean_by_repeat(permuted, one).to_numpy()
        reached, count = int((~(direction * chance < direction * seen)).sum()), len(chance)
        p = (1 + reached) / (1 + count) if np.isfinite(seen) else float("nan")
        known = chance[np.isfinite(chance)]
        null = (known.mean(), direction * np.quantile(direction * known, 0.95)) if len(known) else (float("nan"),) * 2
        ends = (count, reached, p, *null)
        rows.append((one.arm, one.source, one.protocol, seen, *ends))
    return pd.DataFrame(rows, columns=list(COLUMNS))
