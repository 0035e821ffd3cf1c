"""Modules of genes: sets of a GMT file, or genes that run together over the lines."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from tl_jax.data.genes.sets import places, read_sets
from tl_jax.errors import InputError

MODULES = 32
FEWEST_GENES, FEWEST_MODULES = 3, 4

Modules = tuple[tuple[int, ...], ...]


def correlated(x: np.ndarray, seed: int) -> Modules:
    """Up to 32 clusters of the genes of x (lines, genes), by k-means on profiles of mean 0 and length 1.

    The squared distance of two such profiles is 2 - 2 times their correlation.
    """
    profiles = (x - x.mean(axis=0)).T.astype(np.float64)
    profiles /= np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1e-12)
    points = PCA(min(50, *profiles.shape), svd_solver="full").fit_transform(profiles)
    count = max(1, min(MODULES, len(points) // FEWEST_GENES))
    label = KMeans(count, n_init=4, random_state=seed).fit_predict(points)
    return tuple(tuple(map(int, np.flatnonzero(label == k))) for k in range(count) if (label == k).any())


def from_gmt(path: str, genes: np.ndarray) -> Modules:
    """The sets of a GMT file (name, description, genes; tabs between) as indices of `genes`.

    Raises:
        InputError: no such file, a line that is no set, or fewer than 4 sets with at least 3 of the genes.
    """
    sets = places(read_sets(path, "modules"), genes)
    found = [tuple(map(int, own)) for own in sets.values() if len(own) >= FEWEST_GENES]
    if len(found) < FEWEST_MODULES:
        raise InputError(
            f"--modules={path}: {len(found)} sets hold at least {FEWEST_GENES} of the networks' {len(genes):,} genes; "
            f"{FEWEST_MODULES} are needed: give another file, or more --network_genes"
        )
    return tuple(found)
