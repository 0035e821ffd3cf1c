"""Cross-validation of one arm, a strategy or a baseline, into tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.config import FitConfig, NetworkConfig, Recipe
from tl_jax.data.domain import Domain
from tl_jax.evaluation.statistics.metrics import score
from tl_jax.models import build
from tl_jax.study.core.blocks import in_program
from tl_jax.study.core.folds import ScaledFold, build_runs
from tl_jax.system.cluster import agree_arrays, is_first
from tl_jax.system.parts import Parts
from tl_jax.training.runs import RunsResult, fit_runs, gathered, join
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Variables


class ArmTables(NamedTuple):
    """What one arm gives.

    predictions: repeat, fold, sample_id, y_true, y_pred (the response's own unit).
    metrics: repeat, fold (a number or "pooled"), metric, value, n_train, n_test.
    history: epoch, train_loss, test_loss, ... averaged over runs, with the 10th and 90th percentiles.
    gene_weights: (runs, genes) sums of |weights| in a trained first layer, or None.
    """

    predictions: pd.DataFrame
    metrics: pd.DataFrame
    history: pd.DataFrame
    gene_weights: np.ndarray | None = None


@dataclass(frozen=True)
class Arm:
    """One strategy as it is run: from which model (its drug or domain in `source`), and how it is trained."""

    name: str
    source: str
    strategy: Registered
    variables: Variables | None
    recipe: Recipe
    config: FitConfig


def strategy_arms(domain: Domain, folds: list[ScaledFold], arms: Sequence[Arm], **how) -> list[dict[str, ArmTables]]:
    """Train one model per arm and fold, and make tables of what they predict; how: see fit_arms.

    Returns per arm {name: tables}; an epoch that was read before the end is an arm of its own, named "NAME@EPOCH".
    """
    return [
        readings(domain, folds, arm, one) for arm, one in zip(arms, fit_arms(domain, folds, arms, **how), strict=True)
    ]


def fit_arms(
    domain: Domain,
    folds: list[ScaledFold],
    arms: Sequence[Arm],
    *,
    network: NetworkConfig,
    seed: int,
    at_once: int | None = None,
    parts: Parts | None = None,
    progress: Callable[[int], None] = lambda done: None,
    say: Callable[[str], None] = lambda text: None,
) -> list[RunsResult]:
    """Train one model per arm and fold, all in one program, and predict the held-out rows: per arm, runs by fold.

    The arms must train the same leaves with one config.
    """
    domain, folds = in_program(domain, folds)
    starts, axes = [], []
    for arm in arms:
        number = next((k for k, (f, v) in enumerate(starts) if f is arm.strategy.function and v is arm.variables), None)
        if number is None:
            number = len(starts)
            starts.append((arm.strategy.function, arm.variables))
        axes.append(build_runs(domain, folds, seed, arm.recipe.hparams(), number))
    result = fit_runs(
        join(axes),
        domain.x,
        starts,
        network=build(network),
        config=arms[0].config,
        at_once=at_once,
        parts=parts,
        progress=progress,
        say=say,
    )
    count = len(folds)
    return [some_runs(result, slice(k * count, (k + 1) * count)) for k in range(len(arms))]


def some_runs(result: RunsResult, part: slice) -> RunsResult:
    """Some runs of a result."""
    features = None if result.features is None else result.features[part]
    return RunsResult(result.prediction[part], {k: v[part] for k, v in result.history.items()}, None, features)


def readings(domain: Domain, folds: list[ScaledFold], arm: Arm, result: RunsResult) -> dict[str, ArmTables]:
    """An arm's tables at each epoch that was read; the history belongs to the last."""
    found = {}
    for k, epoch in enumerate(arm.config.reads):
        predicted = [
            fold.response.from_network(row[k, : len(fold.fold.test)])
            for fold, row in zip(folds, result.prediction, strict=True)
        ]
        last = epoch == arm.config.epochs
        found[arm.name if last else f"{arm.name}@{epoch}"] = tables(
            domain, folds, predicted, result.history if last else {}
        )._replace(gene_weights=result.features if last else None)
    return found


def closed_arm(
    domain: Domain,
    folds: list[ScaledFold],
    predict: Callable[[ScaledFold], np.ndarray],
    *,
    parts: Parts | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> ArmTables:
    """An arm without training by gradients: predict(fold) gives the held-out rows, by process 0 alone."""
    done = {int(part["run"][0]): part["prediction"] for part in gathered(parts)}
    progress(len(done))
    for k, f in enumerate(folds):
        if k not in done:
            one = {"run": np.asarray([k]), "prediction": np.asarray(predict(f))} if is_first() else None
            part = agree_arrays(one)
            done[k] = part["prediction"]
            if parts is not None and is_first():
                parts.save(k, part)
            progress(1)
    return tables(domain, folds, [done[k] for k in range(len(folds))], {})


def fitted(
    function: Callable, domain: Domain, f: ScaledFold, *, columns: np.ndarray | None = None, **options
) -> np.ndarray:
    """(m,) predictions of a baseline or method, fitted on one fold's training rows and tuned inside them.

    columns: indices of the genes that it sees; all where None.
    """
    train = f.fold.train
    seen = slice(None) if columns is None else columns
    rows = f.scaled_train(domain)[:, seen], f.y[train], f.scaled_test(domain)[:, seen]
    return function(*rows, groups=domain.groups[train], **options)


def tables(domain: Domain, folds: list[ScaledFold], predicted: list[np.ndarray], history) -> ArmTables:
    """Predictions, metrics per fold and pooled per repeat, and the averaged history."""
    frames = [
        pd.DataFrame(
            {
                "repeat": f.fold.repeat,
                "fold": f.fold.fold,
                "sample_id": domain.samples[f.fold.test],
                "y_true": f.y[f.fold.test],
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
