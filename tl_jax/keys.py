"""Random keys from identity (seed, repeat, fold, purpose), never from the order of a loop.

Strategies therefore meet the same initialisation, shuffles and dropout noise on a given
fold, and are compared in pairs.
"""

from __future__ import annotations

from enum import IntEnum

import jax
import jax.numpy as jnp

PURPOSES = ("init", "shuffle", "dropout", "evaluation", "extra")


class Repeats(IntEnum):
    """Where the repeats of each kind of run begin, so that no two kinds ever share a key or a partition."""

    STUDY = 0  # cross-validation itself
    FINAL = 1_000  # models on all rows of a domain
    VARIED = 50_000  # initialisations and orders of the variance split
    PERMUTED = 100_000  # labels that belong to nobody
    INNER = 200_000  # inner folds of the nested choice
    SOURCE = 300_000  # a source's labels that belong to nobody


def run_key(seed: int, repeat: int = 0, fold: int = 0) -> jax.Array:
    """Typed threefry key of one run."""
    key = jax.random.key(seed, impl="threefry2x32")
    return jax.random.fold_in(jax.random.fold_in(key, int(repeat)), int(fold))


def run_keys(seed: int, runs) -> jax.Array:
    """(len(runs),) keys of runs given as (repeat, fold) pairs."""
    return jnp.stack([run_key(seed, repeat, fold) for repeat, fold in runs])


def purpose(key: jax.Array, name: str) -> jax.Array:
    """The stream of a run's key that serves one purpose."""
    return jax.random.fold_in(key, PURPOSES.index(name))
