"""Cross-validation of one arm, a strategy or a baseline, into tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.config import NetworkConfig, Recipe
from tl_jax.data.domain import Domain
from tl_jax.evaluation.baselines import BASELINES
from tl_jax.evaluation.metrics import score
from tl_jax.models import build
from tl_jax.study.folds import ScaledFold, build_runs
from tl_jax.training.runs import fit_runs
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Variables


class ArmTables(NamedTuple):
    """What one arm gives.

    predictions: repeat, fold, sample_id, y_true, y_pred (the response's own unit).
    metrics: repeat, fold (a number or "pooled"), metric, value, n_train, n_test.
    history: epoch, train_loss, test_loss, ... averaged over runs, with the 10th and 90th percentiles.
    """

    predictions: pd.DataFrame
    metrics: pd.DataFrame
    history: pd.DataFrame


def strategy_arm(
    domain: Domain,
    folds: list[ScaledFold],
    strategy: Registered,
    source: Variables | None,
    *,
    network: NetworkConfig,
    recipe: Recipe,
    seed: int,
    at_once: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> ArmTables:
    """Train one model per fold as the strategy says and predict its held-out rows."""
    result = fit_runs(
        build_runs(domain, folds, seed, recipe.hparams()),
        domain.x,
        source if strategy.needs_source else None,
        strategy.function,
        network=build(network),
        config=recipe.fit_config(),
        at_once=at_once,
        progress=progress,
    )
    predicted = [
        fold.response.from_network(row[: len(fold.fold.test)])
        for fold, row in zip(folds, result.prediction, strict=True)
    ]
    return tables(domain, folds, predicted, result.history)


def baseline_arm(
    domain: Domain,
    folds: list[ScaledFold],
    name: str,
    *,
    marker: int | None,
    seed: int,
    progress: Callable[[int], None] = lambda done: None,
) -> ArmTables:
    """Fit a baseline on each fold's training rows, tuned inside them, and predict the held-out rows."""
    predicted = []
    for f in folds:
        train, test = f.fold.train, f.fold.test
        predicted.append(
            BASELINES[name](
                f.train.apply(domain.x[train]),
                domain.response[train],
                f.test.apply(domain.x[test]),
                groups=domain.groups[train],
                marker=marker,
                seed=seed,
            )
        )
        progress(1)
    return tables(domain, folds, predicted, {})


def tables(domain: Domain, folds: list[ScaledFold], predicted: list[np.ndarray], history) -> ArmTables:
    """Predictions, metrics per fold and pooled per repeat, and the averaged history."""
    frames = [
        pd.DataFrame(
            {
                "repeat": f.fold.repeat,
                "fold": f.fold.fold,
                "sample_id": domain.samples[f.fold.test],
                "y_true": domain.response[f.fold.test],
                "y_pred": y_pred,
            }
        )
        for f, y_pred in zip(folds, predicted, strict=True)
    ]
    predictions = pd.concat(frames, ignore_index=True)
    return ArmTables(predictions, measure(predictions, folds), average(history))


def measure(predictions: pd.DataFrame, folds: list[ScaledFold]) -> pd.DataFrame:
    """Every metric per fold, and "pooled": over all held-out predictions of a repeat together."""
    trained_on = {(f.fold.repeat, f.fold.fold): len(f.fold.train) for f in folds}
    rows = []

    def add(repeat, fold, part, n_train):
        for metric, value in score(part.y_true.to_numpy(), part.y_pred.to_numpy()).items():
            rows.append((repeat, fold, metric, value, n_train, len(part)))

    for repeat, whole in predictions.groupby("repeat", sort=False):
        for fold, part in whole.groupby("fold", sort=False):
            add(repeat, fold, part, trained_on[repeat, fold])
        add(repeat, "pooled", whole, round(np.mean([n for (r, _), n in trained_on.items() if r == repeat])))
    return pd.DataFrame(rows, columns=["repeat", "fold", "metric", "value", "n_train", "n_test"])


def average(history: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row per epoch: each curve's mean over runs, the losses' 10th and 90th percentiles. Empty if untrained."""
    if not history:
        return pd.DataFrame()
    columns = {"epoch": np.arange(1, len(next(iter(history.values()))[0]) + 1)}
    for name, curves in history.items():
        columns[name] = np.asarray(curves).mean(axis=0)
        if name.endswith("_loss"):
            columns[f"{name}_low"], columns[f"{name}_high"] = np.percentile(curves, (10, 90), axis=0)
    return pd.DataFrame(columns)
