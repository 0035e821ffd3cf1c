"""Objectives: functions of a network, cached, so that equal settings share one compiled program.

objective = deep_alignment(network, "coral")
fit(key, start, {"train": target, "source": source}, None, Hparams(weights={"alignment": 1.0}).arrays(),
    network=network, config=config, objective=objective)
"""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp

from tl_jax.training.objective import STATISTICS, Objective
from tl_jax.training.supervised import Prefix, Rows, loss_and_rest
from tl_jax.transfer.losses import get_distance
from tl_jax.trees import flatten
from tl_jax.types import Live, Network, Params


@lru_cache
def supervised(network: Network, trainable: tuple[str, ...] | None = None) -> Objective:
    """The plain objective on the domain "train": regression or classification as the network's own loss says.

    `fit` without an objective trains the same and evaluates a frozen prefix once, which a loss that is free to look
    anywhere in the network cannot.

    Args:
        network: the network.
        trainable: names of the leaves that move, as the start has them; None: all. The kernels of frozen layers
            then count in the reported loss, and all running statistics move.
    """

    def loss(params, batches, hparams, key, progress):
        flat, batch = flatten(params), batches["train"]
        moving = [leaf for leaf in flat if trainable is None or leaf in trainable]
        prefix = Prefix({leaf: value for leaf, value in flat.items() if leaf not in moving}, 0)
        own = {leaf: flat[leaf] for leaf in moving}
        averages = tuple(leaf for leaf in moving if leaf in network.statistics)
        live = Live(averages, batch.w) if averages else None
        rows = Rows(batch, jnp.zeros_like(batch.w))
        value, (metrics, statistics) = loss_and_rest(own, prefix, rows, hparams, key, network, live)
        return value, metrics if statistics is None else {**metrics, STATISTICS: statistics}

    return Objective(loss)


def hidden(network: Network, params: Params, x: jax.Array) -> jax.Array:
    """(n, units) output of the last hidden layer for rows (n, features), dropout off."""
    return network.prefix({"params": params}, x, len(network.layers) - 1).prediction


@lru_cache
def deep_alignment(network: Network, distance: str, trainable: tuple[str, ...] | None = None) -> Objective:
    """The supervised objective on "train", plus how far the last hidden layer tells "train" and "source" apart.

    loss + weights["alignment"] * distance. With "coral" this is Deep CORAL (Sun and Saenko 2016), with "mmd" a deep
    adaptation network (Long et al. 2015), both on minibatches of the source's rows without their responses.

    Args:
        network: the network.
        distance: a registered one, see tl_jax/transfer/losses.py.
        trainable: as for `supervised`.
    """
    plain, apart = supervised(network, trainable), get_distance(distance)

    def loss(params, batches, hparams, key, progress):
        value, metrics = plain.loss(params, batches, hparams, key, progress)
        target, source = (batches[domain] for domain in ("train", "source"))
        gap = apart(hidden(network, params, target.x), target.w, hidden(network, params, source.x), source.w)
        return value + hparams.weights["alignment"] * gap, {**metrics, "alignment": gap}

    return Objective(loss)
