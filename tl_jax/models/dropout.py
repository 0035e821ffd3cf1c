"""Dropout with a rate that may differ between runs (an array, not a constant)."""

import jax
import jax.numpy as jnp

from tl_jax.models.threefry import bits16


def dropout(key: jax.Array | None, h: jax.Array, rate: jax.Array, layer: int = 0) -> jax.Array:
    """h (n, units) with a share `rate` of entries zeroed and the rest scaled by 1 / (1 - rate).

    No key means evaluation: h itself. The noise of a row does not depend on how many rows follow it; layers that
    share a key draw apart.
    """
    if key is None:
        return h
    uniform = bits16(key, *h.shape, layer).astype(jnp.float32) * 2**-16  # in [0, 1); rates count in steps of 2**-16
    # One division for all entries, written out: the compiler does so itself in some programs and not in others.
    return jnp.where(uniform >= rate, h * (1 / (1 - rate)), jnp.zeros_like(h))
