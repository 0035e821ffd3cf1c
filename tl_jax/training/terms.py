"""Objectives of two domains as sums of named terms, each with its weight in Hparams.weights.

A term is `f(step) -> scalar` under @term(); a new one is a function in this file or in any file that is imported.
`summed(network, sizes, ("supervised", "mmd"))` minimises supervised + weights["mmd"] * ramp * mmd on the domains
"train" (lines with a response) and "cells" (rows without one). The weight of "supervised" is 1 where none is given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tl_jax.errors import InputError
from tl_jax.models.cell_net import BOTTLENECK, CellNet, decoded, decoder, forward, names_of
from tl_jax.models.fc_layers import affine, linear, logistic_loss
from tl_jax.models.threefry import bits16
from tl_jax.training.draws import of_domain
from tl_jax.training.objective import Objective
from tl_jax.training.supervised import errors
from tl_jax.transfer.losses import get_distance, reverse
from tl_jax.types import Batch, Hparams, Network, Output, Params

LINES, CELLS = "train", "cells"
UNRAMPED = ("supervised", "reconstruction")
CLUSTERS = 8  # soft clusters of the cells
DISCRIMINATOR = 32  # hidden units
CONFIDENT = 0.25  # share of the cells at either end that self-training takes its labels from


class Step(NamedTuple):
    """What a term sees. seen: {domain: forward pass with dropout}; keys: {domain: for further noise}; weights: {term:
    what it counts in this step}."""

    network: Network
    sizes: CellNet
    params: Params
    batches: dict[str, Batch]
    seen: dict[str, Output]
    hparams: Hparams
    keys: dict[str, jax.Array]
    weights: dict[str, jax.Array]

    def embedded(self, domain: str) -> jax.Array:
        """(n, units) the bottleneck."""
        return self.seen[domain].activations[BOTTLENECK]


Term = Callable[[Step], jax.Array]
TERMS: dict[str, Term] = {}
EXTRA: dict[str, Callable[[CellNet, jax.Array, Params], Params]] = {}


def term(extra: Callable[[CellNet, jax.Array, Params], Params] | None = None) -> Callable[[Term], Term]:
    """Register a term under its own name. extra: (sizes, key, params) -> modules that it trains beside the network."""

    def register(function: Term) -> Term:
        name = function.__name__
        TERMS[name] = function
        if extra:
            EXTRA[name] = extra
        return function

    return register


def get_term(name: str) -> Term:
    """A registered term, or the alignment loss of that name between the domains' bottlenecks."""
    if name in TERMS:
        return TERMS[name]
    try:
        apart = get_distance(name)
    except InputError as error:
        raise InputError(f"no term or distance '{name}'; terms: {', '.join(TERMS)}; {error}") from None

    def alignment(step: Step) -> jax.Array:
        lines, cells = (step.batches[domain].w for domain in (LINES, CELLS))
        return apart(step.embedded(LINES), lines, step.embedded(CELLS), cells)

    return alignment


@lru_cache
def summed(network: Network, sizes: CellNet, names: tuple[str, ...]) -> Objective:
    """The weighted sum of terms; each is a metric of the history under its name.

    hparams.weights: {name: weight}, and "ramp": the share of the training over which the weights of transfer terms
    rise from 0, in a straight line; 0 for none.
    """
    terms = {name: get_term(name) for name in names}
    needs_cells = set(names) - {"supervised"}

    def loss(params, batches, hparams, key, progress):
        domains = (LINES, CELLS) if needs_cells else (LINES,)
        keys = {domain: of_domain(key, domain) for domain in domains}
        seen = {
            domain: network.apply({"params": params}, batches[domain].x, key=keys[domain], dropout=hparams.dropout)
            for domain in domains
        }
        rise = jnp.clip(progress / jnp.maximum(hparams.weights["ramp"], 1e-6), 0, 1)
        weights = {name: hparams.weights.get(name, 1.0) * (1.0 if name in UNRAMPED else rise) for name in names}
        step = Step(network, sizes, params, batches, seen, hparams, keys, weights)
        values = {name: function(step) for name, function in terms.items()}
        # An adversary's own leaves learn at full weight: its term puts the weight where the gradient turns.
        total = sum(value * (1.0 if name == "dann" else weights[name]) for name, value in values.items())
        return total, values

    def init_extra(key, params):
        found = {}
        for number, name in enumerate(sorted(set(names) & set(EXTRA))):
            found |= EXTRA[name](sizes, jax.random.fold_in(key, number), params)
        return found

    return Objective(loss, init_extra)


@term()
def supervised(step: Step) -> jax.Array:
    """The network's own loss on the lines; of labels each class counts as its weight in `balance` says."""
    batch = step.batches[LINES]
    if step.sizes.binary:
        balance = step.hparams.weights["balance"]
        batch = batch._replace(mask=jnp.where(batch.y > 0.5, balance, 1 - balance))
    loss, _, mean = errors(step.seen[LINES].prediction, batch, step.network)
    return mean(loss)


def new_decoder(sizes: CellNet, key, params: Params) -> Params:
    """A decoder to the genes that the network sees."""
    if sizes.modules:
        return decoder(sizes, key, len(seen_genes(sizes)))
    first = "encoder1" if "encoder1" in params else BOTTLENECK
    return decoder(sizes, key, params[first]["kernel"].shape[0])


def seen_genes(sizes: CellNet) -> list[int]:
    """The genes of all modules, sorted."""
    return sorted({gene for own in sizes.modules for gene in own})


@term(extra=new_decoder)
def reconstruction(step: Step) -> jax.Array:
    """Mean squared error of genes rebuilt from a copy in which a share `masked` of them is 0, both domains alike.

    Vincent et al. 2008; masked = 0 is a plain autoencoder.
    """
    total = 0.0
    for domain, batch in step.batches.items():
        noise = bits16(jax.random.fold_in(step.keys[domain], 1), *batch.x.shape, 0) * jnp.float32(2**-16)
        x = jnp.where(noise >= step.hparams.weights["masked"], batch.x, 0)
        z = forward(step.sizes, {"params": step.params}, x, stop=place(step.sizes)).prediction
        wanted = batch.x[:, jnp.asarray(seen_genes(step.sizes))] if step.sizes.modules else batch.x
        gap = jnp.square(decoded(step.params, z) - wanted).mean(axis=1)
        total += (batch.w * gap).sum() / jnp.maximum(batch.w.sum(), 1)
    return total


def place(sizes: CellNet) -> int:
    """The number of the module whose output is the bottleneck."""
    return names_of(sizes).index(BOTTLENECK) + 1


def new_discriminator(sizes: CellNet, key, params: Params) -> Params:
    """Two layers on the bottleneck, to one log odds of being a cell."""
    first, second = jax.random.split(key)
    return {
        "discriminator1": linear(first, sizes.bottleneck, DISCRIMINATOR, jnp.float32),
        "discriminator2": linear(second, DISCRIMINATOR, 1, jnp.float32),
    }


@term(extra=new_discriminator)
def dann(step: Step) -> jax.Array:
    """What a discriminator loses on telling lines from cells; its gradient is reversed below it.

    Ganin et al. 2016. The discriminator descends at weight 1; the encoder climbs at the term's ramped one.
    """
    total = 0.0
    for domain, label in ((LINES, 0.0), (CELLS, 1.0)):
        h = reverse(step.embedded(domain), jnp.asarray(step.weights["dann"]))
        h = jax.nn.relu(affine(step.params["discriminator1"], h))
        logit = affine(step.params["discriminator2"], h)[:, 0]
        w = step.batches[domain].w
        total += (w * logistic_loss(logit, jnp.full_like(logit, label))).sum() / jnp.maximum(w.sum(), 1)
    return total / 2


@term()
def entropy(step: Step) -> jax.Array:
    """Mean entropy of what cells are called (Grandvalet and Bengio 2004); of a response: above or below its mean."""
    logit, w = step.seen[CELLS].prediction, step.batches[CELLS].w
    return (w * logistic_loss(logit, jax.nn.sigmoid(logit))).sum() / jnp.maximum(w.sum(), 1)


@term()
def self_training(step: Step) -> jax.Array:
    """Squared error of the cells at both ends of the score to the mean of their end, taken as a label.

    Lee 2013 with labels from the surest quarter at either end, so that both classes are always there.
    """
    score, w = step.seen[CELLS].prediction, step.batches[CELLS].w
    fixed = jax.lax.stop_gradient(score)
    low, high = jnp.quantile(fixed, CONFIDENT), jnp.quantile(fixed, 1 - CONFIDENT)
    total = 0.0
    for end in (fixed <= low, fixed >= high):
        own = w * end
        mean = (own * fixed).sum() / jnp.maximum(own.sum(), 1)
        label = mean + jnp.sign(mean - (w * fixed).sum() / jnp.maximum(w.sum(), 1))
        total += (own * jnp.square(score - label)).sum() / jnp.maximum(own.sum(), 1)
    return total


def new_centres(sizes: CellNet, key, params: Params) -> Params:
    """Places of the soft clusters in the bottleneck."""
    return {"clusters": {"centres": jax.random.normal(key, (CLUSTERS, sizes.bottleneck))}}


@term(extra=new_centres)
def cluster(step: Step) -> jax.Array:
    """scDEAL's cluster term with a gradient: how unlike the genes of cells are that share a cluster.

    Clusters are soft, a softmax of minus the squared distances to centres that are trained; their sums of (1 - cosine
    of the genes) over 2 n^2 - n, as in scDEAL's code, where n is a cluster's soft size.
    """
    batch, z = step.batches[CELLS], step.embedded(CELLS)
    apart = jnp.square(z[:, None] - step.params["clusters"]["centres"][None]).sum(axis=2)
    member = jax.nn.softmax(-apart, axis=1) * batch.w[:, None]
    return cluster_spread(member, batch.x)


def cluster_spread(member: jax.Array, x: jax.Array) -> jax.Array:
    """Sum over clusters k of sum_ij m_ik m_jk (1 - cos(x_i, x_j)) / (2 n_k^2 - n_k); m (n, clusters), x (n, genes)."""
    unit = x / jnp.maximum(jnp.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    size = member.sum(axis=0)
    # Without the matrix of pairs: sum_ij m_i m_j u_i . u_j is the square of a sum.
    unlike = jnp.square(size) - jnp.square(member.T @ unit).sum(axis=1)
    return (unlike / jnp.maximum(2 * jnp.square(size) - size, 1)).sum()
