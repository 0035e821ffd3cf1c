"""Cells of a file in blocks of rows, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from tl_jax.data.cells.cells import GENOME, parts_of_file, unique
from tl_jax.data.cells.values import COUNTS
from tl_jax.data.formats.h5ad import is_h5ad, rows_on_disk
from tl_jax.data.genes.names import translate
from tl_jax.errors import InputError

BLOCK = 4096  # cells


@dataclass(frozen=True)
class CellFile:
    """read(start, stop): values of these rows, an array or CSR. samples: unique names. genes: as the file has them.

    notes: what was done, one line each.
    """

    path: Path
    read: Callable
    samples: list[str]
    genes: list[str]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.samples)

    def bounds(self, size: int = BLOCK) -> Iterator[tuple[int, int]]:
        """Rows of blocks of about one size, none over `size`."""
        ends = np.linspace(0, len(self), -(-len(self) // size) + 1).astype(int)
        yield from zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)

    def some(self, count: int = 2 * BLOCK, pieces: int = 32) -> np.ndarray | sparse.csr_matrix:
        """About `count` rows, all where there are no more, in pieces spread evenly over the file."""
        if len(self) <= count:
            return self.read(0, len(self))
        starts = np.linspace(0, len(self) - count // pieces, pieces).astype(int)
        found = [self.read(start, start + count // pieces) for start in starts.tolist()]
        return sparse.vstack(found).tocsr() if sparse.issparse(found[0]) else np.concatenate(found)

    def to_genes(self, wanted: np.ndarray, kind: str) -> tuple[sparse.csr_matrix, np.ndarray]:
        """(matrix that brings the file's columns to the wanted genes, which of those are missing).

        Columns of one gene are added up as counts and averaged otherwise.
        """
        own = translate([GENOME.sub("", gene) for gene in self.genes]).names
        at = {gene: number for number, gene in enumerate(wanted.tolist())}
        pairs = np.array([(row, at[gene]) for row, gene in enumerate(own) if gene in at], dtype=int).reshape(-1, 2)
        times = np.bincount(pairs[:, 1], minlength=len(wanted))
        weight = np.ones(len(pairs)) if kind == COUNTS else 1.0 / times[pairs[:, 1]]
        shape = (len(self.genes), len(wanted))
        return sparse.csr_matrix((weight.astype(np.float32), pairs.T), shape=shape), times == 0


def open_cells(path: str | Path, layer: str = "") -> CellFile:
    """A file of cells; an .h5ad that is stored by cells stays on disk, any other is read whole, which it says."""
    path = Path(path)
    found = rows_on_disk(path, layer) if is_h5ad(path) and path.is_file() else None
    if found:
        return _file(path, *found)
    values, samples, genes, _ = parts_of_file(path, layer)
    return _file(path, lambda start, stop: values[start:stop], samples, genes, "the file was read whole into memory")


def _file(path: Path, read: Callable, samples: list[str], genes: list[str], *notes: str) -> CellFile:
    names, repeated = unique(samples)
    more = [f"{repeated:,} cells bear a name that another has; a number was added to theirs"] if repeated else []

    def checked(start: int, stop: int):
        block = read(start, stop)
        stored = block.data if sparse.issparse(block) else block
        if not np.isfinite(stored).all():
            raise InputError(f"{path}: values of cells {start + 1:,} to {stop:,} are not finite; fill or drop them")
        return block.astype(np.float32)

    return CellFile(path, checked, names, genes, (*notes, *more))
