"""Folds that do not share rows: a block of rows for each, so that nothing downstream needs to know.

The run axis picks rows by index and scales each gene. What is not linear per gene, such as quantile normalisation
fitted on a fold's training rows, is done beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.preprocessing.preprocess import NOTHING
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.data.seen import preprocessed
from tl_jax.study.core.folds import ScaledFold

PER_SAMPLE = ("y", "samples", "groups", "tissue", "batch")


def in_blocks(
    domain: Domain, folds: list[ScaledFold], rows: Iterator[tuple[np.ndarray, np.ndarray]]
) -> tuple[Domain, list[ScaledFold]]:
    """(domain, folds) in which fold k has the k-th block of len(domain) rows, which need no further scaling.

    rows: (training rows, held-out rows) of each fold, (m, genes) float32, ready for a model. Names and responses are
    those of the domain, so predictions keep their sample names.
    """
    n, own = len(domain), []
    x = np.zeros((len(folds) * n, domain.x.shape[1]), np.float32)
    same = fit_scaler(x[:1], "none")
    for k, (f, (train_x, test_x)) in enumerate(zip(folds, rows, strict=True)):
        train, test = f.fold.train + k * n, f.fold.test + k * n
        x[train], x[test] = train_x, test_x
        fold = replace(f.fold, train=train, test=test)
        own.append(replace(f, fold=fold, train=same, test=same, y=np.tile(f.y, len(folds)), prepare=None))
    many = {name: np.concatenate([getattr(domain, name)] * len(folds)) for name in PER_SAMPLE}
    return replace(domain, x=x, replicate=None, preprocess=NOTHING, **many), own


def in_program(domain: Domain, folds: list[ScaledFold]) -> tuple[Domain, list[ScaledFold]]:
    """What the run axis can take: domain and folds as they are, or in blocks where they are preprocessed."""
    if all(f.prepare is None for f in folds):
        return domain, folds
    first = folds[0].prepare
    if all(f.prepare is first for f in folds):  # fitted on all rows: one table serves every fold
        x = preprocessed(domain, first, np.arange(len(domain)))
        return replace(domain, x=x, preprocess=NOTHING), [replace(f, prepare=None) for f in folds]
    return in_blocks(domain, folds, ((f.scaled_train(domain), f.scaled_test(domain)) for f in folds))
