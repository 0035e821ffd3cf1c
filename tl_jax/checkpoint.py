"""Stage checkpoints with lineage; the only importer of orbax.

A checkpoint is a folder: `state` (weights, written by orbax) and `stage.json` (what they are: genes,
scaler, response scale, settings, data fingerprint, versions, and the ancestors they come from).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from pathlib import Path

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from tl_jax.cluster import agree, barrier, is_first
from tl_jax.errors import InputError
from tl_jax.files import digest, write_json
from tl_jax.runtime import default_sharding
from tl_jax.trees import flatten, unflatten
from tl_jax.types import Variables

FORMAT = "tl_jax stage 1"
REQUIRED = (
    *("format", "id", "stage", "domain", "drug", "samples", "strategy", "recipe", "seed", "data_fingerprint", "note"),
    *("genes", "transform", "scaler", "response_scale", "network", "ancestors", "leaves", "files", "content"),
)


def save_stage(path: Path, variables: Variables, meta: dict) -> Path:
    """Write a stage checkpoint; it appears at `path` whole, by one rename, and never replaces another.

    All processes call this, process 0 renames.
    meta must hold what REQUIRED names except format, leaves, files and content.
    """
    path = Path(path).absolute()
    leaves = {name: np.asarray(leaf) for name, leaf in flatten(variables["params"]).items()}
    shapes = {name: {"shape": list(leaf.shape), "dtype": str(leaf.dtype)} for name, leaf in leaves.items()}
    record = {"format": FORMAT, **meta, "leaves": shapes, "files": {}, "content": ""}
    missing = [key for key in REQUIRED if key not in record]
    if missing:
        raise ValueError(f"meta of a stage checkpoint lacks {missing}")
    staging = path.with_name(f".{path.name}.{agree(uuid.uuid4().hex[:8])}.partial")
    try:
        if is_first():
            staging.mkdir(parents=True)
        barrier("checkpoint folder")
        ocp.save(staging / "state", {dotted(name): leaf for name, leaf in leaves.items()})
        if is_first():
            record["files"] = file_digests(staging / "state")
            record["content"] = record_digest(record)
            write_json(staging / "stage.json", record)
            os.rename(staging, path)
    except OSError as error:
        if not is_stage(path):  # a process beside this one may have finished the same training first
            raise InputError(
                f"cannot write checkpoint {path}: {error.strerror}; choose another --checkpoint_dir"
            ) from error
    finally:
        if is_first():
            shutil.rmtree(staging, ignore_errors=True)
    barrier("checkpoint written")
    return path


def load_stage(path: Path, *, genes: np.ndarray | None = None) -> tuple[Variables, dict]:
    """(variables, meta) of a stage checkpoint.

    A folder that is no stage checkpoint, one whose content does not match its own record, and one trained on
    other genes than `genes` (names and order) are refused with an InputError.
    """
    path = Path(path).absolute()
    meta = read_meta(path)
    if genes is not None and list(genes) != meta["genes"]:
        shared = len(set(genes) & set(meta["genes"]))
        raise InputError(
            f"checkpoint {path} was trained on {len(meta['genes'])} genes, the data has {len(genes)} "
            f"({shared} shared); use the cohort it was trained with, or experiments.predict, which aligns genes by name"
        )
    if file_digests(path / "state") != meta["files"]:
        raise damaged(path, "its weights are not the files that were saved")
    sharding = default_sharding()
    shapes = {name: (tuple(leaf["shape"]), np.dtype(leaf["dtype"])) for name, leaf in meta["leaves"].items()}
    wanted = {dotted(n): jax.ShapeDtypeStruct(*described, sharding=sharding) for n, described in shapes.items()}
    try:
        state = ocp.load(path / "state", wanted)
    except Exception as error:  # another version of orbax may not read these files
        raise damaged(path, f"its weights cannot be read ({type(error).__name__})") from error
    return {"params": unflatten({name: np.asarray(state[dotted(name)]) for name in shapes})}, meta


def dotted(name: str) -> str:
    """A leaf's name inside `state`, where "/" would make folders."""
    return name.replace("/", ".")


def read_meta(path: Path) -> dict:
    """The record of a stage checkpoint, checked for form but without reading its weights."""
    path = Path(path).absolute()
    if not path.exists():
        raise InputError(f"no checkpoint at {path}; experiments print the paths of those they save")
    if not is_stage(path):
        raise InputError(f"{path} is no tl_jax stage checkpoint (a folder with stage.json and state)")
    try:
        meta = json.loads((path / "stage.json").read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise damaged(path, "its stage.json cannot be read") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        found = meta.get("format") if isinstance(meta, dict) else None
        raise InputError(f"checkpoint {path} has format {found!r}, this version reads {FORMAT!r}; train it again")
    missing = [key for key in REQUIRED if key not in meta]
    if missing:
        raise damaged(path, f"its stage.json lacks {', '.join(missing)}")
    if record_digest(meta) != meta["content"]:
        raise damaged(path, "its stage.json does not match its own digest")
    return meta


def is_stage(path: Path) -> bool:
    """Whether a folder looks like a stage checkpoint."""
    return (Path(path) / "stage.json").is_file() and (Path(path) / "state").is_dir()


def file_digests(folder: Path) -> dict[str, str]:
    """{file below `folder`: SHA-256}, checked before tensorstore reads, since it does not notice a flipped byte."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def record_digest(record: dict) -> str:
    """SHA-256 of a record, less the place where it stands."""
    described = {key: value for key, value in record.items() if key != "content"}
    # Through JSON and back, so that what is digested before writing equals what is read later.
    return digest(json.loads(json.dumps(described, default=float)))


def damaged(path: Path, why: str) -> InputError:
    return InputError(f"checkpoint {path} is damaged: {why}; delete that folder and it will be trained again")
