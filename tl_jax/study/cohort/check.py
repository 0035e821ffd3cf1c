"""What is refused before any training because it cannot end well."""

from __future__ import annotations

from collections.abc import Sequence

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import check_names, is_baseline
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.evaluation.statistics.families import reference_of
from tl_jax.models import build
from tl_jax.study.cohort.outside_source import check_outside
from tl_jax.study.cohort.pathways import known_sets
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.probe import probe
from tl_jax.transfer import strategies
from tl_jax.transfer.strategies import STRATEGIES, Registered


def check(experiment: Experiment, settings: Settings, cohort: Cohort, chosen: Sequence[Registered]) -> None:
    """Refuse settings that contradict each other, the experiment or the cohort. chosen: the strategies."""
    routes = experiment.routes_in(cohort)
    for role in (*(role for route in routes for role in route), experiment.evaluated):
        cohort.stage(role)
    if settings.extras:
        check_extras(settings)
    if settings.source_checkpoint:
        check_outside(experiment, settings, chosen)
    needing = [name for name in settings.strategies if needs_way(name)]
    if experiment.evaluated == "source" and (of_drugs := [n for n in settings.strategies if n in METHODS]):
        raise InputError(f"{experiment.name} evaluates the source itself, which strategy '{of_drugs[0]}' learns from")
    if not settings.strategies and not settings.baselines:
        raise InputError("--strategy=none and --baselines=none leave nothing to run")
    if needing and not experiment.routes:
        raise InputError(f"{experiment.name} trains from scratch; strategy '{needing[0]}' needs a source model")
    for strategy in chosen:
        probe(strategy, build(settings.network), len(cohort.genes))
        settings.fit_config(settings.recipe(strategy))
    check_baselines(settings, cohort.stage(experiment.evaluated), chosen)
    if not strategies.get(settings.intermediate_strategy).trains:
        raise InputError(
            f"--intermediate_strategy={settings.intermediate_strategy} trains nothing; no later stage can start from it"
        )


def check_baselines(settings: Settings, domain: Domain, chosen: Sequence[Registered]) -> None:
    """Refuse baselines that do not exist, sets of genes that the domain does not have, a reference that is not run."""
    check_names(settings.baselines)
    if settings.pathways:
        known_sets(settings.pathways, domain)
    if settings.reference is not None:
        alone = [name for one in chosen for name in settings.variants(one)]
        reference_of([*alone, *settings.baselines, *settings.of_files], settings.reference)


def needs_way(name: str) -> bool:
    """Whether a strategy or method starts from a model on a way to the evaluated domain."""
    return not METHODS[name].drugs if name in METHODS else strategies.get(name).needs_source


def check_extras(settings: Settings) -> None:
    """Refuse names that are not among the arms of the study."""
    extras, run = settings.extras, {*(settings.strategies or ()), *settings.baselines, *settings.of_files}
    for flag, names in (("examined", extras.examined), ("nested", extras.nested), ("beside_strategy", extras.beside)):
        for name in names:
            if name not in run:
                known = name in STRATEGIES or name in METHODS or is_baseline(name)
                why = "is not run here; add it to --strategy or --baselines" if known else "is no arm"
                raise InputError(f"--{flag}={name}: {name} {why}")
