"""Run one experiment from its settings to its tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.domain import Cohort, Domain
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.baselines import BASELINES, available
from tl_jax.interpret.gene_weights import gene_weights
from tl_jax.progress import Progress
from tl_jax.study.arms import ArmTables, baseline_arm, strategy_arm
from tl_jax.study.choice import rank_sources, read_choice, write_choice
from tl_jax.study.folds import ScaledFold, scale_folds
from tl_jax.study.plans import Experiment, domain_of, train_upstream
from tl_jax.study.settings import Settings
from tl_jax.study.stages import StagePlan, TrainedStage, fingerprint, train_stages
from tl_jax.transfer import strategies


@dataclass
class Results:
    """Everything an experiment gives, before it is written."""

    experiment: Experiment
    settings: Settings
    cohort: Cohort
    metrics: list[pd.DataFrame] = field(default_factory=list)
    predictions: list[pd.DataFrame] = field(default_factory=list)
    history: list[pd.DataFrame] = field(default_factory=list)
    gene_weights: list[pd.DataFrame] = field(default_factory=list)
    stages: list[TrainedStage] = field(default_factory=list)
    data: dict[str, dict] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    ranking: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, tables: ArmTables, arm: str, source: str) -> None:
        """Keep an arm's tables with the columns that tell which arm they are of."""
        identity = {
            "experiment": self.experiment.name,
            "arm": arm,
            "source": source,
            "protocol": self.settings.protocol,
        }
        for name in ("metrics", "predictions", "history"):
            frame = getattr(tables, name)
            if len(frame):
                getattr(self, name).append(frame.assign(**identity))

    def table(self, name: str) -> pd.DataFrame:
        frames = getattr(self, name)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    @contextmanager
    def timed(self, name: str):
        """Add the block's wall time to `seconds`."""
        start = time.monotonic()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - start, 3)


@dataclass(frozen=True)
class Case:
    """One evaluated domain (one drug) with its folds, and the model it may start from."""

    source: str
    domain: Domain
    folds: list[ScaledFold]
    upstream: TrainedStage | None
    first: bool  # arms that need no source model run here only


def run_experiment(experiment: Experiment, settings: Settings, cohort: Cohort, say: Callable[[str], None]) -> Results:
    """Cross-validate every strategy and baseline on the same folds, then train the final models on all rows."""
    settings = replace(
        settings,
        repeats=settings.repeats or experiment.repeats,
        folds=settings.folds or experiment.folds,
        strategies=settings.strategies or experiment.strategies,
    )
    chosen = [strategies.get(name) for name in settings.strategies]
    if not experiment.upstream and any(s.needs_source for s in chosen):
        needing = next(s.name for s in chosen if s.needs_source)
        raise InputError(f"{experiment.name} trains from scratch; strategy '{needing}' needs a source model")
    results = Results(experiment, settings, cohort)
    folder = Path(settings.checkpoint_dir) / cohort.name
    drugs, note = source_drugs(experiment, settings, cohort, folder)
    if note:
        results.notes.append(note)
        say(note)
    with results.timed("preparation"):
        check_roles(experiment, cohort)
    for case in cases(experiment, settings, cohort, drugs, folder, note, results, say):
        for strategy in chosen:
            if strategy.needs_source or case.first:
                run_strategy(results, case, strategy, folder, note, say)
        if case.first:
            run_baselines(results, case, say)
    if experiment.chooses_source:
        choose_source(results, drugs, chosen, folder, say)
    return results


def check_roles(experiment: Experiment, cohort: Cohort) -> None:
    """Refuse early what the cohort's chain cannot serve."""
    for role in (*experiment.upstream, experiment.evaluated):
        cohort.stage(role)
    if experiment.evaluated != "source" and len(cohort.domains) < 2:
        raise InputError(f"cohort {cohort.name} has one domain; {experiment.name} needs a chain of at least two")


def source_drugs(experiment: Experiment, settings: Settings, cohort: Cohort, folder: Path) -> tuple[list[str], str]:
    """(source drugs to run in the cohort's own spelling, a note on how they came about)."""
    if not experiment.uses_source_drug:
        return [""], ""
    known = {drug.casefold(): drug for drug in cohort.source_drugs}
    asked = list(settings.source_drugs)
    if (not asked and experiment.every_source) or [d.casefold() for d in asked] == ["all"]:
        return list(cohort.source_drugs), ""
    if not asked:
        record = read_choice(folder, cohort, settings)
        return [record["drug"]], f"source drug {record['drug']}, chosen by {record['decided_by']}"
    for drug in asked:
        if drug.casefold() not in known:
            raise InputError(
                f"--source_drug={drug}: no source drug of cohort {cohort.name}; there are: {', '.join(known.values())}"
            )
    return [known[drug.casefold()] for drug in asked], ""


def cases(experiment, settings, cohort, drugs, folder, note, results, say) -> Iterable[Case]:
    """The evaluated domain per source drug, with its upstream model trained. Folds are shared where the domain is."""
    shared: tuple[Domain, list[ScaledFold]] | None = None
    for place, drug in enumerate(drugs):
        with results.timed("preparation"):
            if shared is None or experiment.evaluated == "source":
                shared = prepare_domain(results, domain_of(cohort, experiment.evaluated, drug))
        with results.timed("upstream stages"):
            upstream = train_upstream(experiment, cohort, drug, settings, folder, note, say)
        if upstream is not None:
            results.stages.append(upstream)
        source = drug or (upstream.plan.domain.name if upstream else "")
        yield Case(source, *shared, upstream, first=place == 0 or experiment.evaluated == "source")


def prepare_domain(results: Results, domain: Domain) -> tuple[Domain, list[ScaledFold]]:
    """Folds and their statistics; notes what the data is."""
    settings = results.settings
    folds = partitions(
        domain.response,
        domain.groups,
        folds=settings.folds,
        repeats=settings.repeats,
        seed=settings.seed,
        kind=settings.split,
    )
    results.data[f"{domain.name}:{domain.drugs[0]}"] = {
        "samples": len(domain),
        "genes": len(domain.genes),
        "gene_coverage": results.cohort.coverage.get(domain.name),
        "unit": domain.unit,
        "direction": domain.direction,
        "fingerprint": fingerprint(domain),
    }
    return domain, scale_folds(domain, folds, settings.rules)


def run_strategy(results: Results, case: Case, strategy, folder: Path, note: str, say) -> None:
    """Cross-validate one strategy, then train and keep its final model on all rows."""
    settings, source = results.settings, case.source if strategy.needs_source else ""
    if results.experiment.evaluated == "source":
        source = case.source
    recipe = settings.recipe(strategy)
    label = " ".join(filter(None, (results.experiment.name, source, strategy.name)))
    with results.timed(f"arm {strategy.name}"), Progress(len(case.folds), label) as progress:
        tables = strategy_arm(
            case.domain,
            case.folds,
            strategy,
            case.upstream.variables if case.upstream else None,
            network=settings.network,
            recipe=recipe,
            seed=settings.seed,
            at_once=settings.at_once,
            progress=progress.advance,
        )
    results.add(tables, strategy.name, source)
    if strategy.trains:
        with results.timed("final models"):
            plan = StagePlan(results.experiment.evaluated, case.domain, strategy, recipe)
            parent = case.upstream if strategy.needs_source else None
            final = train_stages(
                [plan], network=settings.network, seed=settings.seed, folder=folder, parent=parent, note=note, say=say
            )[0]
        results.stages.append(final)
        column = f"{source}:{strategy.name}" if source else strategy.name
        results.gene_weights.append(
            gene_weights(final.variables, case.domain.genes).set_index("gene").weight.rename(column)
        )


def run_baselines(results: Results, case: Case, say) -> None:
    """The baselines on the same folds."""
    cohort, settings = results.cohort, results.settings
    column = np.flatnonzero(case.domain.genes == cohort.marker)
    marker = int(column[0]) if len(column) else None
    possible = available(marker)
    for name in settings.baselines:
        if name not in BASELINES:
            raise InputError(f"no baseline '{name}'; there are: {', '.join(BASELINES)}")
        if name not in possible:
            results.notes.append(f"baseline {name} left out: cohort {cohort.name} has no marker gene among its genes")
            say(results.notes[-1])
            continue
        label = f"{results.experiment.name} {name}"
        with results.timed(f"arm {name}"), Progress(len(case.folds), label) as progress:
            tables = baseline_arm(
                case.domain, case.folds, name, marker=marker, seed=settings.seed, progress=progress.advance
            )
        results.add(tables, name, case.source if results.experiment.evaluated == "source" else "")


def choose_source(results: Results, drugs: list[str], chosen, folder: Path, say) -> None:
    """Rank the source drugs on the intermediate and write the choice down, if all of them were run."""
    deciding = [s.name for s in chosen if s.needs_source and s.trains] or [s.name for s in chosen if s.needs_source]
    if not deciding:
        return
    arm = "copy_layer1" if "copy_layer1" in deciding else deciding[0]
    results.ranking = rank_sources(results.cohort, drugs, results.table("metrics"), arm)
    if set(drugs) != set(results.cohort.source_drugs):
        results.notes.append("no source drug was chosen: only some source drugs were run")
        say(results.notes[-1])
        return
    path = write_choice(folder, results.cohort, results.settings, results.ranking, arm)
    if path:
        results.notes.append(f"source drug chosen by {arm}: {next(r['drug'] for r in results.ranking if r['chosen'])}")
        say(f"{results.notes[-1]}; written to {path}")
