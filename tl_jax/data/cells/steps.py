"""From counts to log expression: cells and genes that are left out, library size, depth.

The arithmetic is scanpy's (filter_cells, filter_genes, normalize_total to the median library, log1p; tests compare),
kept here so that a kept model scores new cells without scanpy; what scanpy alone has is called there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from tl_jax.data.cells.cells import Cells
from tl_jax.data.cells.values import COUNTS, LOG
from tl_jax.errors import InputError

DEPTHS = ("none", "regress", "thin", "pearson")
MITOCHONDRIAL = "MT-"
FEWEST_FOR_DOUBLETS = 40  # scrublet looks along 30 components


@dataclass(frozen=True)
class Filters:
    """Thresholds on counts, each as its own flag is called.

    max_mito: highest share of mitochondrial counts, 1 for no limit. max_doublet: highest score of scrublet, None to
    leave it out.
    """

    min_genes: int = 200
    max_genes: int | None = None
    min_cells: int = 3
    max_mito: float = 1.0
    min_counts: int = 1
    max_counts: int | None = None
    max_doublet: float | None = None


def filtered(cells: Cells, filters: Filters, seed: int = 0) -> tuple[Cells, np.ndarray]:
    """The cells and genes that pass, and the indices of the cells; values that are no counts skip it, and say so.

    Raises:
        InputError: fewer than 2 cells, or no gene is left.
    """
    everything = np.arange(len(cells))
    if cells.kind != COUNTS:
        return cells.noted(
            f"{len(cells):,} cells in; filters are for counts, and these values are {cells.kind}"
        ), everything
    kept, losses = np.ones(len(cells), bool), []
    for out, reason in reasons(cells, filters, seed):
        lost = int((out & kept).sum())
        losses += [f"{lost:,} {reason}"] * bool(lost)
        kept &= ~out
    if kept.sum() < 2:
        why = f" ({', '.join(losses)}); lower --min_genes_per_cell" if losses else "; a score compares at least 2 cells"
        raise InputError(f"{kept.sum()} of {len(cells):,} cells are left{why}")
    left = cells.rows(kept)
    seen = np.asarray((left.x > 0).sum(axis=0)).ravel() >= filters.min_cells
    if not seen.any():
        raise InputError(f"no gene is seen in {filters.min_cells} of {kept.sum():,} cells; lower --min_cells_per_gene")
    line = ", ".join([f"{len(cells):,} cells in", *losses, f"{kept.sum():,} left"])
    genes = f"{len(seen):,} genes in, {(~seen).sum():,} seen in under {filters.min_cells} cells, {seen.sum():,} left"
    return left.columns(np.flatnonzero(seen)).noted(line, genes), everything[kept]


def reasons(cells: Cells, filters: Filters, seed: int) -> Iterator[tuple[np.ndarray, str]]:
    """Why cells are left out, one reason after another: ((cells,) booleans, the reason in words)."""
    found, total = _per_cell(cells.x > 0), _per_cell(cells.x)
    yield found < filters.min_genes, f"under {filters.min_genes} genes"
    yield found > (filters.max_genes or np.inf), f"over {filters.max_genes} genes"
    share = _per_cell(cells.x[:, np.char.startswith(cells.genes, MITOCHONDRIAL)]) / np.maximum(total, 1)
    yield share > filters.max_mito, f"over {filters.max_mito:.0%} mitochondrial"
    least = max(filters.min_counts, 1)
    yield total < least, "without any count" if least == 1 else f"under {least:,} counts"
    yield total > (filters.max_counts or np.inf), f"over {filters.max_counts} counts"
    if filters.max_doublet is not None:
        yield doublet_scores(cells, seed) > filters.max_doublet, f"over {filters.max_doublet:g} of scrublet: doublets"


def doublet_scores(cells: Cells, seed: int) -> np.ndarray:
    """(cells,) how like a cell is to two cells in one (Wolock et al. 2019), by scrublet; NaN without counts."""
    scanpy, anndata = scanpy_for("--max_doublet")
    found, full = np.full(len(cells), np.nan), _per_cell(cells.x) > 0
    if full.sum() < FEWEST_FOR_DOUBLETS:
        raise InputError(f"--max_doublet needs {FEWEST_FOR_DOUBLETS} cells; there are {full.sum()}: leave it out")
    held = anndata.AnnData(sparse.csr_matrix(cells.x[full], copy=True))
    # A threshold that is given spares scrublet its own, which needs one more library.
    scanpy.pp.scrublet(held, threshold=0.0, use_approx_neighbors=False, random_state=seed, verbose=False)
    found[full] = held.obs["doublet_score"]
    return found


def logged(cells: Cells, target: float | None = None) -> tuple[Cells, np.ndarray, float]:
    """Counts brought to one library size and logged; other values as they are.

    Args:
        target: the library size; default: the median of these cells.
    Returns:
        The cells with kind "log", the natural logarithm of each cell's counts (cells,) or (0,) where there are none,
        and the library size.
    """
    if cells.kind != COUNTS:
        return cells, np.zeros(0), 0.0
    total = _per_cell(cells.x)
    target = float(np.median(total)) if target is None else target
    x = sparse.csr_matrix(cells.x, dtype=np.float32, copy=True)
    x = sparse.diags((target / total).astype(np.float32)) @ x
    np.log1p(x.data, out=x.data)
    return replace(cells, x=x.tocsr(), kind="log"), np.log(total), target


def depth_slope(x: np.ndarray, log_counts: np.ndarray) -> tuple[np.ndarray | None, float]:
    """A gene's linear dependence on the log count of a cell: ((genes,) slopes, the mean log count).

    Args:
        x: dense log expression. log_counts: (cells,); the slopes are None where they are all alike, or none are there.
    """
    level = float(log_counts.mean()) if len(log_counts) else 0.0
    own = log_counts - level
    spread = float(own @ own)
    return ((own @ x) / spread if spread > 0 else None), level


def less_depth(x: np.ndarray, log_counts: np.ndarray, slope: np.ndarray, level: float) -> np.ndarray:
    """(cells, genes) less what `depth_slope` found; a gene's mean stays."""
    return x - np.outer(log_counts - level, slope).astype(x.dtype)


def thinned(cells: Cells, seed: int) -> Cells:
    """Every cell's counts drawn down to the smallest library, by scanpy's downsample_counts."""
    scanpy, anndata = scanpy_for("--depth=thin")
    held = anndata.AnnData(sparse.csr_matrix(cells.x, copy=True))
    least = int(_per_cell(cells.x).min())
    scanpy.pp.downsample_counts(held, counts_per_cell=least, random_state=seed)
    return replace(cells, x=sparse.csr_matrix(held.X, dtype=np.float32)).noted(
        f"every cell thinned to {least:,} counts"
    )


def pearson_residuals(cells: Cells) -> Cells:
    """Analytic Pearson residuals (Lause et al. 2021), by scanpy; dense."""
    scanpy, anndata = scanpy_for("--depth=pearson")
    held = anndata.AnnData(sparse.csr_matrix(cells.x, copy=True))
    scanpy.experimental.pp.normalize_pearson_residuals(held)
    x = held.X.toarray() if sparse.issparse(held.X) else np.asarray(held.X)
    return replace(cells, x=x.astype(np.float32), kind="log").noted("Pearson residuals in place of log counts")


def most_variable(cells: Cells, count: int) -> np.ndarray:
    """Indices, in order, of the genes that vary most over log values, by scanpy's highly_variable_genes (the dispersion
    of Seurat, Satija et al. 2015)."""
    scanpy, anndata = scanpy_for("--highly_variable")
    if cells.kind != LOG:
        raise InputError(f"--highly_variable needs counts or log values; these are {cells.kind}: leave it out")
    held = anndata.AnnData(cells.x.copy())
    found = scanpy.pp.highly_variable_genes(held, flavor="seurat", n_top_genes=count, inplace=False)
    return np.flatnonzero(found["highly_variable"].to_numpy())


def scanpy_for(flag: str):
    """(scanpy, anndata), or an InputError that names the flag that needs them."""
    try:
        import anndata
        import scanpy
    except ImportError as error:
        raise InputError(f"{flag} needs scanpy: pip install 'tl_jax[sc]'") from error
    return scanpy, anndata


def _per_cell(x) -> np.ndarray:
    """(cells,) sums, float64."""
    return np.asarray(x.sum(axis=1, dtype=np.float64)).ravel()
