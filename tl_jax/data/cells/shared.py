"""Bulk lines and cells on the same genes and the same scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.stats import rankdata, spearmanr
from sklearn.preprocessing import quantile_transform

from tl_jax.data.cells.cells import Cells
from tl_jax.data.cells.lines import Lines
from tl_jax.data.scaling.scaling import Scaler, fit_scaler
from tl_jax.data.tables.cells import examples
from tl_jax.errors import InputError

SCALERS = ("zscore", "rank", "quantile", "minmax")
CLIP = 4.0  # standard deviations beyond which a scaled gene says no more


@dataclass(frozen=True)
class Clipped(Scaler):
    """A scaler whose values end at +-4."""

    def apply(self, x: np.ndarray) -> np.ndarray:
        scaled = super().apply(x)
        return np.clip(scaled, -CLIP, CLIP, out=scaled)


def fit_scaling(x: np.ndarray, scaler: str) -> Scaler:
    """How each gene of (n, genes) is shifted and stretched; a gene without spread becomes 0.

    Args:
        x: as `shaped` gives it. scaler: "minmax" to 0..1; any other to mean 0 and sd 1, ending at +-4.
    """
    if scaler == "minmax":
        low, span = x.min(axis=0), np.ptp(x, axis=0)
        return Scaler(low.astype(np.float32), np.where(span > 0, span, 1).astype(np.float32))
    found = fit_scaler(x, "standard")
    return Clipped(found.center, found.scale)


def on_shared_genes(lines: Lines, cells: Cells, fewest: int) -> tuple[Lines, Cells]:
    """Both on the genes that both have, sorted.

    Raises:
        InputError: fewer than `fewest`.
    """
    shared = np.intersect1d(lines.genes, cells.genes)
    if len(shared) < fewest:
        sides = f"lines have {examples(lines.genes)}, cells have {examples(cells.genes)}"
        raise InputError(
            f"lines and cells share {len(shared)} genes ({sides}); --min_genes={fewest} are needed. Are both human, "
            "with one kind of gene names?"
        )
    return lines.columns(_at(lines.genes, shared)), cells.columns(_at(cells.genes, shared))


def _at(names: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    order = np.argsort(names)
    return order[np.searchsorted(names, wanted, sorter=order)]


def dense(x) -> np.ndarray:
    """(n, genes) float32, laid out."""
    return np.asarray(x.toarray() if sparse.issparse(x) else x, np.float32)


def shaped(x: np.ndarray, scaler: str) -> np.ndarray:
    """(n, genes) as a scaler wants them before genes are shifted and stretched.

    Args:
        scaler: "rank": ranks of the genes within a row, 0 to 1. "quantile": each gene to a normal distribution over
        the rows. "zscore" and "minmax": as they are.
    """
    if scaler == "rank":
        return (rankdata(x, axis=1) / x.shape[1]).astype(np.float32)
    if scaler == "quantile":
        return quantile_transform(x, n_quantiles=min(1000, len(x)), output_distribution="normal").astype(np.float32)
    return x


def alike(lines: Lines, mean: np.ndarray, count: int = 5) -> list[tuple[str, float]]:
    """The lines whose profile is nearest to the cells' mean: (name, Spearman over genes), best first."""
    found = [float(spearmanr(row, mean).statistic) for row in lines.x]
    best = np.argsort(found)[::-1][:count]
    return [(str(lines.samples[number]), found[number]) for number in best]
