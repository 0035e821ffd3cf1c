"""How much of an arm's spread is the partition, the initialisation and the order of batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.variance import variance_split
from tl_jax.keys import Repeats
from tl_jax.study.core.arms import Arm, How, run_arms
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.table import mean_by_repeat

COLUMNS = ("arm", "source", "protocol", "component", "variance", "share", "note")
FACTORS = ("partition", "initialisation", "order")


def varied_problem(problem: Problem, levels: int) -> Problem:
    """The problem's first partitions with `levels` initialisations and orders each; every cell is a repeat."""
    partitions = problem.repeats[:levels]
    if len(partitions) < 2:
        raise InputError("it compares partitions, so that at least 2 --repeats are needed")
    folds = [
        replace(
            f,
            fold=replace(f.fold, repeat=number),
            draws=(Repeats.VARIED + init, Repeats.VARIED + levels + order),
        )
        for number, (partition, init, order) in enumerate(product(partitions, range(levels), range(levels)))
        for f in problem.folds
        if f.fold.repeat == partition
    ]
    return problem.on(folds)


def variance_components(varied: Problem, arms: Sequence[Arm], how: How, levels: int) -> pd.DataFrame:
    """Variance components of the mean of the metric per fold, `levels` of each of the three factors, fully crossed.

    Arms without random numbers of their own have none of the last two and are left out.
    """
    partitions = len(varied.repeats) // levels**2
    cells = list(product(range(partitions), range(levels), range(levels)))
    found = []
    for one in run_arms(varied, [arm for arm in arms if arm.strategy], how, "variance"):
        table = pd.DataFrame(cells, columns=list(FACTORS)).assign(value=mean_by_repeat(varied, one).to_numpy())
        found.append(variance_split(table).assign(arm=one.arm, source=one.source, protocol=one.protocol))
    return pd.concat(found, ignore_index=True)[list(COLUMNS)] if found else pd.DataFrame(columns=list(COLUMNS))
