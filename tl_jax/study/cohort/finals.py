"""Final models: each arm that trains, on all rows of the evaluated domain."""

from __future__ import annotations

from collections.abc import Sequence

from tl_jax.interpret.gene_weights import gene_weights
from tl_jax.study.cohort.arms import Case
from tl_jax.study.cohort.results import Model, Results
from tl_jax.study.core.arms import Arm, How
from tl_jax.study.core.fold_models import keep_fold_models
from tl_jax.study.core.kept import can_keep, keep_fold_forms, keep_form
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.stages import Shelf, StagePlan, train_stages


def keep_final(results: Results, problem: Problem, case: Case, arm: Arm, how: How, shelf: Shelf) -> None:
    """Train and keep an arm's model on all rows.

    An arm that moves the target's expression keeps none: its model would meet new samples that were not moved.
    """
    if arm.strategy.align:
        return
    if not arm.strategy.trains:
        keep_closed(results, problem, (case.upstream.meta,), arm, how, shelf)
        return
    plan, domain, needs = results.plan, problem.domain, arm.strategy.needs_source
    with how.ledger.timed("final models"):
        note = plan.sources.origin if needs else ""
        stage = StagePlan(plan.experiment.evaluated, domain, arm.strategy, arm.recipe, note)
        parent = case.upstream if needs else None
        final = train_stages([stage], network=how.network, seed=how.seed, shelf=shelf, parent=parent)[0]
    if plan.settings.fold_models:
        with how.ledger.timed("fold models"):
            keep_fold_models(final, problem, arm, how)
    results.stages.append(final)
    results.models.append(Model(arm.name, arm.source, final.path, final.meta))
    weights = gene_weights(final.variables, domain.genes).set_index("gene").weight
    weights = weights.where(domain.measured)  # the data say nothing of the others
    results.gene_weights.append(weights.rename(f"{arm.source}:{arm.name}" if arm.source else arm.name))


def keep_closed(results: Results, problem: Problem, parents: Sequence[dict], arm: Arm, how: How, shelf: Shelf) -> None:
    """Fit and keep the model of an arm that no gradients train, on all rows. parents: records of what it reads."""
    if not can_keep(arm):
        results.ledger.remark(f"no model of {arm.name} is kept: it has no numbers of its own to keep")
        return
    plan = results.plan
    with how.ledger.timed("final models"):
        kept = keep_form(problem, arm, plan.experiment.evaluated, parents, how, shelf.folder)
    if plan.settings.fold_models:
        with how.ledger.timed("fold models"):
            keep_fold_forms(kept, problem, arm, how)
    results.models.append(Model(arm.name, arm.source, kept.path, kept.meta))
