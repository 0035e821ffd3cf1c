"""Learning curves: the same arms with fewer training samples, judged on the same held-out ones."""

from __future__ import annotations

import pandas as pd

from tl_jax.data.subsample import subsampled
from tl_jax.evaluation.statistics.metrics import per_fold
from tl_jax.study.cohort.cases import Run
from tl_jax.study.cohort.contestants import Contestants, predict_all
from tl_jax.study.core.arms import ArmTables
from tl_jax.study.core.folds import scale_folds

COLUMNS = ("arm", "source", "protocol", "n_train", "n_test", "repeat", "fold", "value")


def sizes_of(arms: Contestants, asked: tuple[int, ...]) -> tuple[int, ...]:
    """The training sizes that were asked for, or about a third, half and three quarters of the smallest fold's."""
    most = min(len(f.fold.train) for f in arms.case.folds)
    sizes = asked or tuple(max(4, round(share * most)) for share in (1 / 3, 1 / 2, 3 / 4))
    return tuple(dict.fromkeys(size for size in sizes if size != most))


def learning_curves(
    run: Run, arms: Contestants, own: list[tuple[str, str, ArmTables]], asked: tuple[int, ...], repeats: int
) -> pd.DataFrame:
    """The metric per fold of every arm at every size.

    own: the study's tables, which hold the full size. repeats: of how many repeats the training rows are thinned.
    """
    case, settings = arms.case, run.settings
    kept = sorted({f.fold.repeat for f in case.folds})[:repeats]
    whole = [f.fold for f in case.folds if f.fold.repeat in kept]
    sizes = sizes_of(arms, asked)
    smaller = subsampled(whole, sizes, y=case.domain.response, groups=case.domain.groups, seed=settings.seed)
    most = round(sum(len(fold.train) for fold in whole) / len(whole))
    sized = [(size, scale_folds(case.domain, folds, settings.rules)) for size, folds in smaller.items()]
    found = [(size, predict_all(run, arms, folds, f"{size} samples")) for size, folds in sized]
    thinned = {(name, source) for _, tables in found for name, source, _ in tables}
    found.append((most, [one for one in own if one[:2] in thinned]))
    curves = [
        per_fold(tables.metrics, settings.metric).assign(
            arm=name, source=source, protocol=settings.protocol, n_train=size
        )
        for size, arms_found in found
        for name, source, tables in arms_found
    ]
    whole_curves = pd.concat(curves, ignore_index=True)[list(COLUMNS)]
    return whole_curves[whole_curves["repeat"].isin(kept)].reset_index(drop=True)
