"""Strategies that guide fine-tuning: which layer moves when, how fast, and how far from the source."""

from __future__ import annotations

import jax.numpy as jnp

from tl_jax.transfer.alignment import match_covariance
from tl_jax.transfer.losses import mmd
from tl_jax.transfer.strategies import copy_layers, everything, freeze_layer1, layer_number, strategy
from tl_jax.types import Params, Transfer

RATE_RATIO = 2.6  # Howard and Ruder 2018, section 3.2: each layer learns so much slower than the one above it
PULL = 0.1  # Li et al. 2018, section 4: alpha of L2-SP
SOURCE_ROWS = 32
ALIGNMENT = 1.0  # weight of the squared MMD beside the mean squared error on the network's scale


def hidden(params: Params) -> tuple[str, ...]:
    """Patterns of every layer but the head."""
    return tuple(f"{name}/*" for name in params if name != "head")


def below_head(leaves: tuple[str, ...]) -> tuple[dict[str, int], int]:
    """({leaf of a hidden layer: how many layers it lies below the head}, layers in all); bn2 lies where layer2 does."""
    numbers = {leaf: layer_number(leaf) for leaf in leaves}
    layers = 1 + max(filter(None, numbers.values()), default=0)
    return {leaf: layers - number for leaf, number in numbers.items() if number}, layers


@strategy(wide=True)
def gradual_unfreezing(source, fresh):
    """Hidden layers copied, fresh head; the head moves first, then the others from above, one in each share of epochs.

    With two hidden layers: layer 2 from a third, layer 1 from two thirds on. Howard and Ruder 2018 (ULMFiT), section
    3.3. Adam's moments of a layer gather while it waits.
    """
    start = copy_layers(source, fresh, *hidden(fresh["params"]))
    leaves = everything(start)
    below, layers = below_head(leaves)
    return Transfer(start, leaves, opens={leaf: steps / layers for leaf, steps in below.items()})


@strategy(wide=True)
def discriminative_rates(source, fresh):
    """Hidden layers copied, fresh head; each layer learns 2.6 times slower than the one above it.

    Howard and Ruder 2018 (ULMFiT), section 3.2.
    """
    start = copy_layers(source, fresh, *hidden(fresh["params"]))
    leaves = everything(start)
    return Transfer(start, leaves, {leaf: 1 / RATE_RATIO**steps for leaf, steps in below_head(leaves)[0].items()})


def pull(variables, rows, anchors, network):
    """alpha / 2 times the squared distance of the anchored weights from where they started.

    Running statistics are no weights: they follow the batches.
    """
    layers = variables["params"]
    anchored = ((layer, leaf, at) for layer, part in anchors.items() for leaf, at in part.items())
    weights = (one for one in anchored if f"{one[0]}/{one[1]}" not in network.statistics)
    return PULL / 2 * sum(jnp.square(layers[layer][leaf] - at).sum() for layer, leaf, at in weights)


@strategy(wide=True)
def l2_sp(source, fresh):
    """Hidden layers, batch norms included, copied and pulled back towards the source while all train; fresh head.

    L2-SP of Li, Grandvalet and Davoine 2018, equation 3; the head keeps the recipe's plain L2.
    """
    start = copy_layers(source, fresh, *hidden(fresh["params"]))
    below = sorted((layer for layer in fresh["params"] if layer_number(layer)), key=layer_number)
    anchors = {layer: source["params"][layer] for layer in below}
    return Transfer(start, everything(start), penalty=pull, anchors=anchors)


def hidden_mmd(variables, rows, anchors, network):
    """How far the last hidden layer tells the target's rows from the source's."""
    depth = len(network.layers) - 1
    target, source = (network.prefix(variables, x, depth).prediction for x in (rows.x, anchors))
    return ALIGNMENT * mmd(target, rows.w, source, jnp.ones(len(source), source.dtype))


@strategy(source_rows=SOURCE_ROWS, wide=True)
def mmd_fine_tune(source, fresh):
    """Hidden layers copied, fresh head, all train; the last hidden layer is kept from telling source and target apart.

    Long et al. 2015 (deep adaptation networks), section 3, on 32 source samples and the target's training rows
    without their responses; under the protocol transductive on the held-out rows' expression too.
    """
    start = copy_layers({"params": source["params"]}, fresh, *hidden(fresh["params"]))
    return Transfer(start, everything(start), penalty=hidden_mmd, anchors=source["rows"])


@strategy(align=match_covariance)
def coral_freeze_layer1(source, fresh):
    """As freeze_layer1, after the target's expression was given the source's covariance (CORAL)."""
    return freeze_layer1(source, fresh)
