"""What a ridge of the lines says of each gene, so that cells can be scored without the lines."""

from __future__ import annotations

import numpy as np

from tl_jax.evaluation.predictors.baselines import tuned
from tl_jax.evaluation.predictors.line_models import tissue_groups


def line_weights(x, y, tissue) -> tuple[np.ndarray, float]:
    """(w (genes,), b) of `line_models.line_ridge`: its score of rows (m, genes) is rows @ w + b."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    center = x.mean(axis=0)
    x = x - center
    found = tuned(x @ x.T, y, tissue_groups(tissue))
    if found is None:  # all lines are the same
        return np.zeros(x.shape[1]), -float(y.mean())
    _, alpha, values, vectors = found
    w = -x.T @ (vectors @ ((vectors.T @ (y - y.mean())) / (values + alpha)))
    return w, float(-y.mean() - center @ w)
