"""How far the expression of two domains lies apart, without any label.

Both distances take expression (n, genes) and (m, genes) on the same genes, scaled as the models get it: on raw values
platforms differ by more than biology. Domains that are each scaled by themselves have the same means, so that
only the shape of their distributions is left to differ.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances


def mmd(source, target) -> float:
    """Squared maximum mean discrepancy, unbiased (Gretton et al. 2012, JMLR 13, equation 3); without units.

    Mean kernel within source + mean kernel within target - 2 x mean kernel across, no row with itself; kernel
    exp(-|a - b|^2 / (2 s^2)) with s the median distance of all pairs of rows together (their section 8).
    About 0, a little below it too, for equal distributions. NaN where all rows are the same or a value is not finite.
    """
    a, b = _pair(source, target)
    both = np.concatenate([a, b])
    if not np.isfinite(both).all():
        return float("nan")
    squared = euclidean_distances(both - both.mean(axis=0), squared=True)
    typical = np.median(squared[np.triu_indices(len(both), 1)])
    if not typical > 0:
        return float("nan")
    kernel = np.exp(-squared / (2 * typical))
    n, m = len(a), len(b)
    within_a = (kernel[:n, :n].sum() - n) / (n * (n - 1))
    within_b = (kernel[n:, n:].sum() - m) / (m * (m - 1))
    return float(within_a + within_b - 2 * kernel[:n, n:].mean())


def coral(source, target) -> float:
    """Distance of the two covariances: |C_source - C_target|^2 / (4 genes^2), Frobenius (Sun and Saenko 2016, eq. 1).

    Covariances divide by n - 1; unit: that of x to the fourth power. A covariance of few rows is noise that this
    distance counts, so compare sources of about equal n against one target. NaN where a value is not finite.
    """
    a, b = _pair(source, target)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    # |C|^2 from products of rows: covariances of thousands of genes are never built.
    own = [np.sum((x @ x.T) ** 2) / (len(x) - 1) ** 2 for x in (a, b)]
    across = np.sum((a @ b.T) ** 2) / ((len(a) - 1) * (len(b) - 1))
    return float(max(own[0] + own[1] - 2 * across, 0.0) / (4 * a.shape[1] ** 2))


def _pair(source, target):
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2 or a.shape[1] == 0:
        raise ValueError(f"shapes {a.shape} and {b.shape}: expected (n >= 2, genes) and (m >= 2, genes)")
    return a, b
