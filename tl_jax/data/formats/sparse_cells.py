"""Cells x genes that are stored sparsely: checked, averaged over groups of cells, or laid out as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tl_jax.data.tables.archives import check_size
from tl_jax.data.tables.cells import examples
from tl_jax.errors import InputError

if TYPE_CHECKING:
    from scipy import sparse


def compressed(data, indices, indptr, shape: tuple[int, int], by_rows: bool, path: Path) -> sparse.csr_matrix:
    """The matrix of a CSR (by_rows) or CSC triple; InputError where its parts contradict each other.

    data, indices: (stored,); indptr: (rows + 1,), or (columns + 1,) of a CSC.
    """
    major, minor = shape if by_rows else shape[::-1]
    ends = np.asarray(indptr, dtype=np.int64)
    fits = len(ends) == major + 1 and ends[0] == 0 and ends[-1] == len(data) == len(indices)
    fits = fits and bool((np.diff(ends) >= 0).all())
    if not fits or (len(indices) and (indices.min() < 0 or indices.max() >= minor)):
        raise InputError(
            f"{path}: the parts of its sparse matrix of {shape[0]} x {shape[1]} contradict each other; save it again"
        )
    from scipy import sparse

    kind = sparse.csr_matrix if by_rows else sparse.csc_matrix
    return kind((data, indices, ends), shape=shape).tocsr()


def refuse_shape(shape, expected: tuple[int, int], path: Path) -> None:
    """InputError where a matrix has not as many cells and genes as are named; asked before anything is laid out."""
    if tuple(map(int, shape)) != expected:
        sides = " x ".join(str(int(size)) for size in shape)
        named = f"{expected[0]} cells and {expected[1]} genes are named"
        raise InputError(f"{path}: its matrix is {sides}, but {named}; fetch or save it again")


def cells_frame(
    matrix: np.ndarray | sparse.csr_matrix, cells: list[str], genes: list[str], pooled: list[str] | None, path: Path
) -> pd.DataFrame:
    """Samples x genes: the cells, or the mean of the cells of each group.

    matrix: (cells, genes) dense or sparse. pooled: group of each cell ("" is refused), or None for the cells
    themselves. Groups stand in order of first appearance. Means are float64; else the float type of the matrix,
    or float32 where it holds whole numbers that float32 has exactly.
    """
    if pooled is not None:
        cells, matrix = _means(matrix, pooled, path)
    check_size(len(cells) * len(genes) * 8, path, f"a table of {len(cells)} cells and {len(genes)} genes")
    if not isinstance(matrix, np.ndarray):
        matrix = matrix.astype(_float(matrix.data)).toarray()
    return pd.DataFrame(np.asarray(matrix, dtype=_float(matrix)), index=cells, columns=genes)


def _means(matrix, pooled: list[str], path: Path) -> tuple[list[str], np.ndarray]:
    unknown = pooled.count("")
    if unknown:
        raise InputError(f"{path}: {unknown} cells have no value of the column that pool_by names; choose another")
    codes, groups = pd.factorize(np.array(pooled, dtype=object))
    if len(groups) == len(pooled) > 1:
        raise InputError(f"{path}: pool_by gives each cell its own sample ({examples(groups)}); choose another column")
    from scipy import sparse

    weight = sparse.csr_matrix((1.0 / np.bincount(codes)[codes], (codes, np.arange(len(codes)))))
    check_size(len(groups) * matrix.shape[1] * 8, path, "the table of means")
    product = weight @ matrix
    return list(groups), product if isinstance(product, np.ndarray) else product.toarray()


def _float(array: np.ndarray) -> type:
    if array.dtype.kind == "f":
        return np.float32 if array.dtype.itemsize <= 4 else np.float64
    exact = not array.size or max(abs(int(array.min())), abs(int(array.max()))) <= 1 << 24
    return np.float32 if exact else np.float64
