"""How near a cell is to the lines that a score was learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

COMPONENTS, NEAREST = 20, 5


@dataclass(frozen=True)
class Reach:
    """The lines as places on their own first principal components.

    center: (genes,). axes: (components, genes). places: (lines, components). own: (lines,) mean distance of each line
    to its nearest 5 others, sorted.
    """

    center: np.ndarray
    axes: np.ndarray
    places: np.ndarray
    own: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray) -> Reach:
        """Of scaled lines (lines, genes), at least 3 of them."""
        count = min(COMPONENTS, len(x) - 1, x.shape[1])
        found = PCA(count, svd_solver="randomized", random_state=0).fit(x)
        places = found.transform(x)
        near = min(NEAREST, len(x) - 1)
        own = _nearest(places, near + 1).kneighbors(places)[0][:, 1:].mean(axis=1)
        return cls(*(np.asarray(a, np.float32) for a in (found.mean_, found.components_, places, np.sort(own))))

    def of(self, rows: np.ndarray) -> np.ndarray:
        """(m,) of cells scaled like lines, (m, genes): the share of lines that lie at least as far from their nearest 5
        lines as the cell from its own. About .5: as a line among lines; 0: farther out than any line."""
        places = (rows - self.center) @ self.axes.T
        distance = _nearest(self.places, min(NEAREST, len(self.own))).kneighbors(places)[0].mean(axis=1)
        return 1 - np.searchsorted(self.own, distance.astype(np.float32)) / len(self.own)


def _nearest(places: np.ndarray, count: int) -> NearestNeighbors:
    return NearestNeighbors(n_neighbors=count, algorithm="brute").fit(places)
