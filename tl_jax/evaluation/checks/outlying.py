"""Samples that lie far from the rest of their domain, and the map on which all domains are drawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.decomposition import PCA

from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaling import fit_scaler, scaler_of

COMPONENTS = 5
LIMIT = 6.0  # robust standard deviations of the log distance
LEAST = 6  # samples: with fewer no sample is an exception


class Outlying(NamedTuple):
    """(n,) distances of the samples, and how many robust standard deviations the log of each lies above the median."""

    distance: np.ndarray
    excess: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        return np.flatnonzero(self.excess > LIMIT)


def outlying(x: np.ndarray) -> Outlying:
    """Robust distances of (n, genes) samples, the larger of two: along the first components, and off them.

    Genes are scaled by median and IQR; scores on the first components (at most 5, and at most a quarter of the samples)
    by their own median and MAD. Off them it is the root mean square of what the components leave (Hubert et al. 2005,
    score and orthogonal distance of ROBPCA, here with ordinary components). Each is compared on the log scale with its
    own median and MAD over samples. Fewer than six samples, or equal ones: no distance exceeds anything.
    """
    n = len(x)
    if n < LEAST:
        return Outlying(np.full(n, np.nan), np.zeros(n))
    z = np.clip(fit_scaler(x, "robust").apply(x).astype(np.float64), -20, 20)
    z -= np.median(z, axis=0)
    if not np.ptp(z, axis=0).any():
        return Outlying(np.zeros(n), np.zeros(n))
    count = max(1, min(COMPONENTS, n // 4, z.shape[1] - 1))
    pca = PCA(count, svd_solver="randomized", random_state=0).fit(z)
    scores = pca.transform(z)
    off = np.sqrt(np.mean((z - pca.inverse_transform(scores)) ** 2, axis=1))
    along = np.sqrt(np.sum(((scores - np.median(scores, axis=0)) / _mad(scores)) ** 2, axis=1))
    whole = np.sqrt(np.mean(z**2, axis=1))
    excess = np.maximum.reduce([_excess(off), _excess(whole), _excess(along)])
    return Outlying(whole, excess)


def _mad(values: np.ndarray) -> np.ndarray:
    """Robust standard deviation over rows; 1 where there is none."""
    spread = 1.4826 * np.median(np.abs(values - np.median(values, axis=0)), axis=0)
    return np.where(spread > 1e-12, spread, 1.0)


def _excess(distance: np.ndarray) -> np.ndarray:
    """Log distances in robust standard deviations above their median."""
    logs = np.log(np.maximum(distance, 1e-12))
    middle = np.median(logs)
    # A twentieth at least: where all samples are equally far, rounding is no exception.
    return (logs - middle) / max(1.4826 * np.median(np.abs(logs - middle)), 0.05)


class Map(NamedTuple):
    """Scores of all samples on two components. title: what was done before. scores: (n, 2). shares: of the variance."""

    title: str
    scores: np.ndarray
    shares: tuple[float, float]


def maps(domains: tuple[Domain, ...]) -> list[Map]:
    """Principal components of all domains together: as read, scaled by domain, and with batches levelled if known.

    Each domain is scaled by its own scaler (median and IQR or mean and sd), over all its samples: a picture, no model.
    """
    raw = np.concatenate([d.x for d in domains]).astype(np.float64)
    scaled = [scaler_of(d, d.x).apply(d.x).astype(np.float64) for d in domains]
    found = [_map("as read", raw), _map("scaled within each domain", np.clip(np.concatenate(scaled), -20, 20))]
    batches = [getattr(d, "batch", None) for d in domains]
    if any(b is not None and len(set(b)) > 1 for b in batches):
        level = [z if b is None else _levelled(z, np.asarray(b)) for z, b in zip(scaled, batches, strict=True)]
        found.append(_map("scaled, batch means removed", np.clip(np.concatenate(level), -20, 20)))
    return [m for m in found if m is not None]


def _levelled(z: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Each batch's own mean subtracted, gene by gene."""
    z = z.copy()
    for name in np.unique(batch):
        z[batch == name] -= z[batch == name].mean(axis=0)
    return z


def _map(title: str, x: np.ndarray) -> Map | None:
    """Two components of (n, genes), None where there are too few samples or no spread."""
    x = x - x.mean(axis=0)
    total = float((x**2).sum())
    if min(x.shape) < 3 or not total > 0:
        return None
    pca = PCA(2, svd_solver="randomized", random_state=0).fit(x)
    scores = pca.transform(x)
    shares = (scores**2).sum(axis=0) / total
    return Map(title, scores, (float(shares[0]), float(shares[1])))
