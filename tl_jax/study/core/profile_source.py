"""All drugs of a source as one stage: a drug profile on all its lines, kept as a checkpoint with lineage."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_jax.checkpoint import OF_DRUGS, load_stage, save_stage
from tl_jax.data.domain import RESISTANT, Domain
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.data.seen import seen
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.drug_profile import DrugProfile, fewest_lines, fit_drug_profile
from tl_jax.study.core.code import code_of
from tl_jax.study.core.stages import fingerprint, stage_name
from tl_jax.system.cluster import agree
from tl_jax.system.files import digest
from tl_jax.system.progress import LOGGER, watched
from tl_jax.system.runtime import versions

CODE = ("tl_jax.evaluation.predictors.drug_profile", "tl_jax.data.scaling.scaled")
SOURCE = "all drugs"  # as tables name the source of such arms


@dataclass(frozen=True)
class ProfileSource:
    """A fitted profile, its checkpoint and record. reused: found instead of fitted."""

    profile: DrugProfile
    path: Path
    meta: dict
    reused: bool


def identified(domain: Domain, min_lines: int | None = None) -> dict:
    """What determines the profile of a domain with many drugs, and its id. No target takes part in it."""
    least = fewest_lines(len(domain)) if min_lines is None else min_lines
    enough = int((np.isfinite(domain.y).sum(axis=0) >= least).sum())
    settings = {
        "stage": "source",
        "domain": domain.name,
        "drug": f"{enough} drugs",
        "samples": len(domain),
        "strategy": OF_DRUGS,
        "recipe": {},
        "seed": 0,
        "data_fingerprint": digest(fingerprint(domain), domain.tissue),
        "note": f"drugs measured on at least {least} lines",
    }
    return {**settings, "id": digest(settings, code_of(*CODE))[:16]}


def source_profile(domain: Domain, folder: Path, min_lines: int | None = None) -> ProfileSource:
    """Fit the profile of a domain on all its lines, or find it among the checkpoints of a folder.

    Raises:
        InputError: no drug was measured on enough lines.
    """
    settings = identified(domain, min_lines)
    path = folder / stage_name(settings)
    found = agree(path.exists())
    if not found:
        save_profile(domain, settings, path, min_lines)
    LOGGER.info(f"{'reusing checkpoint' if found else 'saved'} {path}")
    variables, meta = load_stage(path, genes=domain.genes)
    params = variables["params"]
    arrays = (np.asarray(params[name]) for name in ("weights", "variance", "reliability"))
    return ProfileSource(DrugProfile(*arrays, tuple(meta["drugs"])), path, meta, found)


def save_profile(domain: Domain, settings: dict, path: Path, min_lines: int | None) -> None:
    """Fit and save."""
    began, looked = time.monotonic(), seen(domain)
    scaler = fit_scaler(looked.x, "standard")
    with watched(len(domain.drugs), "drug profile", "source drugs") as progress:
        profile = fit_drug_profile(
            looked.x,
            domain.y,
            domain.drugs,
            domain.tissue,
            resistant=domain.direction == RESISTANT,
            min_lines=min_lines,
            progress=progress.advance,
        )
    if profile is None:
        raise InputError(f"no drug of domain {domain.name}: {settings['note']}")
    record = {
        **settings,
        "ancestors": [],
        "genes": domain.genes.tolist(),
        **({"unmeasured": list(domain.unmeasured)} if domain.unmeasured else {}),
        "drugs": list(profile.drugs),
        "transform": looked.transform,
        "preprocess": [],
        "scaler": {"kind": "standard", "center": scaler.center.tolist(), "scale": scaler.scale.tolist()},
        "response_scale": {
            "low": float(np.nanmin(domain.y)),
            "high": float(np.nanmax(domain.y)),
            "direction": domain.direction,
            "unit": domain.unit,
        },
        "versions": versions(),
        "network": {"name": OF_DRUGS, "hidden": []},
    }
    leaves = {name: np.asarray(getattr(profile, name), np.float32) for name in ("weights", "variance", "reliability")}
    save_stage(path, {"params": leaves}, record)
    LOGGER.info(f"profile of {len(profile.drugs)} drugs fitted in {time.monotonic() - began:.1f} s")
