"""Closed forms as stage checkpoints: fitted on all rows of a domain, kept with lineage and with the models of folds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_jax.checkpoint import save_stage
from tl_jax.data.splits import Fold
from tl_jax.evaluation.predictors.forms import FORMS, Form, stacked
from tl_jax.keys import Repeats, purpose, run_key
from tl_jax.models import build
from tl_jax.study.core.arms import Arm, How
from tl_jax.study.core.beside import keep
from tl_jax.study.core.code import code_of
from tl_jax.study.core.fold_models import FILE, REPEAT
from tl_jax.study.core.folds import ScaledFold, scale_folds
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.core.respond import ON_SOURCES, load_model, network_of, respond
from tl_jax.study.core.stages import brief, described, fingerprint, stage_name
from tl_jax.system.cluster import agree
from tl_jax.system.files import digest
from tl_jax.system.progress import LOGGER
from tl_jax.trees import flatten, unflatten
from tl_jax.types import Variables

FITTED = ("tl_jax.evaluation.predictors.fits", "tl_jax.evaluation.predictors.gene_sets")
CODE = (*FITTED, "tl_jax.study.core.views", "tl_jax.study.core.respond")
NETWORK = "network"  # a strategy that trains nothing: its start is the model


@dataclass(frozen=True)
class Kept:
    """A finished model in closed form. reused: found as a checkpoint of the same lineage."""

    variables: Variables
    path: Path
    meta: dict
    reused: bool


def can_keep(arm: Arm) -> bool:
    """Whether an arm without training by gradients leaves a model of named arrays."""
    return arm.fit is not None or (arm.strategy is not None and not arm.strategy.trains and not arm.strategy.align)


def keep_form(problem: Problem, arm: Arm, role: str, parents: Sequence[dict], how: How, folder: Path) -> Kept:
    """Fit an arm on all rows and keep it, or find it.

    Args:
        role: of the domain. parents: records of the stages that it starts from or reads. folder: of checkpoints.
    """
    record = record_of(problem, arm, role, parents, how)
    path = folder / stage_name(record)
    found = agree(path.exists())
    if not found:
        form = form_of(problem, arm, everything(problem), how)
        leaves = {name: np.asarray(values) for name, values in form.arrays.items()}
        save_stage(path, {"params": unflatten(leaves)}, {**record, "network": shape_of(form.kind, parents, how)})
    LOGGER.info(f"{'reusing checkpoint' if found else 'saved'} {path}")
    variables, meta = load_model(path)
    return Kept(variables, path, meta, found)


def everything(problem: Problem) -> ScaledFold:
    """All rows as training rows, which are also those that it predicts."""
    rows = np.arange(len(problem.domain))
    return scale_folds(problem.domain, [Fold(Repeats.FINAL, 0, rows, rows)], PROTOCOLS["honest"])[0]


def form_of(problem: Problem, arm: Arm, f: ScaledFold, how: How) -> Form:
    """An arm's model of one fold's training rows."""
    if arm.fit is not None:
        return arm.fit(problem.domain, f)
    network, key = build(how.network), purpose(run_key(how.seed, Repeats.FINAL), "init")
    start = arm.strategy.function(arm.variables, network.init(key, len(problem.domain.genes)))
    return Form(NETWORK, flatten(start.variables["params"]))


def record_of(problem: Problem, arm: Arm, role: str, parents: Sequence[dict], how: How) -> dict:
    """What a checkpoint says of the model, its id among it."""
    domain = problem.domain
    settings = {
        "stage": role,
        "domain": domain.name,
        "drug": domain.drugs[0],
        "samples": len(domain),
        "strategy": arm.name,
        "recipe": {},
        "seed": how.seed,
        "data_fingerprint": fingerprint(domain),
        "note": f"reads {arm.source}" if arm.source else "",
    }
    code = code_of(*CODE, *([arm.strategy.function] if arm.strategy else []))
    own = digest(settings, [parent["id"] for parent in parents], arm.about, code)[:16]
    ancestors = [one for parent in parents for one in (*parent["ancestors"], brief(parent))]
    once = list({one["id"]: one for one in ancestors}.values())
    return {**settings, "id": own, "ancestors": once, **described(domain, arm.columns)[0]}


def shape_of(kind: str, parents: Sequence[dict], how: How) -> dict:
    """The network of a record: the kind of form with the source models that it reads, or a network itself."""
    hidden = list(how.network.hidden)
    if kind == NETWORK:
        return {"name": how.network.name, "hidden": hidden}
    if kind in FORMS:
        return {"name": kind, "hidden": []}
    sources = [stage_name(parent) for parent in parents]
    return {"name": ON_SOURCES, "hidden": hidden, "of": how.network.name, "reads": kind, "sources": sources}


def keep_fold_forms(kept: Kept, problem: Problem, arm: Arm, how: How) -> None:
    """Fit the models of the first repeat's folds and keep them beside the model of all rows, for intervals."""
    folds = [f for f in problem.folds if f.fold.repeat == REPEAT]
    identity = f"{kept.meta['id']} {digest(*(f.fold.test for f in folds))}"
    keep(kept.path / FILE, identity, lambda: fold_arrays(kept, problem, arm, folds, how))


def fold_arrays(kept: Kept, problem: Problem, arm: Arm, folds: list[ScaledFold], how: How) -> dict[str, np.ndarray]:
    """The content of the file of fold models, by name (see fold_models)."""
    domain, seen = problem.domain, slice(None) if arm.columns is None else arm.columns
    forms = [form_of(problem, arm, f, how) for f in folds]
    residuals, fold_of, network = np.empty(len(domain)), np.empty(len(domain), np.int32), network_of(kept.meta)
    for k, (f, form) in enumerate(zip(folds, forms, strict=True)):
        test = f.fold.test
        variables = {"params": {**kept.variables["params"], **unflatten(form.arrays)}}
        found = respond(network, variables, f.scaled_test(domain)[:, seen], f.response)
        residuals[test], fold_of[test] = np.abs(domain.response[test] - found), k
    own = stacked(forms) if arm.fit else {}  # a start that nothing trains is that of the final model
    return {
        **{f"leaf:{name}": leaf for name, leaf in own.items()},
        "residuals": residuals,
        "fold_of": fold_of,
        "center": np.stack([f.train.center[seen] for f in folds]),
        "scale": np.stack([f.train.scale[seen] for f in folds]),
        "low": np.asarray([f.response.low for f in folds]),
        "high": np.asarray([f.response.high for f in folds]),
        "preprocess": np.asarray(json.dumps([f.prepare.record() if f.prepare else [] for f in folds])),
    }
