"""From log values of cells to rows that a model of lines reads: fitted on some cells, applied to any others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_jax.data.cells.neighbours import Components, averaged, fit_components, nearest
from tl_jax.data.cells.shared import fit_scaling, shaped
from tl_jax.data.cells.steps import depth_slope, less_depth
from tl_jax.data.scaling.scaling import Scaler

STREAMED = ("zscore", "rank", "minmax")  # quantiles of a gene want all cells at once


@dataclass(frozen=True)
class Preparation:
    """slope: (genes,) of each gene on a cell's log count, None where depth stays; level: the mean log count.

    components: of the cells, along which neighbours are near; None where none are averaged. neighbours: how many are.
    plain, smooth: scalers of the values as they are and averaged. scaler: their kind.
    """

    scaler: str
    slope: np.ndarray | None
    level: float
    neighbours: int
    components: Components | None
    plain: Scaler
    smooth: Scaler

    def even(self, x: np.ndarray, log_counts: np.ndarray) -> np.ndarray:
        """(cells, genes) without depth."""
        return x if self.slope is None else less_depth(x, log_counts, self.slope, self.level)

    def averaged(self, x: np.ndarray) -> np.ndarray:
        """Even values, each cell with those of these cells that are nearest to it."""
        count = min(self.neighbours, len(x) // 2)
        return x if count < 2 else averaged(x, nearest(self.components.places(x), count))

    def scaled(self, x: np.ndarray, smooth: bool) -> np.ndarray:
        """Even values on the scale of lines."""
        return (self.smooth if smooth else self.plain).apply(shaped(x, self.scaler))


def evened(x: np.ndarray, log_counts: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, float]:
    """(even values, slope, level) of dense log values (cells, genes); log_counts: (cells,), (0,) to leave depth in."""
    slope, level = depth_slope(x, log_counts)
    return x if slope is None else less_depth(x, log_counts, slope, level), slope, level


def prepare(
    even: np.ndarray, slope: np.ndarray | None, level: float, scaler: str, neighbours: int
) -> tuple[Preparation, np.ndarray, np.ndarray]:
    """Fit on cells as `evened` gives them: (the preparation, scaled rows, scaled rows of averaged cells)."""
    components, smooth = None, even
    if neighbours > 1 and len(even) > 2:
        components, places = fit_components(even)
        smooth = averaged(even, nearest(places, neighbours))
    shapes = shaped(even, scaler), shaped(smooth, scaler)
    scalers = [fit_scaling(shape, scaler) for shape in shapes]
    plain, together = (own.apply(shape) for own, shape in zip(scalers, shapes, strict=True))
    return Preparation(scaler, slope, level, neighbours, components, *scalers), plain, together
