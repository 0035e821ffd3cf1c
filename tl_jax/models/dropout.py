"""Dropout with a rate that may differ between runs (an array, not a constant)."""

import jax
import jax.numpy as jnp

from tl_jax.models.threefry import bits16


def rate_after(rates, layer: int):
    """The rate after a hidden layer, counted from 1; layers beyond the last rate take that one."""
    return None if rates is None else rates[min(layer, len(rates)) - 1]


def dropout(key: jax.Array | None, h: jax.Array, rate: jax.Array, layer: int = 0) -> jax.Array:
    """h (n, units) with a share `rate` of entries zeroed and the rest scaled by 1 / (1 - rate).

    No key means evaluation: h itself. The noise of a row does not depend on how many rows follow it; layers that
    share a key draw apart.
    """
    if key is None:
        return h
    uniform = bits16(key, *h.shape, layer).astype(jnp.float32) * 2**-16  # in [0, 1); rates count in steps of 2**-16
    # The barrier keeps the compiler from choosing between h * (1 / keep) and h / keep, which it does differently
    # for one device and for several: the last bit would depend on the machine's devices.
    boost = jax.lax.optimization_barrier(1 / (1 - rate))
    return jnp.where(uniform >= rate, h * boost, jnp.zeros_like(h))
