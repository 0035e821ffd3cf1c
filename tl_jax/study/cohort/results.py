"""Everything an experiment gives, before it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tl_jax.data.domain import Cohort
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.former import ArmTables
from tl_jax.study.core.stages import TrainedStage
from tl_jax.study.core.timing import Timed


@dataclass
class Results(Timed):
    """Tables by arm and of pairs of arms, final models, the ranking of source drugs, wall times and remarks."""

    experiment: Experiment
    settings: Settings
    cohort: Cohort
    metrics: list[pd.DataFrame] = field(default_factory=list)
    comparisons: pd.DataFrame = field(default_factory=pd.DataFrame)
    predictions: list[pd.DataFrame] = field(default_factory=list)
    history: list[pd.DataFrame] = field(default_factory=list)
    gene_weights: list[pd.Series] = field(default_factory=list)
    stages: list[TrainedStage] = field(default_factory=list)
    data: dict[str, dict] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    ranking: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    run_weights: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)  # {(arm, source): (runs, genes)}
    extra: dict[str, list[pd.DataFrame]] = field(default_factory=dict)  # further tables, by the name of their file

    def add(self, tables: ArmTables, arm: str, source: str) -> None:
        """Keep an arm's tables with the columns that tell which arm they are of."""
        of = {"experiment": self.experiment.name, "arm": arm, "source": source, "protocol": self.settings.protocol}
        for name in ("metrics", "predictions", "history"):
            frame = getattr(tables, name)
            if len(frame):
                getattr(self, name).append(frame.assign(**of))
        if tables.gene_weights is not None:
            self.run_weights[arm, source] = tables.gene_weights

    def keep(self, name: str, frame: pd.DataFrame) -> None:
        """Keep a further table, to be written as NAME.csv."""
        if len(frame):
            self.extra.setdefault(name, []).append(frame)

    def join(self, other: Results) -> None:
        """Add what the same experiment gave under another protocol."""
        for name in ("metrics", "predictions", "history", "notes"):
            getattr(self, name).extend(getattr(other, name))
        self.comparisons = pd.concat([self.comparisons, other.comparisons], ignore_index=True)
        for name, frames in other.extra.items():
            self.extra.setdefault(name, []).extend(frames)
        for name, seconds in other.seconds.items():
            self.seconds[f"{other.settings.protocol}: {name}"] = seconds

    def table(self, name: str) -> pd.DataFrame:
        """All arms' rows of "metrics", "predictions" or "history"."""
        frames = getattr(self, name)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def remark(self, text: str, say: Callable[[str], None]) -> None:
        """Tell the user now, and in the summary."""
        self.notes.append(text)
        say(text)
