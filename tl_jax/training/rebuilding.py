"""Terms of pre-training: genes rebuilt from the bottleneck, of both domains or of one."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from tl_jax.models.cell_net import BOTTLENECK, CellNet, decoded, decoder, names_of
from tl_jax.models.fc_layers import affine, linear
from tl_jax.models.threefry import bits16
from tl_jax.training.step import Step, passes, term
from tl_jax.types import Batch, Output, Params

REBUILT = "rebuild_"  # before a domain's name: the weight of its rows, 1 where none is given


def new_decoder(sizes: CellNet, key, params: Params) -> Params:
    """A decoder to the genes that the network sees."""
    if sizes.modules:
        return decoder(sizes, key, len(seen_genes(sizes)))
    first = "encoder1" if "encoder1" in params else BOTTLENECK
    return decoder(sizes, key, params[first]["kernel"].shape[0])


def seen_genes(sizes: CellNet) -> list[int]:
    """The genes of all modules, sorted."""
    return sorted({gene for own in sizes.modules for gene in own})


def masked(step: Step, domain: str) -> Batch:
    """A domain's rows with a share `masked` of their genes set to 0."""
    batch = step.batches[domain]
    noise = bits16(jax.random.fold_in(step.keys[domain], 1), *batch.x.shape, 0) * jnp.float32(2**-16)
    return batch._replace(x=jnp.where(noise >= step.hparams.weights["masked"], batch.x, 0))


def codes(step: Step) -> dict[str, Output]:
    """{domain: the pass of masked genes up to the bottleneck}."""
    rows = {domain: masked(step, domain) for domain in step.batches}
    return passes(step.sizes, step.params, rows, {}, live=step.live, stop=place(step.sizes))[0]


def rebuilt(step: Step, domain: str, z: jax.Array) -> jax.Array:
    """(n,) mean squared error of a domain's genes rebuilt from bottlenecks (n, units)."""
    x = step.batches[domain].x
    wanted = x[:, jnp.asarray(seen_genes(step.sizes))] if step.sizes.modules else x
    return jnp.square(decoded(step.params, z) - wanted).mean(axis=1)


@term(extra=new_decoder)
def reconstruction(step: Step) -> jax.Array:
    """Mean squared error of genes rebuilt from a copy in which a share `masked` of them is 0.

    Each domain by its weight. Vincent et al. 2008; masked = 0 is a plain autoencoder.
    """
    total = 0.0
    for domain, out in codes(step).items():
        gap = step.mean(domain, rebuilt(step, domain, out.prediction))
        total += step.hparams.weights.get(f"{REBUILT}{domain}", 1.0) * gap
    return total


def new_variational(sizes: CellNet, key, params: Params) -> Params:
    """A decoder, and beside the bottleneck, which is the mean of a code, the head of its log variance."""
    first, second = jax.random.split(key)
    width = params[BOTTLENECK]["kernel"].shape[0]
    return {**new_decoder(sizes, first, params), "log_variance": linear(second, width, sizes.bottleneck, jnp.float32)}


@term(extra=new_variational)
def variational(step: Step) -> jax.Array:
    """Minus the evidence lower bound per gene, times 2, of genes with unit noise: squared error and divergence.

    Kingma and Welling 2014. The bottleneck is the mean of the code; what comes after pre-training sees that alone.
    """
    before, total = names_of(step.sizes)[: place(step.sizes) - 1], 0.0
    for domain, out in codes(step).items():
        h = out.activations[before[-1]] if before else step.batches[domain].x
        mean, spread = out.prediction, affine(step.params["log_variance"], h)
        noise = jax.random.normal(jax.random.fold_in(step.keys[domain], 2), mean.shape, mean.dtype)
        gap = rebuilt(step, domain, mean + noise * jnp.exp(spread / 2))
        each = gap + 2 * divergence(mean, spread) / step.batches[domain].x.shape[1]
        total += step.hparams.weights.get(f"{REBUILT}{domain}", 1.0) * step.mean(domain, each)
    return total


def divergence(mean: jax.Array, spread: jax.Array) -> jax.Array:
    """(n,) Kullback-Leibler of normals (n, units) of a mean and log variance from the standard one."""
    return -0.5 * (1 + spread - jnp.square(mean) - jnp.exp(spread)).sum(axis=1)


def place(sizes: CellNet) -> int:
    """The number of the module whose output is the bottleneck."""
    return names_of(sizes).index(BOTTLENECK) + 1
