"""Everything an experiment gives, before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.prepare import Plan
from tl_jax.study.cohort.recommend import Recommended
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.stages import TrainedStage
from tl_jax.study.core.table import ResultTable


class Model(NamedTuple):
    """A model on all rows of the evaluated domain: the arm that it is of, its checkpoint and record."""

    arm: str
    source: str
    path: Path
    meta: dict


@dataclass
class Results:
    """arms: of all domains and protocols. extra: further tables, by the name of their file. ranking: of source drugs.

    stages: source models and final networks. models: of every arm that leaves one. gene_weights: of each final
    network. recommended: the model to use. ledger: remarks and wall times.
    """

    plan: Plan
    ledger: Ledger = field(default_factory=Ledger)
    arms: ResultTable = field(default_factory=ResultTable)
    extra: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    stages: list[TrainedStage] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    gene_weights: list[pd.Series] = field(default_factory=list)
    ranking: list[dict] = field(default_factory=list)
    recommended: Recommended | None = None

    @property
    def experiment(self) -> Experiment:
        return self.plan.experiment

    @property
    def settings(self) -> Settings:
        return self.plan.settings

    @property
    def cohort(self) -> Cohort:
        return self.plan.cohort

    @property
    def data(self) -> dict[str, dict]:
        return self.plan.data

    @property
    def notes(self) -> list[str]:
        return self.ledger.notes

    @property
    def seconds(self) -> dict[str, float]:
        return self.ledger.seconds

    @property
    def metrics(self) -> pd.DataFrame:
        return self.table("metrics")

    @property
    def predictions(self) -> pd.DataFrame:
        return self.table("predictions")

    @property
    def comparisons(self) -> pd.DataFrame:
        """Of every pair of arms; empty before they are judged."""
        frames = self.extra.get("comparisons", [])
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def table(self, name: str) -> pd.DataFrame:
        """All arms' rows of "metrics", "predictions" or "history", with the columns of their files."""
        frame = self.arms.by_repeat(name)
        if frame.empty:
            return frame
        keys = ["arm", "source", "protocol"]
        own = [column for column in frame if column not in ("domain", *keys)]
        return frame[[*own, *keys]].assign(experiment=self.experiment.name)[[*own, "experiment", *keys]]

    def keep(self, name: str, frame: pd.DataFrame) -> None:
        """Keep a further table, to be written as NAME.csv."""
        if len(frame):
            self.extra.setdefault(name, []).append(frame)

    def join(self, other: Results) -> None:
        """Add what the same experiment gave under another protocol."""
        self.arms += other.arms
        for name, frames in other.extra.items():
            self.extra.setdefault(name, []).extend(frames)
        self.ledger.join(other.ledger, f"{other.settings.protocol}: ")
