"""Optimizers over the trained leaves only, in groups where an objective asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from tl_jax.trees import flatten, select, unflatten
from tl_jax.types import Hparams


class KerasAdamState(NamedTuple):
    count: jax.Array
    mu: optax.Updates
    nu: optax.Updates


def scale_by_keras_adam(b1=0.9, b2=0.999, eps=1e-7) -> optax.GradientTransformation:
    """Adam as Keras writes it: sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps).

    eps is added to the UNcorrected root ("epsilon hat" of Kingma and Ba, section 2); optax adds it
    to the corrected one, which differs where gradients are of the order of eps.
    """

    def init(params):
        zeros = jax.tree.map(jnp.zeros_like, params)
        return KerasAdamState(jnp.zeros([], jnp.int32), zeros, zeros)

    def update(grads, state, params=None):
        count = state.count + 1
        mu = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mu, grads)
        nu = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.nu, grads)

        def step(m, v):
            t = count.astype(m.dtype)
            correction = jnp.sqrt(1 - b2**t) / (1 - b1**t)
            return correction * m / (jnp.sqrt(v) + eps)

        return jax.tree.map(step, mu, nu), KerasAdamState(count, mu, nu)

    return optax.GradientTransformation(init, update)


OPTIMIZERS = {"keras_adam": scale_by_keras_adam, "adam": optax.scale_by_adam, "sgd": optax.identity}


def build_optimizer(name: str, rates: Mapping[str, jax.Array], weight_decay=None) -> optax.GradientTransformation:
    """Optimizer for the trained leaves, rates: {leaf: its learning rate}, each of which may be traced.

    weight_decay times a leaf is added to its gradient before anything else (coupled, as torch.optim.Adam does).
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer '{name}'; there are: {', '.join(OPTIMIZERS)}")

    def slide(updates, params=None):
        # In a group the leaves of other groups are empty nodes.
        return {leaf: jax.tree.map(lambda u, r=rates[leaf]: -r * u, update) for leaf, update in updates.items()}

    descend = optax.stateless(slide)
    decay = [] if weight_decay is None else [optax.add_decayed_weights(weight_decay)]
    return optax.chain(*decay, OPTIMIZERS[name](), descend)


class Group(NamedTuple):
    """Leaves with an optimizer of their own.

    leaves: patterns, such as ("discriminator/*",); (): those of no other group.
    optimizer: one of OPTIMIZERS; None: the training's.
    rate: factor on the learning rate, or the name of an entry of Hparams.weights that holds it.
    climbs: these leaves climb the loss instead of descending it: an adversary by its sign.
    turn: (first, end, of): of every `of` steps these leaves move in those from first up to end alone; None: in all.
    """

    leaves: tuple[str, ...]
    optimizer: str | None = None
    rate: float | str = 1.0
    climbs: bool = False
    turn: tuple[int, int, int] | None = None


def grouped(
    name: str, rates: Mapping[str, jax.Array], groups: Sequence[Group], hparams: Hparams
) -> optax.GradientTransformation:
    """build_optimizer for the leaves of no group, and one for each group; a leaf in two groups raises."""
    if not groups:
        return build_optimizer(name, rates, hparams.weight_decay)
    labels = dict.fromkeys(rates, "")
    for number, group in enumerate(groups):
        for leaf in select(unflatten(dict(rates)), *group.leaves):
            if labels[leaf]:
                raise ValueError(f"leaf '{leaf}' is in two optimizer groups")
            labels[leaf] = f"group {number}"
    rest = next((f"group {number}" for number, group in enumerate(groups) if not group.leaves), "")
    labels = {leaf: label or rest for leaf, label in labels.items()}
    transforms = {"": build_optimizer(name, rates, hparams.weight_decay)}
    for number, group in enumerate(groups):
        factor = hparams.weights[group.rate] if isinstance(group.rate, str) else group.rate
        own = {leaf: rate * factor for leaf, rate in rates.items()}
        descend = build_optimizer(group.optimizer or name, own, hparams.weight_decay)
        own = optax.chain(optax.scale(-1.0), descend) if group.climbs else descend
        if group.turn:
            first, end, of = group.turn
            own = optax.conditionally_mask(own, lambda t, a=first, b=end, of=of: (t % of >= a) & (t % of < b))
        transforms[f"group {number}"] = own
    return optax.partition(transforms, labels)


def masked(tx: optax.GradientTransformation, trainable: Iterable[str]) -> optax.GradientTransformation:
    """Any optax transformation for some leaves alone, in a training loop of your own.

    The other leaves stay bitwise as they are, also under weight decay, and have no optimizer state; under jit their
    gradient is not computed. The numbers are those of splitting the tree before `tx` sees it, as `fit` does.

    Args:
        tx: what moves the trained leaves.
        trainable: their names, such as Transfer.trainable, or patterns, such as "head/*".

    Returns:
        A transformation of the whole tree: `optax.apply_updates(params, updates)` follows as usual. `update` needs
        params.

    Raises:
        TypeError: where trainable is one string.
        ValueError: in `init`, where a pattern matches no leaf; in `update`, where params are not given.
    """
    if isinstance(trainable, str):
        raise TypeError(f"trainable must be a list of names, such as ['{trainable}']")
    patterns, tx = tuple(trainable), optax.with_extra_args_support(tx)

    def chosen(tree, params):
        names = set(select(params, *patterns))
        return {name: leaf for name, leaf in flatten(tree).items() if name in names}

    def init(params):
        return tx.init(chosen(params, params))

    def update(updates, state, params=None, **more):
        if params is None:
            raise ValueError("masked(tx, ...).update needs params: tx.update(gradients, state, params)")
        moved, state = tx.update(chosen(updates, params), state, chosen(params, params), **more)
        # Minus nought: p + -0. is p for every p, whereas -0. + 0. is 0.
        leaves = [moved[name] if name in moved else jnp.full_like(p, -0.0) for name, p in flatten(params).items()]
        return jax.tree.unflatten(jax.tree.structure(params), leaves), state

    return optax.GradientTransformationExtraArgs(init, update)
