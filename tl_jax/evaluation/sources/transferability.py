"""How well a source may serve a target, guessed before any model is trained on the target.

`logme`, `h_score` and `cka` take features (n, d) that a source model gives the target's samples (its last hidden
layer, or its prediction alone as (n,)) and the target's labels (n,). They and `zero_shot` use labels of the target: a
study computes them on training rows only. The scores of `domain_distance` and of `reliability` see no such label.
All leave out the mean of each feature and of y, so an intercept costs nothing. With one feature the first three order
sources alike, by the square of Pearson's correlation. Whether any of them orders sources rightly is another matter:
docs/transferability.md measures it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.covariance import ledoit_wolf_shrinkage

from tl_jax.data.domain import Domain
from tl_jax.evaluation.checks.reliability import label_quality
from tl_jax.evaluation.sources.domain_distance import coral, mmd
from tl_jax.evaluation.statistics.metrics import spearman


class Score(NamedTuple):
    """higher_is_better: else a distance. target_labels: whether it sees labels of the target."""

    higher_is_better: bool
    target_labels: bool


SCORES = {
    "logme": Score(True, True),
    "h_score": Score(True, True),
    "cka": Score(True, True),
    "zero_shot": Score(True, True),
    "label_repeatability": Score(True, False),
    "label_range": Score(True, False),
    "mmd": Score(False, False),
    "coral": Score(False, False),
}


class Spectrum(NamedTuple):
    """Centred features and labels in the features' principal directions.

    strengths: (r,) squared singular values above rounding. along: (r,) squared projections of y on these directions.
    total: sum of squares of y. rest: its part outside the r directions. n, d: samples, features.
    """

    strengths: np.ndarray
    along: np.ndarray
    total: float
    rest: float
    n: int
    d: int


def spectrum(features, y) -> Spectrum | None:
    """None where no score is defined: fewer than three samples, constant y, or a value that is not finite."""
    f, y = np.asarray(features, np.float64), np.asarray(y, np.float64)
    f = f[:, None] if f.ndim == 1 else f
    if y.ndim != 1 or f.ndim != 2 or len(f) != len(y) or f.shape[1] == 0:
        raise ValueError(f"features {f.shape} and labels {y.shape}: expected (n, d >= 1) and (n,)")
    if len(y) < 3 or not (np.isfinite(f).all() and np.isfinite(y).all()) or (y == y[0]).all():
        return None
    f, y = centred(f), centred(y)
    left, singular, _ = np.linalg.svd(f, full_matrices=False)
    kept = singular > singular[0] * max(f.shape) * np.finfo(np.float64).eps
    kept[len(y) - 1 :] = False  # centring leaves n - 1 directions
    directions = left[:, kept]
    along = directions.T @ y
    rest = float(np.sum((y - directions @ along) ** 2))
    return Spectrum(singular[kept] ** 2, along**2, float(y @ y), rest, *f.shape)


def centred(values: np.ndarray) -> np.ndarray:
    """Without the mean of each column, in units of the largest value: squares of tiny numbers would vanish."""
    less = np.where((values == values[0]).all(axis=0), 0.0, values - values.mean(axis=0))  # no rounding of a constant
    return less / (np.abs(less).max() or 1.0)


def logme(features, y) -> float:
    """Logarithm of maximum evidence per contrast (You et al. 2021, "LogME", ICML, section 4), in nats.

    With y = F w + noise, w ~ N(0, I/alpha), noise ~ N(0, I/beta), it is the largest over alpha and beta of

        log N(y; 0, I/beta + F F'/alpha) / m,    F and y without their mean, in m = n - 1 contrasts,

    y in units of its standard deviation, where the published score takes F and y as they are (m = n), so that the
    mean of y counts. Beta is known for a given alpha/beta; that one number is found by a grid and Brent's method. The
    published fixed point climbs to the same maximum, but its eleven steps may end before, and crawl where features say
    nothing (alpha without bound).
    At least -(log(2 pi) + 1) / 2 = -1.419, the score of features that say nothing; +inf where fewer than m features
    give y exactly; NaN where undefined.
    """
    s = spectrum(features, y)
    if s is None:
        return float("nan")
    m = s.n - 1
    nothing = -(np.log(2 * np.pi) + 1) / 2
    if not len(s.strengths):
        return float(nothing)
    if len(s.strengths) < m and s.rest <= s.total * s.n * np.finfo(np.float64).eps:
        return float("inf")

    def loss(log_ratio):
        """Minus the evidence over `nothing`, at alpha/beta = exp(log_ratio), of any shape."""
        gain = s.strengths / np.exp(np.asarray(log_ratio))[..., None]
        variance = ((s.along / (1 + gain)).sum(axis=-1) + (s.rest if len(s.strengths) < m else 0)) / s.total
        return (np.log(variance) + np.log1p(gain).sum(axis=-1) / m) / 2

    grid = np.linspace(np.log(s.strengths.min()) - 14, np.log(s.strengths.max()) + 14, 97)
    best = int(np.argmin(loss(grid)))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-7})
    return float(nothing - min(found.fun, loss(grid[best]), 0.0))


def h_score(features, y) -> float:
    """Share of y's variance that features explain linearly, with a shrunk covariance; 0 to 1.

    H = tr(cov(f)^-1 cov(E[f | y])) (Bao et al. 2019, ICIP, definition 2) for continuous y: with the linear
    E[f | y] = c (y - mean)/var(y), c = cov(f, y), it is c' cov(f)^-1 c / var(y), the R2 of least squares. As
    in Ibrahim et al. 2021 ("Newer is not always better", section 4) S = cov(f) is shrunk and the
    other covariance scaled alike:

        H = (1 - r) c' [(1 - r) S + r tr(S)/d I]^-1 c / var(y),    r of Ledoit and Wolf 2004.

    All covariances divide by n. NaN where undefined; 0 for constant features.
    """
    s = spectrum(features, y)
    if s is None:
        return float("nan")
    if not len(s.strengths):
        return 0.0
    f = centred(np.asarray(features, np.float64).reshape(s.n, s.d))
    r = float(ledoit_wolf_shrinkage(f)) if s.d > 1 else 0.0
    shrunk = (1 - r) * s.strengths + r * s.strengths.sum() / s.d
    return float((1 - r) * np.sum(s.strengths * s.along / shrunk) / s.total)


def cka(features, y) -> float:
    """Alignment of the kernels K = F F' and L = y y', both centred: <K, L> / (|K| |L|), Frobenius; 0 to 1.

    Cortes et al. 2012 (JMLR 13, definition 4); linear CKA of Kornblith et al. 2019. With one feature the square
    of Pearson's correlation. Biased upwards where features outnumber samples: compare sources of equal d only.
    NaN where undefined; 0 for constant features.
    """
    s = spectrum(features, y)
    if s is None:
        return float("nan")
    if not len(s.strengths):
        return 0.0
    return float(np.sum(s.strengths * s.along) / (np.linalg.norm(s.strengths) * s.total))


def scores_with_labels(features, prediction, y) -> dict[str, float]:
    """Every score that sees the target's labels, by name: give training rows only.

    features: (n, d) from the source model. prediction: (n,), the source model's own, as high = resistant as y (n,).
    """
    return {
        "logme": logme(features, y),
        "h_score": h_score(features, y),
        "cka": cka(features, y),
        "zero_shot": spearman(y, prediction),
    }


def scores_without_labels(source: Domain, drug: str, source_x, target_x) -> dict[str, float]:
    """Every score that sees no label of the target, by name.

    source: the domain with the drug's labels. source_x (n, genes), target_x (m, genes): expression as the source
    model gets it, scaled, source rows being those it was trained on.
    """
    quality = label_quality(source, drug)
    return {
        "label_repeatability": quality["replicate_spearman"],
        "label_range": quality["dynamic_range"],
        "mmd": mmd(source_x, target_x),
        "coral": coral(source_x, target_x),
    }
