"""Optimizers over the trained leaves only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax


class KerasAdamState(NamedTuple):
    count: jax.Array
    mu: optax.Updates
    nu: optax.Updates


def scale_by_keras_adam(b1=0.9, b2=0.999, eps=1e-7) -> optax.GradientTransformation:
    """Adam as Keras writes it: sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps).

    eps is added to the UNcorrected root ("epsilon hat" of Kingma and Ba, section 2); optax adds it
    to the corrected one, which differs where gradients are of the order of eps.
    """

    def init(params):
        zeros = jax.tree.map(jnp.zeros_like, params)
        return KerasAdamState(jnp.zeros([], jnp.int32), zeros, zeros)

    def update(grads, state, params=None):
        count = state.count + 1
        mu = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mu, grads)
        nu = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.nu, grads)

        def step(m, v):
            t = count.astype(m.dtype)
            correction = jnp.sqrt(1 - b2**t) / (1 - b1**t)
            return correction * m / (jnp.sqrt(v) + eps)

        return jax.tree.map(step, mu, nu), KerasAdamState(count, mu, nu)

    return optax.GradientTransformation(init, update)


OPTIMIZERS = {"keras_adam": scale_by_keras_adam, "adam": optax.scale_by_adam, "sgd": optax.identity}


def build_optimizer(name: str, rates: Mapping[str, jax.Array], weight_decay=None) -> optax.GradientTransformation:
    """Optimizer for the trained leaves, rates: {leaf: its learning rate}, each of which may be traced.

    weight_decay times a leaf is added to its gradient before anything else (coupled, as torch.optim.Adam does).
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer '{name}'; there are: {', '.join(OPTIMIZERS)}")
    descend = optax.stateless(lambda updates, params=None: {leaf: -rates[leaf] * updates[leaf] for leaf in updates})
    decay = [] if weight_decay is None else [optax.add_decayed_weights(weight_decay)]
    return optax.chain(*decay, OPTIMIZERS[name](), descend)
