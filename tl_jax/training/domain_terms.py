"""Terms of transfer: an adversary in two ways, a teacher, and what cells without labels teach by themselves."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from tl_jax.models.cell_net import CELLS, LINES, CellNet
from tl_jax.models.fc_layers import affine, linear, logistic_loss
from tl_jax.training.rebuilding import masked
from tl_jax.training.step import Step, passes, term
from tl_jax.transfer.losses import reverse
from tl_jax.trees import flatten
from tl_jax.types import Flat, Params

CLUSTERS = 8  # soft clusters of the cells
DISCRIMINATOR = 32  # hidden units
CONFIDENT = 0.25  # share of the cells at either end that self-training takes its labels from
TEACHER, DECAY = "teacher.", 0.99


def new_discriminator(sizes: CellNet, key, params: Params) -> Params:
    """Two layers on the bottleneck, to one log odds of being a cell."""
    first, second = jax.random.split(key)
    return {
        "discriminator1": linear(first, sizes.bottleneck, DISCRIMINATOR, jnp.float32),
        "discriminator2": linear(second, DISCRIMINATOR, 1, jnp.float32),
    }


def told_apart(step: Step, params: Params, embedded) -> jax.Array:
    """What a discriminator loses on telling lines from cells by embedded(domain) -> (n, units)."""
    total = 0.0
    for domain, label in ((LINES, 0.0), (CELLS, 1.0)):
        h = jax.nn.relu(affine(params["discriminator1"], embedded(domain)))
        logit = affine(params["discriminator2"], h)[:, 0]
        total += step.mean(domain, logistic_loss(logit, jnp.full_like(logit, label)))
    return total / 2


@term(extra=new_discriminator)
def dann(step: Step) -> jax.Array:
    """What a discriminator loses on telling lines from cells; its gradient is reversed below it.

    Ganin et al. 2016. The discriminator descends at weight 1; the encoder climbs at the term's ramped one.
    """
    strength = jnp.asarray(step.weights["dann"])
    return told_apart(step, step.params, lambda domain: reverse(step.embedded(domain), strength))


@term(extra=new_discriminator)
def dann_minmax(step: Step) -> jax.Array:
    """The same as a game of two players (Goodfellow et al. 2014): the discriminator descends its loss on bottlenecks
    that stand still, the encoder climbs that of a discriminator that does. Who moves when is `summed`'s."""
    still = jax.lax.stop_gradient
    own = told_apart(step, step.params, lambda domain: still(step.embedded(domain)))
    other = told_apart(step, still(step.params), step.embedded)
    return own - step.weights["dann_minmax"] * other


def new_teacher(sizes: CellNet, key, params: Params) -> Params:
    """The network as it begins, under names of its own."""
    return {f"{TEACHER}{name}": leaves for name, leaves in params.items()}


def averaged(step: Step) -> Flat:
    """The teacher after a step: mostly what it was, and a little of the student before the step."""
    old = {name: leaf for name, leaf in flatten(step.params).items() if name.startswith(TEACHER)}
    new = flatten(step.params)
    return {name: DECAY * leaf + (1 - DECAY) * new[name.removeprefix(TEACHER)] for name, leaf in old.items()}


@term(extra=new_teacher, moves=(f"{TEACHER}*", averaged))
def mean_teacher(step: Step) -> jax.Array:
    """Squared difference of what a student calls cells with genes masked and units dropped, and its own running mean
    calls the cells as they are; of labels, of their probabilities. Tarvainen and Valpola 2017."""
    own = {name.removeprefix(TEACHER): leaves for name, leaves in step.params.items() if name.startswith(TEACHER)}
    plain = {CELLS: step.batches[CELLS]}
    teacher, _ = passes(step.sizes, own, plain, {})
    noisy = {CELLS: masked(step, CELLS)}
    student, _ = passes(step.sizes, step.params, noisy, step.keys, step.hparams.dropout)
    link = step.network.link
    wanted = jax.lax.stop_gradient(link(teacher[CELLS].prediction))
    return step.mean(CELLS, jnp.square(link(student[CELLS].prediction) - wanted))


@term()
def entropy(step: Step) -> jax.Array:
    """Mean entropy of what cells are called (Grandvalet and Bengio 2004); of a response: above or below its mean."""
    logit = step.seen[CELLS].prediction
    return step.mean(CELLS, logistic_loss(logit, jax.nn.sigmoid(logit)))


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
