"""AnnData files (.h5ad), read by h5py alone: values, the table of cells (obs), old and new ways to store them.

Source: anndata's on-disk format (https://anndata.readthedocs.io, "On-disk format"), and what its versions before
0.7 (tables as compound arrays) and before 0.8 (categories beside the columns) wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tl_jax.data.formats.hdf5 import as_text, checked, child, is_group, needed, numbers, opened, values
from tl_jax.data.formats.registry import as_it_is, expression_reader
from tl_jax.data.formats.sparse_cells import cells_frame, compressed, refuse_shape
from tl_jax.data.preprocessing.transforms import refuse_logged
from tl_jax.data.tables.cells import as_ids, clean_ids, nearest, shown
from tl_jax.data.tables.losses import lost
from tl_jax.errors import InputError

if TYPE_CHECKING:
    from scipy import sparse

CELL = "cell"
UNASSIGNED = re.compile(r"|nan|na|none|unassigned|unknown|negative|doublets?|multiplets?", re.IGNORECASE)


def is_h5ad(path: Path) -> bool:
    """Whether a file is an .h5ad by its name (also packed as .gz)."""
    return path.name.lower().removesuffix(".gz").endswith(".h5ad")


def read_obs(path: Path) -> pd.DataFrame:
    """The table of cells: their names first (called 'cell', or as the file calls its index), then its columns.

    Columns that are neither numbers nor texts are left out.
    """
    with opened(path) as file:
        return _table(file, "obs", path)


def read_h5ad(path: Path, table) -> pd.DataFrame:
    """Samples x genes of an .h5ad, before any transform.

    table.layer: "" or "X", "raw/X", or the name of a layer. gene_column: a column of var, "" for its index.
    sample_column: a column of obs that names the cells, "" for its index. pool_by: a column of obs; the cells of
    one value are averaged.
    """
    matrix, var, obs = read_parts(path, table.layer)
    genes = clean_ids(_column(var, table.gene_column, path, "gene_column"), path, "gene")
    cells = clean_ids(_column(obs, table.sample_column, path, "sample_column"), path, "cell")
    if not table.pool_by:
        return cells_frame(matrix, cells, genes, None, path)
    pooled = as_ids(_column(obs, table.pool_by, path, "pool_by"))
    known = np.array([not UNASSIGNED.fullmatch(name) for name in pooled], dtype=bool)
    gone = [cell for cell, kept in zip(cells, known, strict=True) if not kept]
    lost(path, "cells", gone, len(cells), f"have no value in '{table.pool_by}'", "choose another column (pool_by)")
    if gone:
        matrix, cells = matrix[known], [cell for cell, kept in zip(cells, known, strict=True) if kept]
    measured = matrix if isinstance(matrix, np.ndarray) else matrix.data[None]
    refuse_logged(table.any_transform, measured, f"{path}")
    return cells_frame(matrix, cells, genes, [name for name, kept in zip(pooled, known, strict=True) if kept], path)


def read_parts(path: Path, layer: str = "") -> tuple[np.ndarray | sparse.csr_matrix, pd.DataFrame, pd.DataFrame]:
    """The values of a layer (cells, genes), dense or CSR as they are stored, var (or raw/var) and obs.

    layer: "" or "X", "raw/X", or the name of a layer.
    """
    with opened(path) as file:
        where, genes_at = _places(file, layer or "X", path)
        var, obs = _table(file, genes_at, path), _table(file, "obs", path)
        return _matrix(child(file, where, path), (len(obs), len(var)), path), var, obs


def rows_on_disk(path: Path, layer: str = "") -> tuple[Callable, list[str], list[str]] | None:
    """(read, names of cells, names of genes) of an .h5ad that stays on disk: read(start, stop) gives these rows, an
    array or CSR. None where it is packed, or stores the values by genes: rows cannot be read alone."""
    if path.suffix.lower() == ".gz":
        return None
    with opened(path) as file:
        where, genes_at = _places(file, layer or "X", path)
        var, obs = _table(file, genes_at, path), _table(file, "obs", path)
        node, shape, ends = child(file, where, path), (len(obs), len(var)), None
        if is_group(node):
            kind, found = _layout(node, path)
            if kind == "csc":
                return None
            ends = numbers(needed(node, "indptr", path), path).astype(np.int64)
        else:
            found = node.shape
        refuse_shape(found, shape, path)

    def read(start: int, stop: int) -> np.ndarray | sparse.csr_matrix:
        with opened(path) as file:  # anew for each block: what goes wrong between blocks is no fault of the file
            node = child(file, where, path)
            if ends is None:
                return _own_numbers(node, path)[start:stop]
            own = ends[start : stop + 1]
            parts = [_own_numbers(needed(node, name, path), path)[own[0] : own[-1]] for name in ("data", "indices")]
            return compressed(*parts, own - own[0], (stop - start, shape[1]), True, path)

    return read, as_ids(obs.iloc[:, 0]), as_ids(var.iloc[:, 0])


def _own_numbers(node, path: Path):
    """A dataset of numbers that lies in this file; it may be of any size, since only parts of it are read."""
    if is_group(node) or node.external or node.is_virtual or node.dtype.kind not in "iufb":
        raise InputError(f"{path}: '{node.name}' is no array of numbers in this file; save the file again")
    return node


def _places(file, layer: str, path: Path) -> tuple[str, str]:
    """Where the values of a layer and its genes stand."""
    places = {"X": ("X", "var"), "raw/X": ("raw/X", "raw/var")}
    if child(file, "raw.X", path) is not None:  # anndata before 0.7
        places["raw/X"] = ("raw.X", "raw.var")
    layers = child(file, "layers", path)
    for name in layers if is_group(layers) else ():
        places.setdefault(name, (f"layers/{name}", "var"))
    known = [name for name, (where, _) in places.items() if child(file, where, path) is not None]
    if layer not in known:
        raise InputError(f"{path} has no layer '{shown(layer)}' (layer); {nearest(layer, known)}")
    return places[layer]


def _column(frame: pd.DataFrame, name: str, path: Path, key: str) -> pd.Series:
    if name and name not in frame.columns:
        raise InputError(f"{path} has no column '{name}' ({key}); {nearest(name, frame.columns)}")
    return frame[name] if name else frame.iloc[:, 0]


def _matrix(node, expected: tuple[int, int], path: Path):
    """(cells, genes), dense or CSR."""
    if not is_group(node):
        refuse_shape(checked(node, path).shape, expected, path)
        return numbers(node, path, dimensions=2)
    kind, shape = _layout(node, path)
    refuse_shape(shape, expected, path)
    parts = [numbers(needed(node, name, path), path) for name in ("data", "indices", "indptr")]
    return compressed(*parts, shape, kind == "csr", path)


def _layout(node, path: Path) -> tuple[str, tuple[int, int]]:
    """("csr" or "csc", shape) of a sparse matrix."""
    kind = str(node.attrs.get("encoding-type") or node.attrs.get("h5sparse_format") or "").removesuffix("_matrix")
    shape = node.attrs.get("shape", node.attrs.get("h5sparse_shape"))
    if kind not in ("csr", "csc") or shape is None or np.shape(shape) != (2,) or min(shape) < 0:
        raise InputError(f"{path}: '{node.name}' is neither a dense nor a CSR or CSC matrix; save the file again")
    return kind, (int(shape[0]), int(shape[1]))


def _table(file, name: str, path: Path) -> pd.DataFrame:
    """obs or var; the index first."""
    node = needed(file, name, path)
    if not is_group(node):
        return _compound(file, node, name, path)
    index = node.attrs.get("_index", "_index")
    index = index.decode() if isinstance(index, bytes) else str(index)
    names = _values(needed(node, index, path), node, path)
    columns = {CELL if index in ("_index", "index") and CELL not in node else index: names}
    for column in node:
        if column in (index, "__categories") or column in columns:
            continue
        found = _values(needed(node, column, path), node, path)
        if found is not None:
            columns[column] = found
    lengths = {len(v) for v in columns.values() if v is not None}
    if len(lengths) != 1 or next(iter(columns.values())) is None:
        raise InputError(f"{path}: the columns of '{name}' differ in length; save the file again")
    return pd.DataFrame(columns)


def _values(node, table, path: Path):
    """One column; None for a kind that has no place in a table."""
    if is_group(node):
        kind = node.attrs.get("encoding-type", "")
        if kind == "categorical":
            return _named(
                numbers(needed(node, "codes", path), path), values(needed(node, "categories", path), path), path
            )
        if child(node, "mask", path) is not None and child(node, "values", path) is not None:
            found = values(needed(node, "values", path), path).astype(object)
            mask = numbers(needed(node, "mask", path), path).astype(bool)
            if mask.shape != found.shape:
                raise InputError(f"{path}: the parts of column '{node.name}' differ in length; save the file again")
            return pd.Series(np.where(mask, np.nan, found), dtype=object).infer_objects().to_numpy()
        return None
    if len(node.shape) != 1 or node.dtype.kind not in "iufbOS":
        return None
    reference = node.attrs.get("categories")
    if reference is None:
        return values(node, path)
    # anndata 0.7: codes, and a reference to their categories in the same table.
    target = table.file[reference] if reference else None
    if target is None or is_group(target):
        raise InputError(f"{path}: column '{node.name}' refers to no categories; save the file again")
    return _named(numbers(node, path), values(target, path), path)


def _named(codes: np.ndarray, categories: np.ndarray, path: Path) -> np.ndarray:
    """Each code's category; -1 is a missing value."""
    outside = len(codes) and (int(codes.max()) >= len(categories) or int(codes.min()) < -1)
    if codes.dtype.kind not in "iu" or outside:
        raise InputError(f"{path}: a column refers to a category that it does not have; save the file again")
    return np.append(categories.astype(object), np.nan)[codes.astype(np.int64)]


def _compound(file, node, name: str, path: Path) -> pd.DataFrame:
    """obs or var as one compound array, as anndata before 0.7 wrote it; categories stand in uns."""
    if node.dtype.names is None or len(node.shape) != 1:
        raise InputError(f"{path}: '{name}' is no table; save the file again")
    rows = checked(node, path)[()]
    columns = {}
    for field in node.dtype.names:
        if rows[field].ndim != 1 or rows[field].dtype.kind not in "iufbOS":
            continue
        found = as_text(rows[field], path, field)
        categories = child(file, f"uns/{field}_categories", path)
        if categories is not None and found.dtype.kind in "iu":
            found = _named(found, values(categories, path), path)
        columns[CELL if field in ("index", "_index") else field] = found
    if not columns:
        raise InputError(f"{path}: '{name}' has no column; save the file again")
    return pd.DataFrame(columns)


expression_reader("h5ad", read=read_h5ad, keys=("sample_column", "gene_column", "layer", "pool_by"), place=6)(as_it_is)
