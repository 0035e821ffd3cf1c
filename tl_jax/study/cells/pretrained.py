"""Pre-trained networks as a stage checkpoint: they know no response, so every drug and transfer may start from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tl_jax.checkpoint import load_stage, save_stage
from tl_jax.study.core.stages import stage_name
from tl_jax.system.cluster import agree
from tl_jax.system.files import digest
from tl_jax.system.progress import LOGGER
from tl_jax.system.runtime import versions
from tl_jax.types import Variables

STAGE = "pretraining"


def record_of(about: dict, code: str, *, lines: int, seed: int, genes: np.ndarray, fingerprint: str, note: str) -> dict:
    """What a checkpoint of all seeds says of itself. about: settings that determine the weights; code: its digest."""
    plain = {"low": 0.0, "high": 1.0, "direction": "none", "unit": "none"}
    own = {
        "stage": STAGE,
        "domain": "lines_and_cells",
        "drug": "none",
        "samples": lines,
        "strategy": "scratch",
        "recipe": about,
        "network": {"name": "cell_net", "hidden": [*about["hidden"], about["bottleneck"]]},
        "seed": seed,
        "data_fingerprint": fingerprint,
        "note": note,
    }
    more = {"transform": "", "scaler": {"kind": "none", "center": [], "scale": []}, "response_scale": plain}
    names = [str(gene) for gene in genes]
    return {**own, **more, "id": digest(own, names, code)[:16], "ancestors": [], "genes": names, "versions": versions()}


def found_or_made(folder: Path, record: dict, make: Callable[[], Variables]) -> Variables:
    """The stacked networks of a checkpoint of the same identity, or make() and keep it."""
    path = folder / stage_name(record)
    if agree(path.exists()):
        LOGGER.info(f"reusing checkpoint {path}")
        return load_stage(path, genes=np.asarray(record["genes"]))[0]
    variables = make()
    save_stage(path, variables, record)
    LOGGER.info(f"saved {path}")
    return variables
