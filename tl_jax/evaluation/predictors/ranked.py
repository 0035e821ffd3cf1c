"""Responses as normal scores of their ranks, and the way back into the response's own unit.

A model of ranks is the same for every monotone transform of the response, and an outlier weighs no more than its rank.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm, rankdata

POINTS = 97  # of the way back, from -REACH to REACH
REACH = 6.0
# Of an expectation over a normal variable; quantiles have kinks, for which fewer nodes of Gauss do worse.
NODES = np.linspace(-5, 5, 401)
WEIGHTS = norm.pdf(NODES) / norm.pdf(NODES).sum()
LEAST_SPREAD, LARGEST_SPREAD = 0.3, 1.0


def rankit(values) -> np.ndarray:
    """Normal scores Phi^-1((rank - .5) / n) of (n,) values, equal values the mean of their ranks; NaN stays NaN."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    found = np.full(len(values), np.nan)
    found[known] = norm.ppf((rankdata(values[known]) - 0.5) / max(known.sum(), 1))
    return found


class Back(NamedTuple):
    """A monotone way from scores to a response: knots (k,) scores, levels (k,) in the response's unit."""

    knots: np.ndarray
    levels: np.ndarray

    def __call__(self, score) -> np.ndarray:
        return np.interp(score, self.knots, self.levels)


def unexplained(scores) -> float:
    """The spread that predicted scores of the training rows leave of responses whose scores have a spread of 1."""
    return float(np.sqrt(max(1 - np.var(np.asarray(scores, np.float64)), 0.0)))


def way_back(y, spread: float) -> Back:
    """The mean response at each predicted score, where a sample's own score lies around it with a normal spread.

    A score s stands for the mean of Q(s + spread e), e standard normal, Q the quantiles of the training responses y
    (n,), straight between them. The mean of a spread is nearer to the middle than the quantile itself, so that
    predictions are shrunk as far as the model errs; none leaves the range of the training responses.
    """
    y = np.asarray(y, np.float64)
    scores = rankit(y)
    own, places = np.unique(scores, return_index=True)
    knots = np.linspace(-REACH, REACH, POINTS)
    spread = float(np.clip(spread, LEAST_SPREAD, LARGEST_SPREAD))
    if len(own) < 2:
        return Back(knots, np.full(POINTS, y.mean()))
    levels = np.interp(knots[:, None] + spread * NODES, own, y[places]) @ WEIGHTS
    return Back(knots, np.maximum.accumulate(levels))  # rounding alone could turn it
