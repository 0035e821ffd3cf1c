"""Does a prediction say more of a response than the genes do? One covariate beside the genes' kernel."""

from __future__ import annotations

import numpy as np
from scipy import stats

from tl_jax.evaluation.predictors.ranked import rankit

SHARES = np.linspace(0.0, 0.95, 20)  # of the variance that the genes' kernel explains


def added_value(y, told, x) -> tuple[float, float]:
    """(t, one-sided p) of a source's prediction in y = a + b told + genes + noise, where genes are normal with the
    kernel of x; the genes' share of the variance by restricted likelihood. No sample is held out.

    Of y the ranks count, as normal scores: t takes residuals for normal, and one sample far from all others, which a
    prediction happens to put at the same end, would decide alone.

    Args:
        y: (n,) response in any unit. told: (n,) what a source model predicts of it, high for high.
        x: (n, genes) scaled.
    NaN where told does not vary.
    """
    y, told, x = (np.asarray(one, np.float64) for one in (y, told, x))
    n, rows, y = len(y), x - x.mean(axis=0), rankit(y)
    if n < 4 or not told.std() > 0 or not y.std() > 0:
        return float("nan"), float("nan")
    kernel = rows @ rows.T
    values, vectors = np.linalg.eigh(kernel / (np.trace(kernel) / n) if np.trace(kernel) > 0 else kernel)
    design, response = vectors.T @ np.column_stack([np.ones(n), (told - told.mean()) / told.std()]), vectors.T @ y
    best = max(
        (fit(share * np.maximum(values, 0) + 1 - share, design, response) for share in SHARES), key=lambda f: f[0]
    )
    t = best[1]
    return float(t), float(stats.t.sf(t, n - 2))


def fit(variances: np.ndarray, design: np.ndarray, response: np.ndarray) -> tuple[float, float]:
    """(restricted log-likelihood, t of the last column) of least squares weighted by known relative variances."""
    weighted = design / variances[:, None]
    cross = design.T @ weighted
    beta = np.linalg.solve(cross, weighted.T @ response)
    free = len(response) - design.shape[1]
    sigma = max(np.sum((response - design @ beta) ** 2 / variances) / free, 1e-12 * np.mean(response**2))
    likelihood = -0.5 * (free * np.log(sigma) + np.log(variances).sum() + np.linalg.slogdet(cross)[1])
    return likelihood, beta[-1] / np.sqrt(sigma * np.linalg.inv(cross)[-1, -1])
