"""How much of an arm's spread is the partition, the initialisation and the order of batches."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pandas as pd

from tl_jax.evaluation.statistics.metrics import mean_per_repeat
from tl_jax.evaluation.statistics.variance import variance_split
from tl_jax.study.cohort.cases import Run
from tl_jax.study.cohort.contestants import Contestants, predict_all

# Draws are apart from the study's own repeats.
FIRST_DRAW = 50_000
COLUMNS = ("arm", "source", "protocol", "component", "variance", "share", "note")


def spread(run: Run, arms: Contestants, levels: int) -> pd.DataFrame:
    """Variance components of the mean of the metric per fold, `levels` of each of the three factors, fully crossed.

    Arms without random numbers of their own have none of the last two and are left out.
    """
    networks = replace(arms, closed=())
    partitions = sorted({f.fold.repeat for f in arms.case.folds})[:levels]
    cells = list(product(partitions, range(levels), range(levels)))
    folds = [
        replace(f, fold=replace(f.fold, repeat=number), draws=(FIRST_DRAW + init, FIRST_DRAW + levels + order))
        for number, (partition, init, order) in enumerate(cells)
        for f in arms.case.folds
        if f.fold.repeat == partition
    ]
    found = []
    for name, source, tables in predict_all(run, networks, folds, "variance"):
        means = mean_per_repeat(tables.metrics, run.settings.metric)
        table = pd.DataFrame(cells, columns=["partition", "initialisation", "order"]).assign(value=means.to_numpy())
        found.append(variance_split(table).assign(arm=name, source=source, protocol=run.settings.protocol))
    return pd.concat(found, ignore_index=True)[list(COLUMNS)] if found else pd.DataFrame(columns=list(COLUMNS))
