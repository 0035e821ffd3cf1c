"""Which rows each step of a training sees, in which order, with which noise: drawn ahead for all epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from zlib import crc32

import jax
import jax.numpy as jnp

from tl_jax.config import FitConfig
from tl_jax.keys import purpose

PLAIN = "train"  # the domain of a training that has one only


def leading(domains: Iterable[str]) -> str:
    """The domain whose rows set the steps of an epoch: "train", else the first by name (jax sorts a dictionary)."""
    domains = list(domains)
    return PLAIN if PLAIN in domains else min(domains)


def of_domain(key: jax.Array, domain: str) -> jax.Array:
    """The stream of a key that serves one domain; that of "train" is the key itself."""
    return key if domain == PLAIN else jax.random.fold_in(key, crc32(domain.encode()))


def schedule(key, weights: jax.Array, config: FitConfig, domain: str = PLAIN):
    """(row indices, weights, dropout keys) of every step, each (epochs, steps, ...).

    Drawn for all epochs at once: step by step, these small programs took as long as a small step itself.
    """
    numbers = jnp.arange(config.epochs)
    mixing = jax.vmap(partial(jax.random.fold_in, of_domain(purpose(key, "shuffle"), domain)))(numbers)
    if config.shuffle:
        index, weight = jax.vmap(lambda key: batches(key, weights, config.batch_size))(mixing)
    else:
        index, weight = (
            jnp.broadcast_to(part, (config.epochs, *part.shape)) for part in batches(None, weights, config.batch_size)
        )
    noise = jax.vmap(partial(jax.random.fold_in, purpose(key, "dropout")))(numbers)
    steps = jnp.arange(index.shape[1])
    return index, weight, jax.vmap(lambda key: jax.vmap(partial(jax.random.fold_in, key))(steps))(noise)


def draw_domains(key, weights: Mapping[str, jax.Array], config: FitConfig):
    """({domain: (row indices, weights)}, dropout keys) of every step, each (epochs, steps, ...).

    The leading domain is visited once per epoch and sets how many steps one has; the others follow it.
    """
    first = leading(weights)
    others = [name for name in weights if name != first]
    index, weight, noise = schedule(key, weights[first], config, first)
    drawn = {name: follow(key, name, weights[name], index.shape[1], config) for name in others}
    return {first: (index, weight), **drawn}, noise


def follow(key, domain: str, weights: jax.Array, steps: int, config: FitConfig) -> tuple[jax.Array, jax.Array]:
    """(row indices, weights), each (epochs, steps, batch), of a domain that follows another's steps.

    Batches are full; the rows of weight 1 come in a new order each time all were seen, across the ends of epochs.
    """
    n = len(weights)
    size = min(config.batch_size, n)
    place = jnp.arange(config.epochs * steps * size)
    passes = -(-len(place) // n)
    own = of_domain(purpose(key, "shuffle"), domain)
    if config.shuffle:
        orders = jax.vmap(lambda number: order(jax.random.fold_in(own, number), weights))(jnp.arange(passes))
    else:
        orders = jnp.broadcast_to(order(None, weights), (passes, n))
    real = jnp.maximum((weights > 0).sum(), 1)
    index = orders[(place // real) % passes, place % real].reshape(config.epochs, steps, size)
    return index, weights[index]


def order(key, weights: jax.Array) -> jax.Array:
    """(n,) row indices, those of weight 0 last; without a key the others stand as they are.

    The order of the real rows depends on their position alone, not on how much padding follows.
    """
    n = len(weights)
    place = jnp.arange(n, dtype=jnp.float32) / n
    if key is not None:
        draw = jax.vmap(lambda i: jax.random.uniform(jax.random.fold_in(key, i)))
        place = draw(jnp.arange(n))
    return jnp.argsort(jnp.where(weights > 0, place, 2.0), stable=True)


def batches(key, weights: jax.Array, batch_size: int) -> tuple[jax.Array, jax.Array]:
    """(row indices, weights), each (steps, batch): one epoch's batches of the rows of weight 1, padding last."""
    n = len(weights)
    size = min(batch_size, n)
    steps = -(-n // size)
    index = jnp.pad(order(key, weights), (0, steps * size - n)).reshape(steps, size)
    filled = (jnp.arange(steps * size) < n).reshape(steps, size)
    return index, jnp.where(filled, weights[index], 0)
