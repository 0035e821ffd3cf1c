"""Stages on all rows of a domain: trained once, kept as checkpoints, found again by their lineage."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from tl_jax.checkpoint import load_stage, save_stage
from tl_jax.config import NetworkConfig, Recipe
from tl_jax.data.domain import Domain
from tl_jax.data.scaling import fit_response_scale, fit_scaler
from tl_jax.errors import InputError
from tl_jax.files import digest
from tl_jax.keys import run_key
from tl_jax.models import build
from tl_jax.runtime import versions
from tl_jax.training.chain import Stage, run_chain
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Batch, Variables

# Repeats of cross-validation count from 0; models on all rows have an identity of their own.
FINAL_REPEAT = 1000


@dataclass(frozen=True)
class StagePlan:
    """One stage of a chain: where it stands in it, on which domain (one drug), how it is trained."""

    role: str
    domain: Domain
    strategy: Registered
    recipe: Recipe


@dataclass(frozen=True)
class TrainedStage:
    """A finished stage. reused: found as a checkpoint of the same lineage instead of trained."""

    plan: StagePlan
    variables: Variables
    path: Path
    meta: dict
    reused: bool


def fingerprint(domain: Domain) -> str:
    """SHA-256 of everything of a domain that training can see."""
    return digest(
        domain.x,
        domain.y,
        domain.samples,
        domain.genes,
        list(domain.drugs),
        domain.unit,
        domain.direction,
        domain.scaler,
    )


def strategy_source(strategy: Registered) -> str:
    """The text of a strategy: a changed one must not find the checkpoints of its former self."""
    try:
        return inspect.getsource(strategy.function)
    except (OSError, TypeError):
        return strategy.name


def describe(plan: StagePlan, network: NetworkConfig, seed: int, parent: dict | None, note: str) -> dict:
    """The record of a stage before it is trained; its id is a digest of all that determines the weights."""
    domain, recipe = plan.domain, plan.recipe
    scaler = fit_scaler(domain.x, domain.scaler)
    response = fit_response_scale(domain.response, domain.direction, domain.unit)
    settings = {
        "stage": plan.role,
        "domain": domain.name,
        "drug": domain.drugs[0],
        "samples": len(domain),
        "strategy": plan.strategy.name,
        "recipe": recipe.as_dict(),
        "network": {"name": network.name, "hidden": list(network.hidden)},
        "seed": seed,
        "data_fingerprint": fingerprint(domain),
    }
    parent_id = parent["id"] if parent else None
    identity = digest(settings, parent_id, strategy_source(plan.strategy))[:16]
    ancestors = [*parent["ancestors"], brief(parent)] if parent else []
    return {
        **settings,
        "id": identity,
        "ancestors": ancestors,
        "note": note,
        "genes": [str(gene) for gene in domain.genes],
        "scaler": {"kind": domain.scaler, "center": scaler.center.tolist(), "scale": scaler.scale.tolist()},
        "response_scale": {
            "low": float(response.low),
            "high": float(response.high),
            "direction": response.direction,
            "unit": response.unit,
        },
        "versions": versions(),
    }


def brief(meta: dict) -> dict:
    """What a descendant remembers of an ancestor."""
    keys = ("id", "stage", "domain", "drug", "samples", "strategy", "recipe", "seed", "data_fingerprint", "note")
    return {key: meta[key] for key in keys if key in meta}


def as_batch(domain: Domain) -> Batch:
    """All rows of a one-drug domain, scaled by their own statistics, response on the network's scale."""
    scaler = fit_scaler(domain.x, domain.scaler)
    response = fit_response_scale(domain.response, domain.direction, domain.unit)
    y = response.to_network(domain.response)
    return Batch(jnp.asarray(scaler.apply(domain.x)), jnp.asarray(y, jnp.float32), jnp.ones(len(y), jnp.float32))


def train_stages(
    plans: Sequence[StagePlan],
    *,
    network: NetworkConfig,
    seed: int,
    folder: Path,
    parent: TrainedStage | None = None,
    note: str = "",
    say: Callable[[str], None] = lambda text: None,
) -> list[TrainedStage]:
    """Train the stages one after another, after `parent`; a stage whose checkpoint exists is loaded instead."""
    records: dict[str, dict] = {}
    stages, before = [], parent.meta if parent else None
    for plan in plans:
        if not plan.strategy.trains:
            raise InputError(f"strategy '{plan.strategy.name}' trains nothing, so no later stage can start from it")
        meta = describe(plan, network, seed, before, note)
        name = stage_name(meta)
        records[name], before = meta, meta
        hparams = plan.recipe.hparams().arrays()
        config = plan.recipe.fit_config(curves=False, skip_empty=False)
        stages.append(Stage(name, as_batch(plan.domain), plan.strategy.function, hparams, config))
    reused: set[str] = set()
    clock = {"start": time.monotonic()}

    def recall(stage: Stage) -> Variables | None:
        clock["start"] = time.monotonic()
        path = folder / stage.name
        if not path.exists():
            say(f"training {stage.name} on {len(stage.train.y)} samples, {stage.config.epochs} epochs")
            return None
        variables, records[stage.name] = load_stage(path, genes=np.asarray(records[stage.name]["genes"]))
        reused.add(stage.name)
        say(f"reusing checkpoint {path}")
        return variables

    def save(stage: Stage, variables: Variables, result) -> None:
        loss = float(result.history["train_loss"][-1])
        meta = {**records[stage.name], "final_train_loss": loss}
        save_stage(folder / stage.name, variables, meta)
        say(f"saved {folder / stage.name} ({time.monotonic() - clock['start']:.1f} s, training loss {loss:.3f})")

    start = parent.variables if parent else None
    key = run_key(seed, FINAL_REPEAT)
    ends = run_chain(key, stages, network=build(network), source=start, recall=recall, save=save)
    return [
        TrainedStage(plan, end, folder / stage.name, records[stage.name], stage.name in reused)
        for plan, stage, end in zip(plans, stages, ends, strict=True)
    ]


def stage_name(meta: dict) -> str:
    """Folder name of a stage: readable first, then its identity."""
    drug = "".join(c if c.isalnum() else "_" for c in meta["drug"].lower())
    return f"{meta['stage']}-{meta['domain']}-{drug}-{meta['strategy']}-{meta['id']}"
