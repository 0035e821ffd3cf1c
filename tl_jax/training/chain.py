"""Stages trained one after another, each starting from the model before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zlib import crc32

import jax
import numpy as np

from tl_jax.config import FitConfig
from tl_jax.keys import purpose
from tl_jax.system.cluster import agree_arrays, several
from tl_jax.training.draws import leading
from tl_jax.training.fit import complete, fit
from tl_jax.training.objective import Objective
from tl_jax.trees import flatten, unflatten
from tl_jax.types import Batch, FitResult, Hparams, Network, Strategy, Variables


@dataclass(frozen=True)
class Stage:
    """One stage: its scaled rows, how it starts from the stage before it, how it is trained."""

    name: str
    train: Batch | Mapping[str, Batch]
    strategy: Strategy
    hparams: Hparams
    config: FitConfig
    objective: Objective | None = None


@partial(jax.jit, static_argnames=("strategy", "network", "config", "objective"))
def fit_stage(
    key, source: Variables | None, train, hparams: Hparams, *, strategy, network: Network, config, objective=None
):
    """(all variables after training, FitResult) of one stage on all its rows; train, objective: as fit takes them."""
    first = train if isinstance(train, Batch) else train[leading(train)]
    fresh = network.init(purpose(key, "init"), first.x.shape[1], first.x.dtype)
    transfer = strategy(source, fresh)
    result = fit(key, transfer, train, None, hparams, network=network, config=config, objective=objective)
    return complete(transfer, result.trained), result


def as_first(variables: Variables) -> Variables:
    """Process 0's variables in every process: the same on any mixture of machines."""
    if not several():
        return variables
    leaves = {name: np.asarray(leaf) for name, leaf in flatten(variables["params"]).items()}
    return {**variables, "params": unflatten(agree_arrays(leaves))}


def stage_key(key: jax.Array, name: str) -> jax.Array:
    """The key of a stage: from the chain's and the stage's role, its name up to the first "-"."""
    return jax.random.fold_in(key, crc32(name.split("-")[0].encode()))


def run_chain(
    key: jax.Array,
    stages: Sequence[Stage],
    *,
    network: Network,
    source: Variables | None = None,
    recall: Callable[[Stage], Variables | None] = lambda stage: None,
    save: Callable[[Stage, Variables, FitResult], None] = lambda stage, variables, result: None,
) -> list[Variables]:
    """Train the stages in order and return the variables after each.

    A stage's key comes from the chain's key and the stage's role (its name up to the first "-"), so the same
    stage draws the same numbers in every chain. Optimizer state never crosses a stage. recall(stage) may return
    the variables of an earlier, identical training, which is then not repeated; save is called for each stage
    that was trained.
    """
    finished = []
    for stage in stages:
        variables = recall(stage)
        if variables is None:
            variables, result = fit_stage(
                stage_key(key, stage.name),
                source,
                stage.train,
                stage.hparams,
                strategy=stage.strategy,
                network=network,
                config=stage.config,
                objective=stage.objective,
            )
            variables = as_first(variables)
            save(stage, variables, result)
        finished.append(variables)
        source = variables
    return finished
