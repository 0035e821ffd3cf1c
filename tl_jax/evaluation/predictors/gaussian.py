"""A Gaussian process with one kernel: noise by restricted likelihood, its mean, variance and left-out errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tl_jax.evaluation.predictors.kernels import centred_kernels

# Noise in units of the kernel's mean eigenvalue.
RELATIVE_NOISE = np.logspace(-1.5, 2.5, 17)


class Process(NamedTuple):
    """A process fitted to n rows with a constant mean.

    dual: (n,) weights of the centred kernel, which add up to nothing. mean: of y. noise: in units of the kernel.
    scale: variance of y where kernel plus noise is 1. values, vectors: (n - 1,), (n, n - 1), of the centred kernel.
    """

    dual: np.ndarray
    mean: float
    noise: float
    scale: float
    values: np.ndarray
    vectors: np.ndarray

    def predict(self, across: np.ndarray) -> np.ndarray:
        """(m,) means for a centred kernel (m, n)."""
        return self.mean + across @ self.dual

    def variance(self, across: np.ndarray, own: np.ndarray) -> np.ndarray:
        """(m,) variance of a new sample's response, noise and the constant's included.

        Args:
            across: (m, n) centred kernel. own: (m,) its diagonal for the new rows.
        """
        told = across @ self.vectors
        latent = own - (told**2 / (self.values + self.noise)).sum(axis=1)
        n = len(self.dual)
        return self.scale * (np.maximum(latent, 0.0) + self.noise * (1 + 1 / n))

    def left_out(self) -> np.ndarray:
        """(n,) residuals of each row by the process without it, its noise as it is."""
        inverse = (self.vectors**2 / (self.values + self.noise)).sum(axis=1)
        return self.dual / inverse


def fit_process(within: np.ndarray, y) -> Process | None:
    """The process of a centred (n, n) kernel whose noise has the highest restricted likelihood on RELATIVE_NOISE.

    None where all rows are the same, or all responses.
    """
    y = np.asarray(y, np.float64)
    n = len(y)
    if n < 3 or not np.ptp(y) > 0:
        return None
    # The constant is a null vector of a centred kernel, and often not the only one: raised above all others it is last.
    values, vectors = np.linalg.eigh(within + (np.trace(within) + 1) / n)
    values, vectors = np.maximum(values[:-1], 0.0), vectors[:, :-1]
    if not values.mean() > 0:
        return None
    told = vectors.T @ (y - y.mean())
    each = values + (RELATIVE_NOISE * values.mean())[:, None]
    likelihood = -0.5 * np.log(each).sum(axis=1) - (n - 1) / 2 * np.log((told**2 / each).sum(axis=1))
    noise = float(RELATIVE_NOISE[int(np.argmax(likelihood))] * values.mean())
    weights = told / (values + noise)
    scale = float(told @ weights / (n - 1))
    return Process(vectors @ weights, float(y.mean()), noise, scale, values, vectors)


def linear_kernels(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """((n, n), (m, n), (m,)) centred products of float64 rows, and those of each new row with itself."""
    center = train.mean(axis=0)
    train, test = train - center, test - center
    within, across = centred_kernels(train @ train.T, test @ train.T)
    return within, across, (test**2).sum(axis=1)
