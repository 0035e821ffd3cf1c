"""A source model without a network: one radial kernel ridge per source drug, which together predict a profile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS, RELATIVE_GAMMAS, left_out_errors
from tl_jax.evaluation.predictors.tuned_baselines import squared_distances
from tl_jax.system.runtime import cores


class KernelProfile(NamedTuple):
    """x: (n, genes) float32, the source's scaled rows. dual: (n, drugs), 0 where a drug was not measured.

    gamma, intercept: (drugs,), each drug's kernel width (1 / squared distance) and constant (the response's unit).
    """

    x: np.ndarray
    dual: np.ndarray
    gamma: np.ndarray
    intercept: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(m, drugs) predicted responses of scaled rows (m, genes), in the source's unit."""
        distances = squared_distances(np.asarray(x, np.float32), self.x)
        predicted = np.empty((len(x), len(self.gamma)))
        for gamma in np.unique(self.gamma):
            drugs = self.gamma == gamma
            predicted[:, drugs] = np.exp(-gamma * distances) @ self.dual[:, drugs]
        return predicted + self.intercept


def fit_kernel_profile(
    x: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    progress: Callable[[int], None] = lambda done: None,
) -> KernelProfile:
    """Kernel ridge with an intercept per drug on the samples it was measured for.

    x: (n, genes) scaled. y: (n, drugs), NaN where not measured. groups: (n,), left out together.
    Penalty and width as in the baseline `kernel_ridge`, by leave-one-group-out, but widths in units of one median
    distance over all samples. Drugs measured on the same samples share their eigendecompositions.
    progress(k) is called after each k drugs.
    """
    x = np.asarray(x, np.float32)
    n, drugs = y.shape
    distances = squared_distances(x.astype(np.float64), x.astype(np.float64))
    np.fill_diagonal(distances, 0.0)
    typical = np.median(distances[np.triu_indices(n, 1)])
    kernels = {g / typical: np.exp(-g / typical * distances) for g in RELATIVE_GAMMAS}
    found = KernelProfile(x, np.zeros((n, drugs)), np.zeros(drugs), np.zeros(drugs))
    patterns, which = np.unique(np.isfinite(y), axis=1, return_inverse=True)

    def one(number: int) -> int:
        columns = np.flatnonzero(which.ravel() == number)
        fit_pattern(found, kernels, np.flatnonzero(patterns[:, number]), y, groups, columns)
        return len(columns)

    # One thread per pattern and none inside: decompositions of this size gain little from threads of their own, and
    # on a machine with other work these wait for each other (measured: 20 times slower).
    with threadpool_limits(1), ThreadPoolExecutor(cores()) as pool:
        for count in pool.map(one, range(patterns.shape[1])):
            progress(count)
    return found


def fit_pattern(found: KernelProfile, kernels: dict, rows: np.ndarray, y, groups, drugs: np.ndarray) -> None:
    """Fill in the drugs that were measured on exactly `rows`; no other call writes to their columns."""
    best = np.full(len(drugs), np.inf)
    responses = y[np.ix_(rows, drugs)]
    centre = responses.mean(axis=0)
    for gamma, kernel in kernels.items():
        within = kernel[np.ix_(rows, rows)]
        columns = within.mean(axis=0)
        values, vectors = np.linalg.eigh(within - columns - columns[:, None] + columns.mean())
        values = np.maximum(values, 0.0)
        alphas = RELATIVE_ALPHAS * values.mean()
        for k, drug in enumerate(drugs):
            errors = left_out_errors(values, vectors, responses[:, k], groups[rows], alphas)
            pick = int(np.argmin(errors))
            if errors[pick] >= best[k]:
                continue
            best[k] = errors[pick]
            dual = vectors @ ((vectors.T @ (responses[:, k] - centre[k])) / (values + alphas[pick]))
            found.dual[rows, drug] = dual
            found.gamma[drug] = gamma
            # The dual sums to zero, so that of the kernel's centring only this constant is left.
            found.intercept[drug] = centre[k] - columns @ dual
