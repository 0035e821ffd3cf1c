"""Everything of an experiment that is decided before anything is trained: sources, folds, ways, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.drugs.names import same_drug, taken_for
from tl_jax.data.scaling.choice import USUAL, rescaled
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.source_methods import METHODS, reads_ways
from tl_jax.evaluation.statistics.families import reference_of
from tl_jax.study.cohort.check import check
from tl_jax.study.cohort.one_domain import without_source
from tl_jax.study.cohort.outside_source import load_outside
from tl_jax.study.cohort.plans import SCRATCH_ARM, Experiment
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.cohort.source_plan import check_source_test, notes_of
from tl_jax.study.cohort.sources import Sources, resolve_sources
from tl_jax.study.core.examine import Examination, draw_examination
from tl_jax.study.core.identity import identity
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.protocol import PUBLISHED
from tl_jax.study.core.registration import Registration, register
from tl_jax.study.core.settings import Extras
from tl_jax.study.core.stages import StagePlan, TrainedStage, fingerprint, ids_of
from tl_jax.system.files import check_writable
from tl_jax.transfer import strategies
from tl_jax.transfer.strategies import Registered

SMALLEST = 4  # samples of a domain: with fewer no fold can train and test


@dataclass(frozen=True)
class Way:
    """One way to the evaluated domain: `source` as tables name it, the roles on it, its stages and their ids.

    A source model that was given by the user has an id but no stage here.
    """

    source: str
    route: tuple[str, ...]
    stages: tuple[StagePlan, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """One evaluated domain (one drug) with all ways to it, whose arms are run together."""

    problem: Problem
    ways: tuple[Way, ...]
    examination: Examination


@dataclass(frozen=True)
class Plan:
    """An experiment that can run to its end.

    strategies, methods: of settings.strategies, networks and closed forms (evaluation/predictors/source_methods.py).
    outside: a source model that was not trained here. notes: remarks for the user. registered: before the run.
    """

    experiment: Experiment
    settings: Settings
    cohort: Cohort
    strategies: tuple[Registered, ...]
    methods: tuple[str, ...]
    sources: Sources
    groups: tuple[Group, ...]
    outside: TrainedStage | None = None
    notes: tuple[str, ...] = ()
    registered: Registration | None = None

    @property
    def evaluates_source(self) -> bool:
        return self.experiment.evaluated == "source"

    @property
    def folder(self) -> Path:
        """Where the cohort's stages, looks and choices are kept."""
        return folder_of(self.settings, self.cohort)

    @property
    def drugs(self) -> list[str]:
        """The source drugs that are run."""
        kept = {way.source.partition(" > ")[0] for group in self.groups for way in group.ways}
        return [drug for drug in self.sources.drugs if drug in kept]

    @property
    def data(self) -> dict[str, dict]:
        """What each evaluated domain is, for summary.json."""
        return {f"{d.name}:{d.drugs[0]}": described(d, self.cohort) for d in (g.problem.domain for g in self.groups)}

    def to_register(self) -> dict:
        """What a registration says: who is compared with whom, in which direction, on which data, by which settings."""
        settings = self.settings
        return {
            "experiment": self.experiment.name,
            "cohort": self.cohort.name,
            "metric": settings.metric,
            "expect": settings.expect,
            "reference": reference_of([*settings.strategies, *settings.baselines], settings.reference),
            "arms": [*settings.strategies, *settings.baselines],
            "sources": list(dict.fromkeys(way.source for group in self.groups for way in group.ways)),
            "settings": settings.science(),
            "data": {name: one["fingerprint"] for name, one in self.data.items()},
        }

    def identity(self) -> dict:
        """What determines the numbers: a stopped run is resumed only where all of it is the same."""
        named = dict.fromkeys((*self.strategies, strategies.get(self.settings.intermediate_strategy)))
        given = {"source_checkpoint": self.outside.meta["content"]} if self.outside else {}
        given |= {"marker": self.cohort.marker} if self.cohort.marker else {}
        return {
            **given,
            **identity(
                self.experiment.name,
                self.settings,
                {domain.name: domain for domain in self.cohort.domains},
                named,
                sources=list(self.sources.drugs),
                stages=list(dict.fromkeys(one for group in self.groups for way in group.ways for one in way.ids)),
            ),
        }


def folder_of(settings: Settings, cohort: Cohort) -> Path:
    return Path(settings.checkpoint_dir) / cohort.name


def described(domain: Domain, cohort: Cohort) -> dict:
    """What the data of a domain is."""
    return {
        "samples": len(domain),
        "genes": len(domain.genes),
        "gene_coverage": cohort.coverage.get(domain.name),
        **({"unmeasured_genes": len(domain.unmeasured)} if domain.unmeasured else {}),
        "unit": domain.unit,
        "direction": domain.direction,
        "fingerprint": fingerprint(domain),
        **({"preprocess": domain.preprocess.identity} if domain.preprocess else {}),
    }


def prepare(experiment: Experiment, given: Settings, cohort: Cohort) -> Plan:
    """Resolve the sources and draw every fold.

    Raises:
        InputError: what cannot end well. A part that the number of samples does not allow, such as one drug of
        several or the nested choice, is left out with a note instead.
    """
    settings, alone = without_source(experiment, experiment.resolved(given), cohort)
    cohort, scaled = scaled_as(settings, cohort)
    methods = tuple(name for name in settings.strategies if name in METHODS)
    chosen = tuple(strategies.get(name) for name in settings.strategies if name not in METHODS)
    check(experiment, settings, cohort, chosen)
    check_writable(folder_of(settings, cohort), "--checkpoint_dir")
    outside = load_outside(settings.source_checkpoint, cohort, settings) if settings.source_checkpoint else None
    uses_source = reads_ways(methods) or any(one.needs_source for one in chosen)
    sources = resolve_sources(experiment, given, cohort, folder_of(settings, cohort), uses_source, outside)
    plan = Plan(experiment, settings, cohort, chosen, methods, sources, (), outside)
    check_source_test(plan)
    notes = [*alone, *scaled, *sources.notes, *names_on_the_way(cohort)]
    groups = tuple(groups_of(plan, uses_source, left_out := []))
    if not groups:
        raise InputError(left_out[0].partition(" left out: ")[2])
    notes += left_out + [text for group in groups for text in group.examination.left_out]
    plan = replace(plan, groups=groups)
    if settings.register:
        plan = replace(plan, registered=register(settings.register, plan.to_register()))
        notes.append(plan.registered.text())
    return replace(plan, notes=(*notes, *notes_of(plan)))


def scaled_as(settings: Settings, cohort: Cohort) -> tuple[Cohort, list[str]]:
    """The cohort in the scaling that was asked for, or the usual; as_published keeps the published, with a remark."""
    if settings.protocol == PUBLISHED:
        note = f"--scaling={settings.scaling} changes nothing under {PUBLISHED}, which scales as was published"
        return rescaled(cohort, None), [note] if settings.scaling else []
    return rescaled(cohort, settings.scaling, USUAL), []


def groups_of(plan: Plan, uses_source: bool, left_out: list[str]) -> Iterator[Group]:
    """The evaluated domains with their ways; what is too small is named in `left_out`."""
    drugs = list(plan.sources.drugs)
    for own in [[drug] for drug in drugs] if plan.evaluates_source else [drugs]:
        try:
            yield group_of(plan, own, uses_source, left_out)
        except InputError as error:
            if not plan.evaluates_source or len(drugs) == 1:
                raise
            left_out.append(f"{own[0]} left out: {error}")


def group_of(plan: Plan, drugs: list[str], uses_source: bool, left_out: list[str]) -> Group:
    """One evaluated domain with the ways to it from some source drugs."""
    problem, ways, failed = problem_of(plan, domain_of(plan.cohort, plan.experiment.evaluated, drugs[0])), [], []
    for route, drug in routes_with(plan, drugs, uses_source):
        try:
            ways.append(way_of(plan, route, drug))
        except InputError as error:
            failed.append((" > ".join([drug, *route[1:]]), error))
    if not ways:
        raise failed[0][1]
    left_out += [f"{name} left out: {error}" for name, error in failed]
    return Group(problem, tuple(ways), draw_examination(problem, plan.settings.extras or Extras()))


def problem_of(plan: Plan, domain: Domain) -> Problem:
    """The folds of a domain; named by its drug where several drugs are evaluated."""
    settings = plan.settings
    name = domain.drugs[0] if plan.evaluates_source else ""
    return Problem.drawn(domain, settings.partition, settings.rules, name=name, metric=settings.metric)


def routes_with(plan: Plan, drugs: list[str], uses_source: bool) -> Iterator[tuple[tuple[str, ...], str]]:
    """(route, source drug) of every way: each drug on each route that begins at the source."""
    if not uses_source:
        yield from (((), drug) for drug in drugs)
        return
    for route in plan.experiment.routes_in(plan.cohort):
        yield from ((route, drug) for drug in (drugs if "source" in route else [""]))


def way_of(plan: Plan, route: tuple[str, ...], drug: str) -> Way:
    """The stages of one way, and how tables call it: the source by its drug, the intermediate by its domain.

    The first trains from scratch; later ones as --intermediate_strategy says. That is the published copy_layer1 by
    default, whatever strategy is evaluated: a layer 1 frozen in the intermediate step would pass through it unchanged,
    and two steps would equal one.
    """
    settings, outside = plan.settings, plan.outside if route[:1] == ("source",) else None
    stages = []
    for place, role in list(enumerate(route))[1 if outside else 0 :]:
        strategy = strategies.get(settings.intermediate_strategy if place else SCRATCH_ARM)
        domain = domain_of(plan.cohort, role, drug)
        stages.append(StagePlan(role, domain, strategy, settings.upstream_recipe(strategy)))
    # A model that was given may be another under the same id.
    given = [f"{outside.meta['id']} {outside.meta['content'][:16]}"] if outside else []
    names = [outside.plan.domain.drugs[0]] if outside else []
    names += [stage.domain.drugs[0] if stage.role == "source" else stage.domain.name for stage in stages]
    parent = outside.meta["id"] if outside else None
    ids = ids_of(stages, settings.network, settings.seed, parent)
    return Way(drug if plan.evaluates_source else " > ".join(names), route, tuple(stages), (*given, *ids))


def names_on_the_way(cohort: Cohort) -> list[str]:
    """A line where a domain between source and target calls the target's drug otherwise."""
    found = [(same_drug(cohort.drug, domain.drugs), domain.name) for domain in cohort.domains[1:-1]]
    return [line for own, name in found if own and (line := taken_for(cohort.drug, own, name))]


def domain_of(cohort: Cohort, role: str, source_drug: str) -> Domain:
    """A role's domain with its one drug: the source drug in the source, elsewhere the cohort's by its name there."""
    drug = source_drug if role == "source" else cohort.drug
    domain = cohort.stage(role)
    domain = domain.for_drug(same_drug(drug, domain.drugs) or drug)
    if len(domain) < SMALLEST:
        raise InputError(
            f"domain {domain.name} of cohort {cohort.name} has {len(domain)} samples measured for {drug}; "
            f"at least {SMALLEST} are needed: name another drug, or check its spelling and filters in the cohort file"
        )
    return domain
