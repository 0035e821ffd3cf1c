"""Metrics of predicted against measured response.

All take (n,) arrays `y_true`, `y_pred` in the same unit and return a float; float32 is
computed in float64. Undefined values are NaN, without a warning: correlations of a constant
vector or of fewer than two samples, R2 of one sample, everything when a value is not finite
(a network that diverged). Conventions follow scipy.stats and scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import rankdata


def _pair(y_true, y_pred):
    truth, prediction = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    if truth.ndim != 1 or truth.shape != prediction.shape or truth.size == 0:
        raise ValueError(f"shapes {truth.shape} and {prediction.shape}: expected two equal (n >= 1,)")
    finite = bool(np.isfinite(truth).all() and np.isfinite(prediction).all())
    return truth, prediction, finite


def _correlation(a, b):
    if len(a) < 2 or (a == a[0]).all() or (b == b[0]).all():
        return float("nan")
    a, b = (v - v.mean() for v in (a, b))
    # Dividing by the largest value first keeps the squares of tiny numbers from vanishing.
    a, b = (v / np.abs(v).max() for v in (a, b))
    return float(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1.0, 1.0))


def spearman(y_true, y_pred) -> float:
    """Rank correlation with average ranks for ties."""
    truth, prediction, finite = _pair(y_true, y_pred)
    return _correlation(rankdata(truth), rankdata(prediction)) if finite else float("nan")


def spearman_rows(y_true, y_pred, axis: int = -1) -> np.ndarray:
    """spearman() of many pairs at once, along an axis: for bootstraps, where one call per pair takes minutes."""
    ranks = [rankdata(values, axis=axis) for values in (y_true, y_pred)]
    a, b = (part - part.mean(axis=axis, keepdims=True) for part in ranks)
    spread = np.sqrt((a**2).sum(axis=axis) * (b**2).sum(axis=axis))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, np.clip((a * b).sum(axis=axis) / spread, -1, 1), np.nan)


def pearson(y_true, y_pred) -> float:
    """Linear correlation."""
    truth, prediction, finite = _pair(y_true, y_pred)
    return _correlation(truth, prediction) if finite else float("nan")


def rmse(y_true, y_pred) -> float:
    """Root of the mean squared error, in the unit of y."""
    truth, prediction, finite = _pair(y_true, y_pred)
    return float(np.sqrt(np.mean((truth - prediction) ** 2))) if finite else float("nan")


def mae(y_true, y_pred) -> float:
    """Mean absolute error, in the unit of y."""
    truth, prediction, finite = _pair(y_true, y_pred)
    return float(np.mean(np.abs(truth - prediction))) if finite else float("nan")


def r2(y_true, y_pred) -> float:
    """Coefficient of determination against the mean of y_true.

    A constant truth gives 1 when predicted exactly and 0 otherwise (scikit-learn's force_finite).
    """
    truth, prediction, finite = _pair(y_true, y_pred)
    if not finite or len(truth) < 2:
        return float("nan")
    residual = np.sum((truth - prediction) ** 2)
    total = np.sum((truth - truth.mean()) ** 2)
    if total == 0:
        return float(residual == 0)
    return float(1 - residual / total)


METRICS: dict[str, Callable] = {"spearman": spearman, "pearson": pearson, "rmse": rmse, "mae": mae, "r2": r2}


def is_pooled(rows: pd.DataFrame) -> pd.Series:
    """Which rows of a table of metrics are over all folds of a repeat together (fold "pooled"), not over one fold."""
    return rows["fold"].astype(str) == "pooled"


def spearman_per_fold(metrics: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of metrics that hold one fold's Spearman."""
    return metrics[(metrics["metric"] == "spearman") & ~is_pooled(metrics)]


def held_out_ratio(folds: pd.DataFrame) -> float:
    """Held-out rows / training rows, mean over the folds of a table of metrics (one row or more for each fold)."""
    sizes = folds.drop_duplicates(["repeat", "fold"])
    return float(sizes["n_test"].mean() / sizes["n_train"].mean())


def mean_per_repeat(metrics: pd.DataFrame) -> pd.Series:
    """Mean Spearman per fold of each repeat of one arm; an undefined fold (constant predictions) counts 0."""
    folds = spearman_per_fold(metrics)
    return folds["value"].fillna(0.0).groupby(folds["repeat"]).mean()


def score(y_true, y_pred) -> dict[str, float]:
    """Every metric of METRICS, by name."""
    return {name: metric(y_true, y_pred) for name, metric in METRICS.items()}
