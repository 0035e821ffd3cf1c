"""Parameter trees by leaf name ("layer1/kernel"): select, split, merge."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import jax

from tl_jax.types import Flat, Params, leaf_names


def flatten(params: Params) -> Flat:
    """{"layer1/kernel": array, ...} in the tree's own order."""
    return dict(zip(leaf_names(params), jax.tree.leaves(params), strict=True))


def unflatten(flat: Flat) -> Params:
    """Nested dictionaries from leaf names."""
    tree: dict = {}
    for name, leaf in flat.items():
        *parents, last = name.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = leaf
    return tree


def select(params: Params, *patterns: str) -> tuple[str, ...]:
    """Names of the leaves that match any pattern, such as "layer1/*".

    A pattern that matches nothing raises: a misspelt layer must never silently stay trainable.
    """
    names = tuple(flatten(params))
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ValueError(f"pattern '{pattern}' matches no parameter; there are: {', '.join(names)}")
    return tuple(name for name in names if any(fnmatchcase(name, p) for p in patterns))


def all_but(params: Params, *patterns: str) -> tuple[str, ...]:
    """Names of the leaves that match no pattern: what stays trainable when `patterns` are frozen.

    Freezing everything raises; a strategy that trains nothing says so with trainable=().
    """
    frozen = set(select(params, *patterns))
    left = tuple(name for name in flatten(params) if name not in frozen)
    if not left:
        raise ValueError(f"patterns {patterns} freeze every parameter")
    return left


def split(params: Params, trainable: Iterable[str]) -> tuple[Flat, Flat]:
    """(trained, frozen) leaves by name. Only the first half ever reaches an optimizer."""
    flat = flatten(params)
    trainable = tuple(trainable)
    unknown = [name for name in trainable if name not in flat]
    if unknown:
        raise ValueError(f"no parameter named {unknown}; there are: {', '.join(flat)}")
    trained = {name: flat[name] for name in flat if name in trainable}
    return trained, {name: flat[name] for name in flat if name not in trainable}


def merge(trained: Flat, frozen: Flat) -> Params:
    """The whole tree again; a leaf named in both halves raises."""
    twice = trained.keys() & frozen.keys()
    if twice:
        raise ValueError(f"leaves both trained and frozen: {sorted(twice)}")
    return unflatten({**frozen, **trained})


def replace_leaves(params: Params, other: Params, *patterns: str) -> Params:
    """`params` with the leaves that match `patterns` taken from `other` (same names and shapes)."""
    flat, donor = flatten(params), flatten(other)
    for name in select(params, *patterns):
        if name not in donor or donor[name].shape != flat[name].shape:
            found = donor[name].shape if name in donor else "nothing"
            raise ValueError(f"cannot copy {name}: expected shape {flat[name].shape}, the source has {found}")
        flat[name] = donor[name]
    return unflatten(flat)
