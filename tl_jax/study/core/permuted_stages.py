"""Stages trained again on labels that belong to nobody: runs of the run axis, which differ in their labels alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.splits import Fold
from tl_jax.keys import Repeats, purpose, run_key
from tl_jax.models import build
from tl_jax.study.core.arms import How
from tl_jax.study.core.blocks import in_program
from tl_jax.study.core.folds import build_runs, scale_folds
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.core.stages import StagePlan, TrainedStage
from tl_jax.training.chain import stage_key
from tl_jax.training.fit import complete
from tl_jax.training.runs import fit_runs
from tl_jax.types import Variables

WEIGHTS_AT_ONCE = 256 * 2**20  # bytes of retrained models that stand in memory together
MOST_AT_ONCE = 20  # about as many as a source without information needs before its test ends


def strata(domain: Domain) -> np.ndarray:
    """(n,) numbers of the sets of samples whose labels are exchangeable: of one tissue and one batch."""
    pairs = np.array([f"{tissue}\n{batch}" for tissue, batch in zip(domain.tissue, domain.batch, strict=True)])
    return np.unique(pairs, return_inverse=True)[1]


def exchangeable(domain: Domain) -> list[np.ndarray]:
    """Samples whose labels may change places: (k, size) rows of k groups of one size, tissue and batch, k above 1."""
    sets, groups = strata(domain), np.unique(domain.groups, return_inverse=True)[1]
    parts: dict[tuple[int, int], list[np.ndarray]] = {}
    keys = sets * (groups.max() + 1) + groups
    order = np.argsort(keys, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
        parts.setdefault((sets[rows[0]], len(rows)), []).append(rows)
    return [np.stack(rows) for rows in parts.values() if len(rows) > 1]


def shuffled_orders(domain: Domain, seed: int, numbers: Sequence[int]) -> np.ndarray:
    """(permutations, n) whose labels each sample gets: those of another of the same tissue and batch; the labels of a
    group stay together, and go to a group of as many samples."""
    parts = exchangeable(domain)
    found = np.tile(np.arange(len(domain)), (len(numbers), 1))
    for order, number in zip(found, numbers, strict=True):
        rng = np.random.default_rng([seed, Repeats.SOURCE + number])
        for rows in parts:
            order[rows] = rows[rng.permutation(len(rows))]
    return found


def shuffled_labels(domain: Domain, seed: int, numbers: Sequence[int]) -> np.ndarray:
    """(permutations, n) the domain's labels in such orders."""
    return domain.response[shuffled_orders(domain, seed, numbers)]


def movable(domain: Domain) -> int:
    """How many samples may get another's label."""
    return sum(rows.size for rows in exchangeable(domain))


def block_size(stages: Sequence[TrainedStage]) -> int:
    """How many permutations are trained together. It changes no number."""
    weights = sum(leaf.nbytes for stage in stages for leaf in jax.tree.leaves(stage.variables["params"]))
    return int(np.clip(WEIGHTS_AT_ONCE // max(weights, 1), 1, MOST_AT_ONCE))


def retrain(stages: Sequence[TrainedStage], numbers: Sequence[int], how: How) -> list[tuple[TrainedStage, ...]]:
    """The chain of stages for each permutation: the first on permuted labels, the later ones on their own from it.

    Each with the key, recipe and rows of the stage that it repeats.
    """
    labels = shuffled_labels(stages[0].plan.domain, how.seed, numbers)
    chains: list[tuple[TrainedStage, ...]] = [() for _ in numbers]
    for place, stage in enumerate(stages):
        domain = stage.plan.domain
        ys = labels if not place else np.tile(domain.response, (len(numbers), 1))
        before = [chain[-1].variables if chain else None for chain in chains]
        made = trained_again(stage.plan, ys, before, how)
        for k, (y, variables) in enumerate(zip(ys, made, strict=True)):
            plan = replace(stage.plan, domain=replace(domain, y=y[:, None]))
            chains[k] += (TrainedStage(plan, variables, stage.path, stage.meta, False),)
    return chains


def trained_again(plan: StagePlan, ys: np.ndarray, before: Sequence[Variables | None], how: How) -> list[Variables]:
    """One stage on each row of ys (k, n), each from its own model before; in one program."""
    domain, network = plan.domain, build(how.network)
    rows = np.arange(len(domain))
    (f,) = scale_folds(domain, [Fold(Repeats.FINAL, 0, rows, rows[:1])], PROTOCOLS["honest"])
    ready, folds = in_program(domain, [f])
    folds = [replace(folds[0], y=y) for y in ys]
    key = stage_key(run_key(how.seed, Repeats.FINAL), plan.role)
    needs = plan.strategy.needs_source
    starts = [(plan.strategy.function, one) for one in (before if needs else before[:1])]
    runs = build_runs(ready, folds, how.seed, plan.recipe.hparams())
    runs = runs._replace(
        key=jnp.stack([key] * len(ys)), start=np.arange(len(ys), dtype=np.int32) if needs else runs.start
    )
    config = plan.recipe.fit_config(curves=False, skip_empty=False)
    found = fit_runs(runs, ready.x, starts, network=network, config=config, at_once=how.at_once, keep_trained=True)
    fresh = network.init(purpose(key, "init"), ready.x.shape[1], jnp.float32)
    ends = []
    for k in range(len(ys)):
        transfer = plan.strategy.function(before[k] if needs else None, fresh)
        ends.append(complete(transfer, {name: jnp.asarray(leaf[k]) for name, leaf in found.trained.items()}))
    return ends
