"""One network for all source drugs: a head of one output per drug, trained on the pairs that were measured."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.config import NetworkConfig, Recipe
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaled import prepare
from tl_jax.data.scaling.scaling import ResponseScale, fit_response_scale
from tl_jax.errors import InputError
from tl_jax.models import build
from tl_jax.training.chain import fit_stage
from tl_jax.transfer.strategies import get
from tl_jax.types import Batch, Network, Variables


class Outlook(NamedTuple):
    """What a source network says of samples.

    profile: (n, drugs) predicted responses in the source's unit. features: (n, units) of the last hidden layer.
    """

    profile: np.ndarray
    features: np.ndarray


class MultiTask(NamedTuple):
    """A network for many drugs. scales: one per output; loss: (epochs,) training loss, on the network's scale."""

    variables: Variables
    network: Network
    scales: tuple[ResponseScale, ...]
    loss: np.ndarray


def measured_drugs(domain: Domain, least: int) -> Domain:
    """The domain with the drugs that at least `least` of its samples were measured for, and that vary."""
    columns = [column[np.isfinite(column)] for column in domain.y.T]
    kept = [d for d, v in zip(domain.drugs, columns, strict=True) if len(v) >= max(least, 2) and v.min() < v.max()]
    if not kept:
        raise InputError(f"no drug of domain {domain.name} was measured on {least} samples or more; lower --min_lines")
    return domain.for_drugs(kept)


def drug_scales(domain: Domain) -> tuple[ResponseScale, ...]:
    """Each drug's own range over its measured samples, as the network's 0 to 10."""
    return tuple(fit_response_scale(v[np.isfinite(v)], domain.direction, domain.unit) for v in domain.y.T)


def masked_batch(domain: Domain) -> Batch:
    """All rows of a domain, expression scaled per gene and each drug to the network's 0 to 10 by its own range.

    Pairs that were not measured have mask 0 and stay NaN in y, which nothing reads.
    """
    y = np.column_stack([s.to_network(v) for s, v in zip(drug_scales(domain), domain.y.T, strict=True)])
    if len(domain.drugs) == 1:  # the network then gives (n,)
        y = y[:, 0]
    x = prepare(domain)[1]
    arrays = (x, y, np.ones(len(x)), np.isfinite(y))
    return Batch(*(jnp.asarray(a, jnp.float32) for a in arrays))


def untrained(domain: Domain, hidden: tuple[int, ...]) -> Network:
    """The two-step network with one output per drug of a domain."""
    return build(NetworkConfig("two_step", hidden, len(domain.drugs)))


def train_multitask(key: jax.Array, domain: Domain, recipe: Recipe, hidden: tuple[int, ...]) -> MultiTask:
    """One network for all drugs of a domain, from scratch on all its rows."""
    network = untrained(domain, hidden)
    variables, result = fit_stage(
        key,
        None,
        masked_batch(domain),
        recipe.hparams().arrays(),
        strategy=get("scratch").function,
        network=network,
        config=recipe.fit_config(curves=False, skip_empty=False),
    )
    variables = jax.tree.map(np.asarray, variables)
    return MultiTask(variables, network, drug_scales(domain), np.asarray(result.history["train_loss"]))


def look(model: MultiTask, x: np.ndarray) -> Outlook:
    """Profile and features of scaled rows (n, genes), dropout off."""
    out, features = forward(model.variables, jnp.asarray(x, jnp.float32), network=model.network)
    columns = np.asarray(out).reshape(len(x), -1).T
    profile = np.column_stack([s.from_network(v) for s, v in zip(model.scales, columns, strict=True)])
    return Outlook(profile, np.asarray(features, np.float64))


@partial(jax.jit, static_argnames="network")
def forward(variables: Variables, x: jax.Array, *, network: Network):
    """(predictions on the network's scale, the last hidden layer's output)."""
    out = network.apply(variables, x)
    return out.prediction, out.activations[network.layers[-2]]


def trunk(key: jax.Array, variables: Variables, network: Network) -> Variables:
    """The hidden layers of a network for many drugs below a fresh head for one, which `network` has."""
    genes = variables["params"]["layer1"]["kernel"].shape[0]
    head = network.init(key, genes)["params"]["head"]
    return {**variables, "params": {**variables["params"], "head": jax.tree.map(np.asarray, head)}}
