"""What a training minimises: any loss over named batches, with leaves and optimizer groups of its own.

Shipped ones, which show how one is written, are in objectives.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tl_jax.keys import purpose
from tl_jax.training.optimizer import Group
from tl_jax.training.supervised import Prefix, Rows
from tl_jax.trees import flatten, merge, select
from tl_jax.types import Flat, Hparams, Network, Params, Transfer

STATISTICS = "statistics"  # what a loss returns under this name is no metric: running statistics after the batch


class Objective(NamedTuple):
    """What a training minimises; hashable, since it is part of a compiled program.

    loss(params, batches, hparams, key, progress) -> (scalar, {metric: scalar}):
        params: all leaves, nested, frozen ones and the objective's own included.
        batches: {domain: Batch}, `batch_size` rows of each domain of the training; rows of weight 0 are padding.
        hparams: the run's numbers; weights of the loss's own terms are in hparams.weights.
        key: of this step, for dropout and the like; tl_jax.training.draws.of_domain gives each domain its own.
        progress: share of the training that is done, from 0 to nearly 1, for schedules.
        Each metric becomes train_<metric> of the history. "statistics", where a network normalises by the batch, is
        Output.statistics: the running statistics that move, by leaf name.
    init_extra(key, params) -> Params: modules beside the network's own, such as {"decoder": {"kernel": ..., }}, all
        of them trained. A module that the start holds already is taken from there.
    groups: optimizer groups of some leaves; the others follow the training's own optimizer.
    averages: patterns of its own leaves that move as its "statistics" say and not by gradient.
    """

    loss: Callable[..., tuple[jax.Array, dict[str, jax.Array]]]
    init_extra: Callable[[jax.Array, Params], Params] | None = None
    groups: tuple[Group, ...] = ()
    averages: tuple[str, ...] = ()


def with_extra(objective: Objective | None, key: jax.Array, transfer: Transfer) -> Transfer:
    """The start with the objective's own modules, drawn from the run's key, all of them trained."""
    if objective is None or objective.init_extra is None:
        return transfer
    params = transfer.variables["params"]
    drawn = objective.init_extra(purpose(key, "extra"), params)
    missing = {module: leaves for module, leaves in drawn.items() if module not in params}
    variables = {**transfer.variables, "params": {**params, **missing}}
    return replace(transfer, variables=variables, trainable=(*transfer.trainable, *flatten(missing)))


def with_averages(objective: Objective | None, network: Network, transfer: Transfer) -> Network:
    """The network, whose running statistics are the objective's own too."""
    if objective is None or not objective.averages:
        return network
    own = select(transfer.variables["params"], *objective.averages)
    return network._replace(statistics=(*network.statistics, *own))


def step_loss(objective: Objective, prefix: Prefix, hparams: Hparams) -> Callable:
    """The objective as a step takes it: (weights, averages, rows, key, progress, live) -> (loss, (metrics, rest))."""

    def loss(weights: Flat, averages: Flat, rows: dict[str, Rows], key, progress, live):
        params = merge({**weights, **averages}, prefix.frozen)
        batches = {domain: part.batch for domain, part in rows.items()}
        value, metrics = objective.loss(params, batches, hparams, key, progress)
        if jnp.shape(value) != ():
            raise ValueError(f"an objective's loss must be one number; it has shape {jnp.shape(value)}")
        statistics = metrics.get(STATISTICS)
        stray = sorted(set(statistics or {}) - set(averages))
        if stray:
            raise ValueError(f"the objective moves statistics that are not trainable: {stray}")
        if prefix.penalty is not None:
            value = value + prefix.penalty({"params": params})
        return value, ({name: v for name, v in metrics.items() if name != STATISTICS}, statistics)

    return loss
