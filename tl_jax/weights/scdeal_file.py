"""scDEAL's own checkpoints: state dicts of its PyTorch networks as leaves of `models/scdeal_net.py`.

OSU-BMBL/scDEAL, commit c0efdbc, models.py: `DaNN` (source_model with a predictor, target_model) or one network with a
predictor. Read as data, never run (torch_file.py). Such a file names no genes.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.weights.named_tensors import layers_of
from tl_jax.weights.torch_file import read_tensors
from tl_jax.weights.weight_layers import listed

SIDES = ("source_model", "target_model")
ONE = {"bottleneck": "bottleneck", "predictor.output.0": "predictor_out"}
BLOCK = re.compile(r"(encoder|predictor\.predictor)\.(\d+)\.([01])")
DECODER = re.compile(r"decoder_input|decoder\.\d+\.[01]|final_layer\.0")
NEEDED = "known are the state dicts of scDEAL's DaNN and of a network with a predictor (AE and DAE, not VAE)"

Leaves = dict[str, dict[str, np.ndarray]]


class Networks(NamedTuple):
    """encoder: of the rows that are scored; predictor: on its bottleneck. kind: what the file was."""

    encoder: Leaves
    predictor: Leaves
    kind: str


def read_scdeal(content: bytes, name: str) -> Networks:
    """The networks of a file's bytes. Raises InputError or Refused (words that follow the file's name)."""
    sides: dict[str, Leaves] = {}
    layers = layers_of(read_tensors(content, name))
    for own in layers:
        side, _, rest = own.name.partition(".")
        side, rest = (side, rest) if side in SIDES else ("", own.name)
        found = BLOCK.fullmatch(rest)
        if DECODER.fullmatch(rest):
            continue
        if not found and rest not in ONE:
            raise Refused(f"holds a layer {short(own.name)} that no network of scDEAL has; {NEEDED}")
        place = ONE.get(rest) or f"{found[1].split('.')[0]}{int(found[2]) + 1}" + ("_bn" if found[3] == "1" else "")
        sides.setdefault(side, {})[place] = own.tensors
    whole = set(sides) == set(SIDES)
    if not whole and set(sides) != {""}:
        raise Refused(f"does not hold one network, or source_model and target_model; {listed(layers)}")
    ends = (sides[SIDES[1]], sides[SIDES[0]]) if whole else (sides[""], sides[""])
    encoder, predictor = (
        {place: leaves for place, leaves in own.items() if place.startswith(begins)}
        for own, begins in zip(ends, (("encoder", "bottleneck"), "predictor"), strict=True)
    )
    check(encoder, predictor)
    return Networks(encoder, predictor, "scDEAL after transfer" if whole else "scDEAL, one network with a predictor")


def check(encoder: Leaves, predictor: Leaves) -> None:
    """Refused unless each layer takes what the one before gives, and the last has two units."""
    order = [*chain(encoder, "encoder"), "bottleneck", *chain(predictor, "predictor"), "predictor_out"]
    both = {**encoder, **predictor}
    if "predictor_out" not in both or "bottleneck" not in both:
        raise Refused(f"holds no encoder with a predictor on it, which alone gives a score; {NEEDED}")
    if {place for place in both if not place.endswith("_bn")} != set(order):
        raise Refused(f"holds blocks that are not numbered one after another; {NEEDED}")
    for before, after in pairwise(order):
        if both[before]["kernel"].shape[1] != both[after]["kernel"].shape[0]:
            raise Refused(
                f"does not fit: {before} gives {both[before]['kernel'].shape[1]} numbers, {after} takes others"
            )
    for place in [*chain(encoder, "encoder"), *chain(predictor, "predictor")]:
        if f"{place}_bn" not in both or both[f"{place}_bn"]["mean"].shape != both[place]["bias"].shape:
            raise Refused(f"does not fit: {place} has no batch norm of its own width; {NEEDED}")
    if both["predictor_out"]["kernel"].shape[1] != 2:
        raise Refused(f"has {both['predictor_out']['kernel'].shape[1]} outputs where scDEAL has 2")


def chain(leaves: Leaves, name: str) -> list[str]:
    """The blocks of a name in order: name1, name2, ... as far as they go."""
    found = []
    while f"{name}{len(found) + 1}" in leaves:
        found.append(f"{name}{len(found) + 1}")
    return found
