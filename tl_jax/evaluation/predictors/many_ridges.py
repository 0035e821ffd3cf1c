"""Ridges for many responses with gaps on one set of lines, from one eigendecomposition.

A ridge on the lines that were measured is the ridge on all lines whose gaps hold its own prediction. So a gap costs a
small system of its own lines and no model is refitted: with A = I - H, H the smoother on all lines with its intercept,
the residuals of any set S of lines left out together are (A_SS)^-1 (A y)_S whatever y holds there (see
baselines.left_out_errors), and leaving out the gaps first is one step of block elimination.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS, centred_kernels
from tl_jax.evaluation.predictors.line_models import tissue_groups


def many_ridges(within: np.ndarray, y: np.ndarray, tissue: np.ndarray, alphas=None) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients on lines and penalties of a ridge for each response, whole tissues left out to choose the penalty.

    Args:
        within: (n, n) kernel of the lines. y: (n, k), NaN where a line was not measured. tissue: (n,), "" for unknown.
        alphas: penalties to choose from, strongest first; default: those of `ridge`, of the kernel of all lines.
    Returns:
        (n, k) coefficients that sum to 0, so that kernel rows @ coefficients are predictions up to a constant, and
        (k,) penalties.
    """
    values, vectors = np.linalg.eigh(centred_kernels(within, within)[0])
    values, y = np.maximum(values, 0.0), np.asarray(y, np.float64)
    alphas = RELATIVE_ALPHAS * values.mean() if alphas is None else np.asarray(alphas, np.float64)
    codes = tissue_groups(tissue)
    codes = np.arange(len(y)) if codes is None else np.unique(codes, return_inverse=True)[1]
    errors = np.full((len(alphas), y.shape[1]), np.inf)
    filled = np.zeros((len(alphas), *y.shape))
    for i, alpha in enumerate(alphas):
        maker = np.eye(len(y)) - 1 / len(y) - (vectors * (values / (values + alpha))) @ vectors.T
        for columns, gaps in patterns(y):
            errors[i, columns], filled[i][:, columns] = left_out(maker, y[:, columns], gaps, codes)
    best = errors.argmin(axis=0)
    chosen = np.take_along_axis(filled, best[None, None], axis=0)[0]
    chosen = chosen - chosen.mean(axis=0)
    return vectors @ ((vectors.T @ chosen) / (values[:, None] + alphas[best])), alphas[best]


def patterns(y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(columns, gaps) of the responses that lack the same lines."""
    missing, which = np.unique(np.isnan(y), axis=1, return_inverse=True)
    for number, gaps in enumerate(missing.T):
        yield np.flatnonzero(which.ravel() == number), np.flatnonzero(gaps)


def left_out(maker: np.ndarray, y: np.ndarray, gaps: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(k,) mean squared errors of leaving out groups, and (n, k) responses whose gaps hold the ridge's prediction.

    maker: (n, n) I - H. y: (n, k), all with the same gaps. codes: (n,) groups.
    """
    kept = np.setdiff1d(np.arange(len(y)), gaps)
    filled = np.where(np.isnan(y), np.nanmean(y, axis=0), y)
    residual, own, cross = maker @ filled, maker[np.ix_(kept, kept)], None
    if len(gaps):
        factor = cholesky(maker[np.ix_(gaps, gaps)], lower=True)
        filled[gaps] -= cho_solve((factor, True), residual[gaps])
        cross = solve_triangular(factor, maker[np.ix_(gaps, kept)], lower=True)
        residual = residual[kept] - cross.T @ solve_triangular(factor, residual[gaps], lower=True)
    groups, errors = codes[kept], np.zeros(y.shape[1])
    if (groups == groups[0]).all():  # nothing is left to learn from: the same for all penalties, the first is taken
        return errors, filled
    diagonal = np.diag(own) - (0 if cross is None else (cross**2).sum(axis=0))
    sizes = np.bincount(groups)
    alone = sizes[groups] == 1
    errors += ((residual[alone] / diagonal[alone, None]) ** 2).sum(axis=0)
    for group in np.flatnonzero(sizes > 1):
        rows = np.flatnonzero(groups == group)
        block = own[np.ix_(rows, rows)] - (0 if cross is None else cross[:, rows].T @ cross[:, rows])
        errors += (cho_solve(cho_factor(block), residual[rows]) ** 2).sum(axis=0)
    return errors / len(kept), filled
