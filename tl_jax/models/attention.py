"""Multi-head self-attention over tokens as pure functions, and three ways from expression to tokens.

The published text of ATSDP-NET (Front. Med. 12, 2025, doi 10.3389/fmed.2025.1631898) leaves its network open; A1 to A3
are our reading of it. The block is Vaswani et al. 2017 with the norm before each part (Xiong et al. 2020).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from tl_jax.models.fc_layers import affine, linear

HEADS = 4
FORWARD = 2  # units of the feed-forward part, as a multiple of a token's width
EPSILON = 1e-5


def block(key, width: int, dtype) -> dict[str, dict[str, jax.Array]]:
    """Fresh leaves of one block for tokens of `width`, a multiple of 4."""
    query, value, out, up, down = jax.random.split(key, 5)
    norm = {"scale": jnp.ones(width, dtype), "bias": jnp.zeros(width, dtype)}
    return {
        "norm1": norm,
        "query_key": linear(query, width, 2 * width, dtype),
        "value": linear(value, width, width, dtype),
        "out": linear(out, width, width, dtype),
        "norm2": norm,
        "up": linear(up, width, FORWARD * width, dtype),
        "down": linear(down, FORWARD * width, width, dtype),
    }


def attend(leaves, tokens: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(tokens (n, t, width) after the block, weights (n, heads, t, t) that each token gives to the others)."""
    n, t, width = tokens.shape

    def apart(h):
        return h.reshape(n, t, HEADS, width // HEADS)

    h = normalised(leaves["norm1"], tokens)
    query, key = jnp.split(each(leaves["query_key"], h), 2, axis=-1)
    scores = jnp.einsum("nqhd,nkhd->nhqk", apart(query), apart(key)) * (width // HEADS) ** -0.5
    weights = jax.nn.softmax(scores, axis=-1)
    mixed = jnp.einsum("nhqk,nkhd->nqhd", weights, apart(each(leaves["value"], h))).reshape(n, t, width)
    tokens = tokens + each(leaves["out"], mixed)
    h = jax.nn.gelu(each(leaves["up"], normalised(leaves["norm2"], tokens)))
    return tokens + each(leaves["down"], h), weights


def each(layer, tokens: jax.Array) -> jax.Array:
    """A linear layer on every token."""
    n, t, width = tokens.shape
    return affine(layer, tokens.reshape(n * t, width)).reshape(n, t, -1)


def normalised(layer, tokens: jax.Array) -> jax.Array:
    """Layer norm over a token's width (Ba et al. 2016)."""
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    spread = jnp.sqrt(jnp.square(centred).mean(axis=-1, keepdims=True) + EPSILON)
    return centred / spread * layer["scale"][None, None] + layer["bias"][None, None]
