"""Every arm of an experiment: networks from each source, transfer in closed form, baselines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.fits import SOURCE_FITS
from tl_jax.evaluation.predictors.forms import Form
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.source_methods import MECHANISM, METHODS
from tl_jax.models import build
from tl_jax.study.cohort.baselines import baselines_of
from tl_jax.study.cohort.prepare import Plan, Way
from tl_jax.study.core.arms import Arm, fitted, fitted_form
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.profile_arms import profile_arms
from tl_jax.study.core.profile_source import source_profile
from tl_jax.study.core.stages import TrainedStage, scaled_rows, source_for
from tl_jax.study.core.views import Viewer


@dataclass(frozen=True)
class Case:
    """A way to the evaluated domain whose models are trained. first: arms without a source model run here only."""

    way: Way
    stages: tuple[TrainedStage, ...]
    first: bool

    @property
    def upstream(self) -> TrainedStage | None:
        """The stage right before the evaluated one."""
        return self.stages[-1] if self.stages else None


def arms_of(
    plan: Plan, problem: Problem, cases: list[Case], ledger: Ledger
) -> tuple[list[tuple[Case, Arm]], list[tuple[tuple[dict, ...], Arm]]]:
    """(networks, each with the case that it starts from; closed forms, with the records of what they read)."""
    networks = [(case, arm) for case in cases for arm in networks_of(plan, case)]
    source = cases[0].way.source if plan.evaluates_source else ""
    plain = baselines_of(plan.cohort, plan.settings, problem, source, ledger)
    methods = [(tuple(case.upstream.meta for case in read), arm) for read, arm in methods_of(plan, cases)]
    return networks, [*methods, *profiles_of(plan, problem, ledger), *(((), arm) for arm in plain)]


def networks_of(plan: Plan, case: Case) -> Iterator[Arm]:
    """The networks of one case; those that need no source model only once per domain."""
    # The very same object for every arm that takes it, so that a program holds a source model once.
    sources: dict[int | None, object] = {}
    moved_to = cache(lambda: scaled_rows(case.upstream))
    for strategy in plan.strategies:
        needs = strategy.needs_source
        if not (needs or case.first):
            continue
        rows = strategy.source_rows if needs else None
        if rows not in sources:
            sources[rows] = source_for(strategy, case.upstream)
        for name, recipe in plan.settings.variants(strategy).items():
            yield Arm(
                name,
                case.way.source if needs or plan.evaluates_source else "",
                strategy,
                sources[rows],
                recipe,
                plan.settings.fit_config(recipe),
                parents=case.way.ids[-1:] if needs else (),
                rows=moved_to() if strategy.align else None,
            )


def profiles_of(plan: Plan, problem: Problem, ledger: Ledger) -> Iterator[tuple[tuple[dict, ...], Arm]]:
    """The arms that read all drugs of the source at once."""
    names = [name for name in plan.methods if METHODS[name].drugs]
    if not names:
        return
    try:
        with ledger.timed("profile of source drugs"):
            source = source_profile(plan.cohort.stage("source"), plan.folder)
    except InputError as error:
        ledger.remark(f"{' and '.join(names)} left out: {error}")
        return
    alike = acts_alike(problem.domain.drugs[0], source.profile.drugs, plan.settings.mechanisms)
    if MECHANISM in names:
        ledger.remark(f"{MECHANISM}: {alike.why or 'as ' + problem.domain.drugs[0] + ' act ' + ', '.join(alike.drugs)}")
    for arm in profile_arms(names, source, alike.drugs):
        if arm.name != MECHANISM or alike.drugs:
            yield (source.meta,), arm


def methods_of(plan: Plan, cases: list[Case]) -> Iterator[tuple[tuple[Case, ...], Arm]]:
    """Transfer in closed form, with the cases that it reads: each alone, or all sources of a route together."""
    look = cache(lambda number: Viewer(cases[number].stages, build(plan.settings.network)))
    routes: dict[tuple[str, ...], list[int]] = {}
    for number, case in enumerate(cases):
        routes.setdefault(case.way.route, []).append(number)
    for name in (name for name in plan.methods if not METHODS[name].drugs):
        method = METHODS[name]
        for numbers in routes.values() if method.many else [[number] for number in range(len(cases))]:
            source = cases[numbers[0]].way.source if len(numbers) == 1 else all_sources(cases, numbers)
            parents = tuple(one for number in numbers for one in cases[number].way.ids)
            own = {"predict": partial(by_method, method.function), "fit": partial(form_by_method, name)}
            own = {key: partial(function, look, tuple(numbers)) for key, function in own.items()}
            yield tuple(cases[number] for number in numbers), Arm(name, source, **own, parents=parents)


def all_sources(cases: list[Case], numbers: list[int]) -> str:
    """Several sources on one route as the column `source` names them."""
    _, *later = cases[numbers[0]].way.source.split(" > ")
    return " > ".join(["all sources", *later])


def by_method(function, look, numbers: tuple[int, ...], domain, f: ScaledFold) -> np.ndarray:
    views = [look(number).view(domain, f) for number in numbers]
    return fitted(partial(function, views), domain, f)


def form_by_method(name: str, look, numbers: tuple[int, ...], domain, f: ScaledFold) -> Form:
    """The model that a method leaves; one that reads source models says what it reads as its kind."""
    fit, reads = SOURCE_FITS[name]
    views = [look(number).view(domain, f) for number in numbers]
    directions = () if reads else [look(number).coefficients for number in numbers]
    form = fitted_form(partial(fit, views, directions=directions), domain, f)
    return Form(reads, form.arrays) if reads else form
