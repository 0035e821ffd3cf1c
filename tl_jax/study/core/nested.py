"""Choosing a strategy, its learning rate and its epochs by inner folds, as someone with one cohort must."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tl_jax.data.splits import Fold
from tl_jax.evaluation.statistics.metrics import sign, to_choose_from
from tl_jax.evaluation.statistics.verdict import CHOICE
from tl_jax.keys import Repeats
from tl_jax.study.core.arms import Arm, How, run_arms
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.table import ArmResult, ResultTable, per_fold, result_of

INNER_FOLDS = 3
CHOICES = ("repeat", "fold", "arm", "source", "protocol", "inner_{metric}", "candidates")


def inner_folds(problem: Problem, number: int) -> tuple[ScaledFold, ...]:
    """Folds of the training rows of one outer fold; its held-out rows appear in none of them."""
    train, domain = problem.folds[number].fold.train, problem.domain
    drawn = problem.way.inside(number, INNER_FOLDS).draw(domain.response[train], domain.groups[train])
    return problem.scaled(Fold(Repeats.INNER + number, f.fold, train[f.train], train[f.test]) for f in drawn)


def inner_problem(problem: Problem) -> Problem:
    """The inner folds of every outer fold, as one problem; InputError where there are too few samples for them."""
    return problem.on([f for number in range(len(problem.folds)) for f in inner_folds(problem, number)])


def nested_choice(
    problem: Problem, inner: Problem, arms: Sequence[Arm], how: How, own: ResultTable
) -> tuple[ArmResult, pd.DataFrame]:
    """The arm that takes in each fold what did best in its inner folds, and the choices.

    Args:
        inner: inner_problem(problem). arms: the candidates. own: their results on the problem, whose held-out
        predictions are taken where they are chosen.
    Ties go to the candidate named first.
    """
    found = run_arms(inner, arms, how, "inner folds")
    scores = inner_scores(inner, found)
    predicted, choices = [], []
    for number, f in enumerate(problem.folds):
        row = scores.loc[Repeats.INNER + number]
        best = row.index[int(np.argmax(row.fillna(-np.inf).to_numpy()))]
        theirs = own.of(*best).predictions
        mine = theirs[(theirs["repeat"] == f.fold.repeat) & (theirs["fold"] == f.fold.fold)]
        predicted.append(mine["y_pred"].to_numpy())
        reached = sign(problem.metric) * float(row.max())
        choices.append((f.fold.repeat, f.fold.fold, *best, problem.protocol.name, reached, len(row)))
    columns = [name.format(metric=problem.metric) for name in CHOICES]
    return result_of(problem, CHOICE, "", predicted, {}), pd.DataFrame(choices, columns=columns)


def inner_scores(inner: Problem, found: ResultTable) -> pd.DataFrame:
    """Outer fold x (arm, source): mean of the metric over the inner folds, more being better; an error's is negative.

    NaN where no inner fold has one.
    """
    values = {(one.arm, one.source): per_fold(inner, one).set_index(["repeat", "fold"])["value"] for one in found}
    return to_choose_from(pd.DataFrame(values), inner.metric).groupby("repeat").mean()
