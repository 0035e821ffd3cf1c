"""Stage checkpoints with lineage; the only importer of orbax.

A checkpoint is a folder: `state` (weights, written by orbax) and `stage.json` (what they are: genes,
scaler, response scale, settings, data fingerprint, versions, and the ancestors they come from).
"""

from __future__ import annotations

import json
import math
import os
import shutil
import uuid
from pathlib import Path

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from tl_jax.errors import InputError
from tl_jax.system.cluster import agree, barrier, is_first
from tl_jax.system.files import digest, sha256_of, write_json
from tl_jax.system.runtime import default_sharding
from tl_jax.trees import flatten, unflatten
from tl_jax.types import Variables

FORMAT = "tl_jax stage 1"
OF_CELLS = "cell_net"  # the network of stages that study/cells keeps
OF_DRUGS = "drug_profile"  # what stands for a network in a stage of all source drugs
REQUIRED = (
    *("format", "id", "stage", "domain", "drug", "samples", "strategy", "recipe", "seed", "data_fingerprint", "note"),
    *("genes", "transform", "scaler", "response_scale", "network", "ancestors", "leaves", "files", "content"),
)


def _is_texts(value) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _are_sizes(value) -> bool:
    return isinstance(value, list) and all(type(one) is int and 0 <= one < 1 << 40 for one in value)


def _is_scaler(value) -> bool:
    parts = [value.get(part) for part in ("center", "scale")] if isinstance(value, dict) else [None]
    lists = all(isinstance(part, list) and all(map(_is_number, part)) for part in parts)
    return lists and len(parts[0]) == len(parts[1]) and isinstance(value.get("kind"), str)


def _is_scale(value) -> bool:
    if not isinstance(value, dict) or set(value) != {"low", "high", "direction", "unit"}:
        return False
    texts = isinstance(value["direction"], str) and isinstance(value["unit"], str)
    return texts and _is_number(value["low"]) and _is_number(value["high"])


def _are_leaves(value) -> bool:
    leaves = list(value.values()) if isinstance(value, dict) else [None]
    return all(isinstance(one, dict) and one.get("dtype") in DTYPES and _are_sizes(one.get("shape")) for one in leaves)


def _is_network(value) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str) and _are_sizes(value.get("hidden"))


def _are_records(value) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


# A checkpoint may come from somebody else: what its record must hold before anything is made of it.
DTYPES = ("float32", "float64", "float16", "bfloat16", "int32", "int64")
FORMS = {
    **dict.fromkeys(("id", "stage", "domain", "drug", "strategy", "transform"), lambda value: isinstance(value, str)),
    **{"genes": _is_texts, "scaler": _is_scaler, "response_scale": _is_scale, "network": _is_network},
    **{"ancestors": _are_records, "leaves": _are_leaves, "files": lambda value: isinstance(value, dict)},
}


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


def load_network(path: Path) -> tuple[Variables, dict]:
    """The same of one network; a stage that holds the networks of several seeds of a study of cells is refused."""
    found = load_stage(path)
    if found[1]["network"]["name"] == OF_CELLS:
        raise InputError(
            f"checkpoint {path} holds networks of single cells, all seeds stacked, which no other study can "
            "use; new cells are scored by experiments.scdeal_predict"
        )
    if found[1]["network"]["name"] == OF_DRUGS:
        raise InputError(
            f"checkpoint {path} holds the profile of {found[1]['drug']}, which predicts no response by itself; name "
            "the target's model that comes from it"
        )
    return found


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
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise damaged(path, "its stage.json cannot be read") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        found = meta.get("format") if isinstance(meta, dict) else None
        raise InputError(f"checkpoint {path} has format {found!r}, this version reads {FORMAT!r}; train it again")
    missing = [key for key in REQUIRED if key not in meta]
    if missing:
        raise damaged(path, f"its stage.json lacks {', '.join(missing)}")
    if record_digest(meta) != meta["content"]:
        raise damaged(path, "its stage.json does not match its own digest")
    wrong = [name for name, fits in FORMS.items() if not fits(meta[name])]
    if wrong:
        raise damaged(path, f"its stage.json holds under '{wrong[0]}' something else than this version writes")
    return meta


def is_stage(path: Path) -> bool:
    """Whether a folder looks like a stage checkpoint."""
    return (Path(path) / "stage.json").is_file() and (Path(path) / "state").is_dir()


def file_digests(folder: Path) -> dict[str, str]:
    """{file below `folder`: SHA-256}, checked before tensorstore reads, since it does not notice a flipped byte."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): sha256_of(p) for p in files}


def record_digest(record: dict) -> str:
    """SHA-256 of a record, less the place where it stands."""
    described = {key: value for key, value in record.items() if key != "content"}
    # Through JSON and back, so that what is digested before writing equals what is read later.
    return digest(json.loads(json.dumps(described, default=float)))


def damaged(path: Path, why: str) -> InputError:
    return InputError(f"checkpoint {path} is damaged: {why}; delete that folder and it will be trained again")
