"""The order and the names in which tables and pictures show the arms of an experiment."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tl_jax.evaluation.predictors.baselines import KNOWN, is_baseline
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.registry import declared

# Display order; a strategy of a user's own follows these.
STRATEGIES = (*declared("transfer", "strategy"), *METHODS)
BASELINES = tuple(KNOWN)
IDENTITY = ("experiment", "protocol", "source", "arm")


@dataclass(frozen=True)
class Arm:
    """The rows of one arm, with its name and what tells it from arms of the same name."""

    name: str
    detail: str
    source: str
    baseline: bool
    rows: pd.DataFrame

    @property
    def label(self) -> str:
        """Name and detail on one line."""
        return f"{self.name}, {self.detail}" if self.detail else self.name


def arm_key(experiment: str, protocol: str, source: str, arm: str) -> tuple:
    """Sort key: by experiment and protocol, strategies by source, then the baselines."""
    baseline = is_baseline(arm)
    known = BASELINES if baseline else STRATEGIES
    place = known.index(arm) if arm in known else len(known)
    return experiment, protocol, baseline, source, place, arm


def with_identity(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with all identity columns as text; a missing column or value becomes ""."""
    # A table that was read back from CSV holds NaN where the source was "".
    columns = {
        name: frame[name].astype(object).where(frame[name].notna(), "").astype(str) if name in frame else ""
        for name in IDENTITY
    }
    return frame.assign(**columns)


def split_arms(frame: pd.DataFrame) -> list[Arm]:
    """The arms of a table in the order of `arm_key`.

    Sources, protocols and experiments are named only where the table has several.
    """
    frame = with_identity(frame)
    several = {name: frame.loc[frame[name] != "", name].nunique() > 1 for name in IDENTITY}
    groups = dict(list(frame.groupby(list(IDENTITY), sort=False)))
    arms = []
    for key in sorted(groups, key=lambda key: arm_key(*key)):
        named = dict(zip(IDENTITY, key, strict=True))
        shown = [named[name] for name in ("source", "protocol", "experiment") if several[name] and named[name]]
        arms.append(Arm(named["arm"], ", ".join(shown), named["source"], is_baseline(named["arm"]), groups[key]))
    return arms
