"""Weights of a fully connected PyTorch network as variables of ours.

The source models of TL4DTI (Bioinformatics 2023, doi 10.1093/bioinformatics/btad234) are state dicts of blocks
Linear, BatchNorm1d, ReLU under the names l1, bn1, l2, bn2, ..., and a last Linear layer_out.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np

from tl_jax.data.tables.pickled_tensors import short
from tl_jax.errors import InputError
from tl_jax.types import Variables
from tl_jax.weights.torch_file import file_content, read_tensors

LINEAR = {"kernel": "weight", "bias": "bias"}  # our leaf: PyTorch's, which keeps kernels as (out, in)
NORM = {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}
BATCHES = "num_batches_tracked"
NAMED = 5  # tensors in a message


def import_fc_layers(path: str | Path) -> tuple[Variables, tuple[int, ...], dict]:
    """(variables, hidden, meta) of a state dict with any number of hidden layers.

    variables: {"params": {"layer1": {"kernel": (in, out), "bias": (out,)}, "bn1": {"scale", "bias", "mean", "var"},
    ..., "head"}}, those of models/fc_layers.py, float32 (float64 where the file has it), bit for bit the file's. The
    variance is the unbiased one, as PyTorch keeps it. hidden: units of each hidden layer. meta: file, its sha256,
    features, outputs, and batches, how many batches each batch norm has seen ({"bn1": 26600}).
    Raises InputError naming a tensor that is missing, unknown, of another shape or not finite.
    """
    content = file_content(path)
    tensors = read_tensors(content, str(path))
    hidden = check_names(tensors, path)
    sizes = check_shapes(tensors, hidden, path)
    params = {}
    for k in range(1, hidden + 1):
        params[f"layer{k}"] = linear(tensors, f"l{k}")
        params[f"bn{k}"] = leaves(tensors, f"bn{k}", NORM)
    params["head"] = linear(tensors, "layer_out")
    meta = {
        "file": Path(path).name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "features": sizes[0],
        "outputs": sizes[-1],
        "batches": {f"bn{k}": int(tensors[f"bn{k}.{BATCHES}"]) for k in range(1, hidden + 1)},
    }
    return {"params": params}, tuple(sizes[1:-1]), meta


def linear(tensors: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """A Linear layer's kernel (in, out) and bias (out,)."""
    found = leaves(tensors, name, LINEAR)
    return {"kernel": np.ascontiguousarray(found["kernel"].T), "bias": found["bias"]}


def leaves(tensors: dict[str, np.ndarray], name: str, names: dict[str, str]) -> dict[str, np.ndarray]:
    """Copies of a layer's tensors under our names."""
    found = {ours: tensors[f"{name}.{theirs}"] for ours, theirs in names.items()}
    return {ours: np.array(values, np.promote_types(values.dtype, np.float32)) for ours, values in found.items()}


def names_of(hidden: int) -> list[str]:
    """All tensors of a network with so many hidden layers, in PyTorch's order."""
    norm = (*NORM.values(), BATCHES)
    blocks = [(f"l{k}.weight", f"l{k}.bias", *(f"bn{k}.{leaf}" for leaf in norm)) for k in range(1, hidden + 1)]
    return [*(name for block in blocks for name in block), "layer_out.weight", "layer_out.bias"]


def check_names(tensors: dict[str, np.ndarray], path) -> int:
    """How many hidden layers there are; InputError unless all their tensors are there and no others."""
    numbers = [int(m[1]) for m in (re.fullmatch(r"(?:l|bn)([1-9]\d{0,3})\.\w+", name) for name in tensors) if m]
    hidden = len(set(numbers))
    expected = names_of(max(hidden, 1))
    layout = "the layers must be named l1, bn1, l2, bn2, ..., layer_out"
    for words, names in (
        ("lacks", [name for name in expected if name not in tensors]),
        ("holds the unknown", [name for name in tensors if name not in expected]),
    ):
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            listed = ", ".join(short(name) for name in names[:NAMED])
            raise InputError(f"{path} {words} tensor{'s' * (len(names) > 1)} {listed}{more}; {layout}")
    return hidden


def check_shapes(tensors: dict[str, np.ndarray], hidden: int, path) -> list[int]:
    """Features, units of each hidden layer, outputs; InputError where a tensor does not fit or is not finite."""
    kernels = [*(f"l{k}.weight" for k in range(1, hidden + 1)), "layer_out.weight"]
    first = tensors["l1.weight"].shape
    sizes = [first[-1] if first else 0, *(next(iter(tensors[name].shape), 0) for name in kernels)]
    for k, name in enumerate(kernels):
        layer = name.removesuffix(".weight")
        shapes = {name: (sizes[k + 1], sizes[k]), f"{layer}.bias": (sizes[k + 1],)}
        if layer != "layer_out":
            norm = layer.replace("l", "bn")
            shapes |= {f"{norm}.{leaf}": (sizes[k + 1],) for leaf in NORM.values()}
            shapes[f"{norm}.{BATCHES}"] = ()
        for tensor, shape in shapes.items():
            check_tensor(tensors[tensor], tensor, shape, path)
    return sizes


def check_tensor(values: np.ndarray, name: str, shape: tuple[int, ...], path) -> None:
    """InputError unless a tensor has this shape and holds what its name says."""
    if values.shape != shape or 0 in shape:
        raise InputError(f"{path}: tensor {name} has shape {values.shape}, where {shape} fits the layers around it")
    kind = "iu" if name.endswith(BATCHES) else "f"
    if values.dtype.kind not in kind:
        raise InputError(f"{path}: tensor {name} has elements of type {values.dtype}; it is no trained network's")
    if kind == "f" and not np.isfinite(values).all():
        raise InputError(f"{path}: tensor {name} holds values that are not finite; take an earlier state of the model")
    if name.endswith(("running_var", BATCHES)) and (values < 0).any():
        raise InputError(f"{path}: tensor {name} holds negative values; the file is damaged")
