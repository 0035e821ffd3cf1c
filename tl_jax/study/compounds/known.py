"""What a model of compounds keeps beside its weights: how compounds were described, and which it was trained on.

One file `compounds.part` in the stage's checkpoint folder. Without it a new compound could not be described as the
training compounds were, nor could its distance from them be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_jax.data.compounds.chemical_cache import from_text, to_text
from tl_jax.data.compounds.fingerprints import bit_names
from tl_jax.errors import InputError
from tl_jax.study.compounds.settings import DtiSettings
from tl_jax.study.core.beside import keep, load
from tl_jax.study.core.stages import TrainedStage
from tl_jax.system.files import digest

FILE = "compounds.part"
REMEDY = "run its study again, which finds the model and writes the file anew"


@dataclass(frozen=True)
class Known:
    """How compounds were described, and the training compounds. Of vectors from a file only `vectors` says something.

    bits, radius, counts: of their fingerprints. stereo: whether stereoisomers counted as compounds of their own.
    active: share of actives among the training compounds. x: (n, bits) float32, their fingerprints. smiles: (n,) of
    them, in the same order; () in files of before they were kept.
    """

    vectors: bool
    bits: int
    radius: int
    counts: bool
    stereo: bool
    active: float
    x: np.ndarray
    smiles: tuple[str, ...] = ()


def keep_known(stage: TrainedStage, settings: DtiSettings) -> Path:
    """Write the file beside a stage, unless a sound one is there. All processes call this; process 0 writes."""
    path, domain = stage.path / FILE, stage.plan.domain
    described = {name: getattr(settings, name) for name in ("bits", "radius", "counts", "stereo")}
    described["vectors"] = settings.vectors is not None
    held = "" if settings.vectors else " smiles"  # a file of before they were kept is written anew

    def arrays() -> dict[str, np.ndarray]:
        plain = {"active": domain.response.mean(), **described}
        own = {} if settings.vectors else {**sparse(domain.x), "smiles": from_text(domain.samples.tolist())}
        return {name: np.asarray(value) for name, value in plain.items()} | own

    keep(path, f"{stage.meta['id']} {digest(described)}{held}", arrays)
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
    missing = f"{checkpoint} does not say how compounds were described ({FILE} is missing)"
    arrays = load(path, meta, missing, REMEDY)
    plain = {name: arrays[name].item() for name in ("vectors", "bits", "radius", "counts", "stereo", "active")}
    if plain["vectors"]:
        return Known(**plain, x=np.zeros((0, 0), np.float32))
    if meta["genes"] != bit_names(plain["bits"], plain["radius"]).tolist():
        raise InputError(f"{path} describes compounds in another way than its model; delete it and {REMEDY}")
    x = np.zeros((len(arrays["lengths"]), plain["bits"]), np.float32)
    x[np.repeat(np.arange(len(x)), arrays["lengths"]), arrays["columns"]] = arrays["values"]
    smiles = tuple(to_text(arrays["smiles"], len(x))) if "smiles" in arrays else ()
    return Known(**plain, x=x, smiles=smiles)
