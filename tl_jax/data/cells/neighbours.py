"""Cells averaged with those nearest to them, which lends a cell the genes that it happened to miss.

Source: the idea is MAGIC's and kNN-smoothing's (Wagner et al. 2018, bioRxiv 217737); here one plain average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

COMPONENTS = 20
EXACT = 2000  # cells and genes up to which all components are computed; beyond, a seeded sketch of the first


def components(x: np.ndarray, count: int = COMPONENTS) -> np.ndarray:
    """(cells, count or fewer) principal components of (cells, genes), repeatable to the last bit on one machine."""
    return fit_components(x, count)[1]


@dataclass(frozen=True)
class Components:
    """Principal components: mean (genes,), axes (components, genes)."""

    mean: np.ndarray
    axes: np.ndarray

    def places(self, x: np.ndarray) -> np.ndarray:
        """(cells, components) of any cells (cells, genes)."""
        return (x - self.mean) @ self.axes.T


def fit_components(x: np.ndarray, count: int = COMPONENTS) -> tuple[Components, np.ndarray]:
    """(the components of (cells, genes), these cells on them)."""
    count = min(count, x.shape[0] - 1, x.shape[1])
    solver = "full" if min(x.shape) <= EXACT else "randomized"
    model = PCA(max(count, 1), svd_solver=solver, random_state=0)
    places = model.fit_transform(np.asarray(x, np.float64))
    # A kept model need not be more precise than its values are; float32 halves the work on new cells.
    return Components(model.mean_.astype(np.float32), model.components_.astype(np.float32)), places


def nearest(points: np.ndarray, count: int) -> np.ndarray:
    """(cells, count or fewer) indices of each cell's nearest, itself first; exact."""
    count = min(count, len(points))
    found = (
        NearestNeighbors(n_neighbors=count, algorithm="brute").fit(points).kneighbors(return_distance=False, X=points)
    )
    own = np.arange(len(points))[:, None]
    # Of cells that are alike another may come first: each is among its own neighbours all the same.
    missing = ~(found == own).any(axis=1)
    found[missing, -1] = own[missing, 0]
    return found


def averaged(x: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(cells, genes) means over the rows that (cells, count) indices name."""
    total = np.zeros_like(x)
    for column in found.T:  # one gather at a time: memory does not grow with the number of neighbours
        total += x[column]
    return total / found.shape[1]
