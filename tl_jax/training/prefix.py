"""Frozen leading layers: evaluated once per run, and for many runs in one matrix product where they share weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tl_jax.config import FitConfig
from tl_jax.training.supervised import Prefix, Rows, row_activity
from tl_jax.trees import flatten, split
from tl_jax.types import Batch, Network, Strategy, Transfer, Variables

# Rows of one product. A product of the few rows of one run spends its time on bringing the wide kernel into order:
# 23 rows of 10,232 genes took 16 ms of a core, 368 rows 86 ms (docs/performance.md).
ROWS_PER_PRODUCT = 384


class Ahead(NamedTuple):
    """What the frozen leading layers make of a run's training and held-out rows, in this order.

    output: (n_train + n_test, units) of the last of them. activity: (n_train + n_test,) their activity penalty.
    """

    output: jax.Array
    activity: jax.Array


def frozen_depth(network: Network, trainable: tuple[str, ...]) -> int:
    """How many leading layers hold no trainable leaf."""
    moving = {name.split("/")[0] for name in trainable}
    return next((i for i, layer in enumerate(network.layers) if layer in moving), len(network.layers) - 1)


def depth_of(transfer: Transfer, network: Network, config: FitConfig) -> int:
    """How many leading layers are evaluated once instead of in every step."""
    return min(frozen_depth(network, transfer.trainable), network.noise_free) if config.cache_prefix else 0


def advance(variables: Variables, x: jax.Array, depth: int, network: Network) -> Ahead:
    """Scaled rows (n, genes) through the first `depth` layers."""
    out = network.prefix(variables, x, depth)
    return Ahead(out.prediction, row_activity(out.activations, network, until=depth) + jnp.zeros_like(x[:, 0]))


def prepare(
    transfer: Transfer,
    train: Batch,
    test: Batch | None,
    network: Network,
    config: FitConfig,
    ahead: Ahead | None = None,
):
    """Split the leaves and evaluate a frozen prefix once, if `ahead` does not hold it already.

    Returns (trained, Prefix, train Rows, test Rows or None).
    """
    trained, frozen = split(transfer.variables["params"], transfer.trainable)
    depth = depth_of(transfer, network, config)
    prefix = Prefix(frozen, depth)
    given = [train] if test is None else [train, test]
    if depth == 0:
        rows = [Rows(batch, jnp.zeros_like(batch.w)) for batch in given]
    else:
        # Both at once: a frozen wide kernel is then read from memory once.
        both = ahead or advance(transfer.variables, jnp.concatenate([batch.x for batch in given]), depth, network)
        n = len(train.w)
        parts = (slice(n), slice(n, None))
        rows = [
            Rows(batch._replace(x=both.output[part]), both.activity[part])
            for batch, part in zip(given, parts, strict=False)
        ]
    return trained, prefix, rows[0], rows[1] if len(rows) > 1 else None


def runs_per_product(
    rows: int, strategies: Sequence[Strategy], sources: Sequence[Variables | None], genes, dtype, network, config
) -> int:
    """How many runs of `rows` rows go through their frozen layers together; 0 where these are not a source's own.

    The number depends on nothing that differs between machines, since the bits of a product depend on its shape.
    """
    copied = (
        copies_prefix(strategy, source, genes, dtype, network, config)
        for strategy, source in zip(strategies, sources, strict=True)
    )
    return max(1, ROWS_PER_PRODUCT // rows) if all(copied) else 0


def copies_prefix(strategy: Strategy, source: Variables | None, genes: int, dtype, network: Network, config) -> bool:
    """Whether a strategy freezes leading layers and takes them from the source unchanged, so that runs share them."""
    if source is None:
        return False
    found = []

    def look(source):
        transfer = strategy(source, network.init(jax.random.key(0), genes, dtype))
        layers = network.layers[: depth_of(transfer, network, config)]
        mine, given = (flatten(tree["params"]) for tree in (transfer.variables, source))
        leaves = [leaf for leaf in mine if leaf.split("/")[0] in layers]
        found.append(bool(leaves) and all(mine[leaf] is given.get(leaf) for leaf in leaves))
        return 0

    jax.eval_shape(look, source)
    return found[-1]


def advance_together(
    start: jax.Array | None, x: jax.Array, strategies, sources: Sequence[Variables], network: Network, config: FitConfig
) -> Ahead:
    """Scaled rows of several runs (runs, n, genes) through the frozen layers of each run's own source.

    start: (runs,) which source is whose; None: the only one. Each source's product has the same shape however many
    of the runs are its own, and is left out where none is.
    """

    def product(number, x):
        strategy, source = strategies[number], sources[number]
        transfer = strategy(source, network.init(jax.random.key(0), x.shape[-1], x.dtype))
        depth = depth_of(transfer, network, config)
        return jax.vmap(lambda rows: advance(transfer.variables, rows, depth, network))(x)

    if len(strategies) == 1:
        return product(0, x)
    nothing = jax.eval_shape(lambda x: product(0, x), x)
    found = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), nothing)
    for number in range(len(strategies)):
        own = start == number
        made = jax.lax.cond(own.any(), lambda x, number=number: product(number, x), lambda x, found=found: found, x)
        found = jax.tree.map(
            lambda new, old, own=own: jnp.where(own.reshape(-1, *[1] * (new.ndim - 1)), new, old), made, found
        )
    return found
