"""A target moved towards a source before layer 1, fold by fold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.study.core.blocks import in_blocks
from tl_jax.study.core.folds import ScaledFold


def aligned(
    domain: Domain, folds: list[ScaledFold], align, source_rows: np.ndarray, all_rows: bool
) -> tuple[Domain, list[ScaledFold]]:
    """(domain, folds) in which each fold has rows of its own: scaled, then moved as its training rows say.

    align, source_rows: align(source_rows)(training rows)(rows), see transfer/alignment.py. all_rows: fitted on the
    held-out rows' expression too, as the protocol transductive allows.
    """
    fit = align(source_rows)

    def moved() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for f in folds:
            train, test = f.scaled_train(domain), f.scaled_test(domain)
            move = fit(np.concatenate([train, test]) if all_rows else train)
            yield move(train), move(test)

    return in_blocks(domain, folds, moved())
