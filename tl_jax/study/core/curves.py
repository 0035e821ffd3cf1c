"""Learning curves: the same arms with fewer training samples, judged on the same held-out ones."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tl_jax.data.subsample import subsampled
from tl_jax.errors import InputError
from tl_jax.study.core.arms import Arm, How, run_arms
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.table import ResultTable, per_fold

FEWEST = 4  # training samples of a curve, where none were named
COLUMNS = ("arm", "source", "protocol", "n_train", "n_test", "repeat", "fold", "value")


def sizes_of(problem: Problem, asked: tuple[int, ...]) -> tuple[int, ...]:
    """The training sizes that were asked for, or about a third, half and three quarters of the smallest fold's."""
    most = min(len(f.fold.train) for f in problem.folds)
    usual = (max(FEWEST, round(share * most)) for share in (1 / 3, 1 / 2, 3 / 4))
    sizes = tuple(dict.fromkeys(size for size in asked or usual if size != most))
    if not asked and (not sizes or max(sizes) > most):
        raise InputError(f"they begin at {FEWEST} training samples, and a fold has {most}")
    return sizes


def thinned_problems(problem: Problem, asked: tuple[int, ...], repeats: int) -> dict[int, Problem]:
    """{size: the problem's first repeats with so many training rows}; InputError for sizes that do not fit."""
    kept = set(problem.repeats[:repeats])
    whole = [f.fold for f in problem.folds if f.fold.repeat in kept]
    domain, sizes = problem.domain, sizes_of(problem, asked)
    smaller = subsampled(whole, sizes, y=domain.response, groups=domain.groups, seed=problem.way.seed)
    return {size: problem.on(problem.scaled(folds)) for size, folds in smaller.items()}


def learning_curves(
    problem: Problem, thinned: dict[int, Problem], arms: Sequence[Arm], how: How, own: ResultTable
) -> pd.DataFrame:
    """The metric per fold of every arm at every size.

    Args:
        thinned: see thinned_problems. own: the arms' results on the problem itself, which are the full size.
    """
    kept = {f.fold.repeat for one in thinned.values() for f in one.folds}
    whole = [f.fold for f in problem.folds if f.fold.repeat in kept]
    most = round(sum(len(fold.train) for fold in whole) / len(whole))
    found = {size: run_arms(smaller, arms, how, f"{size} samples") for size, smaller in thinned.items()}
    tables = [*found.items(), (most, own.only({key for table in found.values() for key in table.arms}))]
    curves = [
        per_fold(problem, one).assign(arm=one.arm, source=one.source, protocol=one.protocol, n_train=size)
        for size, table in tables
        for one in table
    ]
    whole_curves = pd.concat(curves, ignore_index=True)[list(COLUMNS)]
    return whole_curves[whole_curves["repeat"].isin(kept)].reset_index(drop=True)
