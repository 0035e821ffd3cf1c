"""What the source test asks of a study: which arms, whether they can be, and how long networks would take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.fits import SOURCE_FITS
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.evaluation.statistics.source_test import GLS, SHUFFLED, needed
from tl_jax.models import build
from tl_jax.study.cohort.check import needs_way
from tl_jax.study.core.permuted_stages import movable
from tl_jax.training.cost import cost_of_run
from tl_jax.transfer import strategies

if TYPE_CHECKING:
    from tl_jax.study.cohort.prepare import Plan, Way

CLOSED, ALL, NONE = "closed", "all", "none"
STAND_INS = (SHUFFLED, GLS)
LEAST = 19  # permutations: fewer cannot reach .05
FEATURES = 0.02  # seconds of a closed form on one fold, the source network's look at its rows included


def reads_ridge(name: str) -> bool:
    """Whether an arm's source model is a ridge, which learns all permutations at once."""
    return name in SOURCE_FITS and not SOURCE_FITS[name][1]


def asked_arms(plan: Plan) -> list[str]:
    """Names of the arms of a study whose sources are tested."""
    able = [name for name in plan.settings.strategies if needs_way(name)]
    words = plan.settings.source_test
    if words == (ALL,):
        return able
    return [name for name in able if name in words or (CLOSED in words and reads_ridge(name))]


def check_source_test(plan: Plan) -> None:
    """Refuse, before any training, what the source test cannot do."""
    settings = plan.settings
    count, stand_in = settings.source_permutations, settings.source_stand_in
    if count is not None and count < LEAST:
        raise InputError(f"--source_permutations={count}: fewer than {LEAST} cannot reach p = .05")
    for name in stand_in:
        if name not in STAND_INS:
            raise InputError(f"--source_stand_in={name}: there are: {', '.join(STAND_INS)}")
    named = [name for name in settings.source_test if name not in (CLOSED, ALL, NONE)]
    if {ALL, NONE} & {*settings.source_test} and len(settings.source_test) > 1:
        raise InputError(f"--source_test={','.join(settings.source_test)}: 'all' and 'none' stand alone")
    for name in named:
        if name not in settings.strategies or not needs_way(name):
            able = [one for one in settings.strategies if needs_way(one)]
            raise InputError(
                f"--source_test={name}: no arm of this study that starts from a source; there are: "
                f"{', '.join(able) or 'none'}, or {CLOSED}, {ALL}, {NONE}"
            )
    if plan.outside and (named or settings.source_test == (ALL,)):
        raise InputError("--source_test permutes the labels of the source, which --source_checkpoint does not bring")
    if stand_in and not asked_arms(plan):
        raise InputError(f"--source_stand_in={stand_in[0]} changes nothing without an arm for --source_test")


def notes_of(plan: Plan) -> Iterator[str]:
    """What to tell before the run: how long networks take, and samples whose labels cannot move."""
    asked, settings = asked_arms(plan), plan.settings
    ways = [way for group in plan.groups for way in group.ways if way.stages]
    if not asked or not ways:
        return
    tests = len(ways)
    count = settings.source_permutations or needed(tests)
    if settings.source_permutations and (1 / (count + 1)) * tests > 0.05:
        yield (
            f"--source_permutations={count} cannot reach .05 after Holm's correction over {tests} ways; "
            f"{needed(tests)} can"
        )
    trained = [name for name in asked if not reads_ridge(name)]
    if trained:
        most = duration(seconds_of(plan, ways, trained, count))
        yield (
            f"source test of {', '.join(trained)}: up to {count} permutations on each of {tests} ways, {most} at most "
            "on these devices; a way ends after 10 permutations that do as well"
        )
    for domain in {id(way.stages[0].domain): way.stages[0].domain for way in ways}.values():
        if (moved := movable(domain)) < len(domain):
            yield (
                f"source test: {len(domain) - moved} of {len(domain)} samples of {domain.name} keep their label for "
                f"{domain.drugs[0]}, being the only ones of their tissue and batch"
            )


def seconds_of(plan: Plan, ways: Sequence[Way], names: Sequence[str], count: int) -> float:
    """The planner's time for all permutations of all ways on the devices there are, compilation left out."""
    network, total = build(plan.settings.network), 0.0
    genes = len(plan.cohort.genes)
    model = jax.tree.map(jnp.zeros_like, jax.eval_shape(lambda: network.init(jax.random.key(0), genes, jnp.float32)))
    folds = plan.groups[0].problem.folds
    rows, x = (len(folds[0].fold.train), len(folds[0].fold.test)), plan.groups[0].problem.domain.x
    each = 0.0
    for name in names:
        if name in METHODS:
            each += FEATURES * len(folds)
            continue
        strategy = strategies.get(name)
        for recipe in plan.settings.variants(strategy).values():
            source = model if not strategy.source_rows else {**model, "rows": jnp.zeros((strategy.source_rows, genes))}
            start = [(strategy.function, source)]
            each += len(folds) * cost_of_run(rows, x, start, network, plan.settings.fit_config(recipe)).seconds
    for way in ways:
        own = each
        for stage in way.stages:
            config = stage.recipe.fit_config(curves=False, skip_empty=False)
            start = [(stage.strategy.function, model if stage.strategy.needs_source else None)]
            own += cost_of_run((len(stage.domain), 1), stage.domain.x, start, network, config).seconds
        total += count * own
    return total / jax.device_count()


def duration(seconds: float) -> str:
    """A time for people."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    minutes = seconds / 60
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"
