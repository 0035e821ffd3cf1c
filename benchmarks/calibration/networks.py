"""Small networks as the arms of simulated studies."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from tl_jax.config import NetworkConfig, Recipe
from tl_jax.data.cohort.simulate import DRUG, simulate
from tl_jax.study.core.arms import Arm, How, run_arms
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.transfer.strategies import get

NETWORK, RECIPE = NetworkConfig(hidden=(32, 8)), Recipe(epochs=50, learning_rate=3e-3)


def network_arms(y: np.ndarray, groups: np.ndarray, tables: list[np.ndarray], folds: int, repeats: int, seed: int):
    """(arms, repeats, n) held-out predictions of networks from scratch and (repeats, n) folds; one arm per table."""
    made, number = np.empty((len(tables), repeats, len(y))), np.empty((repeats, len(y)), int)
    strategy = get("scratch")
    arm = Arm("scratch", strategy=strategy, recipe=RECIPE, config=RECIPE.fit_config(curves=False))
    for k, x in enumerate(tables):
        domain = replace(target(len(y), x.shape[1]), x=x.astype(np.float32), y=y[:, None], groups=groups)
        problem = Problem.drawn(domain, Partition(folds, repeats, seed), PROTOCOLS["honest"])
        for one in problem.folds:
            number[one.fold.repeat, one.fold.test] = one.fold.fold
        rows = run_arms(problem, [arm], How(NETWORK, seed=k)).predictions
        place = {sample: i for i, sample in enumerate(domain.samples)}
        made[k, rows["draw"], rows["sample_id"].map(place)] = rows["y_pred"]
    return made, number


@lru_cache
def target(n: int, genes: int):
    """A domain of this size, whose tables are replaced."""
    sizes = {"genes": genes, "n_source": 2, "n_intermediate": 2, "n_target": n}
    return simulate(programmes=10, **sizes)[0].domains[-1].for_drug(DRUG)
