"""ONE training as one pure function; vmap, map and meshes stay outside it."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from tl_jax.config import FitConfig
from tl_jax.keys import purpose
from tl_jax.training.objective import Prefix, Rows, objective, row_activity
from tl_jax.training.optimizer import build_optimizer
from tl_jax.trees import merge, split
from tl_jax.types import Batch, FitResult, Flat, Hparams, Network, Transfer, Variables


def fit(
    key: jax.Array,
    transfer: Transfer,
    train: Batch,
    test: Batch | None,
    hparams: Hparams,
    *,
    network: Network,
    config: FitConfig,
) -> FitResult:
    """Train from `transfer` on `train`; `test` is evaluated after each epoch for curves only.

    Each epoch visits the rows of weight 1 in batches of config.batch_size, the last one partial,
    reshuffled every epoch. Only the leaves named trainable reach the gradient and the optimizer.
    """
    trained, prefix, train, test = prepare(transfer, train, test, network, config)
    if not trained or config.epochs == 0:
        return FitResult(trained, {})
    tx = build_optimizer(config.optimizer, hparams.learning_rate, trained, transfer.lr_scale)
    step = partial(train_step, prefix=prefix, hparams=hparams, network=network, tx=tx, skip_empty=config.skip_empty)

    def epoch(carry, number):
        noise = jax.random.fold_in(purpose(key, "dropout"), number)
        mixing = jax.random.fold_in(purpose(key, "shuffle"), number) if config.shuffle else None
        index, weight = batches(mixing, train.batch.w, config.batch_size)
        keys = jax.vmap(partial(jax.random.fold_in, noise))(jnp.arange(len(index)))

        def one(carry, inputs):
            rows, w, key = inputs
            batch = Batch(train.batch.x[rows], train.batch.y[rows], w)
            return step(carry, Rows(batch, train.activity[rows]), key)

        carry, (loss, mae, size) = jax.lax.scan(one, carry, (index, weight, keys))
        history = {"train_loss": (loss * size).sum() / size.sum(), "train_mae": (mae * size).sum() / size.sum()}
        if test is not None and config.curves:
            history["test_loss"], history["test_mae"] = objective(carry[0], prefix, test, hparams, None, network)
        return carry, history

    (trained, _), history = jax.lax.scan(epoch, (trained, tx.init(trained)), jnp.arange(config.epochs))
    return FitResult(trained, history)


def train_step(carry, rows: Rows, key, *, prefix: Prefix, hparams: Hparams, network: Network, tx, skip_empty=True):
    """One optimizer step. With skip_empty a batch of padding alone changes nothing, the step count included.

    The guard costs three copies of a wide layer in every step, so it is off where it can change nothing.
    """
    trained, state = carry
    (loss, mae), grads = jax.value_and_grad(objective, has_aux=True)(trained, prefix, rows, hparams, key, network)
    updates, moved_state = tx.update(grads, state, trained)
    moved = jax.tree.map(lambda p, u: p + u, trained, updates)
    size = rows.batch.w.sum()
    after = (moved, moved_state)
    if skip_empty:
        after = jax.tree.map(lambda new, old: jnp.where(size > 0, new, old), after, carry)
    return after, (loss, mae, size)


def batches(key, weights: jax.Array, batch_size: int) -> tuple[jax.Array, jax.Array]:
    """(row indices, weights), each (steps, batch): one epoch's batches, padding last.

    The order of the real rows depends on their position alone, not on how much padding follows.
    """
    n = len(weights)
    size = min(batch_size, n)
    steps = -(-n // size)
    place = jnp.arange(n, dtype=jnp.float32) / n
    if key is not None:
        draw = jax.vmap(lambda i: jax.random.uniform(jax.random.fold_in(key, i)))
        place = draw(jnp.arange(n))
    order = jnp.argsort(jnp.where(weights > 0, place, 2.0), stable=True)
    index = jnp.pad(order, (0, steps * size - n)).reshape(steps, size)
    filled = (jnp.arange(steps * size) < n).reshape(steps, size)
    return index, jnp.where(filled, weights[index], 0)


def prepare(transfer: Transfer, train: Batch, test: Batch | None, network: Network, config: FitConfig):
    """Split the leaves and evaluate a frozen prefix once: (trained, Prefix, train Rows, test Rows)."""
    trained, frozen = split(transfer.variables["params"], transfer.trainable)
    depth = min(frozen_depth(network, transfer.trainable), network.noise_free) if config.cache_prefix else 0

    def advance(batch: Batch) -> Rows:
        if depth == 0:
            return Rows(batch, jnp.zeros_like(batch.w))
        h, activations = network.prefix(transfer.variables, batch.x, depth)
        return Rows(batch._replace(x=h), row_activity(activations, network, until=depth) + jnp.zeros_like(batch.w))

    return trained, Prefix(frozen, depth), advance(train), None if test is None else advance(test)


def frozen_depth(network: Network, trainable: tuple[str, ...]) -> int:
    """How many leading layers hold no trainable leaf."""
    moving = {name.split("/")[0] for name in trainable}
    return next((i for i, layer in enumerate(network.layers) if layer in moving), len(network.layers) - 1)


def complete(transfer: Transfer, trained: Flat) -> Variables:
    """All variables after training: the trained leaves in their places."""
    _, frozen = split(transfer.variables["params"], transfer.trainable)
    return {**transfer.variables, "params": merge(trained, frozen)}


def predict(variables: Variables, x: jax.Array, network: Network) -> jax.Array:
    """(n,) predictions on the network's scale, dropout off."""
    return network.apply(variables, x).prediction


def evaluate(variables: Variables, trainable, batch: Batch, hparams: Hparams, network: Network):
    """(loss, mean absolute error) at fixed weights, as Keras' evaluate."""
    trained, frozen = split(variables["params"], trainable)
    return objective(trained, Prefix(frozen, 0), Rows(batch, jnp.zeros_like(batch.w)), hparams, None, network)
