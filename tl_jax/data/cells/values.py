"""What kind of values a table of cells holds: counts, logged, z-scored or scaled to 0..1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse

from tl_jax.errors import InputError

COUNTS, LOG, ZSCORE, UNIT = "counts", "log", "zscore", "unit"
KINDS = (COUNTS, LOG, ZSCORE, UNIT)
# No natural or binary logarithm of a count or of counts per million reaches this.
HIGHEST_LOG = 25.0
CENTRED = 0.05  # a z-scored gene's mean, in its own standard deviations


def kind_of_values(x: np.ndarray | sparse.csr_matrix, stated: str, path: Path) -> str:
    """The kind of (cells, genes) values.

    Args:
        stated: what the user says; "" to find it.
    Raises:
        InputError: the values contradict what is stated, or cannot be told apart.
    """
    stored = x.data if sparse.issparse(x) else x
    low, high = (float(stored.min()), float(stored.max())) if stored.size else (0.0, 0.0)
    low = min(low, 0.0) if sparse.issparse(x) else low
    whole = bool((stored == np.rint(stored)).all())
    if stated:
        return _checked(stated, low, high, whole, path)
    if low < 0:
        if not sparse.issparse(x) and _centred(x):
            return ZSCORE
    elif whole and high > 1:
        return COUNTS
    elif not whole and high <= 1:
        return UNIT
    elif not whole and high < HIGHEST_LOG:
        return LOG
    raise InputError(
        f"{path}: its values ({low:g} to {high:g}, {'whole' if whole else 'with fractions'}) may be of several kinds; "
        f"say which as --values={'|'.join(KINDS)}"
    )


def _centred(x: np.ndarray) -> bool:
    """Whether most genes have mean 0."""
    spread = x.std(axis=0)
    mean = np.abs(x.mean(axis=0, dtype=np.float64))
    return bool(np.median(mean[spread > 0] / spread[spread > 0]) < CENTRED) if (spread > 0).any() else False


def _checked(stated: str, low: float, high: float, whole: bool, path: Path) -> str:
    """What is stated, where the values allow it."""
    if stated not in KINDS:
        raise InputError(f"--values={stated}: there are: {', '.join(KINDS)}")
    wrong = {
        COUNTS: low < 0 or not whole,
        LOG: low < 0 or high >= HIGHEST_LOG,
        UNIT: low < 0 or high > 1,
        ZSCORE: low >= 0,
    }
    if wrong[stated]:
        kind = "whole" if whole else "with fractions"
        raise InputError(f"{path}: its values ({low:g} to {high:g}, {kind}) are not {stated}; correct --values")
    return stated
