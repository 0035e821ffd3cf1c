"""Every arm of an experiment, and their predictions on any set of folds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from tl_jax.evaluation.predictors.baselines import BASELINES, available
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.study.cohort.cases import Case, Run
from tl_jax.study.core.aligned import aligned
from tl_jax.study.core.arms import Arm, fitted
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.former import ArmTables, closed_arm, strategy_arms
from tl_jax.study.core.stages import scaled_rows, source_for
from tl_jax.study.core.views import viewer
from tl_jax.system.progress import Progress
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Variables


@dataclass(frozen=True)
class Closed:
    """A baseline or a method in closed form. predict(fold) gives the fold's held-out rows in the response's unit."""

    name: str
    source: str
    predict: Callable[[ScaledFold], np.ndarray]


@dataclass(frozen=True)
class Contestants:
    """The arms of the cases of one domain: networks, each with the case it starts from, and closed forms."""

    case: Case
    networks: tuple[tuple[Case, Arm], ...]
    closed: tuple[Closed, ...]

    def only(self, names: Collection[str]) -> Contestants:
        """Those of some names, without what an arm's name says of its learning rate."""
        networks = tuple(pair for pair in self.networks if pair[1].strategy.name in names)
        return replace(self, networks=networks, closed=tuple(one for one in self.closed if one.name in names))


def contestants(run: Run, group: list[Case]) -> Contestants:
    """All arms of an experiment on one domain."""
    networks = tuple(pair for case in group for pair in networks_of(run, case))
    return Contestants(group[0], networks, (*methods_of(run, group), *baselines_of(run, group[0])))


def networks_of(run: Run, case: Case) -> Iterator[tuple[Case, Arm]]:
    """The networks of one case; those that need no source model only once per domain."""
    for strategy in run.chosen:
        if not (strategy.needs_source or case.first):
            continue
        source = case.source if strategy.needs_source or run.evaluates_source else ""
        variables = variables_for(run, case, strategy)
        for name, recipe in run.settings.variants(strategy).items():
            yield case, Arm(name, source, strategy, variables, recipe, run.settings.fit_config(recipe))


def variables_for(run: Run, case: Case, strategy: Registered) -> Variables | None:
    """The source model of an arm, the very same object for every arm that takes it, so that a program holds it once."""
    key = (case.source, strategy.source_rows if strategy.needs_source else None)
    if key not in run.sources:
        run.sources[key] = source_for(strategy, case.upstream)
    return run.sources[key]


def methods_of(run: Run, group: list[Case]) -> Iterator[Closed]:
    """Transfer in closed form: of each case, or of all sources of a route together."""
    look = cache(lambda number: viewer(group[number].stages, run.settings.network))
    routes: dict[tuple[str, ...], list[int]] = {}
    for number, case in enumerate(group):
        routes.setdefault(case.route, []).append(number)
    for name in run.methods:
        chosen = METHODS[name]
        for numbers in routes.values() if chosen.many else [[number] for number in range(len(group))]:
            source = group[numbers[0]].source if len(numbers) == 1 else all_sources(group, numbers)
            yield Closed(name, source, partial(by_method, chosen.function, group[0], look, tuple(numbers)))


def all_sources(group: list[Case], numbers: list[int]) -> str:
    """Several sources on one route as the column `source` names them."""
    _, *later = group[numbers[0]].source.split(" > ")
    return " > ".join(["all sources", *later])


def by_method(function, case: Case, look, numbers: tuple[int, ...], f: ScaledFold) -> np.ndarray:
    views = [look(number).view(case.domain, f) for number in numbers]
    return fitted(partial(function, views), case.domain, f)


def baselines_of(run: Run, case: Case) -> Iterator[Closed]:
    """The baselines, once per domain."""
    if not case.first:
        return
    measured = np.flatnonzero(case.domain.measured)
    column = np.flatnonzero(case.domain.genes[measured] == run.cohort.marker)
    marker = int(column[0]) if len(column) else None
    columns = measured if case.domain.unmeasured else None
    for name in dict.fromkeys(run.settings.baselines):
        if name not in available(marker):
            run.results.remark(f"baseline {name} left out: no marker gene among the genes of the chain", run.say)
            continue
        options = {"marker": marker, "seed": run.settings.seed, "columns": columns}
        predict = partial(fitted, BASELINES[name], case.domain, **options)
        yield Closed(name, case.source if run.evaluates_source else "", predict)


def predict_all(
    run: Run, arms: Contestants, folds: list[ScaledFold], tag: str = ""
) -> list[tuple[str, str, ArmTables]]:
    """(arm, source, tables) of every arm on `folds`, networks first, each in its order.

    tag: what these folds are for, in progress lines and in the names of finished parts.
    """
    found = {}
    for members in programs(run, arms).values():
        found.update(zip((id(arm) for _, arm in members), one_program(run, members, folds, tag), strict=True))
    rows = [(name, arm.source, tables) for _, arm in arms.networks for name, tables in found[id(arm)].items()]
    return [*rows, *((one.name, one.source, one_closed(run, arms.case, one, folds, tag)) for one in arms.closed)]


def programs(run: Run, arms: Contestants) -> dict[tuple, list[tuple[Case, Arm]]]:
    """Networks by what they share: arms that train the same leaves alike on the same rows are one program."""
    shared: dict[tuple, list[tuple[Case, Arm]]] = {}
    for case, arm in arms.networks:
        own = (case.source, arm.strategy.align) if arm.strategy.align else None
        shared.setdefault((run.kinds[arm.strategy.name], arm.strategy.source_rows, arm.config, own), []).append(
            (case, arm)
        )
    return shared


def one_program(run: Run, members: list[tuple[Case, Arm]], folds: list[ScaledFold], tag: str) -> list[dict]:
    """Tables by arm of the networks of one program."""
    case, strategy = members[0][0], members[0][1].strategy
    names = "+".join(dict.fromkeys(arm.name for _, arm in members))
    label = " ".join(filter(None, (run.experiment.name, tag, case.source if run.evaluates_source else "", names)))
    domain = case.domain
    if strategy.align:
        label = f"{label} from {case.source}"
        everything = run.settings.rules.expression_from == "all"
        domain, folds = aligned(domain, folds, strategy.align, scaled_rows(case.upstream), everything)
    total = len(members) * len(folds)
    with run.results.timed(f"{tag or 'arm'} {names}"), Progress(total, label, stream=run.stream) as progress:
        return strategy_arms(
            domain,
            folds,
            [arm for _, arm in members],
            network=run.settings.network,
            seed=run.settings.seed,
            at_once=run.settings.at_once,
            parts=run.parts(f"{label} {len(members)}"),
            progress=progress.advance,
            say=run.say,
        )


def one_closed(run: Run, case: Case, one: Closed, folds: list[ScaledFold], tag: str) -> ArmTables:
    """Tables of a baseline or a method."""
    label = " ".join(filter(None, (run.experiment.name, tag, one.name, one.source and f"from {one.source}")))
    with run.results.timed(f"{tag or 'arm'} {one.name}"), Progress(len(folds), label, stream=run.stream) as progress:
        parts = run.parts(f"{label} closed")
        return closed_arm(case.domain, folds, one.predict, parts=parts, progress=progress.advance)
