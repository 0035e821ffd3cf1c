"""log2 expression from values that were standardised within each line, where a filled-in constant fixes the zero.

A line's values are z = (x - mean) / sd over its genes, with mean and sd not kept. Genes that the platform lacks were
filled with one constant before that, so that (x - constant) / sd is known exactly. RMA quantile-normalises whole
arrays: the highest values of all lines are nearly the same numbers, and that gives sd.
"""

from __future__ import annotations

import numpy as np

from tl_jax.errors import InputError

FILL = 2.0  # log2; what missing genes were filled with: 2.00000 in each of 200 lines whose scale is known
TOP = 20  # highest values of a line, which are taken to be the same in all
TOP_MEAN = 12.376  # log2; their mean in those 200 lines (95 % from 12.15 to 12.57)


def fill_columns(z: np.ndarray) -> np.ndarray:
    """(genes,) booleans: the columns of (lines, genes) that were filled with a constant before standardisation.

    Filled genes share one column of values; they are the largest group of equal columns. InputError where no two
    columns are equal, or two groups are largest.
    """
    columns = np.ascontiguousarray(z.T)
    keys = columns.view(np.dtype((np.void, columns.dtype.itemsize * columns.shape[1]))).ravel()
    _, group, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    largest = np.flatnonzero(sizes == sizes.max())
    if sizes.max() < 2 or len(largest) > 1:
        raise InputError("expression: no one constant was filled in for missing genes, so log2 cannot be restored")
    return group == largest[0]


def restored(z: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """(lines, genes without the filled) float64, log2, from standardised (lines, genes) and `fill_columns`.

    The order of a line's values is that of z. The zero is exact; the scale of a line is right to about 1 %
    (docs/gdsc.md). Raises InputError where a value lies at or below the constant, or fewer than 50 genes are left.
    """
    if (~filled).sum() < 50:
        raise InputError(f"expression: {(~filled).sum()} genes are left beside the filled ones; 50 are needed")
    above = z[:, ~filled].astype(np.float64) - z[:, filled][:, :1].astype(np.float64)
    if above.min() <= 0:
        raise InputError("expression: some values lie at or below the constant that missing genes were given")
    top = np.partition(above, -TOP, axis=1)[:, -TOP:].mean(axis=1, keepdims=True)
    return FILL + above * ((TOP_MEAN - FILL) / top)
