"""scDEAL's networks as its code has them (OSU-BMBL/scDEAL, commit c0efdbc): two autoencoders and a predictor.

Encoder and decoder: [Linear, batch norm, dropout] blocks around a linear bottleneck, with no nonlinearity, and a
sigmoid on the rebuilt genes. Predictor: [Linear, batch norm, ReLU, dropout] blocks and two sigmoid units. Leaves of
an autoencoder: encoder1, encoder1_bn, ..., bottleneck, decoder0, decoder1, decoder1_bn, ..., decoder_out; of a
predictor: predictor1, predictor1_bn, ..., predictor_out. What was a slip is a switch: one program serves both ways.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tl_jax.models.dropout import dropout as drop
from tl_jax.models.fc_layers import affine, linear, normalise
from tl_jax.types import Flat, Live, Params


class Mode(NamedTuple):
    """How a batch is evaluated. w: (n,) weights of its rows. on: 1 in training, 0 in evaluation; may be traced.
    nonlinear: 1 for a ReLU in the autoencoder's blocks, as in the repaired network."""

    key: jax.Array
    w: jax.Array
    on: jax.Array | float
    dropout: float
    nonlinear: jax.Array | float = 0.0

    @property
    def trains(self) -> bool:
        """Whether it may train: a plain 0 draws no noise, whose rounds would be compiled for nothing."""
        return isinstance(self.on, jax.Array) or bool(self.on)


def autoencoder(key, genes: int, hidden: tuple[int, ...], bottleneck: int, dtype=jnp.float32) -> Params:
    """Fresh leaves; hidden: widths of the encoder, mirrored by the decoder."""
    widths = [("encoder", genes, hidden, "bottleneck", bottleneck)]
    back = hidden[::-1]
    first, second, third = jax.random.split(key, 3)
    params = stack(first, *widths[0], dtype)
    params["decoder0"] = linear(second, bottleneck, back[0], dtype)
    return params | stack(third, "decoder", back[0], back[1:], "decoder_out", genes, dtype)


def predictor(key, bottleneck: int, hidden: tuple[int, ...], dtype=jnp.float32) -> Params:
    """Fresh leaves of a predictor with two units; the second says sensitive."""
    return stack(key, "predictor", bottleneck, hidden, "predictor_out", 2, dtype)


def stack(key, name: str, width: int, hidden: tuple[int, ...], last: str, units: int, dtype) -> Params:
    """Blocks of linear layers with batch norms, and a linear layer after them."""
    params, keys = {}, jax.random.split(key, len(hidden) + 1)
    for k, own in enumerate(hidden, start=1):
        params[f"{name}{k}"] = linear(keys[k - 1], width, own, dtype)
        zero, one = jnp.zeros(own, dtype), jnp.ones(own, dtype)
        params[f"{name}{k}_bn"] = {"scale": one, "bias": zero, "mean": zero, "var": one}
        width = own
    return params | {last: linear(keys[-1], width, units, dtype)}


def blocks(leaves: Params, name: str, h: jax.Array, mode: Mode, nonlinear, stream: int) -> tuple[jax.Array, Flat]:
    """(h after the blocks of a name, the running statistics that moved)."""
    moved, k = {}, 1
    while f"{name}{k}" in leaves:
        own = f"{name}{k}_bn"
        live = Live((f"{own}/mean",), mode.w, jnp.asarray(mode.on) > 0)
        h, statistics = normalise(leaves[own], affine(leaves[f"{name}{k}"], h), own, live)
        h = jnp.where(nonlinear > 0, jax.nn.relu(h), h)
        if mode.trains:
            h = drop(mode.key, h, jnp.float32(mode.dropout) * mode.on, layer=stream + k)
        moved, k = moved | statistics, k + 1
    return h, moved


def encode(leaves: Params, x: jax.Array, mode: Mode) -> tuple[jax.Array, jax.Array, Flat]:
    """(bottleneck (n, units), last hidden layer, statistics that moved)."""
    h, moved = blocks(leaves, "encoder", x, mode, mode.nonlinear, 0)
    return affine(leaves["bottleneck"], h), h, moved


def rebuild(leaves: Params, z: jax.Array, mode: Mode) -> tuple[jax.Array, Flat]:
    """(genes (n, genes) between 0 and 1, statistics that moved)."""
    h, moved = blocks(leaves, "decoder", affine(leaves["decoder0"], z), mode, mode.nonlinear, 16)
    return jax.nn.sigmoid(affine(leaves["decoder_out"], h)), moved


def classify(leaves: Params, z: jax.Array, mode: Mode) -> tuple[jax.Array, Flat]:
    """((n, 2) before the sigmoid, statistics that moved)."""
    h, moved = blocks(leaves, "predictor", z, mode, 1.0, 32)
    return affine(leaves["predictor_out"], h), moved


def cross_entropy(logits: jax.Array, y: jax.Array, w: jax.Array, squeezed) -> jax.Array:
    """Mean cross-entropy of two classes; squeezed: of their sigmoids, taken for logits, as scDEAL does."""
    given = jnp.where(squeezed > 0, jax.nn.sigmoid(logits), logits)
    own = jnp.where(y > 0.5, given[:, 1], given[:, 0])
    loss = jax.nn.logsumexp(given, axis=1) - own
    return (w * loss).sum() / jnp.maximum(w.sum(), 1)
