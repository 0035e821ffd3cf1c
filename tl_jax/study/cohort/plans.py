"""The seven experiments and the study of them all as data: which domain is evaluated, from which source models."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tl_jax.data.chain import Cohort
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.examine import SCRATCH_ARM


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    evaluated: role of the domain that is cross-validated. routes: the ways to it, each the roles of the stages
    whose models precede it, in order. every_source: without --source_drug all source drugs are run (experiments 1
    and 3, the study); otherwise one, the choice of experiment 3. strategies, repeats, folds: what runs unless the
    user says otherwise.
    """

    name: str
    title: str
    evaluated: str
    routes: tuple[tuple[str, ...], ...] = ()
    every_source: bool = False
    chooses_source: bool = False
    strategies: tuple[str, ...] = (SCRATCH_ARM,)
    repeats: int = 10
    folds: int = 5

    @property
    def uses_source_drug(self) -> bool:
        return self.evaluated == "source" or "source" in self.roles

    def resolved(self, settings: Settings) -> Settings:
        """The settings with the experiment's own repeats, folds and strategies where none were given."""
        own = {name: getattr(self, name) for name in ("repeats", "folds", "strategies")}
        return replace(settings, **{name: value for name, value in own.items() if getattr(settings, name) is None})

    def routes_in(self, cohort: Cohort) -> tuple[tuple[str, ...], ...]:
        """The routes that a chain has; an experiment of one route needs that one. One domain has no way to itself."""
        if len(cohort.domains) == 1:
            return ()
        short = len(self.routes) > 1 and len(cohort.domains) < 3
        return tuple(route for route in self.routes if not (short and "intermediate" in route))

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role of a stage before the evaluated one."""
        return tuple(dict.fromkeys(role for route in self.routes for role in route))


TRANSFERS = (SCRATCH_ARM, "zero_shot", "copy_layer1", "freeze_layer1")

# Of the strategies that train the wide first layer only the published one: each takes 400 steps of 20 ms for every fold
# and source. --strategy names the others.
STUDIED = (
    *(SCRATCH_ARM, "zero_shot", "copy_layer1", "freeze_layer1", "freeze_layer12", "head_only", "coral_freeze_layer1"),
    *METHODS,
)

# Repeats and folds: Ju et al. 2025; experiment 1 over 11 seeds, 4 to 7 on 10 partitions into 3 folds.
EXPERIMENTS = {
    e.name: e
    for e in (
        Experiment("exp1_gdsc", "source: one model per drug, from scratch", "source", every_source=True, repeats=11),
        Experiment("exp2_intermediate", "intermediate from scratch", "intermediate"),
        Experiment(
            "exp3_source_to_intermediate",
            "one step: source to intermediate, and the choice of the source drug",
            "intermediate",
            (("source",),),
            every_source=True,
            chooses_source=True,
            strategies=TRANSFERS,
        ),
        Experiment("exp4_target", "target from scratch", "target", folds=3),
        Experiment(
            "exp5_intermediate_to_target",
            "one step: intermediate to target",
            "target",
            (("intermediate",),),
            strategies=TRANSFERS,
            folds=3,
        ),
        Experiment(
            "exp6_source_to_target",
            "one step: source to target",
            "target",
            (("source",),),
            strategies=TRANSFERS,
            folds=3,
        ),
        Experiment(
            "two_step_study",
            "every way to the target side by side: none, one step from either side, two steps",
            "target",
            (("intermediate",), ("source",), ("source", "intermediate")),
            every_source=True,
            strategies=STUDIED,
            folds=3,
        ),
        Experiment(
            "exp7_two_step",
            "two steps: source to intermediate to target",
            "target",
            (("source", "intermediate"),),
            strategies=TRANSFERS,
            folds=3,
        ),
    )
}
