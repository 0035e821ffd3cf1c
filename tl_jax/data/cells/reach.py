"""How near a cell is to the lines that a score was learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from tl_jax.data.cells.neighbours import Components, fit_components

NEAREST = 5


@dataclass(frozen=True)
class Reach:
    """The lines as places on their own first principal components.

    components: of the lines. places: (lines, components). own: (lines,) mean distance of each line to its nearest 5
    others, sorted.
    """

    components: Components
    places: np.ndarray
    own: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray) -> Reach:
        """Of scaled lines (lines, genes), at least 3 of them."""
        components, places = fit_components(x)
        own = _nearest(places, NEAREST + 1).kneighbors(places)[0][:, 1:].mean(axis=1)
        return cls(components, places.astype(np.float32), np.sort(own).astype(np.float32))

    def of(self, rows: np.ndarray) -> np.ndarray:
        """(m,) of cells scaled like lines, (m, genes): the share of lines that lie at least as far from their nearest 5
        lines as the cell from its own. About .5: as a line among lines; 0: farther out than any line."""
        distance = _nearest(self.places, NEAREST).kneighbors(self.components.places(rows))[0].mean(axis=1)
        return 1 - np.searchsorted(self.own, distance.astype(np.float32)) / len(self.own)


def _nearest(places: np.ndarray, count: int) -> NearestNeighbors:
    return NearestNeighbors(n_neighbors=min(count, len(places)), algorithm="brute").fit(places)
