"""Folds with fewer training rows: what a smaller cohort would have had to learn from, judged on the same held-out rows.

Learning curves compare sizes on equal terms only if each size tests the same rows and a smaller training set lies
inside the larger one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tl_jax.data.splits import Fold, above_median
from tl_jax.errors import InputError


def subsampled(folds: Sequence[Fold], sizes: Sequence[int], *, y, groups, seed: int) -> dict[int, list[Fold]]:
    """{size: folds} with `size` training rows in each fold, ascending in size, the folds in their order.

    y: (n,) response and groups: (n,) of the whole cohort, of which only a fold's training rows are looked at. sizes:
    different, each from 2 to the smallest training set. Test rows are the same in every size. A fold's training rows
    are put in one random order, and each size takes the first of them, so that a smaller set lies within a larger one.
    The order keeps groups together (a size cuts at most one of them) and mixes rows above and below the training rows'
    median in their own proportion. It depends on seed, repeat and fold, not on the sizes asked for.
    Raises InputError for sizes that do not fit.
    """
    y, groups = np.asarray(y, np.float64), np.asarray(groups)
    _check(folds, sizes)
    orders = [_order(fold.train, y[fold.train], groups[fold.train], (seed, fold.repeat, fold.fold)) for fold in folds]
    return {
        int(size): [replace(f, train=np.sort(order[:size])) for f, order in zip(folds, orders, strict=True)]
        for size in sorted(sizes)
    }


def _check(folds, sizes):
    if not folds:
        raise ValueError("no folds to take training rows from")
    if not len(sizes) or len(set(sizes)) < len(sizes):
        raise InputError(f"training sizes are {list(sizes)}; name at least one, each once")
    most = min(len(fold.train) for fold in folds)
    for size in sizes:
        if not 2 <= size <= most:
            raise InputError(f"training size {size} does not fit: it must lie in 2..{most}, the smallest training set")


def _order(rows, y, groups, key):
    """Training rows so that every beginning keeps groups whole, but its last, and the share of rows above the median.

    Groups are drawn at random, from the side of the median that lags behind its share; a group's own side is that of
    most of its rows.
    """
    rng = np.random.default_rng(key)
    above, code = above_median(y), np.unique(groups, return_inverse=True)[1]
    sides = ([], [])
    for group in rng.permutation(code.max() + 1):
        members = rng.permutation(np.flatnonzero(code == group))
        sides[int(above[members].mean() > 0.5)].append(members)
    share, order = above.mean(), []
    while sides[0] or sides[1]:
        lag = share * len(order) - above[order].sum() if order else 0.0
        side = int(lag > 0) if abs(lag) > 1e-9 else int(rng.random() < share)
        order += list(sides[side if sides[side] else 1 - side].pop())
    return rows[order]
