"""How long a planned study takes, roughly, said before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np

from tl_jax.models import build
from tl_jax.study.cohort.prepare import Group, Plan
from tl_jax.training.cost import cost_of_run

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


def minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60)):.0f} min"


def words(plans: Sequence[Plan]) -> str:
    """What will be done, in a line. plans: of a study under each of its protocols, its own first."""
    own = plans[0]
    settings, domain = own.settings, own.groups[0].problem.domain
    arms = len(settings.strategies) + len(settings.baselines) + len(settings.of_files)
    left = "; the source's permutations are not counted" if settings.source_test else ""
    return (
        f"plan: {domain.name}, {len(domain)} samples x {len(domain.genes):,} genes; {arms} arms on "
        f"{settings.repeats} x {settings.folds} folds, {len(plans)} {'protocol' if len(plans) == 1 else 'protocols'}; "
        f"about {minutes(lasting(plans))} of one core{left}"
    )


def lasting(plans: Sequence[Plan]) -> float:
    """Rough seconds of one core of a whole study."""
    return START + SLOWER * sum(seconds(plan, group) for plan in plans for group in plan.groups)


def seconds(plan: Plan, group: Group) -> float:
    """Rough seconds of one core: networks by the count of their steps (training/cost.py), closed forms as measured."""
    settings, problem, total = plan.settings, group.problem, 0.0
    genes = len(problem.domain.genes)
    rows = len(problem.folds[0].fold.train), len(problem.folds[0].fold.test)
    for strategy in plan.strategies:
        ways = len(group.ways) if strategy.needs_source else 1
        if strategy.trains:
            count = folds_of(plan, group, strategy.name, network=True)
            total += ways * count * of_network(plan, strategy, settings.recipe(strategy), rows)
    for name in (*plan.methods, *settings.baselines, *settings.of_files):
        count = folds_of(plan, group, name)
        total += count * PER_GENE.get(name, 1e-6) * genes * (1 + rows[0] / 20) / 2
    trained = {one.domain.name: one for way in group.ways for one in way.stages}
    for stage in trained.values():
        total += of_network(plan, stage.strategy, stage.recipe, (len(stage.domain), 1))
    return total


def folds_of(plan: Plan, group: Group, name: str, network: bool = False) -> int:
    """On how many folds an arm is fitted, with all that is examined, and once on all rows."""
    drawn, extras, problem = group.examination, plan.settings.extras, group.problem
    if extras is None:
        return len(problem.folds) + problem.repeats.count(0) * plan.settings.folds + 1
    more = len(drawn.inner.folds) if drawn.inner and name in extras.nested else 0
    if name in extras.examined:
        more += len(drawn.permuted.folds) if drawn.permuted else 0
        more += sum(len(one.folds) for one in (drawn.thinned or {}).values())
        more += len(drawn.varied.folds) if drawn.varied and network else 0
    return len(problem.folds) + more + problem.repeats.count(0) * plan.settings.folds + 1


def of_network(plan: Plan, strategy, recipe, rows: tuple[int, int]) -> float:
    """Seconds of one training of a network."""
    network, genes = build(plan.settings.network), len(plan.groups[0].problem.domain.genes)
    x = np.broadcast_to(np.float32(0), (sum(rows), genes))
    source = jax.eval_shape(lambda: network.init(jax.random.key(0), genes)) if strategy.needs_source else None
    return cost_of_run(rows, x, [(strategy.function, source)], network, recipe.fit_config()).seconds
