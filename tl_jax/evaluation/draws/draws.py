"""Two arms on several seeded draws of training rows from one pool, judged on one test set that all draws share.

Such a study varies in two ways that a t-test over draws does not see. All draws and both arms meet the same test
compounds, so that the luck of the test set never averages out over draws. And draws of n rows from a pool of N share
rows, so that they vary less among each other than fresh draws from the population would. `crossed_t` counts both: it
adds the variance over test compounds (jackknife, Efron and Stein 1981) and that over draws, widened for their overlap
as Nadeau and Bengio (2003) do for cross-validation. It takes values of one metric, per draw, and per draw with each
test compound left out (`left_out`). How often it holds what it claims: docs/draws.md. It speaks of the mean over
training draws at one size and over compounds like those of the test set; not of other targets, sources or
architectures.

For what has no such formula, `crossed_means` resamples draws and test compounds at once (the pigeonhole bootstrap: Owen
2007, Annals of Applied Statistics 1:386).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from tl_jax.evaluation.draws.classification import auroc_left_out, resampled

RESAMPLES = 2000
NOTHING = float("nan")
ROUNDING = 1e-24  # of a variance: equal values leave a spread of 1e-13


class Difference(NamedTuple):
    """Mean difference a - b over draws, its interval, two-sided p, and the probability that it is above 0.

    p_better is the t distribution's; as a probability it holds for a flat prior.
    """

    point: float
    ci_low: float
    ci_high: float
    p: float
    p_better: float


def mean_overlap(drawn, pool) -> float:
    """Share of its rows that a draw has in common with another, on average.

    drawn, pool: rows per class, or one number each; drawn without replacement. ValueError for more rows than there are.
    """
    n, size = (np.atleast_1d(np.asarray(part, np.float64)) for part in (drawn, pool))
    if n.shape != size.shape or (n > size).any() or not n.sum() > 0:
        raise ValueError(f"cannot draw {n} rows from {size}")
    return float((n**2 / np.where(size > 0, size, 1)).sum() / n.sum())


def left_out(metric: str, truth, probability, clusters=None) -> np.ndarray:
    """(clusters, draws) values with one test compound, or one cluster of them, left out.

    truth (n,), probability (draws, n), clusters (n,) labels or None: of compounds that are alike, say by scaffold.
    """
    codes, truth = _codes(len(truth), clusters), np.asarray(truth, float)
    if metric == "auroc":
        return np.column_stack([auroc_left_out(truth, row, codes) for row in np.atleast_2d(probability)])
    kept = (codes != np.arange(codes.max() + 1)[:, None]).astype(float)
    return resampled(metric, truth, np.atleast_2d(probability), kept)


def weights_of_tests(n: int, resamples: int, seed: int, clusters=None) -> np.ndarray:
    """(resamples, n): how often each test compound is drawn, compounds of a cluster together."""
    codes = _codes(n, clusters)
    groups = codes.max() + 1
    drawn = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), resamples)
    return drawn[:, codes].astype(float)


def weights_of_draws(draws: int, resamples: int, seed: int) -> np.ndarray:
    """(resamples, draws): how often each draw is drawn."""
    # Another stream than that of the test compounds, for the same seed.
    random = np.random.default_rng([seed, 1])
    return random.multinomial(draws, np.full(draws, 1 / draws), resamples).astype(float)


def crossed_t(per_draw, without: np.ndarray, overlap: float, level: float = 0.95) -> Difference:
    """Interval of the mean of per_draw (draws,), from its spread over draws and over test compounds.

    without (clusters, draws): the same differences, of `left_out`. overlap: `mean_overlap`, from 0 to below 1. The
    degrees of freedom are Satterthwaite's (1946). Fewer than two draws or clusters, an undefined value, or nothing
    that varies leave all but the point NaN; differences that are all zero give p = 1.
    """
    d = np.asarray(per_draw, np.float64)
    draws, clusters, point = len(d), len(without), float(d.mean()) if len(d) else NOTHING
    if draws < 2 or clusters < 2 or not np.isfinite(without).all():
        return Difference(point, *(NOTHING,) * 4)
    middle = without.mean(axis=1, keepdims=True)
    over_tests = float(jackknife(middle)[0])
    # A draw's value also varies by what its model does on these compounds; over_tests holds that part already.
    both = float(jackknife(without - middle).sum() / (draws - 1))
    share, spread = 1 / draws + _ratio(overlap), float(np.var(d, ddof=1))
    variance = share * max(0.0, spread - both) + over_tests
    if variance <= ROUNDING:
        same = abs(point) <= ROUNDING**0.5
        return Difference(point, 0.0, 0.0, 1.0, 0.5) if same else Difference(point, *(NOTHING,) * 4)
    df = variance**2 / ((share * spread) ** 2 / (draws - 1) + over_tests**2 / (clusters - 1))
    scale, df = np.sqrt(variance), max(df, draws - 1)
    reach, t = float(scale * stats.t.ppf(0.5 + level / 2, df)), point / scale
    return Difference(point, point - reach, point + reach, float(2 * stats.t.sf(abs(t), df)), float(stats.t.cdf(t, df)))


def crossed_means(again: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(resamples,) means of differences over resampled draws and test compounds.

    again (resamples, draws): differences on resampled test compounds; weights (resamples, draws): of
    `weights_of_draws`.
    """
    return (weights * again).sum(axis=1) / weights.sum(axis=1)


def jackknife(without: np.ndarray) -> np.ndarray:
    """(columns,) variances of values (clusters, columns) by leaving one cluster out."""
    groups = len(without)
    return (groups - 1) / groups * np.sum((without - without.mean(axis=0)) ** 2, axis=0)


def _ratio(overlap: float) -> float:
    """Correlation r of draws as the factor r / (1 - r) that their own variance lacks."""
    if not 0 <= overlap < 1:
        raise ValueError(f"an overlap of {overlap}: draws that share all rows say nothing of how much draws vary")
    return overlap / (1 - overlap)


def _codes(n: int, clusters) -> np.ndarray:
    """(n,) numbers of the clusters, each compound its own where there are none."""
    return np.arange(n) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
