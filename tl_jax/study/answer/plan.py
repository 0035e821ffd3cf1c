"""A sensible full study of one drug: which arms, which examinations, and how long they take."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tl_jax.data.chain import Cohort
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import MARKER
from tl_jax.evaluation.predictors.markers import signs_of
from tl_jax.study.cohort.duration import lasting, minutes
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.prepare import Plan, prepare
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.settings import Extras

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


def settings_of(cohort: Cohort, given: Settings) -> Settings:
    """The settings of one drug's study. given: what the user set."""
    known = [one.gene for one in signs_of(cohort.drug)]
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
    return Drug(cohort.drug, plan, lasting([plan]))


def check_source(cohort: Cohort, settings: Settings) -> None:
    """InputError where a setting is about a source and there is none: it would change nothing."""
    if len(cohort.domains) > 1:
        return
    for flag, value in (("source_drug", ",".join(settings.source_drugs)), ("mechanisms", settings.mechanisms)):
        if value:
            raise InputError(
                f"--{flag}={value} changes nothing without a source; name one by --source, or leave it out"
            )
