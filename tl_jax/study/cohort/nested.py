"""Choosing a strategy, its learning rate and its epochs by inner folds, as someone with one cohort must."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.data.domain import Domain
from tl_jax.data.splits import Fold, partitions
from tl_jax.evaluation.statistics.metrics import JUDGED, per_fold, sign, to_choose_from
from tl_jax.study.cohort.cases import Run
from tl_jax.study.cohort.contestants import Contestants, predict_all
from tl_jax.study.core.arms import ArmTables, tables
from tl_jax.study.core.folds import ScaledFold, scale_folds

ARM = "nested_choice"
# Inner repeats count from here, so that their keys are not those of the study's repeats.
FIRST_REPEAT = 200_000
INNER_FOLDS = 3
CHOICES = ("repeat", "fold", "arm", "source", "protocol", "inner_{metric}", "candidates")


def inner_folds(run: Run, domain: Domain, outer: ScaledFold, number: int) -> list[ScaledFold]:
    """Folds of the training rows of one outer fold; its held-out rows appear in none of them."""
    train, settings = outer.fold.train, run.settings
    inner = partitions(
        domain.response[train],
        domain.groups[train],
        folds=INNER_FOLDS,
        repeats=1,
        seed=settings.seed + number,
        kind="plain" if settings.split == "leave_one_out" else settings.split,
    )
    own = [Fold(FIRST_REPEAT + number, f.fold, train[f.train], train[f.test]) for f in inner]
    return scale_folds(domain, own, settings.rules)


def choose(inner: list[tuple[str, str, ArmTables]], metric: str = JUDGED) -> pd.DataFrame:
    """Outer fold x (arm, source): mean of the metric over the inner folds, more being better; an error's is negative.

    NaN where no inner fold has one.
    """
    values = {
        (name, source): per_fold(found.metrics, metric).set_index(["repeat", "fold"])["value"]
        for name, source, found in inner
    }
    return to_choose_from(pd.DataFrame(values), metric).groupby("repeat").mean()


def nested_choice(
    run: Run, arms: Contestants, outer: list[tuple[str, str, ArmTables]]
) -> tuple[ArmTables, pd.DataFrame]:
    """(tables of the arm that takes in each fold what did best in its inner folds, the choices).

    outer: the study's own tables of the candidates, whose held-out predictions are taken where they are chosen. Ties
    go to the candidate named first.
    """
    case, metric = arms.case, run.settings.metric
    folds = [f for number, one in enumerate(case.folds) for f in inner_folds(run, case.domain, one, number)]
    scores = choose(predict_all(run, arms, folds, "inner folds"), metric)
    held_out = {(name, source): found.predictions for name, source, found in outer}
    predicted, choices = [], []
    for number, f in enumerate(case.folds):
        row = scores.loc[FIRST_REPEAT + number]
        best = row.index[int(np.argmax(row.fillna(-np.inf).to_numpy()))]
        theirs = held_out[best]
        mine = theirs[(theirs["repeat"] == f.fold.repeat) & (theirs["fold"] == f.fold.fold)]
        predicted.append(mine["y_pred"].to_numpy())
        choices.append(
            (f.fold.repeat, f.fold.fold, *best, run.settings.protocol, sign(metric) * float(row.max()), len(row))
        )
    columns = [name.format(metric=metric) for name in CHOICES]
    return tables(case.domain, case.folds, predicted, {}), pd.DataFrame(choices, columns=columns)
