"""Intervals of one model's metric over the samples of a cohort."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats

from tl_jax.evaluation.statistics.metrics import METRICS
from tl_jax.evaluation.statistics.registry import Metric

Interval = tuple[float, float]
UNDEFINED = (float("nan"), float("nan"))


def fisher_holds(metric: str) -> bool:
    """Whether `fisher_interval` is one of this metric: it is that of rank correlations."""
    return metric == "spearman"


def fisher_interval(rho: float, n: int, level: float = 0.95) -> Interval:
    """Interval of a Spearman correlation of n samples: Fisher's z with variance (1 + rho^2 / 2) / (n - 3).

    Bonett and Wright 2000. Undefined (NaN) for fewer than four samples, an undefined rho, and |rho| = 1, where z is
    infinite. It takes samples for independent and predictions for given: it does not know that predictions of
    cross-validation come from models that share training rows.
    """
    if n < 4 or not abs(rho) < 1:
        return UNDEFINED
    reach = stats.norm.ppf(0.5 + level / 2) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    return float(np.tanh(np.arctanh(rho) - reach)), float(np.tanh(np.arctanh(rho) + reach))


def bca_interval(
    y_true, y_pred, metric: Callable[..., float], seed: int, resamples: int = 9999, level: float = 0.95
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval of metric(y_true, y_pred) (Efron 1987), over samples.

    y_true, y_pred: (n,), resampled together. The same seed gives the same interval. Undefined (NaN) for fewer than
    four samples, and where the metric is undefined or the same in each resample: constant or perfect predictions.
    A resample of one sample only leaves a correlation undefined, and with it the interval; below about eight
    samples that is the rule.
    """
    truth, prediction = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    many = many_at_once(metric)
    if len(truth) < 4 or not np.isfinite(metric(truth, prediction)):
        return UNDEFINED
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        interval = stats.bootstrap(
            (truth, prediction),
            many or metric,
            paired=True,
            vectorized=many is not None,
            method="BCa",
            n_resamples=resamples,
            confidence_level=level,
            rng=np.random.default_rng(seed),
        ).confidence_interval
    low, high = float(interval.low), float(interval.high)
    return (low, high) if high - low > 1e-12 else UNDEFINED  # rounding gives a constant metric a spread


def many_at_once(metric: Callable[..., float]) -> Callable | None:
    """The form of a registered metric, or of its function, that takes many resamples at once, if it has one."""
    known = metric if isinstance(metric, Metric) else next((m for m in METRICS.values() if m.function is metric), None)
    return known.many if known else None
