"""Which way a score runs along the cells' components, and who agrees: all that can be asked without a label."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.data.cells.shared import fit_scaling
from tl_jax.evaluation.predictors.line_models import bootstrapped
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup


def sign_table(settings: CellSettings, setup: Setup, score: np.ndarray, axes: np.ndarray) -> pd.DataFrame:
    """component, share of the cells' variance, Spearman of the score with it, agreement of its sign over bootstraps."""
    x = fit_scaling(setup.lines.x, settings.scaler).apply(setup.lines.x)
    drawn = bootstrapped(
        x, setup.y, setup.lines.tissue, setup.smooth, settings.bootstraps, settings.seed, settings.penalty
    )
    total = float(np.var(setup.plain, axis=0, dtype=np.float64).sum())
    rows = []
    for number, axis in enumerate(axes.T, 1):
        positive = float(np.mean(spearman_rows(axis, drawn) > 0))
        share = float(np.var(axis) / total)
        rows.append((number, share, float(spearman_rows(score, axis)), max(positive, 1 - positive)))
    return pd.DataFrame(rows, columns=["component", "variance", "spearman", "agreement"])


def directions(scores: dict[str, np.ndarray], main: str, axes: np.ndarray) -> pd.DataFrame:
    """arm, component, share of its draws that run the way of the score; a constant score runs no way.

    Args:
        scores: {arm: (draws, cells)}. main: the score's arm. axes: (cells, components).
    """
    rows = []
    for number, axis in enumerate(axes.T, 1):
        way = np.sign(spearman_rows(axis, scores[main].mean(axis=0)))
        for arm, own in scores.items():
            if np.ptp(own):
                rows.append((arm, number, float(np.mean(np.sign(spearman_rows(axis, own)) == way))))
    return pd.DataFrame(rows, columns=["arm", "component", "same_way"])


def first_axis(scores: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(draws, cells): the first component with the sign that each draw's score, (draws, cells), gives it."""
    axis = axes[:, 0]
    return np.sign(spearman_rows(scores, axis))[:, None] * axis
