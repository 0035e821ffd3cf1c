"""Dropout with a rate that may differ between runs (an array, not a constant)."""

import jax
import jax.numpy as jnp


def dropout(key: jax.Array | None, h: jax.Array, rate: jax.Array) -> jax.Array:
    """h (n, units) with a share `rate` of entries zeroed and the rest scaled by 1 / (1 - rate).

    No key means evaluation: h itself. The noise of a row does not depend on how many rows follow it.
    """
    if key is None:
        return h
    uniform = jax.random.uniform(key, h.shape, h.dtype)
    return jnp.where(uniform >= rate, h / (1 - rate), jnp.zeros_like(h))
