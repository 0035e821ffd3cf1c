"""Ridges for many responses with gaps on one set of lines, from one eigendecomposition.

A ridge on the lines that were measured is the ridge on all lines whose gaps hold its own prediction. So a gap costs a
small system of its own lines and no model is refitted: with A = I - H, H the smoother on all lines with its intercept,
the residuals of any set S of lines left out together are (A_SS)^-1 (A y)_S whatever y holds there (see
baselines.left_out_errors), and leaving out the gaps first is one step of block elimination.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS, centred_kernels
from tl_jax.evaluation.predictors.line_models import tissue_groups


class ManyRidges(NamedTuple):
    """dual: (n, k) coefficients on lines, which sum to 0, so that kernel rows @ dual are predictions up to a constant.
    mean: (k,) predictions at the lines' mean. alpha: (k,) penalties. left_out: (n, k) predictions of each line by the
    model without its tissue; of lines in a gap by the model that lacks them anyhow."""

    dual: np.ndarray
    mean: np.ndarray
    alpha: np.ndarray
    left_out: np.ndarray


def many_ridges(within: np.ndarray, y: np.ndarray, tissue: np.ndarray, alphas=None) -> ManyRidges:
    """A ridge for each response on the lines measured with it, whole tissues left out to choose its penalty.

    Args:
        within: (n, n) kernel of the lines. y: (n, k), NaN where a line was not measured. tissue: (n,), "" for unknown.
        alphas: penalties to choose from, strongest first; default: those of `ridge`, of the kernel of all lines.
    """
    values, vectors = np.linalg.eigh(centred_kernels(within, within)[0])
    values, y = np.maximum(values, 0.0), np.asarray(y, np.float64)
    alphas = RELATIVE_ALPHAS * values.mean() if alphas is None else np.asarray(alphas, np.float64)
    codes = tissue_groups(tissue)
    codes = np.arange(len(y)) if codes is None else np.unique(codes, return_inverse=True)[1]
    best, alpha = np.full(y.shape[1], np.inf), np.zeros(y.shape[1])
    filled, predicted, groups = np.zeros(y.shape), np.zeros(y.shape), list(patterns(y))
    for one in alphas:
        maker = np.eye(len(y)) - 1 / len(y) - (vectors * (values / (values + one))) @ vectors.T
        for columns, gaps in groups:
            error, whole, without = left_out(maker, y[:, columns], gaps, codes)
            better = error < best[columns]
            own = columns[better]
            best[own], alpha[own] = error[better], one
            filled[:, own], predicted[:, own] = whole[:, better], without[:, better]
    mean = filled.mean(axis=0)
    dual = vectors @ ((vectors.T @ (filled - mean)) / (values[:, None] + alpha))
    return ManyRidges(dual, mean, alpha, predicted)


def patterns(y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(columns, gaps) of the responses that lack the same lines."""
    missing, which = np.unique(np.isnan(y), axis=1, return_inverse=True)
    for number, gaps in enumerate(missing.T):
        yield np.flatnonzero(which.ravel() == number), np.flatnonzero(gaps)


def left_out(maker: np.ndarray, y: np.ndarray, gaps: np.ndarray, codes: np.ndarray):
    """Of leaving out groups: (k,) mean squared errors, and (n, k) responses whose gaps hold the ridge's prediction, and
    (n, k) predictions of what was left out.

    maker: (n, n) I - H. y: (n, k), all with the same gaps. codes: (n,) groups. One group alone has no error.
    """
    kept = np.setdiff1d(np.arange(len(y)), gaps)
    filled = np.where(np.isnan(y), np.nanmean(y, axis=0), y)
    residual, own, cross = maker @ filled, maker[np.ix_(kept, kept)], None
    if len(gaps):
        factor = cholesky(maker[np.ix_(gaps, gaps)], lower=True)
        filled[gaps] -= cho_solve((factor, True), residual[gaps])
        cross = solve_triangular(factor, maker[np.ix_(gaps, kept)], lower=True)
        residual = residual[kept] - cross.T @ solve_triangular(factor, residual[gaps], lower=True)
    groups, predicted = codes[kept], filled.copy()
    if (groups == groups[0]).all():  # nothing is left to learn from: the same for all penalties, the first is taken
        return np.zeros(y.shape[1]), filled, predicted
    apart = residuals_apart(residual, own, cross, groups)
    predicted[kept] -= apart
    return np.mean(apart**2, axis=0), filled, predicted


def residuals_apart(residual: np.ndarray, own: np.ndarray, cross: np.ndarray | None, groups: np.ndarray) -> np.ndarray:
    """(n, k) residuals of each group by the model without it. cross: what the gaps take from `own`, or None."""
    sizes = np.bincount(groups)
    alone = sizes[groups] == 1
    diagonal = np.diag(own) - (0 if cross is None else (cross**2).sum(axis=0))
    found = residual / np.where(alone, diagonal, 1.0)[:, None]
    for group in np.flatnonzero(sizes > 1):
        rows = np.flatnonzero(groups == group)
        block = own[np.ix_(rows, rows)] - (0 if cross is None else cross[:, rows].T @ cross[:, rows])
        found[rows] = cho_solve(cho_factor(block), residual[rows])
    return found
