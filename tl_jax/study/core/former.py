"""For studies that are not yet on `run_arms`: tables of one arm without keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.data.domain import Domain
from tl_jax.study.core.arms import Arm, How, fit_arms, readings, run_closed
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.table import result_of


class ArmTables(NamedTuple):
    """See ArmResult."""

    predictions: pd.DataFrame
    metrics: pd.DataFrame
    history: pd.DataFrame
    gene_weights: np.ndarray | None = None


def strategy_arms(domain: Domain, folds: list[ScaledFold], arms: Sequence[Arm], **how) -> list[dict[str, ArmTables]]:
    """Per arm {name: tables}; how: see fit_arms."""
    problem = Problem(domain, tuple(folds))
    found = zip(arms, fit_arms(domain, folds, arms, **how), strict=True)
    return [{one.arm: ArmTables(*one[4:]) for one in readings(problem, arm, runs)} for arm, runs in found]


def tables(domain: Domain, folds: list[ScaledFold], predicted: list[np.ndarray], history) -> ArmTables:
    return ArmTables(*result_of(Problem(domain, tuple(folds)), "", "", predicted, history)[4:])


def closed_arm(domain: Domain, folds: list[ScaledFold], predict, *, parts=None, progress=lambda done: None):
    arm = Arm("", predict=lambda _, f: predict(f))
    return ArmTables(*run_closed(Problem(domain, tuple(folds)), arm, How(None), "")[4:])
