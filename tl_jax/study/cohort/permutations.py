"""Does a model predict at all? The whole study again with labels that belong to nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tl_jax.data.splits import partitions
from tl_jax.evaluation.statistics.metrics import get, mean_per_repeat
from tl_jax.study.cohort.cases import Case, Run
from tl_jax.study.cohort.contestants import Contestants, predict_all
from tl_jax.study.core.arms import ArmTables
from tl_jax.study.core.folds import ScaledFold, scale_folds

# Keys of permuted runs are apart from those of the study's own repeats.
FIRST_REPEAT = 100_000
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


def permuted_folds(run: Run, case: Case, number: int) -> list[ScaledFold]:
    """One repeat on permuted labels: partition, scaling and all that follows see nothing else."""
    settings, domain = run.settings, case.domain
    rng = np.random.default_rng([settings.seed, number])
    y = permuted(domain.response, domain.groups, rng)
    # A seed of its own, so that the partitions of all permutations differ.
    folds = partitions(
        y, domain.groups, folds=settings.folds, repeats=1, seed=settings.seed + number, kind=settings.split
    )
    moved = [replace(fold, repeat=FIRST_REPEAT + number) for fold in folds]
    return scale_folds(replace(domain, y=y[:, None]), moved, settings.rules)


def permutation_test(run: Run, arms: Contestants, own: list[tuple[str, str, ArmTables]], count: int) -> pd.DataFrame:
    """One row per arm: its mean of the metric per fold, and how many of `count` permutations reach it.

    own: the study's tables, which hold the arms' true result. The statistic is that of one repeat (the study's
    first), on true labels as on permuted ones: the mean over folds. at_least: permutations that predict as well or
    better (an error as low or lower), those that diverged included; null_q95: what 95 % of them do not pass.
    p = (1 + at_least) / (1 + permutations) (Phipson and Smyth 2010). The source model is fixed: it has seen no label
    of the target.
    """
    null = [fold for number in range(1, count + 1) for fold in permuted_folds(run, arms.case, number)]
    metric, sign = run.settings.metric, get(run.settings.metric).sign
    observed, rows = {(name, source): tables.metrics for name, source, tables in own}, []
    for name, source, tables in predict_all(run, arms, null, "permutations"):
        seen = float(mean_per_repeat(observed[name, source], metric).iloc[0])
        chance = mean_per_repeat(tables.metrics, metric).to_numpy()
        reached = int((~(sign * chance < sign * seen)).sum())
        p = (1 + reached) / (1 + count) if np.isfinite(seen) else float("nan")
        known = chance[np.isfinite(chance)]
        null = (known.mean(), sign * np.quantile(sign * known, 0.95)) if len(known) else (float("nan"),) * 2
        ends = (count, reached, p, *null)
        rows.append((name, source, run.settings.protocol, seen, *ends))
    return pd.DataFrame(rows, columns=list(COLUMNS))
