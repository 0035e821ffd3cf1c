"""The cases of an experiment and what every step of it needs to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from tl_jax.data.domain import Cohort, Domain
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.results import Results
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.stages import Shelf, TrainedStage
from tl_jax.system.parts import Parts, parts_of
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Variables


@dataclass(frozen=True)
class Case:
    """One evaluated domain (one drug) with its folds, and the models it may start from.

    source: the way to it, as tables name it. route: the roles of that way, stages: the models on it.
    """

    source: str
    domain: Domain
    folds: list[ScaledFold]
    stages: tuple[TrainedStage, ...]
    first: bool  # arms that need no source model run here only
    route: tuple[str, ...] = ()

    @property
    def upstream(self) -> TrainedStage | None:
        """The stage right before the evaluated one."""
        return self.stages[-1] if self.stages else None


@dataclass
class Run:
    """An experiment on its way: what every step needs to know."""

    experiment: Experiment
    settings: Settings
    cohort: Cohort
    chosen: list[Registered]
    methods: list[str]  # of evaluation/source_methods.py
    shelf: Shelf
    results: Results
    say: Callable[[str], None]
    kinds: dict[str, tuple]  # by strategy: what it trains; strategies of one kind share a program
    work: Path | None = None  # where finished parts are kept
    note: str = ""  # how the source drug came about, for the lineage of the final models
    stream: TextIO | None = None  # where progress goes; None: standard error
    outside: TrainedStage | None = None  # a source model that was not trained here
    finals: bool = True  # whether final models are trained on all rows
    sources: dict[tuple, Variables | None] = field(default_factory=dict)  # source models as the arms share them

    def parts(self, label: str) -> Parts | None:
        """Where the finished parts of the arms called `label` are kept."""
        return parts_of(self.work, label, self.say)

    @property
    def evaluates_source(self) -> bool:
        return self.experiment.evaluated == "source"

    @property
    def uses_source(self) -> bool:
        return bool(self.methods) or any(strategy.needs_source for strategy in self.chosen)
