"""Final models: each arm that trains, on all rows of the evaluated domain."""

from __future__ import annotations

from tl_jax.interpret.gene_weights import gene_weights
from tl_jax.study.cohort.cases import Case, Run
from tl_jax.study.core.arms import Arm
from tl_jax.study.core.fold_models import keep_fold_models
from tl_jax.study.core.stages import StagePlan, train_stages


def keep_final(run: Run, case: Case, arm: Arm) -> None:
    """Train and keep an arm's model on all rows.

    An arm that moves the target's expression keeps none: its model would meet new samples that were not moved.
    """
    if not arm.strategy.trains or arm.strategy.align:
        return
    with run.results.timed("final models"):
        note = run.note if arm.strategy.needs_source else ""
        plan = StagePlan(run.experiment.evaluated, case.domain, arm.strategy, arm.recipe, note)
        parent = case.upstream if arm.strategy.needs_source else None
        settings = run.settings
        final = train_stages([plan], network=settings.network, seed=settings.seed, shelf=run.shelf, parent=parent)[0]
    if settings.fold_models:
        with run.results.timed("fold models"):
            keep_fold_models(final, case.folds, arm, settings, run.say)
    run.results.stages.append(final)
    weights = gene_weights(final.variables, case.domain.genes).set_index("gene").weight
    weights = weights.where(case.domain.measured)  # the data say nothing of the others
    run.results.gene_weights.append(weights.rename(f"{arm.source}:{arm.name}" if arm.source else arm.name))
