"""What ridges of the lines say of each gene: of one drug, or of every drug with one eigendecomposition of the lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tl_jax.evaluation.predictors.baselines import tuned
from tl_jax.evaluation.predictors.line_models import tissue_groups
from tl_jax.evaluation.predictors.many_ridges import many_ridges


def line_weights(x, y, tissue, alpha: float = 0.0) -> tuple[np.ndarray, float]:
    """(w (genes,), b) of `line_models.line_ridge`: its score of rows (m, genes) is rows @ w + b.

    Args:
        alpha: the penalty, 0 to choose it as the ridge does.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    center = x.mean(axis=0)
    x = x - center
    found = tuned(x @ x.T, y, tissue_groups(tissue))
    if found is None:  # all lines are the same
        return np.zeros(x.shape[1]), -float(y.mean())
    _, best, values, vectors = found
    w = -x.T @ (vectors @ ((vectors.T @ (y - y.mean())) / (values + (alpha or best))))
    return w, float(-y.mean() - center @ w)


class AllRidges(NamedTuple):
    """Ridges of all drugs, high scores mean sensitive: weights (genes, drugs), bias (drugs,), alpha (drugs,), and
    left_out (lines, drugs), the scores of the lines by models without their tissue."""

    weights: np.ndarray
    bias: np.ndarray
    alpha: np.ndarray
    left_out: np.ndarray


def all_ridges(x, y, tissue) -> AllRidges:
    """The ridge of every drug on the lines measured with it, each with the penalty of its smallest left-out error.

    Args:
        x: (lines, genes) scaled. y: (lines, drugs), NaN where not measured. tissue: (lines,), "" where unknown.
    """
    x = np.asarray(x, np.float64)
    center = x.mean(axis=0)
    x = x - center
    found = many_ridges(x @ x.T, y, tissue)
    weights = -x.T @ found.dual
    return AllRidges(weights, -found.mean - center @ weights, found.alpha, -found.left_out)
