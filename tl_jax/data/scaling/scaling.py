"""Scaling of expression (per gene) and of the response (to the network's 0 to 10).

Both are fitted on training rows and applied to any rows; nothing here looks at test rows.
Source: Ju et al. 2025 (doi 10.1177/11779322241301507).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_jax.data.domain import LABEL, RESISTANT, SCALERS, SENSITIVE, SHRUNKEN, Domain
from tl_jax.errors import InputError

NETWORK_TOP = 10.0
PRIOR_ROWS = 300  # how many rows the variance that a source predicts is worth
LEAST_VARIANCE = 1e-3  # log2 units squared, below which variances are all alike


@dataclass(frozen=True)
class Scaler:
    """Per-gene shift and spread. center, scale: (genes,) float32 in the units of x; scale is never zero."""

    center: np.ndarray
    scale: np.ndarray

    def apply(self, x: np.ndarray) -> np.ndarray:
        """(n, genes) scaled expression, float32, without units."""
        scaled = np.asarray(x, np.float32) - self.center
        scaled /= self.scale
        return scaled


def fit_scaler(x: np.ndarray, kind: str, like: np.ndarray | None = None) -> Scaler:
    """Scaler of (n, genes) expression: "robust" = median and IQR, "standard" = mean and population sd, "none".

    Follows scikit-learn's RobustScaler and StandardScaler; a gene without spread gets scale 1. An sd of a few rows may
    be near 0 by chance and then blows up new rows: "floored" raises it to the median of all genes' sds, "shrunken"
    takes it between its own and that which the gene's variance in a source predicts (like: (genes,) of the source).
    Raises ValueError for an empty table and InputError for an unknown kind.
    """
    if np.ndim(x) != 2 or len(x) == 0:
        raise ValueError(f"expression has shape {np.shape(x)}, expected (n >= 1, genes)")
    if kind == "robust":
        center, scale = _median_iqr(x)
    elif kind == "standard":
        center, scale = _mean_sd(x)
    elif kind == "floored":
        center, scale = _floored(x)
    elif kind == "shrunken":
        center, scale = _shrunken(x, like)
    elif kind == "none":
        center, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
    else:
        raise InputError(f"scaler is '{kind}'; write one of: {', '.join(SCALERS)}")
    return Scaler(center.astype(np.float32), scale.astype(np.float32))


def scaler_of(domain: Domain, x: np.ndarray) -> Scaler:
    """The scaler of some rows of a domain, (n, genes) preprocessed, as the domain scales; errors as in refuse_alone."""
    refuse_alone(domain)
    return fit_scaler(x, domain.scaler, domain.spread_like)


def refuse_alone(domain: Domain) -> None:
    """InputError where a domain is to be scaled as its source spreads, and has none."""
    if domain.scaler == SHRUNKEN and domain.spread_like is None:
        raise InputError(
            f"domain {domain.name} is the first of its chain and has no source whose spreads scaler = 'shrunken' could "
            "shrink towards; write scaler = 'floored' or 'standard' there"
        )


def _median_iqr(x):
    # One sort of the transposed table is many times faster than three quantiles along axis 0.
    ordered = np.sort(np.ascontiguousarray(np.transpose(x)), axis=1)
    low, middle, high = (_ordered_quantile(ordered, q) for q in (0.25, 0.5, 0.75))
    iqr = high - low
    return middle, np.where(iqr < 10 * np.finfo(np.float64).eps, 1.0, iqr)


def _ordered_quantile(ordered, q):
    """Linear interpolation between the neighbours of rank q * (n - 1), in float64."""
    rank = q * (ordered.shape[1] - 1)
    below = int(np.floor(rank))
    above = min(below + 1, ordered.shape[1] - 1)
    first = ordered[:, below].astype(np.float64)
    return first + (rank - below) * (ordered[:, above] - first)


def _floored(x):
    mean, spread = np.mean(x, axis=0, dtype=np.float64), np.std(x, axis=0, dtype=np.float64)
    varying = spread > 0
    least = np.median(spread[varying]) if varying.any() else 1.0
    return mean, np.maximum(spread, least)


def _shrunken(x, like):
    """Mean, and the sd of n rows together with PRIOR_ROWS rows whose variance is a power of the source's."""
    if like is None:
        raise InputError(
            "scaler 'shrunken' needs a source, whose genes' variances it shrinks towards; write 'floored', which needs "
            "none"
        )
    n, mean, variance = len(x), np.mean(x, axis=0, dtype=np.float64), np.var(x, axis=0, dtype=np.float64)
    like = np.asarray(like, np.float64)
    known = like > 0
    if not known.any():
        return _floored(x)
    expected = np.log(np.maximum(like, LEAST_VARIANCE))
    own = np.log(np.maximum(variance, LEAST_VARIANCE))
    slope = np.polyfit(expected[known], own[known], 1) if np.ptp(expected[known]) > 0 else (0.0, own[known].mean())
    prior = np.exp(np.polyval(slope, expected))
    return mean, np.sqrt((n * variance + PRIOR_ROWS * prior) / (n + PRIOR_ROWS))


def _mean_sd(x):
    n = len(x)
    mean = np.mean(x, axis=0, dtype=np.float64)
    variance = np.var(x, axis=0, dtype=np.float64)
    # Spread that is only rounding of a constant column counts as none (scikit-learn's bound).
    eps = np.finfo(np.float64).eps
    constant = variance <= n * eps * variance + (n * mean * eps) ** 2
    return mean, np.where(constant, 1.0, np.sqrt(variance))


@dataclass(frozen=True)
class ResponseScale:
    """Linear map of a response onto the network's 0 to 10, where high always means resistant.

    low, high: the ends that map to 0 and 10 (10 and 0 when direction is "sensitive"), in `unit`.
    Values beyond the ends map beyond 0 and 10; they are not clipped.
    """

    low: float
    high: float
    direction: str
    unit: str

    def to_network(self, y: np.ndarray) -> np.ndarray:
        """Response of any shape, from `unit` to the network's scale."""
        scaled = (np.asarray(y, np.float64) - self.low) / (self.high - self.low) * NETWORK_TOP
        return NETWORK_TOP - scaled if self.direction == SENSITIVE else scaled

    def from_network(self, v: np.ndarray) -> np.ndarray:
        """The inverse of `to_network`: back to `unit` and to the data's own direction."""
        scaled = np.asarray(v, np.float64)
        if self.direction == SENSITIVE:
            scaled = NETWORK_TOP - scaled
        return self.low + scaled / NETWORK_TOP * (self.high - self.low)


def fit_response_scale(y: np.ndarray, direction: str, unit: str) -> ResponseScale:
    """ResponseScale from the smallest and largest of (n,) responses; labels keep their 0 and 1.

    Raises InputError when y is empty, has gaps or is constant, or when the direction is unknown.
    """
    y = np.asarray(y, np.float64)
    if direction not in (RESISTANT, SENSITIVE):
        raise InputError(f"direction is '{direction}'; write 'resistant' or 'sensitive'")
    if y.size == 0 or not np.isfinite(y).all():
        raise InputError(f"the {unit} response is empty or has gaps; leave out the samples without a measurement")
    low, high = (0.0, NETWORK_TOP) if unit == LABEL else (float(y.min()), float(y.max()))
    if not high > low:
        raise InputError(
            f"the {unit} response is constant ({low:g}) over {y.size} training samples; "
            "use fewer folds, stratified folds or another drug"
        )
    return ResponseScale(low, high, direction, unit)
