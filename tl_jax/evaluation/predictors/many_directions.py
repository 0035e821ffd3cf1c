"""Ridges of many responses, and ridges shrunk towards many source models, from one eigendecomposition.

What `source_methods` fits for one source model, for as many as there are columns: a permutation test fits the same arm
for every permutation of a source's labels. A source's direction adds a kernel of rank one to that of the genes, so its
left-out errors follow from those of the genes alone (Sherman and Morrison 1950) and nothing is decomposed anew. With
G = (K + alpha I)^-1, K centred, the left-out residuals of a group g are (alpha G_gg - 1/n)^-1 (alpha G y)_g, as in
`baselines.left_out_errors`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS
from tl_jax.evaluation.predictors.many_ridges import many_ridges
from tl_jax.evaluation.predictors.source_methods import TRUST


class Kernel(NamedTuple):
    """A centred kernel of n rows: eigenvalues (n,), at least 0, and eigenvectors (n, n)."""

    values: np.ndarray
    vectors: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Kernel:
        """Of centred rows (n, genes), float64."""
        values, vectors = np.linalg.eigh(rows @ rows.T)
        return cls(np.maximum(values, 0.0), vectors)

    @property
    def unit(self) -> float:
        """Its mean eigenvalue."""
        return float(self.values.mean())

    def solved(self, alpha: float, columns: np.ndarray) -> np.ndarray:
        """(n, k) G columns."""
        return self.vectors @ ((self.vectors.T @ columns) / (self.values + alpha)[:, None])


def many_coefficients(x: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """(genes, k) coefficients of a ridge of (n, genes) scaled rows for each of (n, k) responses, penalty by
    leave-one-out: `source_coefficients` of each without a stage before it."""
    x = np.asarray(x, np.float64)
    x = x - x.mean(axis=0)
    return x.T @ many_ridges(x @ x.T, ys, np.full(len(x), "")).dual


def many_shrunk_coefficients(x: np.ndarray, y: np.ndarray, before: np.ndarray) -> np.ndarray:
    """(genes, k) coefficients of the same of one response (n,), each shrunk towards a multiple of a column of `before`
    (genes, k): `source_coefficients` of each after the stage that gave it."""
    x = np.asarray(x, np.float64)
    told, centre = x @ before, x.mean(axis=0)
    x = x - centre
    kernel, spread = Kernel.of(x), told.std(axis=0)
    sizes = [trust * kernel.unit for trust in TRUST]
    alphas = [RELATIVE_ALPHAS * kernel.unit] * len(TRUST)
    duals, size = many_duals(kernel, y, standardised(told, told)[0], sizes, alphas)
    own = np.divide(size, spread**2, out=np.zeros_like(spread), where=spread > 0)
    along = own * np.einsum("nk,nk->k", told - told.mean(axis=0), duals)
    return x.T @ duals + along * before


def many_shrunken_ridge(x_train, y_train, x_test, told_train, told_test, *, groups=None) -> np.ndarray:
    """(m, k) predictions of `shrunken_ridge` for each of k source models.

    Args:
        x_train, y_train, x_test, groups: as a method takes them. told_train (n, k), told_test (m, k): what each
        source's ridge says of these rows.
    """
    train, test, y = np.asarray(x_train, np.float64), np.asarray(x_test, np.float64), np.asarray(y_train, np.float64)
    centre = train.mean(axis=0)
    train, test = train - centre, test - centre
    kernel = Kernel.of(train)
    if not kernel.unit > 0:
        return np.full((len(test), told_train.shape[1]), y.mean())
    s_train, s_test = standardised(np.asarray(told_train, np.float64), np.asarray(told_test, np.float64))
    sizes = [trust * kernel.unit for trust in TRUST]
    alphas = [RELATIVE_ALPHAS * (kernel.unit + size) for size in sizes]
    duals, size = many_duals(kernel, y, s_train, sizes, alphas, groups)
    return y.mean() + test @ (train.T @ duals) + size * s_test * np.einsum("nk,nk->k", s_train, duals)


def standardised(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of both in units of their spread over the training rows, which have mean 0; 0 where they do not vary."""
    mean, sd = train.mean(axis=0), train.std(axis=0)
    scale = np.where(sd > 0, sd, np.inf)
    return (train - mean) / scale, (test - mean) / scale


def many_duals(kernel: Kernel, y, told, sizes, alphas, groups=None) -> tuple[np.ndarray, np.ndarray]:
    """(dual (n, k), size (k,)): for each source the kernel and penalty with the smallest left-out error.

    Args:
        y: (n,). told: (n, k) standardised. sizes: weight of told's kernel beside `kernel`, the first 0. alphas: for
        each size its penalties, strongest first; ties go to the first. groups: (n,) left out together, or None.
    """
    response, columns = np.asarray(y, np.float64) - np.mean(y), told.shape[1]
    codes = np.arange(len(response)) if groups is None else np.unique(groups, return_inverse=True)[1]
    still = ~told.any(axis=0)  # a source that says the same of all rows adds nothing to the genes
    best, duals, found = np.full(columns, np.inf), np.zeros(told.shape), np.zeros(columns)
    for size, own in zip(sizes, alphas, strict=True):
        for alpha in own:
            both = kernel.solved(alpha, np.column_stack([response, told]))
            solved, reach = both[:, :1], both[:, 1:]
            shrink = size / (1 + size * np.einsum("nk,nk->k", told, reach))
            dual = solved - reach * (shrink * (reach.T @ response))
            errors = left_out(kernel, alpha, dual, reach, shrink, codes)
            better = (errors < best) & ~(still & (size > 0))
            best[better], duals[:, better], found[better] = errors[better], dual[:, better], size
    return duals, found


def left_out(kernel: Kernel, alpha: float, dual, reach, shrink, codes) -> np.ndarray:
    """(k,) mean squared errors of leaving groups out, at one penalty.

    dual: (n, k) G y of each kernel. reach, shrink: G of each kernel is that of the genes less shrink reach reach'.
    """
    if (codes == codes[0]).all():  # nothing is left to learn from: the same for all, so the first is taken
        return np.zeros(dual.shape[1])
    n, alone = len(codes), np.bincount(codes)[codes] == 1
    diagonal = kernel.vectors**2 @ (1 / (kernel.values + alpha))
    apart = alpha * (diagonal[:, None] - shrink * reach**2) - 1 / n
    found = alpha * dual / np.where(alone[:, None], apart, 1.0)
    for group in np.unique(codes[~alone]):
        rows = np.flatnonzero(codes == group)
        own = (kernel.vectors[rows] / (kernel.values + alpha)) @ kernel.vectors[rows].T
        inner = np.einsum("k,ik,jk->kij", shrink, reach[rows], reach[rows])
        found[rows] = np.linalg.solve(alpha * (own - inner) - 1 / n, (alpha * dual[rows]).T[:, :, None])[:, :, 0].T
    return np.mean(found**2, axis=0)
