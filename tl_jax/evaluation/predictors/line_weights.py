"""What ridges of the lines say of each gene: of one drug, or of every drug with one eigendecomposition of the lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS, tuned
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


class AllRidges(NamedTuple):
    """Ridges of all drugs, high scores mean sensitive: weights (genes, drugs), bias (drugs,), alpha (drugs,), and
    left_out (lines, drugs), the scores of the lines by models without their tissue."""

    weights: np.ndarray
    bias: np.ndarray
    alpha: np.ndarray
    left_out: np.ndarray


def all_ridges(x, y, tissue) -> AllRidges:
    """The ridge of every drug on the lines measured with it, each with the penalty of its smallest left-out error.

    A line that was not measured gets the response that the others' model gives it, which leaves that model as it is;
    so one eigendecomposition of all lines serves every drug and penalty, exactly. Only for the choice of a penalty
    those responses are taken from the model of all tissues.

    Args:
        x: (lines, genes) scaled. y: (lines, drugs), NaN where not measured. tissue: (lines,), "" where unknown.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    center = x.mean(axis=0)
    x = x - center
    values, vectors = np.linalg.eigh(x @ x.T)
    values = np.maximum(values, 0.0)
    measured, parts = np.isfinite(y), _groups(tissue)
    best = np.full(y.shape[1], np.inf)
    alpha, filled, left_out = np.zeros(y.shape[1]), np.zeros(y.shape), np.zeros(y.shape)
    for one in RELATIVE_ALPHAS * values.mean():
        smoother = 1 / len(x) + (vectors * (values / (values + one))) @ vectors.T
        whole = _filled(smoother, y, measured)
        residual = _left_out(smoother, whole - smoother @ whole, parts)
        error = np.mean(residual**2, axis=0, where=measured)
        better = error < best
        best, alpha = np.where(better, error, best), np.where(better, one, alpha)
        filled[:, better], left_out[:, better] = whole[:, better], (residual - whole)[:, better]
    mean = filled.mean(axis=0)
    dual = vectors @ ((vectors.T @ (filled - mean)) / (values[:, None] + alpha))
    weights = -x.T @ dual
    return AllRidges(weights, -mean - center @ weights, alpha, left_out)


def _groups(tissue: np.ndarray) -> list[np.ndarray]:
    """Rows that are left out together: tissues, or single lines where none is known."""
    groups = tissue_groups(tissue)
    codes = np.arange(len(tissue)) if groups is None else np.unique(groups, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _filled(smoother: np.ndarray, y: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """y with what the measured lines' model gives the others; drugs with the same gaps are done together."""
    whole = np.where(measured, y, 0.0)
    gaps, which = np.unique(~measured, axis=1, return_inverse=True)
    for number, gap in enumerate(gaps.T):
        if gap.any():
            own = np.flatnonzero(which == number)
            block = np.eye(int(gap.sum())) - smoother[np.ix_(gap, gap)]
            known = smoother[np.ix_(gap, ~gap)] @ whole[np.ix_(~gap, own)]
            whole[np.ix_(gap, own)] = np.linalg.solve(block, known)
    return whole


def _left_out(smoother: np.ndarray, residual: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    """Residuals of each group by the model without it (Allen 1974)."""
    found = np.empty_like(residual)
    for rows in parts:
        found[rows] = np.linalg.solve(np.eye(len(rows)) - smoother[np.ix_(rows, rows)], residual[rows])
    return found
