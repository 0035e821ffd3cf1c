"""A target moved towards a source before layer 1, fold by fold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.scaling import fit_scaler
from tl_jax.study.folds import ScaledFold


def aligned(domain: Domain, folds: list[ScaledFold], align, source_rows: np.ndarray, all_rows: bool):
    """(domain, folds) in which each fold has rows of its own: scaled, then moved as its training rows say.

    align, source_rows: align(source_rows)(training rows)(rows), see transfer/alignment.py. all_rows: fitted on the
    held-out rows' expression too, as the protocol transductive allows. The domain holds one block of len(domain)
    rows for each fold, so that nothing downstream needs to know; predictions keep their sample names.
    """
    fit, n, blocks, moved_folds = align(source_rows), len(domain), [], []
    same = fit_scaler(domain.x, "none")
    for k, f in enumerate(folds):
        train, test = f.fold.train, f.fold.test
        scaled_train, scaled_test = f.train.apply(domain.x[train]), f.test.apply(domain.x[test])
        move = fit(np.concatenate([scaled_train, scaled_test]) if all_rows else scaled_train)
        block = np.zeros_like(domain.x)
        block[train], block[test] = move(scaled_train), move(scaled_test)
        blocks.append(block)
        fold = replace(f.fold, train=train + k * n, test=test + k * n)
        moved_folds.append(ScaledFold(fold, same, same, f.response, np.tile(f.y, len(folds))))
    many = {name: np.concatenate([getattr(domain, name)] * len(folds)) for name in ("y", "samples", "groups", "tissue")}
    return replace(domain, x=np.concatenate(blocks), replicate=None, **many), moved_folds
