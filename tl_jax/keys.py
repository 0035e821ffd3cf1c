"""Random keys from identity (seed, repeat, fold, purpose), never from the order of a loop.

Strategies therefore meet the same initialisation, shuffles and dropout noise on a given
fold, and are compared in pairs.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

PURPOSES = ("init", "shuffle", "dropout", "evaluation", "extra")


def run_key(seed: int, repeat: int = 0, fold: int = 0) -> jax.Array:
    """Typed threefry key of one run."""
    key = jax.random.key(seed, impl="threefry2x32")
    return jax.random.fold_in(jax.random.fold_in(key, repeat), fold)


def run_keys(seed: int, runs) -> jax.Array:
    """(len(runs),) keys of runs given as (repeat, fold) pairs."""
    return jnp.stack([run_key(seed, repeat, fold) for repeat, fold in runs])


def purpose(key: jax.Array, name: str) -> jax.Array:
    """The stream of a run's key that serves one purpose."""
    return jax.random.fold_in(key, PURPOSES.index(name))
