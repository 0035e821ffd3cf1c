"""How far a score's AUROC would move: with other rows, with other training draws; and one arm against another.

Draws of a share s of one pool have that share in common, so that they vary less among each other than fresh pools
would: the variance of their mean is s^2 (1/n + s / (1 - s)) for the variance s^2 of n draws (see draws.py).
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from tl_jax.evaluation.draws.classification import resampled
from tl_jax.evaluation.draws.draws import Difference, crossed_t, jackknife, left_out

RESAMPLES = 1000
LEVEL = 0.95
NOTHING = (float("nan"), float("nan"))


def over_rows(truth: np.ndarray, scores: np.ndarray, seed: int, metric: str = "auroc") -> tuple[float, float]:
    """95 % interval of the mean over draws, rows drawn with replacement within each class; the models stay.

    Args:
        truth: (n,) 0 or 1, both of them there. scores: (draws, n); 0 or 1 for a metric of calls.
    """
    truth = np.asarray(truth, np.float64)
    random, weights = np.random.default_rng(seed), np.zeros((RESAMPLES, len(truth)))
    for value in (0, 1):
        own = np.flatnonzero(truth == value)
        weights[:, own] = random.multinomial(len(own), np.full(len(own), 1 / len(own)), RESAMPLES)
    means = resampled(metric, truth, np.asarray(scores, np.float64), weights).mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def over_units(truth: np.ndarray, scores: np.ndarray, units: np.ndarray, metric: str = "auroc") -> tuple[float, float]:
    """95 % t interval of the mean over draws, units of rows (donors, plates) as what was sampled; the models stay.

    Args:
        units: (n,) labels; others as for `over_rows`. NaN where a unit holds all rows of a class.
    """
    truth, scores = np.asarray(truth, np.float64), np.asarray(scores, np.float64)
    if not both_without(truth, units):
        return NOTHING
    values = resampled(metric, truth, scores, np.ones((1, len(truth)))).mean()
    without = left_out(metric, truth, scores, units).mean(axis=1)
    reach = float(np.sqrt(jackknife(without)) * stats.t.ppf((1 + LEVEL) / 2, len(without) - 1))
    return float(values - reach), float(values + reach)


def both_without(truth: np.ndarray, units: np.ndarray) -> bool:
    """Whether both classes are there whichever unit is left out."""
    classes = [set(units[truth == value]) for value in (0, 1)]
    return all(len(one) > 1 for one in classes)


def over_draws(values: np.ndarray, overlap: float) -> tuple[float, float]:
    """95 % t interval of the mean of (draws,) values; the rows stay.

    overlap: share of its rows that a draw has in common with another; 0 for draws that are independent, as seeds are.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2 or not np.isfinite(values).all():
        return NOTHING
    scale = np.std(values, ddof=1) * np.sqrt(1 / len(values) + overlap / (1 - overlap))
    reach = float(scale * stats.t.ppf((1 + LEVEL) / 2, len(values) - 1))
    return float(values.mean() - reach), float(values.mean() + reach)


def paired(truth: np.ndarray, one: np.ndarray, other: np.ndarray, overlap: float, units=None) -> Difference:
    """Mean AUROC of one arm minus another's on the same draws, with rows and draws both counted.

    Args:
        one, other: (draws, n) scores, draw by draw of the same training rows and seed. units: (n,) labels of rows that
        were sampled together; None: each row by itself.
    """
    truth = np.asarray(truth, np.float64)
    each = [resampled("auroc", truth, part, np.ones((1, len(truth))))[0] for part in (one, other)]
    without = [left_out("auroc", truth, part, units) for part in (one, other)]
    return crossed_t(each[0] - each[1], without[0] - without[1], overlap)
