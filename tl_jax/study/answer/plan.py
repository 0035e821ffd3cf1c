"""A sensible full study of one drug: which arms, which examinations, and how long they take."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import numpy as np

from tl_jax.data.chain import Cohort
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import MARKER
from tl_jax.evaluation.predictors.markers import EXPRESSION, markers_of
from tl_jax.models import build
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.prepare import Plan, prepare
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.settings import Extras
from tl_jax.training.cost import cost_of_run

# Networks that train no wide first layer but for `scratch`, the reference of learning curves, and closed forms.
PROFILES = ("profile_gp", "profile_gp_mechanism")
STRATEGIES = ("scratch", "zero_shot", "freeze_layer1", "feature_ridge", "shrunken_ridge", *PROFILES)
BASELINES = ("mean", "ridge", "repaired_ridge", "elastic_net", "kernel_ridge", "random_forest")
# What inner folds choose among: seconds each. Only such a choice says what the recommended model is worth.
CANDIDATES = (
    *("freeze_layer1", "feature_ridge", "shrunken_ridge", *PROFILES),
    *("ridge", "repaired_ridge", "kernel_ridge"),
)
EXAMINED = ("feature_ridge", *PROFILES, "ridge", "repaired_ridge", "kernel_ridge")
EXPERIMENT = Experiment(
    "answer", "from two tables to an answer", "target", (("source",),), strategies=STRATEGIES, folds=3
)
# Rough seconds of one core for a fit of 20 rows, per gene; SLOWER says how far a whole study was from them.
PER_GENE = {
    "elastic_net": 4e-5,
    "random_forest": 5e-5,
    "kernel_ridge": 2e-6,
    "shrunken_ridge": 1e-5,
    "pathways": 2e-6,
    "profile_gp": 5e-6,
    "profile_gp_mechanism": 5e-6,
    "feature_ridge": 5e-6,
}
SLOWER = 2.0  # what was measured over what is counted: 593 s and 341 s for about 270 s and 170 s
START = 45.0  # libraries, tables, checks, programs compiled, pictures


@dataclass(frozen=True)
class Drug:
    """One drug's study, planned. seconds: of one core."""

    drug: str
    plan: Plan
    seconds: float

    def words(self) -> str:
        """What will be done, in a line."""
        domain, settings = self.plan.groups[0].problem.domain, self.plan.settings
        ways = [f"{way.source} ({len(way.stages[0].domain)} samples)" for way in self.plan.groups[0].ways if way.stages]
        source = f"source {', '.join(ways)}" if ways else "no source"
        arms = len(settings.strategies) + len(settings.baselines) + len(settings.of_files)
        return (
            f"{self.drug}: {len(domain)} samples x {len(domain.genes):,} genes, {source}; {arms} arms on "
            f"{settings.repeats} x {settings.folds} folds, a choice by inner folds, {settings.extras.permutations} "
            f"permutations; about {minutes(self.seconds)} of one core"
        )


def minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60)):.0f} min"


def settings_of(cohort: Cohort, given: Settings) -> Settings:
    """The settings of one drug's study. given: what the user set."""
    known = [one.gene for one in markers_of(cohort.drug) if one.level == EXPRESSION]
    genes = dict.fromkeys([*([cohort.marker] if cohort.marker else []), *known])
    markers = tuple(f"{MARKER}{gene}" for gene in genes)
    signed = given.of_files
    run = {"strategies": given.strategies or STRATEGIES, "baselines": (*markers, *(given.baselines or BASELINES))}
    named = {*run["strategies"], *run["baselines"], *signed}
    quick = given.quick
    extras = Extras(
        examined=tuple(name for name in (*markers, *signed, *EXAMINED) if name in named),
        nested=tuple(name for name in (*markers, *signed, *CANDIDATES) if name in named),
        permutations=19 if quick else 99,
    )
    return replace(given, drug=cohort.drug, fold_models=True, extras=extras, **run)


def planned(cohort: Cohort, given: Settings) -> Drug:
    """The study of a cohort's drug; InputError where it cannot end well."""
    settings = settings_of(cohort, given)
    check_source(cohort, settings)
    if not settings.source_drugs and len(cohort.domains) > 1:
        settings = replace(settings, source_drugs=(cohort.default_source,))
    plan = prepare(EXPERIMENT, settings, replace(cohort, marker=""))
    return Drug(cohort.drug, plan, START + SLOWER * seconds(plan))


def check_source(cohort: Cohort, settings: Settings) -> None:
    """InputError where a setting is about a source and there is none: it would change nothing."""
    if len(cohort.domains) > 1:
        return
    for flag, value in (("source_drug", ",".join(settings.source_drugs)), ("mechanisms", settings.mechanisms)):
        if value:
            raise InputError(
                f"--{flag}={value} changes nothing without a source; name one by --source, or leave it out"
            )


def seconds(plan: Plan) -> float:
    """Rough seconds of one core: networks by the count of their steps (training/cost.py), closed forms as measured."""
    group, settings = plan.groups[0], plan.settings
    problem, drawn, extras = group.problem, group.examination, settings.extras
    genes, total = len(problem.domain.genes), 0.0

    def folds(name: str) -> int:
        more = len(drawn.inner.folds) if drawn.inner and name in extras.nested else 0
        more += len(drawn.permuted.folds) if drawn.permuted and name in extras.examined else 0
        return len(problem.folds) + more + problem.repeats.count(0) * settings.folds + 1

    rows = len(problem.folds[0].fold.train), len(problem.folds[0].fold.test)
    for strategy in plan.strategies:
        ways = len(group.ways) if strategy.needs_source else 1
        if strategy.trains:
            total += ways * folds(strategy.name) * of_network(plan, strategy, settings.recipe(strategy), rows)
    for name in (*plan.methods, *settings.baselines, *settings.of_files):
        total += folds(name) * PER_GENE.get(name, 1e-6) * genes * (1 + rows[0] / 20) / 2
    trained = {one.domain.name: one for way in group.ways for one in way.stages}
    for stage in trained.values():
        total += of_network(plan, stage.strategy, stage.recipe, (len(stage.domain), 1))
    return total


def of_network(plan: Plan, strategy, recipe, rows: tuple[int, int]) -> float:
    """Seconds of one training of a network."""
    network, genes = build(plan.settings.network), len(plan.groups[0].problem.domain.genes)
    x = np.broadcast_to(np.float32(0), (sum(rows), genes))
    source = jax.eval_shape(lambda: network.init(jax.random.key(0), genes)) if strategy.needs_source else None
    return cost_of_run(rows, x, [(strategy.function, source)], network, recipe.fit_config()).seconds
