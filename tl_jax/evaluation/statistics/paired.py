"""Two arms on the same folds: what their paired differences allow to be said.

Training sets of repeated cross-validation overlap, so the differences of folds are correlated. Tests that take them,
or the repeats, for independent call two equally good models different in more than half of all studies of 22 samples;
the corrected ones here count the overlap. All take the differences a - b of one metric, one number per fold of every
repeat, and `ratio`, the number of held-out rows divided by that of training rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats


class CorrectedT(NamedTuple):
    """t and df of the corrected resampled t-test, its two-sided p, and the interval of the mean difference."""

    t: float
    df: int
    p: float
    low: float
    high: float


def corrected_scale(differences: np.ndarray, ratio: float) -> float:
    """Standard error of the mean difference: sqrt(var * (1/n + ratio)) for n folds in all repeats together."""
    if (differences == differences[0]).all():  # rounding would leave a spread of 1e-17
        return 0.0
    return float(np.sqrt(np.var(differences, ddof=1) * (1 / len(differences) + ratio)))


def corrected_t(differences, ratio: float, level: float = 0.95) -> CorrectedT:
    """Corrected resampled t-test (Nadeau and Bengio 2003; for r x k-fold: Bouckaert and Frank 2004).

    Differences that are all zero give t = 0 and p = 1; fewer than two, or all the same but not zero, leave t, p and
    the interval undefined (NaN), since nothing then tells how much they vary.
    """
    d = finite(differences)
    nothing = float("nan")
    if len(d) < 2:
        return CorrectedT(nothing, max(len(d) - 1, 0), nothing, nothing, nothing)
    mean, scale, df = float(d.mean()), corrected_scale(d, ratio), len(d) - 1
    if scale == 0:
        return CorrectedT(0.0, df, 1.0, 0.0, 0.0) if mean == 0 else CorrectedT(nothing, df, nothing, nothing, nothing)
    reach = scale * float(stats.t.ppf(0.5 + level / 2, df))
    return CorrectedT(mean / scale, df, float(2 * stats.t.sf(abs(mean / scale), df)), mean - reach, mean + reach)


def correlated_bayes(differences, ratio: float, rope: float) -> tuple[float, float, float]:
    """(P(a - b < -rope), P(|a - b| <= rope), P(a - b > rope)) of the Bayesian correlated t-test.

    Corani and Benavoli 2015; Benavoli et al. 2017. rope: half the width of the region of practical equivalence.
    Differences without spread put all probability on one side; fewer than two are undefined (NaN).
    """
    d = finite(differences)
    if len(d) < 2:
        return (float("nan"),) * 3
    mean, scale = float(d.mean()), corrected_scale(d, ratio)
    if scale == 0:
        return float(mean < -rope), float(abs(mean) <= rope), float(mean > rope)
    below, above = (float(stats.t.cdf((side - rope) / scale, len(d) - 1)) for side in (-mean, mean))
    return below, max(0.0, 1 - below - above), above


def holm(p_values) -> np.ndarray:
    """p-values adjusted for their number (Holm 1979), in the order given; NaN stays NaN and counts for nothing."""
    p = np.asarray(p_values, np.float64)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1) if len(order) else []
    return adjusted


def win_rate(differences) -> float:
    """Share of folds in which a is above b, a tie counting half."""
    d = finite(differences)
    return float((np.sum(d > 0) + np.sum(d == 0) / 2) / len(d)) if len(d) else float("nan")


def cliffs_delta(a, b) -> float:
    """P(a > b) - P(a < b) over all pairs of a value of a and one of b (Cliff 1993)."""
    a, b = finite(a), finite(b)
    return float(np.sign(a[:, None] - b[None]).mean()) if len(a) and len(b) else float("nan")


def naive_wilcoxon(differences) -> float:
    """Two-sided p of the ordinary signed-rank test, which takes the repeats of one cohort for independent.

    The usual practice, kept beside the corrected test to show what it would have said; `known_rates.RATES` holds how
    often it is wrong.
    """
    d = finite(differences)
    if not len(d):
        return float("nan")
    return 1.0 if (d == 0).all() else float(stats.wilcoxon(d).pvalue)


def finite(values) -> np.ndarray:
    """The defined ones: a fold whose value is undefined compares nothing."""
    values = np.asarray(values, np.float64)
    return values[np.isfinite(values)]
