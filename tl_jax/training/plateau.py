"""A training as scDEAL's code runs it: the rate falls when the loss stands still, and the best epoch is kept.

Adam, PyTorch's ReduceLROnPlateau with its defaults, stepped on the training loss, and the leaves of the epoch with the
lowest validation loss (OSU-BMBL/scDEAL, trainers.py). Pure, so that it can be mapped over seeds and switches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from tl_jax.config import FitConfig
from tl_jax.training.draws import draw_domains
from tl_jax.training.fit import taken
from tl_jax.training.supervised import Rows
from tl_jax.types import Batch, Flat

FACTOR, PATIENCE, THRESHOLD = 0.1, 10, 1e-4  # torch.optim.lr_scheduler.ReduceLROnPlateau
SMALLEST_CHANGE = 1e-8  # a rate that would change by less stays


class Schedule(NamedTuple):
    """warm: share of the epochs, from the first, that cannot be the best."""

    epochs: int = 500
    batch_size: int = 200
    warm: float = 0.0


class Plateau(NamedTuple):
    """The rate and what it is judged by: the lowest loss so far, and how many epochs in a row were no better."""

    rate: jax.Array
    lowest: jax.Array
    bad: jax.Array

    def after(self, loss: jax.Array) -> Plateau:
        """ReduceLROnPlateau.step(loss)."""
        better = loss < self.lowest * (1 - THRESHOLD)
        bad = jnp.where(better, 0, self.bad + 1)
        lower = self.rate * FACTOR
        falls = (bad > PATIENCE) & (self.rate - lower > SMALLEST_CHANGE)
        return Plateau(
            jnp.where(falls, lower, self.rate),
            jnp.where(better, loss, self.lowest),
            jnp.where(bad > PATIENCE, 0, bad),
        )


# loss(leaves, {domain: Batch}, key, on) -> (value, (running statistics that moved, what the best epoch is chosen by)).
Loss = Callable[[Flat, dict[str, Batch], jax.Array, float], tuple[jax.Array, tuple[Flat, jax.Array]]]


def fit_best(
    key: jax.Array,
    leaves: Flat,
    moves: Mapping[str, jax.Array | float],
    loss: Loss,
    train: Mapping[str, Batch],
    valid: Mapping[str, Batch],
    rate: jax.Array | float,
    schedule: Schedule,
) -> Flat:
    """All leaves at their best epoch.

    Args:
        key: of orders and noise.
        leaves: where it starts, running statistics included.
        moves: {leaf: 1 or 0} of those that a gradient may move; leaves that are not named are frozen, and running
            statistics move as the loss says.
        loss: on=1 in training, on=0 on validation rows.
        train: {domain: rows}; the first by name is visited once per epoch, the others follow it.
        valid: {domain: rows} of the validation loss.
        rate: to begin with.
        schedule: epochs and batches.
    """
    config = FitConfig(schedule.epochs, schedule.batch_size)
    drawn, noise = draw_domains(key, {domain: batch.w for domain, batch in train.items()}, config)
    rows = {domain: Rows(batch, jnp.zeros_like(batch.w)) for domain, batch in train.items()}
    tx = optax.scale_by_adam()
    weights = {leaf: leaves[leaf] for leaf in moves}
    slope = jax.value_and_grad(lambda own, rest, *more: loss({**rest, **own}, *more), has_aux=True)

    def step(carry, inputs, rate):
        weights, rest, state = carry
        chosen, key = inputs
        batches = {domain: taken(rows[domain], *own).batch for domain, own in chosen.items()}
        (value, (moved, _)), gradient = slope(weights, rest, batches, key, 1.0)
        updates, state = tx.update(gradient, state)
        weights = {leaf: weights[leaf] - rate * moves[leaf] * u for leaf, u in updates.items()}
        return (weights, {**rest, **moved}, state), value

    def epoch(carry, plan):
        weights, rest, state, plateau, best, lowest = carry
        number, chosen, keys = plan
        (weights, rest, state), values = jax.lax.scan(
            partial(step, rate=plateau.rate), (weights, rest, state), (chosen, keys)
        )
        judged = loss({**rest, **weights}, valid, keys[0], 0.0)[1][1]
        better = (judged < lowest) & (number > schedule.warm * schedule.epochs)
        now = {**rest, **weights}
        best = {leaf: jnp.where(better, now[leaf], kept) for leaf, kept in best.items()}
        return (weights, rest, state, plateau.after(values.mean()), best, jnp.where(better, judged, lowest)), None

    infinite = jnp.float32(jnp.inf)
    rest = {leaf: value for leaf, value in leaves.items() if leaf not in moves}
    begin = Plateau(jnp.float32(rate), infinite, jnp.int32(0))
    carry = weights, rest, tx.init(weights), begin, dict(leaves), infinite
    plan = jnp.arange(1, schedule.epochs + 1), drawn, noise
    return jax.lax.scan(epoch, carry, plan)[0][4]
