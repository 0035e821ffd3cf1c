"""Learning curves: the same arms with fewer training samples, judged on the same held-out ones."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from tl_jax.data.subsample import subsampled
from tl_jax.evaluation.metrics import spearman_per_fold
from tl_jax.study.contestants import Contestants, predict_all
from tl_jax.study.cases import Run
from tl_jax.study.folds import scale_folds

COLUMNS = ("arm", "source", "protocol", "n_train", "n_test", "repeat", "fold", "value")


def sizes_of(arms: Contestants, asked: tuple[int, ...]) -> tuple[int, ...]:
    """The training sizes that were asked for, or about a third, half and three quarters of the smallest fold's."""
    most = min(len(f.fold.train) for f in arms.case.folds)
    return asked or tuple(dict.fromkeys(max(4, round(share * most)) for share in (1 / 3, 1 / 2, 3 / 4)))


def learning_curves(run: Run, arms: Contestants, asked: tuple[int, ...], repeats: int) -> pd.DataFrame:
    """Spearman per fold of every arm at every size, and at the full size from the study itself.

    repeats: of how many of the study's repeats the training rows are thinned.
    """
    case, settings = arms.case, run.settings
    kept = sorted({f.fold.repeat for f in case.folds})[:repeats]
    whole = [f.fold for f in case.folds if f.fold.repeat in kept]
    sizes = sizes_of(arms, asked)
    smaller = subsampled(whole, sizes, y=case.domain.response, groups=case.domain.groups, seed=settings.seed)
    most = round(sum(len(fold.train) for fold in whole) / len(whole))
    found = []
    for size, folds in [*smaller.items(), (most, whole)]:
        if not folds:
            continue
        scaled = scale_folds(case.domain, [replace(fold) for fold in folds], settings.rules)
        for name, source, tables in predict_all(run, arms, scaled, f"{size} samples"):
            rows = spearman_per_fold(tables.metrics).assign(arm=name, source=source, protocol=settings.protocol)
            found.append(rows.assign(n_train=size))
    return pd.concat(found, ignore_index=True)[list(COLUMNS)]
