"""Run one experiment from its settings to its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tl_jax.data.domain import Cohort, Domain
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.baselines import BASELINES, available
from tl_jax.files import check_writable
from tl_jax.interpret.gene_weights import gene_weights
from tl_jax.models import build
from tl_jax.progress import Progress
from tl_jax.study.arms import baseline_arm, strategy_arm
from tl_jax.study.choice import DECIDING, rank_sources, read_choice, write_choice
from tl_jax.study.folds import ScaledFold, scale_folds
from tl_jax.study.plans import Experiment, domain_of, upstream_plans
from tl_jax.study.probe import probe
from tl_jax.study.results import Results
from tl_jax.study.settings import Settings
from tl_jax.study.stages import Shelf, StagePlan, TrainedStage, fingerprint, train_stages
from tl_jax.transfer import strategies
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
    note: str = ""  # how the source drug came about, for the lineage of the final models

    @property
    def evaluates_source(self) -> bool:
        return self.experiment.evaluated == "source"


def run_experiment(experiment: Experiment, settings: Settings, cohort: Cohort, say: Callable[[str], None]) -> Results:
    """Cross-validate every strategy and baseline on the same folds, then train the final models on all rows."""
    settings = replace(
        settings,
        repeats=experiment.repeats if settings.repeats is None else settings.repeats,
        folds=experiment.folds if settings.folds is None else settings.folds,
        strategies=experiment.strategies if settings.strategies is None else settings.strategies,
    )
    chosen = [strategies.get(name) for name in settings.strategies]
    check(experiment, settings, cohort, chosen)
    shelf = Shelf(Path(settings.checkpoint_dir) / cohort.name, say)
    check_writable(shelf.folder, "--checkpoint_dir")
    results = Results(experiment, settings, cohort)
    run = Run(experiment, settings, cohort, chosen, shelf, results, say)
    drugs = source_drugs(run)
    for case in cases(run, drugs):
        for strategy in chosen:
            if strategy.needs_source or case.first:
                run_strategy(run, case, strategy)
        if case.first:
            run_baselines(run, case)
    if experiment.chooses_source:
        choose_source(run, drugs)
    return results


def check(experiment: Experiment, settings: Settings, cohort: Cohort, chosen: list[Registered]) -> None:
    """Refuse before any training what cannot end well."""
    for role in (*experiment.upstream, experiment.evaluated):
        cohort.stage(role)
    if experiment.evaluated != "source" and len(cohort.domains) < 2:
        raise InputError(f"cohort {cohort.name} has one domain; {experiment.name} needs a chain of at least two")
    needing = [s.name for s in chosen if s.needs_source]
    if not chosen and not settings.baselines:
        raise InputError("--strategy=none and --baselines=none leave nothing to run")
    if needing and not experiment.upstream:
        raise InputError(f"{experiment.name} trains from scratch; strategy '{needing[0]}' needs a source model")
    for strategy in chosen:
        probe(strategy, build(settings.network), len(cohort.genes))
    for name in settings.baselines:
        if name not in BASELINES:
            raise InputError(f"no baseline '{name}'; there are: {', '.join(BASELINES)}")
    if not strategies.get(settings.intermediate_strategy).trains:
        raise InputError(
            f"--intermediate_strategy={settings.intermediate_strategy} trains nothing; no later stage can start from it"
        )


def source_drugs(run: Run) -> list[str]:
    """Source drugs to run in the cohort's own spelling; [""] where none is needed."""
    asked, cohort, experiment = list(run.settings.source_drugs), run.cohort, run.experiment
    needed = run.evaluates_source or any(s.needs_source for s in run.chosen)
    if not (needed and experiment.uses_source_drug):
        if asked:
            run.results.remark(f"--source_drug changes nothing here: {experiment.name} needs no source drug", run.say)
        return [""]
    if (not asked and experiment.every_source) or [d.casefold() for d in asked] == ["all"]:
        return list(cohort.source_drugs)
    if not asked:
        asked, run.note = default_drug(run)
        run.results.remark(run.note, run.say)
    known = {drug.casefold(): drug for drug in cohort.source_drugs}
    unknown = [drug for drug in asked if drug.casefold() not in known]
    if unknown:
        there = ", ".join(known.values())
        raise InputError(f"--source_drug={unknown[0]}: no source drug of cohort {cohort.name}; there are: {there}")
    return list(dict.fromkeys(known[drug.casefold()] for drug in asked))


def default_drug(run: Run) -> tuple[list[str], str]:
    """Experiment 3's choice, or the cohort's default where there is no intermediate to choose on; and why."""
    cohort = run.cohort
    if len(cohort.domains) < 3:
        return [cohort.default_source], f"source drug {cohort.default_source}, the default of cohort {cohort.name}"
    record = read_choice(run.shelf.folder, cohort, run.settings)
    return [record["drug"]], f"source drug {record['drug']}, chosen by {record['decided_by']}"


def cases(run: Run, drugs: list[str]) -> Iterable[Case]:
    """The evaluated domain per source drug, with its upstream model trained. Folds are shared where the domain is."""
    shared: tuple[Domain, list[ScaledFold]] | None = None
    for place, drug in enumerate(drugs):
        with run.results.timed("preparation"):
            if shared is None or run.evaluates_source:
                shared = prepare_domain(run, domain_of(run.cohort, run.experiment.evaluated, drug))
        upstream = None
        if any(s.needs_source for s in run.chosen):
            with run.results.timed("upstream stages"):
                plans = upstream_plans(run.experiment, run.cohort, drug, run.settings)
                stages = train_stages(plans, network=run.settings.network, seed=run.settings.seed, shelf=run.shelf)
            run.results.stages.extend(stages)
            upstream = stages[-1]
        source = drug or (upstream.plan.domain.name if upstream else "")
        yield Case(source, *shared, upstream, first=place == 0 or run.evaluates_source)


def prepare_domain(run: Run, domain: Domain) -> tuple[Domain, list[ScaledFold]]:
    """Folds and their statistics; notes what the data is."""
    settings = run.settings
    folds = partitions(
        domain.response,
        domain.groups,
        folds=settings.folds,
        repeats=settings.repeats,
        seed=settings.seed,
        kind=settings.split,
    )
    run.results.data[f"{domain.name}:{domain.drugs[0]}"] = {
        "samples": len(domain),
        "genes": len(domain.genes),
        "gene_coverage": run.cohort.coverage.get(domain.name),
        "unit": domain.unit,
        "direction": domain.direction,
        "fingerprint": fingerprint(domain),
    }
    return domain, scale_folds(domain, folds, settings.rules)


def run_strategy(run: Run, case: Case, strategy: Registered) -> None:
    """Cross-validate one strategy, then train and keep its final model on all rows."""
    settings, results = run.settings, run.results
    source = case.source if strategy.needs_source or run.evaluates_source else ""
    recipe = settings.recipe(strategy)
    label = " ".join(filter(None, (run.experiment.name, source, strategy.name)))
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
    if not strategy.trains:
        return
    with results.timed("final models"):
        note = run.note if strategy.needs_source else ""
        plan = StagePlan(run.experiment.evaluated, case.domain, strategy, recipe, note)
        parent = case.upstream if strategy.needs_source else None
        final = train_stages([plan], network=settings.network, seed=settings.seed, shelf=run.shelf, parent=parent)[0]
    results.stages.append(final)
    weights = gene_weights(final.variables, case.domain.genes).set_index("gene").weight
    results.gene_weights.append(weights.rename(f"{source}:{strategy.name}" if source else strategy.name))


def run_baselines(run: Run, case: Case) -> None:
    """The baselines on the same folds."""
    column = np.flatnonzero(case.domain.genes == run.cohort.marker)
    marker = int(column[0]) if len(column) else None
    for name in dict.fromkeys(run.settings.baselines):
        if name not in available(marker):
            run.results.remark(f"baseline {name} left out: no marker gene among the genes of the chain", run.say)
            continue
        label = f"{run.experiment.name} {name}"
        with run.results.timed(f"arm {name}"), Progress(len(case.folds), label) as progress:
            tables = baseline_arm(
                case.domain, case.folds, name, marker=marker, seed=run.settings.seed, progress=progress.advance
            )
        run.results.add(tables, name, case.source if run.evaluates_source else "")


def choose_source(run: Run, drugs: list[str]) -> None:
    """Rank the source drugs on the intermediate and write the choice down, if all of them were run."""
    names = [s.name for s in run.chosen if s.needs_source]
    if not names:
        run.results.remark("no source drug was chosen: no strategy here starts from a source", run.say)
        return
    arm = DECIDING if DECIDING in names else names[0]
    results = run.results
    results.ranking = rank_sources(run.cohort, drugs, results.table("metrics"), arm)
    if set(drugs) != set(run.cohort.source_drugs):
        results.remark("no source drug was chosen: only some source drugs were run", run.say)
        return
    path = write_choice(run.shelf.folder, run.cohort, run.settings, results.ranking, arm)
    if path is None:
        results.remark("no source drug was chosen: no per-fold Spearman is defined (leave-one-out?)", run.say)
    else:
        drug = next(row["drug"] for row in results.ranking if row["chosen"])
        results.remark(f"source drug chosen by {arm}: {drug}; written to {path}", run.say)
