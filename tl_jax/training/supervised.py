"""The supervised loss in Keras' convention, and its two reported numbers: regression and classification."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tl_jax.trees import merge
from tl_jax.types import Batch, Flat, Hparams, Live, Network, Output, Variables


class Prefix(NamedTuple):
    """What is the same in every step of a training.

    frozen: leaves that are not trained. depth: how many leading layers are already in the batch's x.
    penalty: of all variables, added to the loss; None for none.
    """

    frozen: Flat
    depth: int
    penalty: Callable[[Variables], jax.Array] | None = None


class Rows(NamedTuple):
    """A batch with the activity penalty of the layers inside its prefix, per row: (n,)."""

    batch: Batch
    activity: jax.Array


def supervised_loss(
    trained: Flat, prefix: Prefix, rows: Rows, hparams: Hparams, key, network: Network, live: Live | None = None
) -> tuple[jax.Array, jax.Array, Output]:
    """(loss, mean absolute error on the response's scale, forward pass) of one batch of b rows of weight 1.

    loss = mean of the network's loss, squared error unless it says otherwise, over rows and outputs (with a mask:
           over measured entries, weighted by it)
         + kernel_l2 * sum(kernel^2)          of each regularised layer that is TRAINED (as Keras 3 reports)
         + activity_l1 / b * sum |activation| of each regularised layer, trained or frozen
         + the strategy's own penalty, where it has one.
    No factor 1/2, no bias in the penalty; b is the batch's own size, also of a last, smaller batch.
    """
    batch, variables = rows.batch, {"params": merge(trained, prefix.frozen)}
    more = {} if live is None else {"live": live}
    out = network.apply(variables, batch.x, key=key, dropout=hparams.dropout, start=prefix.depth, **more)
    if out.prediction.shape != batch.y.shape:
        raise ValueError(f"prediction {out.prediction.shape} and response {batch.y.shape} differ in shape")
    size = jnp.maximum(batch.w.sum(), 1)
    loss, error, mean = errors(out.prediction, batch, network)
    activity = rows.activity + row_activity(out.activations, network, since=prefix.depth)
    kernels = [trained[f"{layer}/kernel"] for layer in network.regularised if f"{layer}/kernel" in trained]
    decay = sum((jnp.square(kernel).sum() for kernel in kernels), start=jnp.zeros([], batch.x.dtype))
    penalty = hparams.kernel_l2 * decay + hparams.activity_l1 * (batch.w * activity).sum() / size
    if prefix.penalty is not None:
        penalty = penalty + prefix.penalty(variables)
    return mean(loss) + penalty, mean(error), out


def loss_and_rest(*arguments):
    """supervised_loss as jax.grad wants it: (loss, (metrics, running statistics after the batch))."""
    loss, mae, out = supervised_loss(*arguments)
    return loss, ({"mae": mae}, out.statistics)


def step_loss(prefix: Prefix, hparams: Hparams, network: Network) -> Callable:
    """The loss as a step takes it: (weights, averages, rows, key, progress, live) -> (loss, (metrics, rest))."""

    def loss(weights, averages, rows: dict[str, Rows], key, progress, live):
        (only,) = rows.values()
        rest = prefix._replace(frozen={**prefix.frozen, **averages})
        return loss_and_rest(weights, rest, only, hparams, key, network, live)

    return loss


def errors(
    prediction: jax.Array, batch: Batch, network: Network
) -> tuple[jax.Array, jax.Array, Callable[[jax.Array], jax.Array]]:
    """(loss, absolute error, how such values are averaged): rows by weight or, with a mask, measured entries.

    An unmeasured entry is replaced before anything is computed of it: a NaN there would come through in the gradient,
    even multiplied by 0. A batch without any measured entry has error 0.
    """

    def of(y):
        return network.loss(prediction, y), jnp.abs(network.link(prediction) - y)

    if batch.mask is None:
        size = jnp.maximum(batch.w.sum(), 1)
        return *of(batch.y), lambda v: (batch.w * v.reshape(len(v), -1).mean(axis=1)).sum() / size
    weight = batch.mask * batch.w.reshape(-1, *[1] * (batch.y.ndim - 1))
    total = weight.sum()
    total = jnp.where(total > 0, total, 1)
    known = weight > 0
    loss, error = (jnp.where(known, value, 0) for value in of(jnp.where(known, batch.y, 0)))
    return loss, error, lambda v: (weight * v).sum() / total


def row_activity(activations, network: Network, since: int = 0, until: int | None = None) -> jax.Array | float:
    """sum |activation| per row (n,) over the regularised layers number since + 1 to until."""
    counted = [name for name in network.layers[since:until] if name in network.regularised and name in activations]
    return sum((jnp.abs(activations[name]).sum(axis=1) for name in counted), start=0.0)
