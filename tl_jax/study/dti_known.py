"""What a model of compounds keeps beside its weights: how compounds were described, and which it was trained on.

One file `compounds.part` in the stage's checkpoint folder, under a SHA-256 of its own (parts.pack). Without it a new
compound could not be described as the training compounds were, nor could its distance from them be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_jax.cluster import agree, barrier, is_first
from tl_jax.data.fingerprints import bit_names
from tl_jax.errors import InputError
from tl_jax.files import digest, write_atomic
from tl_jax.parts import durable, pack, unpack
from tl_jax.study.dti_settings import DtiSettings
from tl_jax.study.stages import TrainedStage

FILE = "compounds.part"
REMEDY = "run its study again, which finds the model and writes the file anew"


@dataclass(frozen=True)
class Known:
    """How compounds were described, and the training compounds. Of vectors from a file only `vectors` says something.

    bits, radius, counts: of their fingerprints. stereo: whether stereoisomers counted as compounds of their own.
    active: share of actives among the training compounds. x: (n, bits) float32, their fingerprints.
    """

    vectors: bool
    bits: int
    radius: int
    counts: bool
    stereo: bool
    active: float
    x: np.ndarray


def keep_known(stage: TrainedStage, settings: DtiSettings) -> Path:
    """Write the file beside a stage, unless a sound one is there. All processes call this; process 0 writes."""
    path, x = stage.path / FILE, stage.plan.domain.x
    described = {name: getattr(settings, name) for name in ("bits", "radius", "counts", "stereo")}
    described["vectors"] = settings.vectors is not None
    identity = f"{stage.meta['id']} {digest(described)}"
    before = unpack(path.read_bytes()) if path.is_file() else None
    if not agree(is_first() and before is not None and str(before["identity"]) == identity) and is_first():
        kept = {"active": stage.plan.domain.response.mean(), **described}
        arrays = {name: np.asarray(value) for name, value in {**kept, "identity": identity}.items()}
        arrays |= {} if settings.vectors else sparse(x)
        write_atomic(path, lambda to: durable(to, pack(arrays)))
    barrier("training compounds written")
    return path


def sparse(x: np.ndarray) -> dict[str, np.ndarray]:
    """(n, bits) whole numbers as the columns that are not 0 and their values, row after row."""
    rows, columns = np.nonzero(x)
    values = x[rows, columns].astype(np.uint32)
    lengths = np.bincount(rows, minlength=len(x))
    small = {"lengths": lengths, "columns": columns, "values": values}
    return {name: part.astype(np.min_scalar_type(int(part.max(initial=0)))) for name, part in small.items()}


def load_known(checkpoint: Path, meta: dict) -> Known:
    """What stands beside a stage (its record); InputError where the file is absent, damaged or of another stage."""
    path = Path(checkpoint) / FILE
    if not path.is_file():
        raise InputError(f"{checkpoint} does not say how compounds were described ({FILE} is missing); {REMEDY}")
    arrays = unpack(path.read_bytes())
    if arrays is None:
        raise InputError(f"{path} is damaged (cut short or changed); delete it and {REMEDY}")
    if str(arrays["identity"]).split()[0] != meta["id"]:
        raise InputError(f"{path} belongs to another checkpoint than {meta['id']}; delete it and {REMEDY}")
    plain = {name: arrays[name].item() for name in ("vectors", "bits", "radius", "counts", "stereo", "active")}
    if plain["vectors"]:
        return Known(**plain, x=np.zeros((0, 0), np.float32))
    if meta["genes"] != bit_names(plain["bits"], plain["radius"]).tolist():
        raise InputError(f"{path} describes compounds in another way than its model; delete it and {REMEDY}")
    x = np.zeros((len(arrays["lengths"]), plain["bits"]), np.float32)
    x[np.repeat(np.arange(len(x)), arrays["lengths"]), arrays["columns"]] = arrays["values"]
    return Known(**plain, x=x)
