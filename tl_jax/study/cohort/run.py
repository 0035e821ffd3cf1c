"""Run one experiment from its settings to its tables."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from tl_jax.data.domain import Cohort, Domain
from tl_jax.data.tables.cells import nearest
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import check_names
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.evaluation.statistics.comparisons import compare
from tl_jax.evaluation.statistics.metrics import get
from tl_jax.evaluation.statistics.negative_transfer import negative_transfer
from tl_jax.models import build
from tl_jax.study.cohort.cases import Case, Run
from tl_jax.study.cohort.choice import DECIDING, rank_sources, read_choice, write_choice
from tl_jax.study.cohort.contestants import contestants, predict_all
from tl_jax.study.cohort.examine import check_extras, derive, examine
from tl_jax.study.cohort.finals import keep_final
from tl_jax.study.cohort.leak_audit import leak_audit
from tl_jax.study.cohort.looks import charged, note, record
from tl_jax.study.cohort.outside_source import check_outside, load_outside
from tl_jax.study.cohort.plans import Experiment, domain_of, upstream_plans
from tl_jax.study.cohort.results import Results
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.folds import ScaledFold, drawn, scale_folds
from tl_jax.study.core.probe import probe
from tl_jax.study.core.stages import Shelf, TrainedStage, fingerprint, train_stages
from tl_jax.system.cluster import is_first
from tl_jax.system.files import check_writable
from tl_jax.transfer import strategies
from tl_jax.transfer.strategies import Registered


def resolved(experiment: Experiment, settings: Settings) -> Settings:
    """The settings with the experiment's own repeats, folds and strategies where none were given."""
    return replace(
        settings,
        repeats=experiment.repeats if settings.repeats is None else settings.repeats,
        folds=experiment.folds if settings.folds is None else settings.folds,
        strategies=experiment.strategies if settings.strategies is None else settings.strategies,
    )


def run_experiment(
    experiment: Experiment,
    settings: Settings,
    cohort: Cohort,
    say: Callable[[str], None],
    work: Path | None = None,
    finals: bool = True,
) -> Results:
    """Cross-validate every strategy and baseline on the same folds, then train the final models on all rows.

    work: a folder for finished parts; those found there are not computed again. finals: False trains no final models.
    """
    settings = resolved(experiment, settings)
    methods = [name for name in settings.strategies if name in METHODS]
    chosen = [strategies.get(name) for name in settings.strategies if name not in METHODS]
    kinds = check(experiment, settings, cohort, chosen)
    shelf = Shelf(Path(settings.checkpoint_dir) / cohort.name, say)
    check_writable(shelf.folder, "--checkpoint_dir")
    results = Results(experiment, settings, cohort)
    stream = None if is_first() else io.StringIO()  # one voice for many processes
    run = Run(
        experiment, settings, cohort, chosen, methods, shelf, results, say, kinds, work, stream=stream, finals=finals
    )
    if settings.source_checkpoint:
        run.outside = load_outside(settings.source_checkpoint, cohort, settings)
    drugs = source_drugs(run)
    # Cases of one domain and its folds are run together, so that arms of equal shape share a program.
    together: list[list[Case]] = []
    for case in cases(run, drugs):
        if together and together[-1][0].folds is case.folds:
            together[-1].append(case)
        else:
            together.append([case])
    for group in together:
        run_cases(run, group)
    judge(run)
    if settings.extras:
        derive(run)
    if experiment.chooses_source:
        choose_source(run, drugs)
    return results


def run_cases(run: Run, group: list[Case]) -> None:
    """Every arm of the cases of one domain: cross-validation by program, then the final models."""
    arms = contestants(run, group)
    found = predict_all(run, arms, arms.case.folds)
    for name, source, tables in found:
        run.results.add(tables, name, source)
    run.results.keep("leak_audit", leak_audit(run, group))
    if run.settings.extras:
        examine(run, group, arms, found)
    if run.finals:
        for case, arm in arms.networks:
            keep_final(run, case, arm)


def check(experiment: Experiment, settings: Settings, cohort: Cohort, chosen: list[Registered]) -> dict[str, tuple]:
    """Refuse before any training what cannot end well; {strategy: what it trains}."""
    routes = experiment.routes_in(cohort)
    for role in (*(role for route in routes for role in route), experiment.evaluated):
        cohort.stage(role)
    if settings.extras:
        check_extras(settings)
    if settings.source_checkpoint:
        check_outside(experiment, settings, chosen)
    if experiment.evaluated != "source" and len(cohort.domains) < 2:
        raise InputError(f"cohort {cohort.name} has one domain; {experiment.name} needs a chain of at least two")
    needing = [name for name in settings.strategies if name in METHODS or strategies.get(name).needs_source]
    if not settings.strategies and not settings.baselines:
        raise InputError("--strategy=none and --baselines=none leave nothing to run")
    if needing and not experiment.routes:
        raise InputError(f"{experiment.name} trains from scratch; strategy '{needing[0]}' needs a source model")
    kinds = {s.name: probe(s, build(settings.network), len(cohort.genes)) for s in chosen}
    for strategy in chosen:
        settings.fit_config(settings.recipe(strategy))
    check_names(settings.baselines)
    if not strategies.get(settings.intermediate_strategy).trains:
        raise InputError(
            f"--intermediate_strategy={settings.intermediate_strategy} trains nothing; no later stage can start from it"
        )
    return kinds


def source_drugs(run: Run) -> list[str]:
    """Source drugs to run in the cohort's own spelling; [""] where none is needed."""
    asked, cohort, experiment = list(run.settings.source_drugs), run.cohort, run.experiment
    if run.outside:
        meta = run.outside.meta
        run.note = f"source model {meta['domain']} (id {meta['id']}, {meta['drug']}), given by the user"
        run.results.remark(run.note, run.say)
        return [""]
    needed = run.evaluates_source or run.uses_source
    if not (needed and experiment.uses_source_drug):
        if asked:
            run.results.remark(f"--source_drug changes nothing here: {experiment.name} needs no source drug", run.say)
        return [""]
    if (not asked and experiment.every_source) or [d.casefold() for d in asked] == ["all"]:
        return list(cohort.source_drugs)
    if not asked:
        asked, run.note = default_drug(run)
        run.results.remark(run.note, run.say)
    known = {drug.casefold(): drug for drug in cohort.stage("source").drugs}
    unknown = [drug for drug in asked if drug.casefold() not in known]
    if unknown:
        hint = nearest(unknown[0], known.values())
        raise InputError(f"--source_drug={unknown[0]}: the source of cohort {cohort.name} has no such drug; {hint}")
    return list(dict.fromkeys(known[drug.casefold()] for drug in asked))


def default_drug(run: Run) -> tuple[list[str], str]:
    """Experiment 3's choice, or the cohort's default where there is no intermediate to choose on; and why."""
    cohort = run.cohort
    if len(cohort.domains) < 3:
        return [cohort.default_source], f"source drug {cohort.default_source}, the default of cohort {cohort.name}"
    record = read_choice(run.shelf.folder, cohort, run.settings)
    return [record["drug"]], f"source drug {record['drug']}, chosen by {record['decided_by']}"


def cases(run: Run, drugs: list[str]) -> Iterable[Case]:
    """The evaluated domain per way to it, with the models before it trained. Folds are shared where the domain is."""
    shared: tuple[Domain, list[ScaledFold]] | None = None
    for place, (route, drug) in enumerate(ways(run, drugs)):
        with run.results.timed("preparation"):
            if shared is None or run.evaluates_source:
                shared = prepare_domain(run, domain_of(run.cohort, run.experiment.evaluated, drug))
        stages = []
        if route:
            with run.results.timed("upstream stages"):
                stages = upstream_stages(run, route, drug)
            known = {stage.path for stage in run.results.stages}  # routes share their first stages
            run.results.stages.extend(stage for stage in stages if stage.path not in known)
        source = drug if run.evaluates_source else " > ".join(way_name(stage) for stage in stages)
        yield Case(source, *shared, tuple(stages), place == 0 or run.evaluates_source, route)


def upstream_stages(run: Run, route: tuple[str, ...], drug: str) -> list[TrainedStage]:
    """The models on the way to the evaluated domain, trained or found; the first may be the user's own."""
    given = [run.outside] if run.outside and route[0] == "source" else []
    plans = upstream_plans(route, run.cohort, drug, run.settings, given=len(given))
    network, seed, parent = run.settings.network, run.settings.seed, given[0] if given else None
    later = train_stages(plans, network=network, seed=seed, shelf=run.shelf, parent=parent) if plans else []
    return [*given, *later]


def ways(run: Run, drugs: list[str]) -> Iterable[tuple[tuple[str, ...], str]]:
    """(route, source drug) of every case: each drug on each route that begins at the source."""
    if not run.uses_source:
        yield from (((), drug) for drug in drugs)
        return
    for route in run.experiment.routes_in(run.cohort):
        yield from ((route, drug) for drug in (drugs if "source" in route else [""]))


def way_name(stage: TrainedStage) -> str:
    """A stage as the column `source` names it: the source by its drug, the intermediate by its domain."""
    return stage.plan.domain.drugs[0] if stage.plan.role == "source" else stage.plan.domain.name


def prepare_domain(run: Run, domain: Domain) -> tuple[Domain, list[ScaledFold]]:
    """Folds and their statistics; notes what the data is."""
    settings = run.settings
    folds = drawn(domain, settings)
    run.results.data[f"{domain.name}:{domain.drugs[0]}"] = {
        "samples": len(domain),
        "genes": len(domain.genes),
        "gene_coverage": run.cohort.coverage.get(domain.name),
        **({"unmeasured_genes": len(domain.unmeasured)} if domain.unmeasured else {}),
        "unit": domain.unit,
        "direction": domain.direction,
        "fingerprint": fingerprint(domain),
    }
    if domain.preprocess:
        run.results.data[f"{domain.name}:{domain.drugs[0]}"]["preprocess"] = domain.preprocess.identity
    return domain, scale_folds(domain, folds, settings.rules)


def judge(run: Run) -> None:
    """Compare every pair of arms, and say where transfer did harm."""
    metrics = run.results.table("metrics")
    looks = record(run)
    run.results.comparisons = charged(compare(metrics, by_source=run.evaluates_source), len(looks))
    if note(looks):
        run.results.remark(note(looks), run.say)
    transfers = {*run.methods, *(strategy.name for strategy in run.chosen if strategy.needs_source)}
    for line in negative_transfer(run.results.comparisons, metrics, transfers, metric=run.settings.metric):
        run.results.remark(line, run.say)


def choose_source(run: Run, drugs: list[str]) -> None:
    """Rank the source drugs on the intermediate and write the choice down, if all of them were run."""
    names = [s.name for s in run.chosen if s.needs_source]
    if run.outside:
        run.results.remark("no source drug was chosen: the source model was given by the user", run.say)
        return
    if not names:
        run.results.remark("no source drug was chosen: no strategy here starts from a source", run.say)
        return
    arm = DECIDING if DECIDING in names else names[0]
    results = run.results
    results.ranking = rank_sources(
        run.cohort, drugs, results.table("metrics"), arm, run.settings.metric, results.table("predictions")
    )
    if set(drugs) != set(run.cohort.source_drugs):
        results.remark("no source drug was chosen: only some source drugs were run", run.say)
        return
    path = write_choice(run.shelf.folder, run.cohort, run.settings, results.ranking, arm)
    if path is None:
        results.remark(
            f"no source drug was chosen: no {get(run.settings.metric).per_fold} is defined (leave-one-out?)", run.say
        )
    else:
        drug = next(row["drug"] for row in results.ranking if row["chosen"])
        results.remark(f"source drug chosen by {arm}: {drug}; written to {path}", run.say)
