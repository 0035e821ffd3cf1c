"""Strategies that guide fine-tuning: which layer moves when, how fast, and how far from the source."""

from __future__ import annotations

import jax.numpy as jnp

from tl_jax.transfer.alignment import coral
from tl_jax.transfer.strategies import copy_layers, everything, freeze_layer1, strategy
from tl_jax.types import Params, Transfer

RATE_RATIO = 2.6  # Howard and Ruder 2018, section 3.2: each layer learns so much slower than the one above it
PULL = 0.1  # Li et al. 2018, section 4: alpha of L2-SP
SOURCE_ROWS = 32
ALIGNMENT = 1.0  # weight of the squared MMD beside the mean squared error on the network's scale
BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the mean squared distance (Long et al. 2015 sum such kernels)


def hidden(params: Params) -> tuple[str, ...]:
    """Patterns of every layer but the head."""
    return tuple(f"{name}/*" for name in params if name != "head")


def by_layer(leaves: tuple[str, ...], values: dict[int, float]) -> dict[str, float]:
    """{leaf: value} of the leaves of some hidden layers, by number; a batch norm goes with its layer."""
    numbers = {leaf: leaf.split("/")[0][-1] for leaf in leaves}
    return {leaf: values[int(n)] for leaf, n in numbers.items() if n.isdigit() and int(n) in values}


@strategy()
def gradual_unfreezing(source, fresh):
    """Hidden layers copied, fresh head; the head moves first, layer 2 from a third, layer 1 from two thirds on.

    Howard and Ruder 2018 (ULMFiT), section 3.3. Adam's moments of a layer gather while it waits.
    """
    start = copy_layers(source, fresh, *hidden(fresh["params"]))
    leaves = everything(start)
    return Transfer(start, leaves, opens=by_layer(leaves, {2: 1 / 3, 1: 2 / 3}))


@strategy()
def discriminative_rates(source, fresh):
    """Hidden layers copied, fresh head; each layer learns 2.6 times slower than the one above it.

    Howard and Ruder 2018 (ULMFiT), section 3.2.
    """
    start = copy_layers(source, fresh, *hidden(fresh["params"]))
    leaves = everything(start)
    return Transfer(start, leaves, by_layer(leaves, {2: 1 / RATE_RATIO, 1: 1 / RATE_RATIO**2}))


def pull(variables, rows, anchors, network):
    """alpha / 2 times the squared distance of the anchored leaves from where they started."""
    layers = variables["params"]
    gaps = (jnp.square(layers[layer][leaf] - at).sum() for layer, part in anchors.items() for leaf, at in part.items())
    return PULL / 2 * sum(gaps)


@strategy()
def l2_sp(source, fresh):
    """Hidden layers copied and pulled back towards the source while all train; fresh head.

    L2-SP of Li, Grandvalet and Davoine 2018, equation 3; the head keeps the recipe's plain L2.
    """
    start = copy_layers(source, fresh, *hidden(fresh["params"]))
    anchors = {layer: source["params"][layer] for layer in ("layer1", "layer2")}
    return Transfer(start, everything(start), penalty=pull, anchors=anchors)


def mmd(a, weight_a, b, weight_b):
    """Squared maximum mean discrepancy between weighted rows (n, d) and (m, d), Gaussian kernels of five widths.

    Gretton et al. 2012, equation 5 (the biased estimate); widths as multiples of the mean squared distance.
    """
    rows, weight = jnp.concatenate([a, b]), jnp.concatenate([weight_a / weight_a.sum(), -weight_b / weight_b.sum()])
    # By differences: through products of rows the distance of near points, and its gradient, would be rounding.
    distance = jnp.square(rows[:, None] - rows[None, :]).sum(axis=2)
    here = jnp.abs(weight)
    typical = (here[:, None] * here[None, :] * distance).sum() / jnp.square(here.sum())
    scaled = distance / jnp.maximum(typical, 1e-12)
    kernel = sum(jnp.exp(-scaled / width) for width in BANDWIDTHS) / len(BANDWIDTHS)
    return (weight[:, None] * weight[None, :] * kernel).sum()


def hidden_mmd(variables, rows, anchors, network):
    """How far the last hidden layer tells the target's rows from the source's."""
    depth = len(network.layers) - 1
    target, source = (network.prefix(variables, x, depth).prediction for x in (rows.x, anchors))
    return ALIGNMENT * mmd(target, rows.w, source, jnp.ones(len(source), source.dtype))


@strategy(source_rows=SOURCE_ROWS)
def mmd_fine_tune(source, fresh):
    """Hidden layers copied, fresh head, all train; the last hidden layer is kept from telling source and target apart.

    Long et al. 2015 (deep adaptation networks), section 3, on 32 source samples and the target's training rows
    without their responses; under the protocol transductive on the held-out rows' expression too.
    """
    start = copy_layers({"params": source["params"]}, fresh, *hidden(fresh["params"]))
    return Transfer(start, everything(start), penalty=hidden_mmd, anchors=source["rows"])


@strategy(align=coral)
def coral_freeze_layer1(source, fresh):
    """As freeze_layer1, after the target's expression was given the source's covariance (CORAL)."""
    return freeze_layer1(source, fresh)
