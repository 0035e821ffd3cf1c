"""Drugs of a source as tasks of a small target's size, and what is learnt over them: weights of arms.

A task is one fold of one drug: kernels of its rows, and the ranks of its responses. Lines of a source are drawn as many
as the target has; the profile is fitted on all other lines, and read without the drug that is the task's. A target's
fold is a task of the same form, so that what is learnt over source drugs is applied to it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from tl_jax.data.domain import Domain
from tl_jax.data.drugs.names import same_drugs
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.data.splits import Fold, partitions
from tl_jax.evaluation.predictors.baselines import predict_with_kernels
from tl_jax.evaluation.predictors.drug_profile import DrugProfile, fit_drug_profile
from tl_jax.evaluation.predictors.gaussian import fit_process
from tl_jax.evaluation.predictors.kernels import centred_kernels
from tl_jax.evaluation.predictors.ranked import rankit

LINEAR = ("genes", "floored", "profile", "reliable")
ARMS = ("ridge", "repaired_ridge", "profile_gp")


class Task(NamedTuple):
    """kernels: {part: ((n, n), (m, n))} centred by the training rows, their mean diagonal 1; "distances" are squared
    distances of the genes over their median, not centred. y: (n,) normal scores of the training responses. truth: (m,)
    held-out responses. groups: (n,) related rows."""

    kernels: dict[str, tuple[np.ndarray, np.ndarray]]
    y: np.ndarray
    truth: np.ndarray
    groups: np.ndarray


class Rows(NamedTuple):
    """All rows of a fold, scaled by its training rows: products (k, k) of each view, and scores (k, drugs)."""

    products: dict[str, np.ndarray]
    scores: np.ndarray
    reliability: np.ndarray


def rows_of(x: np.ndarray, train: np.ndarray, profile: DrugProfile) -> Rows:
    """x: (k, genes) unscaled. train: which of them scale."""
    z = fit_scaler(x[train], "shrunken", profile.variance).apply(x).astype(np.float64)
    floored = fit_scaler(x[train], "floored").apply(x).astype(np.float64)
    scores = profile.scores(z)
    weighed = scores * profile.reliability
    products = {"genes": z @ z.T, "floored": floored @ floored.T}
    products |= {"profile": scores @ scores.T, "reliable": weighed @ weighed.T}
    return Rows(products, scores, profile.reliability)


def without(rows: Rows, drugs: list[int]) -> Rows:
    """The same as if the profile did not have some drugs."""
    own, weight = rows.scores[:, drugs], rows.reliability[drugs]
    less = {"profile": own @ own.T, "reliable": (own * weight**2) @ own.T}
    return rows._replace(products={name: one - less.get(name, 0.0) for name, one in rows.products.items()})


def task(rows: Rows, train: np.ndarray, test: np.ndarray, response: np.ndarray, groups: np.ndarray) -> Task:
    """The task of some rows; no held-out response comes into anything but `truth`."""
    kernels = {}
    for name in LINEAR:
        product = rows.products[name]
        within, across = centred_kernels(product[np.ix_(train, train)], product[np.ix_(test, train)])
        size = float(np.mean(np.diag(within)))
        kernels[name] = (within / size, across / size) if size > 0 else (0 * within, 0 * across)
    own = np.diag(rows.products["genes"])
    apart = np.maximum(own[:, None] + own - 2 * rows.products["genes"], 0.0)
    within, across = apart[np.ix_(train, train)], apart[np.ix_(test, train)]
    typical = float(np.median(within[np.triu_indices(len(train), 1)])) or 1.0
    kernels["distances"] = (within / typical, across / typical)
    return Task(kernels, rankit(response[train]), response[test], groups[train])


def source_tasks(
    source: Domain, *, blocks: int, lines: int, train: int, test: int, folds: int = 3, seed: int = 0
) -> Iterator[tuple[str, Task]]:
    """(drug, task) of every drug that enough lines of a block were measured with.

    Args:
        blocks: how often `lines` lines are drawn. train, test: rows of each task, the first that were measured.
    """
    rng = np.random.default_rng(seed)
    for _ in range(blocks):
        block = np.sort(rng.permutation(len(source))[:lines])
        rest = np.setdiff1d(np.arange(len(source)), block)
        profile = fit_drug_profile(source.x[rest], source.y[rest], source.drugs, source.tissue[rest])
        x, y = source.x[block], source.y[block]
        for fold in partitions(rng.normal(size=lines), source.groups[block], folds=folds, repeats=1, seed=seed):
            yield from tasks_of(x, y, fold, profile, source.drugs, source.groups[block], train, test)


def tasks_of(x, y, fold: Fold, profile: DrugProfile, drugs, groups, train: int, test: int) -> Iterator:
    """(drug, task) of one fold of a block."""
    rows = rows_of(x, fold.train, profile)
    for drug in profile.drugs:
        response = y[:, list(drugs).index(drug)]
        measured = np.isfinite(response)
        inside, held = fold.train[measured[fold.train]][:train], fold.test[measured[fold.test]][:test]
        if len(inside) == train and len(held) == test and np.ptp(response[inside]) > 0 and np.ptp(response[held]) > 0:
            own = [profile.drugs.index(name) for name in same_drugs(drug, profile.drugs)]  # also by its other names
            yield drug, task(without(rows, own), inside, held, response, groups)


def told_by_arms(one: Task) -> np.ndarray:
    """(m, arms) what each of ARMS says of the held-out rows, in normal scores of the training responses."""
    half = [np.mean([one.kernels[name][part] for name in ("genes", "profile")], axis=0) for part in (0, 1)]
    ridge = predict_with_kernels([one.kernels["floored"]], one.y, one.groups)
    return np.column_stack([ridge, told(one.kernels["floored"], one.y), told(half, one.y)])


def told(kernels, y: np.ndarray) -> np.ndarray:
    """(m,) means of a process with its noise by restricted likelihood; the mean response where there is none."""
    within, across = kernels
    process = fit_process(within, y)
    return np.full(len(across), y.mean()) if process is None else process.predict(across)


def stacking_weights(predictions: Sequence[np.ndarray], truths: Sequence[np.ndarray]) -> np.ndarray:
    """(arms,) non-negative weights of least squared error over tasks, which all count alike.

    predictions: (m, arms) of each task. truths: (m,) of each, of which the ranks count. A task's level is its own.
    """
    gram, cross = 0.0, 0.0
    for told_by, truth in zip(predictions, truths, strict=True):
        own, seen = told_by - told_by.mean(axis=0), rankit(truth)
        gram, cross = gram + own.T @ own / len(own), cross + own.T @ (seen - seen.mean()) / len(own)
    # |R w - R^-T c|^2 with R'R = gram differs from the squared error by a constant.
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-10 * max(values.max(), 1e-300)
    root = np.sqrt(values[kept])[:, None] * vectors[:, kept].T
    return nnls(root, (vectors[:, kept].T @ cross) / np.sqrt(values[kept]))[0]
