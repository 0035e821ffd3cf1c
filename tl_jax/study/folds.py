"""The folds of a domain under a protocol, ready for every arm: the same rows, the same scaling."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.scaling import ResponseScale, Scaler, fit_response_scale, fit_scaler
from tl_jax.data.splits import Fold, partitions
from tl_jax.errors import InputError
from tl_jax.keys import run_keys
from tl_jax.study.settings import Protocol
from tl_jax.training.runs import Runs
from tl_jax.types import Hparams


@dataclass(frozen=True)
class ScaledFold:
    """One fold with the statistics its protocol allows: `train` scales the training rows, `test` the held-out ones.

    y: (n,) the response that this fold learns and is judged by, of all samples in the domain's order.
    draws: (initialisation, order) numbers that replace the repeat's in the run's keys, to vary them apart.
    """

    fold: Fold
    train: Scaler
    test: Scaler
    response: ResponseScale
    y: np.ndarray
    draws: tuple[int, int] | None = None


def drawn(domain: Domain, settings) -> list[Fold]:
    """Every fold of every repeat of a domain as the settings (folds, repeats, seed, split) ask for."""
    return partitions(
        domain.response,
        domain.groups,
        folds=settings.folds,
        repeats=settings.repeats,
        seed=settings.seed,
        kind=settings.split,
    )


def scale_folds(domain: Domain, folds: list[Fold], protocol: Protocol) -> list[ScaledFold]:
    """Statistics of each fold; under "honest" from its training rows only."""
    everything = np.arange(len(domain))
    scaled = []
    for fold in folds:
        if protocol.expression_from == "own" and len(fold.test) < 2:
            raise InputError(
                f"protocol {protocol.name} scales a held-out fold by itself, which needs at least 2 samples; "
                f"fold {fold.fold} has {len(fold.test)}: use fewer --folds or --protocol=honest"
            )
        train = fit_scaler(domain.x[fold.train if protocol.expression_from != "all" else everything], domain.scaler)
        test = fit_scaler(domain.x[fold.test], domain.scaler) if protocol.expression_from == "own" else train
        labelled = everything if protocol.response_from == "all" else fold.train
        response = fit_response_scale(domain.response[labelled], domain.direction, domain.unit)
        scaled.append(ScaledFold(fold, train, test, response, domain.response))
    return scaled


def unscaled(domain: Domain, fold: Fold) -> ScaledFold:
    """A fold of a domain that is scaled neither in expression nor in response, such as fingerprints and labels."""
    same = fit_scaler(domain.x[:1], "none")
    response = fit_response_scale(domain.response[fold.train], domain.direction, domain.unit)
    return ScaledFold(fold, same, same, response, domain.response)


def build_runs(domain: Domain, folds: list[ScaledFold], seed: int, hparams: Hparams, start: int = 0) -> Runs:
    """The run axis of one arm. hparams: one setting for all runs; start: which of the program's starts it takes."""
    train_rows, train_w = padded([f.fold.train for f in folds])
    test_rows, test_w = padded([f.fold.test for f in folds])
    y = np.stack([f.response.to_network(f.y) for f in folds]).astype(np.float32)
    spread = jax.tree.map(lambda v: jnp.broadcast_to(v, (len(folds), *v.shape)), hparams.arrays())
    alike = all(f.test is f.train for f in folds)
    init, order = zip(*((f.draws or (f.fold.repeat, f.fold.repeat)) for f in folds), strict=True)
    numbers = [f.fold.fold for f in folds]
    return Runs(
        key=run_keys(seed, list(zip(order, numbers, strict=True))),
        init_key=run_keys(seed, list(zip(init, numbers, strict=True))) if any(f.draws for f in folds) else None,
        train_rows=train_rows,
        train_w=train_w,
        test_rows=test_rows,
        test_w=test_w,
        y=y,
        center=np.stack([f.train.center for f in folds]),
        scale=np.stack([f.train.scale for f in folds]),
        test_center=None if alike else np.stack([f.test.center for f in folds]),
        test_scale=None if alike else np.stack([f.test.scale for f in folds]),
        hparams=spread,
        start=np.full(len(folds), start, np.int32),
    )


def padded(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(runs, longest) indices and weights: row 0 at weight 0 where a run has fewer rows."""
    longest = max(len(r) for r in rows)
    index = np.zeros((len(rows), longest), np.int32)
    weight = np.zeros((len(rows), longest), np.float32)
    for i, r in enumerate(rows):
        index[i, : len(r)], weight[i, : len(r)] = r, 1
    return index, weight
