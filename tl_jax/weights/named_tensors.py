"""Layers of a flat list of named tensors: a state dict of PyTorch, a safetensors file.

A name is a layer and a part of it: "l1.weight", "layers/0/kernel". PyTorch's Linear keeps `weight` as (out, in),
Keras and Flax keep `kernel` as (in, out).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise, permutations

import numpy as np

from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.weights.weight_layers import DENSE, NORM, FileLayer, layer, listed

NORMS = {
    **{"weight": "scale", "gamma": "scale", "scale": "scale", "bias": "bias", "beta": "bias"},
    **{"running_mean": "mean", "moving_mean": "mean", "mean": "mean"},
    **{"running_var": "var", "moving_variance": "var", "var": "var"},
}
IGNORED = "num_batches_tracked"
STEMS = 5  # kinds of names whose orders are tried
MOST = 1000


def layers_of(tensors: Mapping[str, np.ndarray]) -> list[FileLayer]:
    """The layers, in the order in which they first appear. Raises Refused for what is no dense layer or batch norm."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, values in tensors.items():
        owner, _, part = name.replace("/", ".").rpartition(".")
        if part in groups.setdefault(owner, {}):
            raise Refused(f"holds two tensors named {short(name)}")
        groups[owner][part] = values
    if len(groups) > MOST:
        raise Refused(f"holds {len(groups)} layers; it is no fully connected network")
    return [one(name, parts) for name, parts in groups.items()]


def one(name: str, parts: dict[str, np.ndarray]) -> FileLayer:
    """A layer from its parts."""
    parts = {part: values for part, values in parts.items() if part != IGNORED}
    if any(NORMS.get(part) == "mean" for part in parts):
        known, kind = NORMS, NORM
    else:
        known, kind = {"weight": "kernel", "kernel": "kernel", "bias": "bias"}, DENSE
    unknown = [part for part in parts if part not in known]
    twice = len({known[part] for part in parts if part in known}) + len(unknown) < len(parts)
    if unknown or twice or (kind == DENSE and not {"weight", "kernel"} & set(parts)):
        held = ", ".join(f"{short(f'{name}.{part}')} {values.shape}" for part, values in list(parts.items())[:5])
        raise Refused(f"holds {held}; known are dense layers (weight or kernel, bias) and batch norms with statistics")
    tensors = {
        known[part]: values.T if part == "weight" and kind == DENSE else values for part, values in parts.items()
    }
    return layer(name, kind, tensors)


def without_order(layers: Sequence[FileLayer]) -> list[FileLayer]:
    """Layers of a file that keeps no order: by the numbers in their names, names of different kinds by their shapes.

    Raises Refused where not exactly one order fits: then only --layers can say it.
    """
    norms = [one for one in layers if one.kind == NORM]
    dense = [one for one in layers if one.kind == DENSE]
    stems: dict[str, list[FileLayer]] = {}
    for each in sorted(dense, key=lambda one: natural(one.name)):
        stems.setdefault(re.sub(r"\d+", "#", each.name), []).append(each)
    orders = permutations(stems.values()) if len(stems) <= STEMS else ()
    fitting = [flat for flat in ([one for part in order for one in part] for order in orders) if chained(flat)]
    if len(fitting) != 1 or (len(norms) > 1 and len({re.sub(r"\d+", "#", one.name) for one in norms}) > 1):
        why = "more than one order of its layers fits" if len(fitting) > 1 else "no order of its layers fits"
        raise Refused(f"keeps no order of layers, and {why} ({listed(layers)}); give it with --layers=NAME,NAME,...")
    return [*fitting[0], *sorted(norms, key=lambda one: natural(one.name))]


def natural(name: str) -> list:
    """A key by which l2 comes before l10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def chained(dense: Sequence[FileLayer]) -> bool:
    """Whether each layer takes what the one before gives, and the last gives one number."""
    shapes = [one.tensors["kernel"].shape for one in dense]
    return all(a[1] == b[0] for a, b in pairwise(shapes)) and (not shapes or shapes[-1][1] == 1)


def chosen(layers: Sequence[FileLayer], names: Sequence[str]) -> list[FileLayer]:
    """Layers in the user's own order, all of them named once."""
    known = {one.name: one for one in layers}
    if sorted(names) != sorted(known):
        raise Refused(f"does not hold just the layers of --layers; {listed(layers)}: name each of them once")
    return [known[name] for name in names]
