"""The target's expression moved to the source's mean and covariance, fitted on training rows (the CORAL of rows)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

RIDGE = 1.0  # added to every gene's variance (Sun, Feng and Saenko 2016, algorithm 1)


class Spread(NamedTuple):
    """mean (genes,), and the covariance as vectors (genes, k) with variances (k,); none in other directions."""

    mean: np.ndarray
    vectors: np.ndarray
    variances: np.ndarray


def spread(rows: np.ndarray) -> Spread:
    """Of scaled expression (n >= 2, genes), by way of the n x n Gram matrix."""
    mean = rows.mean(axis=0, dtype=np.float64)
    centred = rows - mean
    values, left = np.linalg.eigh(centred @ centred.T)
    kept = values > 1e-9 * max(values[-1], 1e-300)
    values, left = values[kept], left[:, kept]
    return Spread(mean, centred.T @ (left / np.sqrt(values)), values / (len(rows) - 1))


def power(rows: np.ndarray, of: Spread, exponent: float, ridge: float = RIDGE) -> np.ndarray:
    """Rows (n, genes) times (covariance + ridge * identity) ** exponent.

    A direction without variance is stretched by ridge ** exponent, which is 1 for the ridge of the paper alone.
    """
    rest = ridge**exponent
    return rows * rest + (rows @ of.vectors) * ((of.variances + ridge) ** exponent - rest) @ of.vectors.T


def match_covariance(
    source_rows: np.ndarray, ridge: float = RIDGE
) -> Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """match_covariance(source rows)(training rows) maps rows (n, genes) to float32 rows of the source's covariance.

    All rows scaled, each domain by its own statistics. Sun, Feng and Saenko 2016, algorithm 1: whiten by the training
    rows' covariance + ridge * I, colour by the source's; means are matched too. Labels are never seen.
    """
    source = spread(np.asarray(source_rows, np.float64))

    def fit(train_rows: np.ndarray):
        own = spread(np.asarray(train_rows, np.float64))

        def move(rows: np.ndarray) -> np.ndarray:
            white = power(np.asarray(rows, np.float64) - own.mean, own, -0.5, ridge)
            return (power(white, source, 0.5, ridge) + source.mean).astype(np.float32)

        return move

    return fit
