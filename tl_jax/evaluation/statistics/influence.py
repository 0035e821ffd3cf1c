"""Two arms on one small cohort, tested by what each sample does to their difference.

Repeats of cross-validation are no new data, so the spread over folds says little of what another cohort would show.
Here the unit is the sample: how far does the mean difference of Spearman per fold move when a sample leaves its test
fold? The spread of these influences, widened by a share for the training sets and by the spread over partitions, gives
a standard error. No model is trained again. The constants were settled on simulated null studies of 22 to 83 samples,
3 and 5 folds and 10 repeats; docs/calibration.md has the rates measured since, and other designs need their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.stats import rankdata

from tl_jax.evaluation.statistics.metrics import spearman_rows

# Of the variance: the influences', for the training sets that share samples, more where two arms disagree.
HELD, APART = 1.6, 0.6
FLOOR = 0.4  # least share of the corrected resampled variance
FREEDOM = 0.7  # degrees of freedom for each unit but one
LEAST = 1e-20  # a variance below is rounding
AT_ONCE = 1_000_000  # most numbers of a table of ranks without each unit


class Influence(NamedTuple):
    """What each unit does to the score of one arm: score (R, K) per fold, NaN where the observed values of a fold are
    constant; moved (R, units), the mean score of a repeat without a unit minus that with it; predicted (R, n)."""

    score: np.ndarray
    moved: np.ndarray
    predicted: np.ndarray


class Parts(NamedTuple):
    """What the test is made of. difference: mean over repeats and folds; held, partitions, corrected: the variances of
    the influences, of the partitions, and the corrected resampled one; alike: 0 to 1, how much the arms' predictions
    agree; units: their number."""

    difference: float
    held: float
    partitions: float
    corrected: float
    alike: float
    units: int


class InfluenceTest(NamedTuple):
    """difference: mean over repeats and folds; p two-sided; low, high: 95 % interval; t, df; wide_low, wide_high: the
    interval by at least the corrected resampled variance, where coverage matters more than width; psi (units,): what
    each unit adds, for tests of many arms at once."""

    difference: float
    p: float
    low: float
    high: float
    t: float
    df: float
    wide_low: float
    wide_high: float
    psi: np.ndarray


class Fold(NamedTuple):
    """One fold of one repeat: its numbers, its rows, each row's unit as a place in `units`, and `left_ranks` of the
    observed values."""

    repeat: int
    number: int
    rows: np.ndarray
    place: np.ndarray
    units: np.ndarray
    left: np.ndarray


@dataclass(frozen=True)
class Held:
    """The held-out rows of a repeated cross-validation, ready for the influences of many arms.

    y: (n,) observed. folds: of all repeats, those alone whose observed values vary. shape: (R, K, units).
    """

    y: np.ndarray
    folds: tuple[Fold, ...]
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, y, fold, unit=None) -> Held:
        """y: (n,) observed. fold, unit: as for `influence`."""
        y, fold = np.asarray(y, float), np.asarray(fold)
        units, place = np.unique(np.arange(len(y)) if unit is None else np.asarray(unit), return_inverse=True)
        count, found = int(fold.max()) + 1, []
        for r, numbers in enumerate(fold):
            for k in range(count):
                rows = np.flatnonzero(numbers == k)
                if len(rows) > 1 and np.ptp(y[rows]) > 0:
                    own, inside = np.unique(place[rows], return_inverse=True)
                    found.append(Fold(r, k, rows, inside, own, left_ranks(y[rows], inside)))
        return cls(y, tuple(found), (len(fold), count, len(units)))

    def influence(self, predicted) -> Influence:
        """predicted: (R, n) held-out predictions of one arm."""
        predicted = np.asarray(predicted, float)
        repeats, count, units = self.shape
        score, moved = np.full((repeats, count), np.nan), np.zeros((repeats, units))
        for one in self.folds:
            found = correlations(one.left, left_ranks(predicted[one.repeat, one.rows], one.place))
            score[one.repeat, one.number] = found[0]
            moved[one.repeat, one.units] = found[1:] - found[0]
        return Influence(score, moved * (repeats / max(len(self.folds), 1)), predicted)


def influence(y, predicted, fold, unit=None) -> Influence:
    """The influence of each unit on the Spearman per fold of one arm.

    Args:
        y: (n,) observed. predicted: (R, n) held-out predictions. fold: (R, n) numbers 0 to K - 1; the folds of a
        repeat partition the samples. unit: (n,) names of groups whose samples share a fold and leave together; None:
        each sample is one.
    """
    return Held.of(y, fold, unit).influence(predicted)


def left_ranks(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(1 + units, m) ranks of the values (m,), less their mean: of all rows, and without each unit, 0 for its rows.

    place: (m,) each row's unit, 0 to units - 1. A row that leaves takes 1 from every larger value's rank and a half
    from an equal one's, so nothing is sorted again.
    """
    m, units = len(values), int(place.max()) + 1
    size = max(1, AT_ONCE // m)
    ranks = rankdata(values) if m > size else above(values, values).sum(axis=0) + 0.5
    found = [(ranks - (m + 1) / 2)[None]]
    for first in range(0, units, size):
        cover = (np.arange(first, min(first + size, units))[:, None] == place).astype(float)
        rows = np.flatnonzero(cover.any(axis=0))
        left = ranks - cover[:, rows] @ above(values[rows], values)
        found.append((left - (m - cover.sum(axis=1, keepdims=True) + 1) / 2) * (1 - cover))
    return np.concatenate(found)


def above(some: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(some, values) 1 where a value is above one of `some`, a half where it is equal."""
    return (some[:, None] < values) + 0.5 * (some[:, None] == values)


def correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlations of centred rows; 0 where a row is constant, which ranks nothing."""
    scale = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return np.divide((one * other).sum(axis=1), scale, out=np.zeros_like(scale), where=scale > 0)


def parts_of(one: Influence, other: Influence) -> Parts:
    """What the test of two arms is made of; NaN where a fold is compared in no repeat."""
    d, e = one.score - other.score, one.moved - other.moved
    repeats, folds = d.shape
    known, n, mean = d[np.isfinite(d)], e.shape[1], e.mean(axis=0)
    if len(known) < 2:
        return Parts(*[float("nan")] * 5, n)
    inner = np.var(e, axis=0, ddof=1).sum() / repeats if repeats > 1 else 0.0
    held = (n - 1) / n * np.sum((mean - mean.mean()) ** 2) - ((n - 1) / n) ** 2 * inner
    each = np.array([row[np.isfinite(row)].mean() for row in d if np.isfinite(row).any()])
    partitions = float(np.var(each, ddof=1) / len(each)) if len(each) > 1 else 0.0
    agreed = np.nan_to_num(spearman_rows(one.predicted, other.predicted))  # a constant agrees with nothing
    alike = float(np.clip(agreed.mean(), 0, 1))
    corrected = float(np.var(known, ddof=1) * (1 / len(known) + 1 / (folds - 1)))
    return Parts(float(known.mean()), max(float(held), 0.0), partitions, corrected, alike, n)


def variance_of(parts: Parts, wide: bool = False) -> float:
    """The variance of the mean difference. wide: at least the corrected resampled one."""
    least = parts.corrected if wide else FLOOR * parts.corrected
    return max((HELD + APART * (1 - parts.alike)) * parts.held + parts.partitions, least)


def influence_test(one: Influence, other: Influence, level: float = 0.95) -> InfluenceTest:
    """Whether the first arm's mean Spearman per fold differs from the other's, on the same folds.

    one, other: of `influence`, on the same samples, folds and units. Arms that differ in no fold and by no unit are
    alike: p = 1. A difference without any spread leaves t, p and the intervals undefined (NaN).
    """
    parts = parts_of(one, other)
    mean = (one.moved - other.moved).mean(axis=0)
    found, wide = (by_variance(parts, variance_of(parts, widened), level) for widened in (False, True))
    return InfluenceTest(*found, *wide[2:4], -(parts.units - 1) * (mean - mean.mean()))


def by_variance(parts: Parts, variance: float, level: float = 0.95) -> tuple[float, ...]:
    """(difference, p, low, high, t, df) of a difference with this variance."""
    theta, df, nothing = parts.difference, FREEDOM * (parts.units - 1), float("nan")
    if not variance > LEAST:
        return (theta, 1.0, 0.0, 0.0, 0.0, df) if theta == 0 else (theta, nothing, nothing, nothing, nothing, df)
    error = float(np.sqrt(variance))
    t, reach = theta / error, error * float(stats.t.ppf(0.5 + level / 2, df))
    low, high = np.clip([theta - reach, theta + reach], -2, 2)
    return theta, float(2 * stats.t.sf(abs(t), df)), float(low), float(high), t, df


def max_t(tests: list[InfluenceTest], draws: int = 9_999, seed: int = 0) -> np.ndarray:
    """(arms,) p-values of many arms against one reference, corrected for their number by single-step sign-flip max-T.

    tests: each arm against the same reference on the same samples. The signs of the units' parts are flipped together
    for all arms, which keeps how arms depend on each other; each arm's t is brought to a normal score by its degrees
    of freedom. NaN where a test is undefined.
    """
    known = np.array([np.isfinite(one.t) and np.any(one.psi) for one in tests], bool)
    found = np.array([1.0 if one.t == 0 else np.nan for one in tests])
    if not known.any():
        return found
    psi = np.array([one.psi for one, own in zip(tests, known, strict=True) if own])
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, psi.shape[1]))
    largest = np.abs(signs @ (psi / np.sqrt((psi**2).sum(axis=1, keepdims=True))).T).max(axis=1)
    scores = [-stats.norm.ppf(one.p / 2) for one, own in zip(tests, known, strict=True) if own]
    found[known] = [(1 + np.sum(largest >= score)) / (1 + draws) for score in scores]
    return found
