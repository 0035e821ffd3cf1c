"""Cells x genes of one file, counts kept sparse, with the genes' current symbols and the table of cells beside."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from tl_jax.data.cells.values import kind_of_values
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.formats.h5ad import is_h5ad, read_parts
from tl_jax.data.formats.tenx import read_counts
from tl_jax.data.genes.names import AUTO, UNKNOWN, translate
from tl_jax.data.genes.table import symbols
from tl_jax.data.tables.cells import as_ids, examples
from tl_jax.errors import InputError

GENOME = re.compile(r"(?:hg19|hg38|GRCh37|GRCh38|mm10|GRCm38|GRCm39)_+")


@dataclass(frozen=True)
class Cells:
    """Cells without labels.

    x: (cells, genes) float32, an array or CSR. samples: (cells,) unique names, in the order of the file. genes:
    (genes,) unique symbols. kind: of the values, one of values.KINDS. obs: the file's table of cells, None where it has
    none. notes: what was done on the way, one line each.
    """

    x: np.ndarray | sparse.csr_matrix
    samples: np.ndarray
    genes: np.ndarray
    kind: str
    obs: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"Cells({len(self):,} cells x {len(self.genes):,} genes, {self.kind})"

    def rows(self, index: np.ndarray) -> Cells:
        """Some cells (indices or booleans), in their order."""
        obs = None if self.obs is None else self.obs.iloc[np.arange(len(self))[index]].reset_index(drop=True)
        return replace(self, x=self.x[index], samples=self.samples[index], obs=obs)

    def columns(self, index: np.ndarray) -> Cells:
        """Some genes."""
        return replace(self, x=self.x[:, index], genes=self.genes[index])

    def noted(self, *texts: str) -> Cells:
        """The same with more lines on what was done."""
        return replace(self, notes=(*self.notes, *texts))


def read_cells(path: str | Path, *, layer: str = "", values: str = "", gene_ids: str = AUTO) -> Cells:
    """Cells of an .h5ad, a 10x folder or .h5, or a table of cells x genes or genes x cells.

    Args:
        layer: of an .h5ad: "" or "X", "raw/X", or a layer's name. values: kind of the values (values.KINDS); "" to
        find it. gene_ids: kind of the gene names, as in a cohort file.
    Raises:
        InputError: the file cannot be read, its values are of no kind that can be told, or are not finite.
    """
    path = Path(path)
    x, names, genes, obs = parts_of_file(path, layer)
    notes = []
    names, repeated = unique(names)
    if repeated:
        notes.append(f"{repeated:,} cells bear a name that another has; a number was added to theirs")
    x = sparse.csr_matrix(x, dtype=np.float32) if sparse.issparse(x) else np.asarray(x, np.float32)
    stored = x.data if sparse.issparse(x) else x
    if not np.isfinite(stored).all():
        raise InputError(f"{path}: {np.count_nonzero(~np.isfinite(stored)):,} values are not finite; fill or drop them")
    kind = kind_of_values(x, values, path)
    x, genes, more = one_column_each(x, [GENOME.sub("", gene) for gene in genes], gene_ids, kind)
    return Cells(x, np.array(names, dtype=str), genes, kind, obs, (*notes, *more))


def parts_of_file(path: Path, layer: str):
    """(values, names of cells, names of genes, obs or None) of any format."""
    if not path.exists():
        raise InputError(f"there is no file {path}; correct --cells")
    if is_h5ad(path):
        x, var, obs = read_parts(path, layer)
        return x, as_ids(obs.iloc[:, 0]), as_ids(var.iloc[:, 0]), obs
    if layer:
        raise InputError(f"{path}: --layer={layer} changes nothing for a file that is no .h5ad; leave it out")
    if path.is_dir() or re.search(r"(\.h5|\.hdf5|matrix\.mtx)(\.gz)?$", path.name.lower()):
        return (*read_counts(path), None)
    x, samples, genes = read_expression(path, symbols())
    return x, samples.tolist(), genes.tolist(), None


def unique(names: list[str]) -> tuple[list[str], int]:
    """Names of which the later copies have -1, -2, ... added, and how many were changed."""
    taken, seen, found = set(names), Counter(), []
    for name in names:
        new = name
        while new in seen or (new != name and new in taken):
            seen[name] += 1
            new = f"{name}-{seen[name]}"
        seen[new] += 0
        found.append(new)
    return found, sum(new != name for new, name in zip(found, names, strict=True))


def one_column_each(x, genes: list[str], gene_ids: str, kind: str) -> tuple[object, np.ndarray, list[str]]:
    """Values with one column for each current symbol: counts of one gene are added up, other values averaged."""
    found = translate(genes, gene_ids)
    notes = []
    if found.kind.startswith("mouse"):
        notes.append(f"genes of the mouse, taken as their human orthologs: {found.changed:,} of {len(genes):,}")
    elif found.kind != UNKNOWN and found.changed:
        notes.append(f"{found.changed:,} of {len(genes):,} gene names brought to current symbols")
    names, codes = np.unique(np.array(found.names, dtype=str), return_inverse=True)
    if len(names) == len(genes):
        order = np.argsort(codes)
        return x[:, order], names, notes
    sizes = np.bincount(codes)
    weight = np.ones(len(genes)) if kind == "counts" else 1.0 / sizes[codes]
    to = sparse.csr_matrix((weight.astype(np.float32), (np.arange(len(genes)), codes)))
    again = names[sizes > 1].tolist()
    what = "added up" if kind == "counts" else "averaged"
    notes.append(f"{len(again)} genes stand in several columns, which were {what}: {examples(again)}")
    merged = x @ to
    return (merged.tocsr() if sparse.issparse(merged) else np.asarray(merged)), names, notes
