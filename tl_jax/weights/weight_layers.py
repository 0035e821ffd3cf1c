"""Layers of a weight file, whatever its format, and how they become variables of a network of ours.

Networks: two_step (Dense sigmoid, Dense softplus, ..., Dense softplus) and, where there are batch norms, fc_layers
(blocks of Dense, batch norm, ReLU, and a Dense that gives a logit). Layers are matched by their order and shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.models.fc_layers import EPSILON
from tl_jax.types import Variables

DENSE, NORM = "dense", "norm"
LISTED = 12  # layers in a message
PARTS = {DENSE: ("kernel", "bias"), NORM: ("scale", "bias", "mean", "var")}


class FileLayer(NamedTuple):
    """A layer of a file under our names.

    tensors: of a dense layer kernel (in, out) and bias (out,); of a norm scale, bias, mean, var, each (units,).
    activation: what follows the layer, as the file declares it; None where it does not. epsilon: of a norm, likewise.
    """

    name: str
    kind: str
    tensors: dict[str, np.ndarray]
    activation: str | None = None
    epsilon: float | None = None


class WeightFile(NamedTuple):
    """What a weight file holds.

    ordered: whether layers stand in the order of the network; else dense layers and norms are in order by themselves.
    epsilon: what the format's batch norms add to a variance unless told otherwise. record: what a file of our own says.
    """

    format: str
    layers: tuple[FileLayer, ...]
    ordered: bool
    epsilon: float
    record: dict | None = None


class Matched(NamedTuple):
    """A network of ours with a file's weights. hidden: units of its hidden layers. notes: what was converted."""

    network: str
    hidden: tuple[int, ...]
    variables: Variables
    notes: tuple[str, ...]


def layer(name: str, kind: str, tensors: dict[str, np.ndarray], **declared) -> FileLayer:
    """A layer with what a file may leave out: a bias of 0, a scale of 1. Refused where a tensor has a wrong shape."""
    tensors = {part: np.asarray(tensors[part]) for part in PARTS[kind] if part in tensors}
    first = "kernel" if kind == DENSE else "mean"
    if first not in tensors or (kind == NORM and "var" not in tensors):
        raise Refused(f"lacks tensors of layer {short(name)}; it holds {', '.join(tensors) or 'none'}")
    units = tensors[first].shape[-1:]
    kernel = tensors[first].shape
    if len(kernel) != (2 if kind == DENSE else 1) or 0 in kernel:
        raise Refused(f"holds layer {short(name)} with a {first} of shape {kernel}, which is no such layer's")
    made = {"bias": np.zeros(units, np.float32)} | ({"scale": np.ones(units, np.float32)} if kind == NORM else {})
    tensors = {part: tensors[part] if part in tensors else made[part] for part in PARTS[kind]}
    for part, values in tensors.items():
        if part != first and values.shape != units:
            raise Refused(f"holds {short(name)} {part} of shape {values.shape}, where {units} fits its {first}")
    return FileLayer(name, kind, {part: numbers(name, part, values) for part, values in tensors.items()}, **declared)


def numbers(name: str, part: str, values: np.ndarray) -> np.ndarray:
    """A tensor as float32; Refused unless it is one of finite numbers."""
    if values.dtype.kind != "f":
        raise Refused(f"holds {short(name)} {part} with elements of type {values.dtype}; it is no trained network's")
    with np.errstate(over="ignore"):
        narrow = np.array(values, np.float32, order="C")
    if not np.isfinite(narrow).all():
        raise Refused(f"holds values that are not finite in {short(name)} {part}; take an earlier state of the model")
    if part == "var" and (narrow < 0).any():
        raise Refused(f"holds negative variances in {short(name)}; the file is damaged")
    return narrow


def listed(layers: Sequence[FileLayer]) -> str:
    """What a file holds, for a message."""
    shown = [f"{short(one.name)} {tuple(next(iter(one.tensors.values())).shape)}" for one in layers[:LISTED]]
    more = f" and {len(layers) - LISTED} more" if len(layers) > LISTED else ""
    return f"the file holds {', '.join(shown)}{more}" if layers else "the file holds no layers"


def match(file: WeightFile, activations: Sequence[str] = (), epsilon: float | None = None) -> Matched:
    """The network that a file's layers make up.

    activations: declared by the user, one word for each dense layer (what follows it, or its batch norm); they must
    be what the file declares, if it does, and what the network has. epsilon: of batch norms, where the file is silent.
    Raises Refused with what the file holds and what a network needs.
    """
    dense = [one for one in file.layers if one.kind == DENSE]
    norms = [one for one in file.layers if one.kind == NORM]
    network = "fc_layers" if norms else "two_step"
    check_order(file, dense, norms)
    check_activations(file, network, [one.activation for one in dense], activations)
    params, notes = {}, []
    for number, one in enumerate(dense, start=1):
        params["head" if number == len(dense) else f"layer{number}"] = one.tensors
        if norms and number < len(dense):
            params[f"bn{number}"], note = with_our_epsilon(norms[number - 1], file, epsilon)
            notes += note
    hidden = tuple(one.tensors["kernel"].shape[1] for one in dense[:-1])
    return Matched(network, hidden, {"params": params}, tuple(dict.fromkeys(notes)))


def check_order(file: WeightFile, dense: list[FileLayer], norms: list[FileLayer]) -> None:
    """Refused unless the layers are those of a network of ours and each takes what the one before gives."""
    needs = "needed are at least two dense layers, one after another, the last with one output"
    blocks = "with batch norms, one after each dense layer but the last"
    if len(dense) < 2 or (norms and len(norms) != len(dense) - 1):
        raise Refused(f"does not fit: {listed(file.layers)}; {needs}; {blocks}")
    for before, after in pairwise(dense):
        given, taken = before.tensors["kernel"].shape[1], after.tensors["kernel"].shape[0]
        if given != taken:
            words = f"{short(before.name)} gives {given} numbers, {short(after.name)} takes {taken}"
            raise Refused(f"does not fit: {words}; {listed(file.layers)}; {needs}; --layers gives another order")
    if dense[-1].tensors["kernel"].shape[1] != 1:
        outputs = dense[-1].tensors["kernel"].shape[1]
        raise Refused(f"does not fit: its last layer has {outputs} outputs; {listed(file.layers)}; {needs}")
    for one, norm in zip(dense, norms, strict=False):
        if norm.tensors["mean"].shape != one.tensors["bias"].shape:
            words = f"batch norm {short(norm.name)} does not have the units of {short(one.name)}"
            raise Refused(f"does not fit: {words}; {listed(file.layers)}")
    kinds = [one.kind for one in file.layers]
    if norms and file.ordered and kinds != [DENSE, NORM] * len(norms) + [DENSE]:
        raise Refused(f"does not fit: {listed(file.layers)}; {needs}; {blocks}; --layers gives another order")


def wanted_activations(network: str, count: int) -> list[tuple[str, ...]]:
    """What may follow each of `count` dense layers; a sigmoid after a logit gives its probability."""
    if network == "two_step":
        return [("sigmoid",), *[("softplus",)] * (count - 1)]
    return [*[("relu",)] * (count - 1), ("linear", "sigmoid")]


def check_activations(file: WeightFile, network: str, declared: list[str | None], given: Sequence[str]) -> None:
    """Refused unless the activations are known, from the file or the user, and are the network's."""
    wanted = wanted_activations(network, len(declared))
    words = ",".join(one[0] for one in wanted)
    if given and len(given) != len(wanted):
        raise Refused(f"has {len(wanted)} dense layers where --activations names {len(given)}; write one for each")
    if not given and None in declared:
        raise Refused(f"does not say its activations; declare them, such as --activations={words}")
    for number, allowed in enumerate(wanted):
        found = declared[number]
        if given and found is not None and given[number] != found:
            raise Refused(
                f"says that '{short(found)}' follows dense layer {number + 1}, --activations '{given[number]}'"
            )
        found = found or given[number]
        if found not in allowed:
            raise Refused(
                f"has '{short(found)}' after dense layer {number + 1}, where the network {network} has {allowed[0]} "
                f"(all: {words}); another network cannot be imported"
            )


def with_our_epsilon(norm: FileLayer, file: WeightFile, epsilon: float | None) -> tuple[dict, list[str]]:
    """(a norm's tensors, what was done): its variance moved so that our epsilon gives the file's own outputs."""
    own = norm.epsilon if norm.epsilon is not None else file.epsilon if epsilon is None else epsilon
    if epsilon is not None and norm.epsilon not in (None, epsilon):
        raise Refused(f"says that {short(norm.name)} has epsilon {norm.epsilon:g}, --bn_epsilon {epsilon:g}")
    if own == EPSILON:
        return norm.tensors, []
    moved = norm.tensors["var"].astype(np.float64) + own - EPSILON
    if not 0 <= own < 1 or (moved < 0).any():
        raise Refused(f"has an epsilon of {own:g} in {short(norm.name)}; variances below {EPSILON:g} cannot take it")
    said = f"variances of batch norms moved by {own:g} - {EPSILON:g}, so that our epsilon gives the file's outputs"
    return {**norm.tensors, "var": moved.astype(np.float32)}, [said]
