"""Stages on all rows of a domain: trained once, kept as checkpoints, found again by their lineage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from tl_jax.checkpoint import load_stage, save_stage
from tl_jax.config import NetworkConfig, Recipe
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaled import prepare
from tl_jax.data.scaling.scaling import ResponseScale, fit_response_scale
from tl_jax.errors import InputError
from tl_jax.keys import Repeats, run_key
from tl_jax.models import build
from tl_jax.study.core.code import code_of
from tl_jax.system.cluster import agree
from tl_jax.system.files import digest
from tl_jax.system.progress import LOGGER
from tl_jax.system.runtime import versions
from tl_jax.training.chain import Stage, run_chain
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Batch, FitResult, Variables

# What turns rows into weights, besides a strategy and a network.
TRAINING = ("tl_jax.training.chain", "tl_jax.data.scaling.scaled")


@dataclass(frozen=True)
class StagePlan:
    """One stage of a chain: where it stands in it, on which domain (one drug), how it is trained."""

    role: str
    domain: Domain
    strategy: Registered
    recipe: Recipe
    note: str = ""


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
    names = [list(domain.drugs), domain.unit, domain.direction, domain.scaler]
    # Optional fields are hashed only when present, so that other domains keep their digests.
    if domain.unmeasured:
        names.append(list(domain.unmeasured))
    own = [domain.preprocess.identity, domain.batch] if domain.preprocess else []
    own += [] if domain.spread_like is None else [domain.spread_like]
    return digest(domain.x, domain.y, domain.samples, domain.genes, names, *own)


def identify(plan: StagePlan, network: NetworkConfig, seed: int, parent_id: str | None) -> tuple[dict, str]:
    """(settings of a stage, its id): a digest of all that determines the weights, and of the note of its lineage."""
    domain = plan.domain
    settings = {
        "stage": plan.role,
        "domain": domain.name,
        "drug": domain.drugs[0],
        "samples": len(domain),
        "strategy": plan.strategy.name,
        "recipe": plan.recipe.as_dict(),
        "network": {"name": network.name, "hidden": list(network.hidden)},
        "seed": seed,
        "data_fingerprint": fingerprint(domain),
        "note": plan.note,
    }
    code = code_of(*TRAINING, build(network).apply, plan.strategy.function)
    return settings, digest(settings, parent_id, code)[:16]


def ids_of(plans: Sequence[StagePlan], network: NetworkConfig, seed: int, parent_id: str | None = None) -> list[str]:
    """The ids that the stages of a chain will have, before any is trained."""
    found = []
    for plan in plans:
        parent_id = identify(plan, network, seed, parent_id if plan.strategy.needs_source else None)[1]
        found.append(parent_id)
    return found


def describe(plan: StagePlan, network: NetworkConfig, seed: int, parent: dict | None) -> tuple[dict, Batch]:
    """(record of a stage before it is trained, its rows scaled by their own statistics)."""
    domain = plan.domain
    about, x, response = described(domain)
    settings, own = identify(plan, network, seed, parent["id"] if parent else None)
    record = {
        **settings,
        "id": own,
        "ancestors": [*parent["ancestors"], brief(parent)] if parent else [],
        **about,
    }
    y = jnp.asarray(response.to_network(domain.response), jnp.float32)
    return record, Batch(jnp.asarray(x), y, jnp.ones(len(domain), jnp.float32))


def described(domain: Domain, columns: np.ndarray | None = None) -> tuple[dict, np.ndarray, ResponseScale]:
    """(what a record says of the rows of a domain, the rows scaled by their own statistics, the response's scale).

    columns: indices of the genes that a model reads; all where None.
    """
    (fitted, scaler), x = prepare(domain)
    seen = slice(None) if columns is None else columns
    genes = [str(gene) for gene in domain.genes[seen]]
    unmeasured = [gene for gene in domain.unmeasured if columns is None or gene in genes]
    response = fit_response_scale(domain.response, domain.direction, domain.unit)
    record = {
        "genes": genes,
        **({"unmeasured": unmeasured} if unmeasured else {}),
        "transform": domain.transform,
        **({"gene_ids": domain.gene_ids} if domain.gene_ids != "given" else {}),
        "preprocess": fitted.record() if fitted else [],
        "scaler": {
            "kind": domain.scaler,
            "center": scaler.center[seen].tolist(),
            "scale": scaler.scale[seen].tolist(),
        },
        "response_scale": {
            "low": float(response.low),
            "high": float(response.high),
            "direction": response.direction,
            "unit": response.unit,
        },
        "versions": versions(),
    }
    return record, x, response


def source_for(strategy: Registered, stage: TrainedStage | None) -> Variables | None:
    """The source model that a strategy starts from, with as many of its own samples as the strategy asks for.

    The samples are spread evenly over the domain's order; a small domain gives some of them twice.
    """
    if stage is None or not strategy.needs_source:
        return None
    if not strategy.source_rows:
        return stage.variables
    rows = scaled_rows(stage)
    picked = np.linspace(0, len(rows) - 1, strategy.source_rows).round().astype(int)
    return {**stage.variables, "rows": jnp.asarray(rows[picked])}


def scaled_rows(stage: TrainedStage) -> np.ndarray:
    """(n, genes) expression of the samples that a stage was trained on, scaled as it saw them."""
    return prepare(stage.plan.domain)[1]


# What a descendant remembers of an ancestor, and what every record must therefore hold.
BRIEF = ("id", "stage", "domain", "drug", "samples", "strategy", "recipe", "seed", "data_fingerprint", "note")


def brief(meta: dict) -> dict:
    """What a descendant remembers of a stage, and where its weights come from if they were imported."""
    return {key: meta[key] for key in (*BRIEF, *(["origin"] if "origin" in meta else []))}


def stage_name(meta: dict) -> str:
    """Folder name of a stage: readable first, then its identity."""
    drug = "".join(c if c.isalnum() else "_" for c in meta["drug"].lower())
    return f"{meta['stage']}-{meta['domain']}-{drug}-{meta['strategy'].replace(':', '-')}-{meta['id']}"


@dataclass
class Shelf:
    """The folder of checkpoints of one cohort, as the chain's recall and save."""

    folder: Path
    records: dict[str, dict] = field(default_factory=dict)
    reused: set[str] = field(default_factory=set)
    started: float = 0.0

    def recall(self, stage: Stage) -> Variables | None:
        """The variables of an identical stage that was trained before, or None."""
        self.started = time.monotonic()
        path = self.folder / stage.name
        if not agree(path.exists()):
            LOGGER.info(f"training {stage.name} on {len(stage.train.y)} samples, {stage.config.epochs} epochs")
            return None
        variables, self.records[stage.name] = load_stage(path, genes=np.asarray(self.records[stage.name]["genes"]))
        self.reused.add(stage.name)
        LOGGER.info(f"reusing checkpoint {path}")
        return variables

    def save(self, stage: Stage, variables: Variables, result: FitResult) -> None:
        loss = float(result.history["train_loss"][-1])
        self.records[stage.name]["final_train_loss"] = loss
        path = save_stage(self.folder / stage.name, variables, self.records[stage.name])
        LOGGER.info(f"saved {path} ({time.monotonic() - self.started:.1f} s, training loss {loss:.3f})")


def train_stages(
    plans: Sequence[StagePlan],
    *,
    network: NetworkConfig,
    seed: int,
    shelf: Shelf,
    parent: TrainedStage | None = None,
) -> list[TrainedStage]:
    """Train the stages one after another, after `parent`; a stage whose checkpoint exists is loaded instead."""
    stages, before = [], parent.meta if parent else None
    for plan in plans:
        if not plan.strategy.trains:
            raise InputError(f"strategy '{plan.strategy.name}' trains nothing, so no later stage can start from it")
        if len(plans) > 1 and plan.strategy.source_rows:
            raise InputError(f"strategy '{plan.strategy.name}' needs samples of its source: it can only come last")
        before, batch = describe(plan, network, seed, before if plan.strategy.needs_source else None)
        name = stage_name(before)
        shelf.records[name] = before
        config = plan.recipe.fit_config(curves=False, skip_empty=False)
        stages.append(Stage(name, batch, plan.strategy.function, plan.recipe.hparams().arrays(), config))
    ends = run_chain(
        run_key(seed, Repeats.FINAL),
        stages,
        network=build(network),
        source=source_for(plans[0].strategy, parent) if plans else None,
        recall=shelf.recall,
        save=shelf.save,
    )
    return [
        TrainedStage(plan, end, shelf.folder / stage.name, shelf.records[stage.name], stage.name in shelf.reused)
        for plan, stage, end in zip(plans, stages, ends, strict=True)
    ]
