"""Metrics of predicted against measured response.

All take (n,) arrays `y_true`, `y_pred` in the same unit and return a float; float32 is computed in float64.

One rule for constant predictions: they order nothing, so a correlation or rank correlation of them is 0. What remains
undefined is NaN, without a warning, and left out by whoever averages: a constant truth or fewer than two samples (a
correlation), one sample (R2), and everything when a value is not finite (a network that diverged). A constant truth
and single samples are the same for all arms of a fold; a network that diverged is shown as undefined and not as 0.
Conventions otherwise follow scipy.stats and scikit-learn.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from tl_jax.evaluation.statistics.registry import METRICS, metric, sign
from tl_jax.evaluation.statistics.registry import get as get

JUDGED = "spearman"  # by what a study is judged unless it is told otherwise


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


def rank_correlation(a, b) -> float:
    """Spearman of two measurements of equal standing, (n,) each: NaN where either is constant."""
    a, b, finite = _pair(a, b)
    return _correlation(rankdata(a), rankdata(b)) if finite else float("nan")


def _of_prediction(truth, prediction):
    """Correlation of a prediction with the truth: 0 where only the prediction is constant."""
    if len(truth) > 1 and (prediction == prediction[0]).all() and not (truth == truth[0]).all():
        return 0.0
    return _correlation(truth, prediction)


def spearman_rows(y_true, y_pred, axis: int = -1) -> np.ndarray:
    """spearman() of many pairs at once, along an axis: for bootstraps, where one call per pair takes minutes."""
    ranks = [rankdata(values, axis=axis) for values in (y_true, y_pred)]
    a, b = (part - part.mean(axis=axis, keepdims=True) for part in ranks)
    squares = [(part**2).sum(axis=axis) for part in (a, b)]
    spread = np.sqrt(squares[0] * squares[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(spread > 0, np.clip((a * b).sum(axis=axis) / spread, -1, 1), np.nan)
    return np.where((squares[0] > 0) & (squares[1] == 0), 0.0, found)


@metric("spearman", label="Spearman", range=(-1, 1), chance=0.0, pooled_bias="downward", many=spearman_rows)
def spearman(y_true, y_pred) -> float:
    """Rank correlation with average ranks for ties; 0 for a constant prediction, NaN for a constant truth."""
    truth, prediction, finite = _pair(y_true, y_pred)
    return _of_prediction(rankdata(truth), rankdata(prediction)) if finite else float("nan")


@metric("pearson", label="Pearson", range=(-1, 1), chance=0.0, pooled_bias="downward")
def pearson(y_true, y_pred) -> float:
    """Linear correlation; 0 for a constant prediction, NaN for a constant truth."""
    truth, prediction, finite = _pair(y_true, y_pred)
    return _of_prediction(truth, prediction) if finite else float("nan")


@metric("rmse", label="RMSE", higher_is_better=False, unit="unit of the response", range=(0, float("inf")))
def rmse(y_true, y_pred) -> float:
    """Root of the mean squared error, in the unit of y."""
    truth, prediction, finite = _pair(y_true, y_pred)
    return float(np.sqrt(np.mean((truth - prediction) ** 2))) if finite else float("nan")


@metric("mae", label="MAE", higher_is_better=False, unit="unit of the response", range=(0, float("inf")))
def mae(y_true, y_pred) -> float:
    """Mean absolute error, in the unit of y."""
    truth, prediction, finite = _pair(y_true, y_pred)
    return float(np.mean(np.abs(truth - prediction))) if finite else float("nan")


@metric("r2", label="R2", range=(float("-inf"), 1), chance=0.0)
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


def is_pooled(rows: pd.DataFrame) -> pd.Series:
    """Which rows of a table of metrics are over all folds of a repeat together (fold "pooled"), not over one fold."""
    return rows["fold"].astype(str) == "pooled"


def per_fold(metrics: pd.DataFrame, name: str = JUDGED) -> pd.DataFrame:
    """The rows of a table of metrics that hold one fold's value of one metric."""
    return metrics[(metrics["metric"] == name) & ~is_pooled(metrics)]


def held_out_ratio(folds: pd.DataFrame) -> float:
    """Held-out rows / training rows, mean over the folds of a table of metrics (one row or more for each fold)."""
    sizes = folds.drop_duplicates(["repeat", "fold"])
    return float(sizes["n_test"].mean() / sizes["n_train"].mean())


def mean_per_repeat(metrics: pd.DataFrame, name: str = JUDGED) -> pd.Series:
    """Mean of a metric over the folds of each repeat of one arm, undefined folds left out; NaN where all are."""
    folds = per_fold(metrics, name)
    return folds["value"].groupby(folds["repeat"]).mean()


def to_choose_from(folds: pd.DataFrame, name: str = JUDGED) -> pd.DataFrame:
    """Values in which candidates can be compared, more being better.

    folds: (folds, candidates) values of the metric. Errors change their sign. A fold that is undefined for all (a
    constant truth, one sample) stays so and is left out of means; a candidate without a value where another has one
    (its network diverged) counts there as the worst of the others, so that no mean rests on its lucky folds.
    """
    directed = folds * sign(name)
    return directed.apply(lambda column: column.fillna(directed.min(axis=1)))


def constant_folds(predictions: pd.DataFrame) -> int:
    """In how many folds one arm predicted one value for all of several held-out samples.

    predictions: repeat, fold, y_pred of one arm.
    """
    found = predictions.groupby(["repeat", "fold"])["y_pred"].agg(["nunique", "size"])
    return int(((found["nunique"] == 1) & (found["size"] > 1)).sum())


def score(y_true, y_pred) -> dict[str, float]:
    """Every registered metric of a response, by name."""
    return {name: one(y_true, y_pred) for name, one in METRICS.items()}
