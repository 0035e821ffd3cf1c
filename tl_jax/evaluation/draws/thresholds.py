"""From a score to a call and a probability, settled on rows whose truth is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from tl_jax.evaluation.draws.classification import count, mcc

CANDIDATES = 49
UNPENALISED = 1e6


class Calling(NamedTuple):
    """threshold: a score above it is called 1. slope, intercept: of the log odds of 1 on the score (Platt 1999)."""

    threshold: float
    slope: float
    intercept: float

    def calls(self, score: np.ndarray) -> np.ndarray:
        """1 or 0 of scores of any shape."""
        return (score > self.threshold).astype(int)

    def probability(self, score: np.ndarray) -> np.ndarray:
        """Probability of 1 of scores of any shape."""
        return expit(self.slope * score + self.intercept)


def settle(score: np.ndarray, truth: np.ndarray) -> Calling:
    """The threshold of highest MCC among 49 quantiles of the scores, and a logistic regression on the score.

    Args:
        score: (n,), high for 1. truth: (n,) 0 or 1, both of them there.
    """
    truth = np.asarray(truth, np.float64)
    candidates = np.quantile(score, np.linspace(0.02, 0.98, CANDIDATES))
    found = mcc(count(truth, score > candidates[:, None]))
    spread = float(np.std(score)) or 1.0
    model = LogisticRegression(C=UNPENALISED).fit((score / spread)[:, None], truth)
    return Calling(
        float(candidates[int(np.argmax(found))]), float(model.coef_[0, 0] / spread), float(model.intercept_[0])
    )
