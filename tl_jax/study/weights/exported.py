"""A stage checkpoint as one file for other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tl_jax.checkpoint import load_network
from tl_jax.errors import InputError
from tl_jax.system.files import write_atomic
from tl_jax.trees import flatten
from tl_jax.weights.model_file import Model, model_bytes

ENDINGS = (".npz", ".safetensors")
# What stands in the file elsewhere, or says something of the checkpoint's own files.
ELSEWHERE = ("format", "files", "content", "leaves", "genes", "scaler")


def export_model(checkpoint: str | Path, out: str | Path, overwrite: bool = False) -> tuple[Path, list[str]]:
    """Write a checkpoint's weights, genes, scaler, response scale and record to `out` (.npz or .safetensors).

    Returns the path and the names of preprocessing steps that come before the scaler.
    Raises InputError for another ending, a file that exists unless `overwrite`, and anything but a sound checkpoint.
    """
    out = Path(out)
    if out.suffix not in ENDINGS:
        raise InputError(f"--out={out} must end in {' or '.join(ENDINGS)}")
    if out.is_dir() or (out.exists() and not overwrite):
        raise InputError(f"--out={out} exists; choose another or add --overwrite")
    variables, meta = load_network(Path(checkpoint))
    content = model_bytes(model_of_stage(variables, meta), out.suffix)
    steps = [part["step"] for part in meta.get("preprocess", [])]
    return write_atomic(out, lambda path: path.write_bytes(content)), steps


def model_of_stage(variables, meta: dict) -> Model:
    """A loaded checkpoint as the file holds it."""
    leaves = {name: np.asarray(leaf) for name, leaf in flatten(variables["params"]).items()}
    center, scale = (np.asarray(meta["scaler"][part], np.float32) for part in ("center", "scale"))
    said = {key: value for key, value in meta.items() if key not in ELSEWHERE}
    said["scaler"] = {"kind": meta["scaler"]["kind"]}
    return Model(leaves, meta["genes"], (center, scale) if len(center) else None, said)
