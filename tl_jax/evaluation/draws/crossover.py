"""Up to which size of the training set transfer helps: where its gain over a reference falls through 0.

The gain is taken to fall as the training set grows, which is what "transfer helps below n" says. Mean gains per size
are therefore smoothed to a curve that never rises (isotonic regression) and joined by straight lines over log n; a
curve that falls by itself is left as it is. Where the data contradict this, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.isotonic import isotonic_regression

from tl_jax.errors import InputError
from tl_jax.evaluation.draws import draws as d
from tl_jax.evaluation.draws.classification import LOWER_IS_BETTER, resampled
from tl_jax.evaluation.draws.draw_comparisons import Grid, Key, arranged, reference_of

COLUMNS = ("source", "arm", "reference_source", "reference", "metric", "crossover", "ci_low", "ci_high", "answer")
BELOW, ABOVE = -np.inf, np.inf  # the gain is negative, or positive, at all sizes


class Crossover(NamedTuple):
    """Size where the gain falls through 0, its interval, and the answer in words.

    size: -inf where transfer is behind at all measured sizes, inf where it is ahead at all of them; likewise an end of
    the interval that the measured sizes do not bound. NaN where nothing can be said.
    """

    size: float
    low: float
    high: float
    answer: str


def crossing(sizes, gains) -> float:
    """Size at which the gains (sizes,) fall through 0, by straight lines over log n; -inf or inf where they do not.

    sizes: rising, above 0. Transfer has to be ahead somewhere to cross: gains of 0 or less are behind at all sizes.
    Gains that are 0 at all sizes give NaN, as do undefined ones.
    """
    n, gain = np.asarray(sizes, np.float64), np.asarray(gains, np.float64)
    if not np.isfinite(gain).all() or not (np.diff(n) > 0).all() or not n[0] > 0:
        return float("nan")
    level = isotonic_regression(gain, increasing=False)
    if not level.any():
        return float("nan")
    if level[-1] > 0:
        return ABOVE
    if level[0] <= 0:
        return BELOW
    k = int(np.flatnonzero(level > 0)[-1])
    share = level[k] / (level[k] - level[k + 1])
    return float(np.exp(np.log(n[k]) + share * np.log(n[k + 1] / n[k])))


def crossover(sizes, gains, resamples: np.ndarray, level: float = 0.95, helps: str = "transfer helps") -> Crossover:
    """The crossing of gains (sizes,) with its percentile interval over resamples (resamples, sizes).

    sizes: training rows, rising, at least two. helps: how the answer calls it that the arm is ahead.
    """
    n = np.asarray(sizes, np.float64)
    size, nothing = crossing(n, gains), float("nan")
    found = np.asarray([crossing(n, row) for row in resamples])
    found = found[~np.isnan(found)]
    if len(n) < 2 or np.isnan(size) or not len(found):
        return Crossover(nothing, nothing, nothing, "not identified: the gains are undefined or 0 at all sizes")
    tail = 0.5 - level / 2
    low = float(np.quantile(found, tail, method="lower"))
    high = float(np.quantile(found, 1 - tail, method="higher"))
    ends = np.nanquantile(resamples, (tail, 1 - tail), axis=0)
    rise = _rise(n, ends)
    if rise:
        return Crossover(nothing, nothing, nothing, rise)
    return Crossover(size, low, high, in_words(n, size, low, high, level, helps))


def in_words(sizes: np.ndarray, size: float, low: float, high: float, level: float, helps: str) -> str:
    """What may be said of a crossing and its interval."""
    first, last = f"{sizes[0]:g}", f"{sizes[-1]:g}"
    if low == BELOW and high == ABOVE:
        return f"not identified: the {level:.0%} interval holds every size from {first} to {last}"
    if size == ABOVE:
        bound = f"; {level:.0%}: no crossing below {_number(low)}" if np.isfinite(low) else ""
        return f"none: ahead at all sizes ({first} to {last}){bound}"
    if size == BELOW:
        bound = f"; {level:.0%}: no crossing above {_number(high)}" if np.isfinite(high) else ""
        return f"none: behind at all sizes ({first} to {last}){bound}"
    ends = (
        f"{f'below {first}' if low == BELOW else _number(low)} to {f'above {last}' if high == ABOVE else _number(high)}"
    )
    return f"{helps} below n = {_number(size)} ({level:.0%}: {ends})"


def crossovers(
    predictions: pd.DataFrame,
    reference: str,
    *,
    metric: str = "mcc",
    clusters=None,
    seed: int = 0,
    resamples: int = d.RESAMPLES,
) -> pd.DataFrame:
    """One row per arm: up to which size it is ahead of the reference, and the answer in words.

    predictions and clusters as for draw_comparisons.compare_draws, at two sizes or more. The interval is that of the
    pigeonhole bootstrap with the same test compounds at every size, and the same draws where all sizes name the same
    ones: a smaller draw is often a part of the larger. It errs on the wide side, and it is of this arm alone: the
    best of several is not corrected for.
    """
    grid = arranged(predictions, clusters)
    if len(grid.sizes) < 2:
        raise InputError("a crossover needs predictions at two training sizes or more")
    tests = d.weights_of_tests(len(grid.tests.truth), resamples, seed, grid.tests.clusters)
    values = _means(grid, metric, tests, seed)
    sign = -1 if metric in LOWER_IS_BETTER else 1
    rows = []
    for key in dict.fromkeys(key for arms in grid.sizes.values() for key in arms):
        sizes = [n for n, arms in grid.sizes.items() if key in arms]
        others = [reference_of(key, grid.sizes[n], reference) for n in sizes]
        if key in others:
            continue
        pairs = [(values(n, key), values(n, other)) for n, other in zip(sizes, others, strict=True)]
        gain, again = (np.stack([sign * (a[k] - b[k]) for a, b in pairs], axis=-1) for k in (0, 1))
        helps = "transfer helps" if key[0] else "ahead"  # an arm without a source transfers nothing
        rows.append((*key, *others[0], metric, *crossover(sizes, gain, again, helps=helps)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _means(grid: Grid, metric: str, tests: np.ndarray, seed: int) -> Callable[[int, Key], tuple[float, np.ndarray]]:
    """f(size, arm): (mean over draws, (resamples,) means of the pigeonhole bootstrap), each computed once."""
    same = len({grid.draws[n] for n in grid.sizes}) == 1
    drawn = {
        n: d.weights_of_draws(len(grid.draws[n]), len(tests), seed if same else seed + 1 + k)
        for k, n in enumerate(grid.sizes)
    }
    truth, known = grid.tests.truth, {}

    def values(n: int, key: Key) -> tuple[float, np.ndarray]:
        if (n, key) not in known:
            p = grid.sizes[n][key]
            point = float(resampled(metric, truth, p, np.ones((1, len(truth)))).mean())
            known[n, key] = point, d.crossed_means(resampled(metric, truth, p, tests), drawn[n])
        return known[n, key]

    return values


def _rise(sizes: np.ndarray, ends: np.ndarray) -> str:
    """In words, where transfer is shown to be behind at a size and ahead at a larger one; "" where it is not."""
    low, high = ends
    behind, ahead = np.flatnonzero(high < 0), np.flatnonzero(low > 0)
    if not len(behind) or not len(ahead) or behind[0] >= ahead[-1]:
        return ""
    first, last = sizes[behind[0]], sizes[ahead[-1]]
    return f"not identified: behind at n = {first:g} and ahead at {last:g}, so that no size parts them"


def _number(size: float) -> str:
    """A size as far as it is known: two digits."""
    return f"{float(f'{size:.2g}'):g}" if size >= 10 else f"{size:.1f}"
