"""The arms of an experiment on one domain: which share a program, their tables, their final models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from tl_jax.data.domain import Cohort, Domain
from tl_jax.evaluation.baselines import available
from tl_jax.files import digest
from tl_jax.interpret.gene_weights import gene_weights
from tl_jax.parts import Parts
from tl_jax.progress import Progress
from tl_jax.study.arms import Arm, baseline_arm, strategy_arms
from tl_jax.study.fold_models import keep_fold_models
from tl_jax.study.folds import ScaledFold
from tl_jax.study.plans import Experiment
from tl_jax.study.results import Results
from tl_jax.study.settings import Settings
from tl_jax.study.stages import Shelf, StagePlan, TrainedStage, train_stages
from tl_jax.transfer.strategies import Registered


@dataclass(frozen=True)
class Case:
    """One evaluated domain (one drug) with its folds, and the model it may start from."""

    source: str
    domain: Domain
    folds: list[ScaledFold]
    upstream: TrainedStage | None
    first: bool  # arms that need no source model run here only


@dataclass
class Run:
    """An experiment on its way: what every step needs to know."""

    experiment: Experiment
    settings: Settings
    cohort: Cohort
    chosen: list[Registered]
    shelf: Shelf
    results: Results
    say: Callable[[str], None]
    kinds: dict[str, tuple]  # by strategy: what it trains; strategies of one kind share a program
    work: Path | None = None  # where finished parts are kept
    note: str = ""  # how the source drug came about, for the lineage of the final models
    stream: TextIO | None = None  # where progress goes; None: standard error

    def parts(self, label: str) -> Parts | None:
        """Where the finished parts of the arms called `label` are kept."""
        return None if self.work is None else Parts(self.work / "parts" / digest(label)[:12], self.say)

    @property
    def evaluates_source(self) -> bool:
        return self.experiment.evaluated == "source"


def run_cases(run: Run, group: list[Case]) -> None:
    """Every arm of the cases of one domain: cross-validation by program, then final models and tables in order."""
    settings, found = run.settings, {}
    arms = [arm for case in group for arm in arms_of(run, case)]
    programs: dict[tuple, list[tuple[Case, Arm]]] = {}
    for case, arm in arms:
        programs.setdefault((run.kinds[arm.strategy.name], arm.config), []).append((case, arm))
    for members in programs.values():
        case, names = members[0][0], dict.fromkeys(arm.name for _, arm in members)
        label = " ".join(
            filter(None, (run.experiment.name, case.source if run.evaluates_source else "", "+".join(names)))
        )
        total = len(members) * len(case.folds)
        with run.results.timed(f"arm {'+'.join(names)}"), Progress(total, label, stream=run.stream) as progress:
            tables = strategy_arms(
                case.domain,
                case.folds,
                [arm for _, arm in members],
                network=settings.network,
                seed=settings.seed,
                at_once=settings.at_once,
                parts=run.parts(label),
                progress=progress.advance,
                say=run.say,
            )
        found.update(zip((id(arm) for _, arm in members), tables, strict=True))
    for case, arm in arms:
        for name, table in found[id(arm)].items():
            run.results.add(table, name, arm.source)
        keep_final(run, case, arm)
    run_baselines(run, group[0])


def arms_of(run: Run, case: Case) -> Iterable[tuple[Case, Arm]]:
    """The arms of one case; those that need no source model only once per domain."""
    for strategy in run.chosen:
        if not (strategy.needs_source or case.first):
            continue
        source = case.source if strategy.needs_source or run.evaluates_source else ""
        variables = case.upstream.variables if strategy.needs_source else None
        for name, recipe in run.settings.variants(strategy).items():
            config = run.settings.fit_config(recipe)
            yield case, Arm(name, source, strategy, variables, recipe, config)


def keep_final(run: Run, case: Case, arm: Arm) -> None:
    """Train and keep an arm's model on all rows."""
    if not arm.strategy.trains:
        return
    with run.results.timed("final models"):
        note = run.note if arm.strategy.needs_source else ""
        plan = StagePlan(run.experiment.evaluated, case.domain, arm.strategy, arm.recipe, note)
        parent = case.upstream if arm.strategy.needs_source else None
        settings = run.settings
        final = train_stages([plan], network=settings.network, seed=settings.seed, shelf=run.shelf, parent=parent)[0]
    if settings.fold_models:
        with run.results.timed("fold models"):
            keep_fold_models(final, case.folds, arm, settings, run.say)
    run.results.stages.append(final)
    weights = gene_weights(final.variables, case.domain.genes).set_index("gene").weight
    run.results.gene_weights.append(weights.rename(f"{arm.source}:{arm.name}" if arm.source else arm.name))


def run_baselines(run: Run, case: Case) -> None:
    """The baselines on the same folds, once per domain."""
    if not case.first:
        return
    column = np.flatnonzero(case.domain.genes == run.cohort.marker)
    marker = int(column[0]) if len(column) else None
    for name in dict.fromkeys(run.settings.baselines):
        if name not in available(marker):
            run.results.remark(f"baseline {name} left out: no marker gene among the genes of the chain", run.say)
            continue
        label = f"{run.experiment.name} {name}"
        with run.results.timed(f"arm {name}"), Progress(len(case.folds), label, stream=run.stream) as progress:
            tables = baseline_arm(
                case.domain,
                case.folds,
                name,
                marker=marker,
                seed=run.settings.seed,
                parts=run.parts(f"{label} {case.source}"),
                progress=progress.advance,
            )
        run.results.add(tables, name, case.source if run.evaluates_source else "")
