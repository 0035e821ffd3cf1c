"""Objectives of two domains as sums of named terms, each with its weight in Hparams.weights.

`summed(network, sizes, ("supervised", "mmd"))` minimises supervised + weights["mmd"] * ramp * mmd on the domains
"train" (lines with a response) and "cells" (rows without one). The weight of "supervised" is 1 where none is given.
"""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp

from tl_jax.errors import InputError
from tl_jax.models.cell_net import CELLS, LINES, CellNet
from tl_jax.models.fc_layers import affine, linear
from tl_jax.training import domain_terms, rebuilding  # noqa: F401 - they register their terms
from tl_jax.training.draws import of_domain
from tl_jax.training.objective import STATISTICS, Objective
from tl_jax.training.optimizer import Group
from tl_jax.training.step import EXTRA, MOVES, TERMS, Step, Term, passes, term
from tl_jax.training.supervised import errors
from tl_jax.transfer.losses import get_distance
from tl_jax.types import Network, Params

PRETRAINING = ("reconstruction", "variational")
LEARNT = ("supervised", "databases")  # from lines with a response
UNRAMPED = (*LEARNT, *PRETRAINING)
WEIGHED_INSIDE = ("dann", "dann_minmax")  # an adversary's own leaves learn at full weight


def get_term(name: str) -> Term:
    """A registered term, or the alignment loss of that name between the domains' bottlenecks."""
    if name in TERMS:
        return TERMS[name]
    try:
        apart = get_distance(name)
    except InputError as error:
        known = ", ".join(one for one in TERMS if one not in UNRAMPED)
        raise InputError(f"no term or distance '{name}'; terms: {known}; {error}") from None

    def alignment(step: Step) -> jax.Array:
        lines, cells = (step.batches[domain].w for domain in (LINES, CELLS))
        return apart(step.embedded(LINES), lines, step.embedded(CELLS), cells)

    return alignment


def players(turns: int) -> tuple[Group, ...]:
    """`turns` steps of the discriminator, at a rate of its own, then one of all else."""
    own = Group(("discriminator*",), rate="discriminator_rate", turn=(0, turns, turns + 1))
    return own, Group((), turn=(turns, turns + 1, turns + 1))


@lru_cache
def summed(
    network: Network,
    sizes: CellNet,
    names: tuple[str, ...],
    trainable: tuple[str, ...] | None = None,
    turns: int = 1,
) -> Objective:
    """The weighted sum of terms; each is a metric of the history under its name.

    hparams.weights: {name: weight}, and "ramp": the share of the training over which the weights of transfer terms
    rise from 0, in a straight line; 0 for none.

    Args:
        trainable: names of the leaves that move, as the start has them; None: all. Other running statistics stay.
        turns: steps of the discriminator for each of the encoder, of "dann_minmax" alone.
    """
    terms = {name: get_term(name) for name in names}
    live = tuple(leaf for leaf in network.statistics if trainable is None or leaf in trainable)
    averages = [MOVES[name] for name in names if name in MOVES]

    def loss(params, batches, hparams, key, progress):
        domains = [domain for domain in (LINES, CELLS) if domain in batches]
        keys = {domain: of_domain(key, domain) for domain in domains}
        seen, moved = passes(sizes, params, {d: batches[d] for d in domains}, keys, hparams.dropout, live)
        rise = jnp.clip(progress / jnp.maximum(hparams.weights["ramp"], 1e-6), 0, 1)
        weights = {name: hparams.weights.get(name, 1.0) * (1.0 if name in UNRAMPED else rise) for name in names}
        step = Step(network, sizes, params, batches, seen, hparams, keys, weights, live)
        values = {name: function(step) for name, function in terms.items()}
        total = sum(value * (1.0 if name in WEIGHED_INSIDE else weights[name]) for name, value in values.items())
        for _, after in averages:
            moved |= after(step)
        return total, {**values, STATISTICS: moved} if moved else values

    def init_extra(key, params):
        found = {}
        for number, name in enumerate(sorted(set(names) & set(EXTRA))):
            found |= EXTRA[name](sizes, jax.random.fold_in(key, number), params)
        return found

    groups = players(turns) if "dann_minmax" in names else ()
    return Objective(loss, init_extra, groups, tuple(pattern for pattern, _ in averages))


@term()
def supervised(step: Step) -> jax.Array:
    """The network's own loss on the lines; of labels each class counts as its weight in `balance` says."""
    batch = step.batches[LINES]
    return lost(step, step.seen[LINES].prediction, batch.y if step.sizes.databases == 1 else batch.y[:, 0])


def new_heads(sizes: CellNet, key, params: Params) -> Params:
    """A head for every database but the first."""
    return {"databases": linear(key, params["head"]["kernel"].shape[0], sizes.databases - 1, jnp.float32)}


@term(extra=new_heads)
def databases(step: Step) -> jax.Array:
    """The same of what the other databases measured, each by a head of its own on the predictor's last layer; they
    score nothing afterwards."""
    last = step.seen[LINES].activations[step.network.layers[-2]]
    return lost(step, affine(step.params["databases"], last), step.batches[LINES].y[:, 1:])


def lost(step: Step, prediction: jax.Array, y: jax.Array) -> jax.Array:
    """Mean loss of lines on what was measured; of several databases a response that was not is NaN."""
    batch, mask = step.batches[LINES]._replace(y=y), None
    if step.sizes.binary:
        balance = step.hparams.weights["balance"]
        mask = jnp.where(y > 0.5, balance, 1 - balance)
    if step.sizes.databases > 1:
        mask = jnp.where(jnp.isnan(y), 0, 1 if mask is None else mask)
    loss, _, mean = errors(prediction, batch._replace(mask=mask), step.network)
    return mean(loss)
