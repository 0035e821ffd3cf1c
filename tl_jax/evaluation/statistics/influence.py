"""Two arms on one small cohort, tested by what each sample does to their difference.

Repeats of cross-validation are no new data, so the spread over folds says little of what another cohort would show.
Here the unit is the sample: how far does the mean difference of Spearman per fold move when a sample leaves its test
fold? The spread of these influences, widened by a share for the training sets and by the spread over partitions, gives
a standard error. No model is trained again. The constants were settled on simulated null studies of 22 to 83 samples,
3 and 5 folds and 10 repeats; docs/calibration.md has the rates measured since, and other designs need their own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from tl_jax.evaluation.statistics.metrics import spearman_rows

# Of the variance: the influences', for the training sets that share samples, more where two arms disagree.
HELD, APART = 1.6, 0.6
FLOOR = 0.4  # least share of the corrected resampled variance
FREEDOM = 0.7  # degrees of freedom for each unit but one


class Influence(NamedTuple):
    """What each unit does to the score of one arm: score (R, K) per fold; moved (R, units), the mean score of a repeat
    without a unit minus that with it; predicted (R, n)."""

    score: np.ndarray
    moved: np.ndarray
    predicted: np.ndarray


class InfluenceTest(NamedTuple):
    """difference: mean over repeats and folds; p two-sided; low, high: 95 % interval; t, df; psi (units,): what each
    unit adds, for tests of many arms at once."""

    difference: float
    p: float
    low: float
    high: float
    t: float
    df: float
    psi: np.ndarray


def influence(y, predicted, fold, unit=None) -> Influence:
    """The influence of each unit on the Spearman per fold of one arm.

    Args:
        y: (n,) observed. predicted: (R, n) held-out predictions. fold: (R, n) numbers 0 to K - 1; the folds of a
        repeat partition the samples. unit: (n,) names of groups whose samples share a fold and leave together; None:
        each sample is one. A fold whose observed values are constant leaves the test undefined.
    """
    y, predicted, fold = np.asarray(y, float), np.asarray(predicted, float), np.asarray(fold)
    units, place = np.unique(np.arange(len(y)) if unit is None else np.asarray(unit), return_inverse=True)
    count = int(fold.max()) + 1
    score, moved = np.zeros((len(fold), count)), np.zeros((len(fold), len(units)))
    for r, numbers in enumerate(fold):
        for k in range(count):
            rows = np.flatnonzero(numbers == k)
            score[r, k] = spearman_rows(y[rows], predicted[r, rows]) if len(rows) > 1 else 0.0
            left = np.nan_to_num(without(y[rows], predicted[r, rows], place[rows]))  # a constant rest ranks nothing
            moved[r, np.unique(place[rows])] = (left - score[r, k]) / count
    return Influence(score, moved, predicted)


def without(y: np.ndarray, predicted: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(units,) Spearman of a fold without each of its units, in their order; 0 where fewer than two rows are left."""
    m = len(y)
    if len(np.unique(place)) == m:  # every unit is one row: all at once
        if m < 3:
            return np.zeros(m)
        order = np.argsort(place)
        left = np.array([[j for j in range(m) if j != i] for i in order])
        return spearman_rows(y[left], predicted[left])
    kept = [place != one for one in np.unique(place)]
    return np.array([spearman_rows(y[own], predicted[own]) if own.sum() > 1 else 0.0 for own in kept])


def influence_test(one: Influence, other: Influence, level: float = 0.95, wide: bool = False) -> InfluenceTest:
    """Whether the first arm's mean Spearman per fold differs from the other's, on the same folds.

    Args:
        one, other: of `influence`, on the same samples, folds and units.
        wide: take the corrected resampled variance where it is larger, for intervals whose coverage matters more than
            their width.
    """
    d, e = one.score - other.score, one.moved - other.moved
    repeats, folds = d.shape
    n = e.shape[1]
    theta, mean = float(d.mean()), e.mean(axis=0)
    inner = np.var(e, axis=0, ddof=1).sum() / repeats if repeats > 1 else 0.0
    held = (n - 1) / n * np.sum((mean - mean.mean()) ** 2) - ((n - 1) / n) ** 2 * inner
    partitions = np.var(d.mean(axis=1), ddof=1) / repeats if repeats > 1 else 0.0
    alike = float(np.clip(np.mean(spearman_rows(one.predicted, other.predicted)), 0, 1))
    corrected = np.var(d, ddof=1) * (1 / d.size + 1 / (folds - 1))
    least = corrected if wide else FLOOR * corrected
    variance = max((HELD + APART * (1 - alike)) * max(held, 0.0) + partitions, least)
    df, psi = FREEDOM * (n - 1), -(n - 1) * (mean - mean.mean())
    if variance == 0:
        nothing = theta == 0
        ends = (0.0, 0.0) if nothing else (np.nan, np.nan)
        return InfluenceTest(theta, 1.0 if nothing else np.nan, *ends, 0.0 if nothing else np.nan, df, psi)
    error = float(np.sqrt(variance))
    t, reach = theta / error, error * float(stats.t.ppf(0.5 + level / 2, df))
    low, high = np.clip([theta - reach, theta + reach], -2, 2)
    return InfluenceTest(theta, float(2 * stats.t.sf(abs(t), df)), float(low), float(high), t, df, psi)


def max_t(tests: list[InfluenceTest], draws: int = 9_999, seed: int = 0) -> np.ndarray:
    """(arms,) p-values of many arms against one reference, corrected for their number by single-step sign-flip max-T.

    tests: each arm against the same reference on the same samples. The signs of the units' parts are flipped together
    for all arms, which keeps how arms depend on each other; each arm's t is brought to a normal score by its degrees
    of freedom. NaN where a test is undefined.
    """
    known = np.array([np.isfinite(one.t) and np.any(one.psi) for one in tests])
    found = np.array([1.0 if one.t == 0 else np.nan for one in tests])
    if not known.any():
        return found
    psi = np.array([one.psi for one, own in zip(tests, known, strict=True) if own])
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, psi.shape[1]))
    largest = np.abs(signs @ (psi / np.sqrt((psi**2).sum(axis=1, keepdims=True))).T).max(axis=1)
    scores = [-stats.norm.ppf(one.p / 2) for one, own in zip(tests, known, strict=True) if own]
    found[known] = [(1 + np.sum(largest >= score)) / (1 + draws) for score in scores]
    return found
