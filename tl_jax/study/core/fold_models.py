"""The models of one repeat's folds, kept beside a final model: what prediction intervals of new samples need.

One file `folds.part` in the final model's checkpoint folder: each fold's weights (leaves
that all folds share with the final model are not repeated), its scaler and response scale, and each training sample's
residual under the model that did not see it.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.preprocessing.preprocess import Fitted, from_record
from tl_jax.data.scaling.scaling import ResponseScale, Scaler
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.conformal import cv_plus, rank_of
from tl_jax.keys import purpose, run_keys
from tl_jax.models import build
from tl_jax.study.core.arms import Arm, How
from tl_jax.study.core.beside import keep, load
from tl_jax.study.core.blocks import in_program
from tl_jax.study.core.folds import ScaledFold, build_runs
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.respond import Closed, respond
from tl_jax.study.core.stages import TrainedStage
from tl_jax.system.files import digest
from tl_jax.system.progress import LOGGER
from tl_jax.training.fit import complete
from tl_jax.training.runs import fit_runs
from tl_jax.trees import flatten, unflatten
from tl_jax.types import Flat, Network, Variables

FILE = "folds.part"
REPEAT = 0  # a partition is enough, and CV+ is proven for one only


class FoldModels(NamedTuple):
    """leaves: (folds, ...) by name; scalers, responses: of each fold's training rows, in their own units.

    residuals: (n,) absolute, in the response's unit. fold_of: (n,) which model did not see a training sample.
    prepared: each fold's preprocessing, without steps where there is none.
    """

    leaves: Flat
    scalers: list[Scaler]
    responses: list[ResponseScale]
    residuals: np.ndarray
    fold_of: np.ndarray
    prepared: list[Fitted]


def keep_fold_models(final: TrainedStage, problem: Problem, arm: Arm, how: How) -> Path:
    """Train the models of the first repeat's folds and keep them beside the final model, unless they are there.

    Keys come from identity, so these are the models of the cross-validation itself. Fold models of another partition
    are replaced. All processes call this; process 0 writes.
    """
    folds = [f for f in problem.folds if f.fold.repeat == REPEAT]
    path, identity = final.path / FILE, identity_of(final, folds)
    written = keep(path, identity, lambda: trained_folds(final, folds, arm, how))
    LOGGER.info(f"saved {path} ({len(folds)} models)" if written else f"reusing fold models {path}")
    return path


def identity_of(final: TrainedStage, folds: list[ScaledFold]) -> str:
    """Digest of what determines the fold models: the final model's lineage, and which rows each fold leaves out."""
    return f"{final.meta['id']} {digest(*(f.fold.test for f in folds))}"


def trained_folds(final: TrainedStage, folds: list[ScaledFold], arm: Arm, how: How) -> dict[str, np.ndarray]:
    """The content of the file, by name."""
    domain, network = final.plan.domain, build(how.network)
    own_domain, own_folds = in_program(domain, folds)
    result = fit_runs(
        build_runs(own_domain, own_folds, how.seed, arm.recipe.hparams()),
        own_domain.x,
        [(arm.strategy.function, arm.variables)],
        network=network,
        config=arm.config,
        at_once=how.at_once,
        keep_trained=True,
    )
    keys = run_keys(how.seed, [(f.fold.repeat, f.fold.fold) for f in folds])
    whole = partial(whole_model, strategy=arm.strategy.function, network=network, features=domain.x.shape[1])
    models = [whole(key, arm.variables, {k: v[i] for k, v in result.trained.items()}) for i, key in enumerate(keys)]
    return {
        **own_leaves([flatten(model["params"]) for model in models], flatten(final.variables["params"])),
        **left_out(domain, folds, result.prediction[:, -1]),
        "center": np.stack([f.train.center for f in folds]),
        "scale": np.stack([f.train.scale for f in folds]),
        "low": np.asarray([f.response.low for f in folds]),
        "high": np.asarray([f.response.high for f in folds]),
        "preprocess": np.asarray(json.dumps([f.prepare.record() if f.prepare else [] for f in folds])),
    }


@partial(jax.jit, static_argnames=("strategy", "network", "features"))
def whole_model(key, source: Variables | None, trained: Flat, *, strategy, network: Network, features: int):
    """All variables of a run from its trained leaves: the others are as the strategy began with them."""
    dtype = next(iter(trained.values())).dtype
    return complete(strategy(source, network.init(purpose(key, "init"), features, dtype)), trained)


def own_leaves(models: list[Flat], final: Flat) -> dict[str, np.ndarray]:
    """{"leaf:NAME": (folds, ...)} of the leaves in which some fold differs from the final model."""
    stacked = {name: np.stack([np.asarray(model[name]) for model in models]) for name in final}
    return {f"leaf:{name}": leaf for name, leaf in stacked.items() if (leaf != np.asarray(final[name])).any()}


def left_out(domain: Domain, folds: list[ScaledFold], predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Residuals and folds of all samples. predicted: (folds, longest) of the held-out rows, on the network's scale."""
    residuals, fold_of = np.empty(len(domain)), np.empty(len(domain), np.int32)
    for k, f in enumerate(folds):
        test = f.fold.test
        residuals[test] = np.abs(domain.response[test] - f.response.from_network(predicted[k, : len(test)]))
        fold_of[test] = k
    return {"residuals": residuals, "fold_of": fold_of}


def load_fold_models(checkpoint: Path, variables: Variables, meta: dict) -> FoldModels:
    """The fold models beside a final model (its variables and record); InputError where absent or damaged."""
    path = Path(checkpoint) / FILE
    missing = f"{checkpoint} has no fold models, which --interval needs"
    arrays = load(path, meta, missing, "run its experiment again with --fold_models")
    count, limits = len(arrays["low"]), meta["response_scale"]
    shared = flatten(variables["params"])
    leaves = {
        name: arrays.get(f"leaf:{name}", np.broadcast_to(leaf, (count, *np.shape(leaf))))
        for name, leaf in shared.items()
    }
    ends = zip(arrays["low"].tolist(), arrays["high"].tolist(), strict=True)
    return FoldModels(
        leaves,
        [Scaler(*one) for one in zip(arrays["center"], arrays["scale"], strict=True)],
        [ResponseScale(low, high, limits["direction"], limits["unit"]) for low, high in ends],
        arrays["residuals"],
        arrays["fold_of"],
        [from_record(one) for one in json.loads(str(arrays.get("preprocess", json.dumps([[]] * count))))],
    )


def fold_predictions(
    models: FoldModels, matrix: np.ndarray, network: Network | Closed, batch: np.ndarray | None = None
) -> np.ndarray:
    """(folds, m) predictions of (m, genes) expression as it was read, genes without data NaN, in the response's unit.

    batch: (m,) as the preprocessing of the folds may ask for; unknown where None.
    """
    batch = np.full(len(matrix), "") if batch is None else batch
    absent, rows = np.isnan(matrix).all(axis=0), []
    each = zip(models.scalers, models.responses, models.prepared, strict=True)
    for k, (scaler, response, prepared) in enumerate(each):
        variables = {"params": unflatten({name: jnp.asarray(leaf[k]) for name, leaf in models.leaves.items()})}
        scaled = np.where(absent, 0, scaler.apply(prepared.apply(matrix, batch))).astype(np.float32)
        rows.append(respond(network, variables, scaled, response))
    return np.stack(rows)


def models_for_intervals(checkpoint: Path, variables: Variables, meta: dict, level: float) -> FoldModels:
    """The fold models beside a final model, if they are there and are enough for the level; else InputError."""
    models = load_fold_models(checkpoint, variables, meta)
    n = len(models.residuals)
    if rank_of(level, n) > n:
        raise InputError(
            f"--interval={level:g} needs more than the {n} training samples of {checkpoint}; "
            f"ask for at most {np.floor(1000 * n / (n + 1)) / 1000:g}"
        )
    return models


def interval_columns(
    models: FoldModels, matrix: np.ndarray, network: Network | Closed, level: float, batch: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Columns low, high and level: CV+ intervals of new samples, for (m, genes) expression as it was read."""
    low, high = cv_plus(models.residuals, fold_predictions(models, matrix, network, batch)[models.fold_of], level)
    return {"low": low, "high": high, "level": np.full(len(low), level)}
