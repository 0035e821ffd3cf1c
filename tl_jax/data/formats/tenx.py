"""Counts of 10x Genomics: a folder of matrix.mtx, features.tsv and barcodes.tsv, or Cell Ranger's .h5 (v2, v3).

Source: 10x Genomics, "Feature-barcode matrices". Values are counts, genes x cells in the files; they come out as
cells x genes. Features that are no gene expression (antibodies, guides) are left out.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tl_jax.data.formats.hdf5 import child, is_group, needed, numbers, opened, values
from tl_jax.data.formats.registry import as_it_is, expression_reader
from tl_jax.data.formats.sparse_cells import cells_frame, compressed, refuse_shape
from tl_jax.data.tables.archives import check_size, unpacked
from tl_jax.data.tables.cells import examples, shown
from tl_jax.errors import InputError

if TYPE_CHECKING:
    from scipy import sparse

_EXPRESSION = "Gene Expression"
# Kind of values, comments, and the three sizes.
_HEAD = re.compile(
    rb"%%MatrixMarket +matrix +coordinate +(integer|real) +general *\r?\n(?:[ \t]*(?:%[^\n]*)?\r?\n)*"
    rb"[ \t]*(\d{1,18}[ \t]+\d{1,18}[ \t]+\d{1,18})[ \t]*\r?\n",
    re.IGNORECASE,
)


def read_tenx(path: Path, table) -> pd.DataFrame:
    """Cells (barcodes) x genes of a folder, a file `...matrix.mtx(.gz)` beside its two tables, or an .h5.

    table.gene_column: "name" (symbols, the default) or "id" (Ensembl).
    """
    matrix, cells, genes = read_counts(path, table.gene_column or "name")
    return cells_frame(matrix, cells, genes, None, path)


def read_counts(path: Path, wanted: str = "name") -> tuple[sparse.csr_matrix, list[str], list[str]]:
    """Counts (cells, genes), barcodes and genes of a 10x matrix. wanted: "name" (symbols) or "id" (Ensembl)."""
    if wanted not in ("name", "id"):
        raise InputError(f"{path}: gene_column is '{wanted}'; of a 10x matrix it is 'name' or 'id'")
    matrix, features, barcodes = _from_h5(path) if _is_h5(path) else _from_text(path)
    genes = (features["kind"] == _EXPRESSION).to_numpy()
    if not genes.any():
        raise InputError(f"{path}: none of its features is of the kind '{_EXPRESSION}'; fetch another matrix")
    return matrix if genes.all() else matrix[:, genes], barcodes, features.loc[genes, wanted].tolist()


def _is_h5(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith((".h5", ".hdf5"))


def _from_text(path: Path) -> tuple[sparse.csr_matrix, pd.DataFrame, list[str]]:
    prefix, folder = "", path
    if path.is_file():
        name = path.name.removesuffix(".gz")
        if not name.endswith("matrix.mtx"):
            raise InputError(f"{path} is no 10x matrix; name its folder, its ...matrix.mtx or its .h5")
        prefix, folder = name.removesuffix("matrix.mtx"), path.parent
    elif not any((path / f"matrix.mtx{ending}").is_file() for ending in ("", ".gz")):
        prefix = _prefix(path)
    barcodes = _lines(_beside(folder, prefix, ("barcodes.tsv",)))
    features_path = _beside(folder, prefix, ("features.tsv", "genes.tsv"))
    lines = [line.split("\t") for line in _lines(features_path)]
    one = all(len(line) == 1 for line in lines)  # names alone, as in some series of GEO
    rows = [(*line, line[0] if one else "", "", "")[:3] for line in lines]
    features = pd.DataFrame(rows, columns=["id", "name", "kind"])
    features.loc[features["kind"] == "", "kind"] = _EXPRESSION
    if (features["name"] == "").any():
        raise InputError(f"{features_path}: a line has no gene name beside its id; fetch it again")
    matrix = _coordinates(_beside(folder, prefix, ("matrix.mtx",)), len(features), len(barcodes))
    return matrix, features, [b.split("\t")[0] for b in barcodes]


def _prefix(folder: Path) -> str:
    """What stands before the names of the three files in a folder, as GEO's GSMn_; "" where nothing does."""
    found = {p.name.removesuffix(".gz").removesuffix("matrix.mtx") for p in folder.glob("*matrix.mtx*") if p.is_file()}
    if len(found) > 1:
        held = examples(f"{prefix}matrix.mtx" for prefix in sorted(found))
        raise InputError(f"{folder} holds {len(found)} matrices ({held}); name one of these files as the path")
    return found.pop() if found else ""


def _beside(folder: Path, prefix: str, names: tuple[str, ...]) -> Path:
    for name in names:
        for ending in ("", ".gz"):
            if (found := folder / f"{prefix}{name}{ending}").is_file():
                return found
    held = sorted(p.name for p in folder.iterdir() if p.is_file())
    raise InputError(f"{folder} has no {prefix}{names[0]} (or .gz); there are: {examples(held, 8)}")


def _lines(path: Path) -> list[str]:
    content = unpacked(path, ".gz" if path.suffix == ".gz" else "")
    try:
        return [line.rstrip("\r") for line in content.decode("utf-8-sig").split("\n") if line.strip()]
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); save it again as UTF-8") from error


def _coordinates(path: Path, genes: int, cells: int) -> sparse.csr_matrix:
    """(cells, genes) from a MatrixMarket file, whose sizes are checked against what is there before it is read."""
    content = unpacked(path, ".gz" if path.suffix == ".gz" else "")
    found = _HEAD.match(content)
    if found is None:
        raise InputError(f"{path} is no MatrixMarket file of coordinates; fetch it again")
    sizes = found.group(2).split()
    rows, columns, stored = map(int, sizes)
    if (rows, columns) != (genes, cells):
        named = f"{genes} features and {cells} barcodes are named"
        raise InputError(f"{path} announces {rows} genes and {columns} cells, but {named}; fetch it again")
    if stored * 4 > len(content):
        raise InputError(f"{path} announces {stored:,} values, more than it can hold; fetch it again")
    check_size(stored * 24, path, "its matrix")
    gene, cell, value = _triples(content[found.end() :], stored, path).T
    for index, most in ((gene, genes), (cell, cells)):
        if not ((index >= 1) & (index <= most) & (index == np.rint(index))).all():
            raise InputError(f"{path} is not a whole MatrixMarket file (a place outside of it); fetch it again")
    if found.group(1).lower() == b"integer":
        if not (value == np.rint(value)).all():
            raise InputError(f"{path} is not a whole MatrixMarket file (a fraction among integers); fetch it again")
        value = value.astype(np.int64)
    places = cell.astype(np.int64) - 1, gene.astype(np.int64) - 1
    from scipy import sparse

    return sparse.csr_matrix((value, places), shape=(cells, genes))


def _triples(body: bytes, stored: int, path: Path) -> np.ndarray:
    """(stored, 3) row, column and value, from 1. scipy's own reader ends the process on some damaged files."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # how numpy says that it met something else
            flat = np.fromstring(body.decode("ascii"), dtype=np.float64, sep=" ")
    except (ValueError, DeprecationWarning) as error:
        raise InputError(f"{path} is not a whole MatrixMarket file ({shown(error)}); fetch it again") from error
    if len(flat) != 3 * stored or not np.isfinite(flat).all():
        raise InputError(
            f"{path} is not a whole MatrixMarket file ({len(flat)} numbers, not 3 x {stored}); fetch it again"
        )
    return flat.reshape(stored, 3)


def _from_h5(path: Path) -> tuple[sparse.csr_matrix, pd.DataFrame, list[str]]:
    with opened(path) as file:
        group = child(file, "matrix", path)
        if group is None:
            genomes = [n for n in file if is_group(child(file, n, path))]
            if len(genomes) != 1:
                held = f": {examples(genomes)}" if genomes else ""
                raise InputError(f"{path} holds {len(genomes)} genomes{held}; a 10x .h5 with one is needed")
            group = needed(file, genomes[0], path)
            names = [needed(group, n, path) for n in ("genes", "gene_names")]
            kinds = None
        else:
            names = [needed(group, f"features/{n}", path) for n in ("id", "name")]
            kinds = values(needed(group, "features/feature_type", path), path)
        ids, symbols = (values(n, path) for n in names)
        if len({len(ids), len(symbols), len(ids if kinds is None else kinds)}) != 1:
            raise InputError(f"{path}: its features differ in length; fetch it again")
        features = pd.DataFrame({"id": ids, "name": symbols, "kind": _EXPRESSION if kinds is None else kinds})
        barcodes = values(needed(group, "barcodes", path), path).tolist()
        shape = numbers(needed(group, "shape", path), path)
        parts = [numbers(needed(group, n, path), path) for n in ("data", "indices", "indptr")]
    refuse_shape(shape[::-1], (len(barcodes), len(features)), path)
    # Columns of genes x cells are rows of cells x genes.
    return compressed(*parts, (int(shape[1]), int(shape[0])), True, path), features, barcodes


expression_reader("tenx", read=read_tenx, keys=("gene_column",), place=7)(as_it_is)
