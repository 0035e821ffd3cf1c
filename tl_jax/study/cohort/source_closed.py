"""The source test of arms whose source model is a ridge: all permutations at once, and the stand-ins without training.

Nothing here is an approximation of the arm: `many_shrunken_ridge` gives what `shrunken_ridge` gives of each source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tl_jax.data.scaling.scaling import fit_response_scale
from tl_jax.evaluation.predictors.fits import SOURCE_FITS
from tl_jax.evaluation.predictors.many_directions import (
    many_coefficients,
    many_shrunk_coefficients,
    many_shrunken_ridge,
)
from tl_jax.evaluation.predictors.source_methods import METHODS, SourceView
from tl_jax.evaluation.statistics.added_value import added_value
from tl_jax.evaluation.statistics.metrics import get
from tl_jax.keys import Repeats
from tl_jax.models import build
from tl_jax.study.cohort.arms import Case
from tl_jax.study.core.arms import How, fitted
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.kept import everything
from tl_jax.study.core.permutations import permuted
from tl_jax.study.core.permuted_stages import shuffled_labels
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.stages import TrainedStage, scaled_rows
from tl_jax.study.core.views import Viewer

# Methods that read a ridge of the source's samples and no network: each with what it predicts of many sources at once.
AT_ONCE: dict[str, Callable] = {"shrunken_ridge": many_shrunken_ridge}
assert all(not SOURCE_FITS[name][1] for name in AT_ONCE), "these read a network"


def at_once(name: str, problem: Problem, case: Case, numbers: range, seed: int) -> np.ndarray:
    """(B,) scores of an arm after a source ridge on each permutation of the labels."""
    labels = shuffled_labels(case.stages[0].plan.domain, seed, numbers).T
    return scored(problem, directed(name, problem, coefficients(case.stages, labels)))


def coefficients(stages: tuple[TrainedStage, ...], labels: np.ndarray) -> np.ndarray:
    """(genes, B) of the ridge at the end of the chain, as `Viewer.coefficients`, the first on each of labels (n, B)."""
    found = None
    for stage in stages:
        domain, x = stage.plan.domain, scaled_rows(stage)
        response = fit_response_scale(domain.response, domain.direction, domain.unit)
        if found is None:
            found = many_coefficients(x, response.to_network(labels))
        else:
            found = many_shrunk_coefficients(x, response.to_network(domain.response), found)
    return found


def directed(name: str, problem: Problem, sources: np.ndarray, order: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """(m, B) predictions of each fold. sources: (genes, B or 1). order: (n, B) whose rows' views each sample takes."""
    domain = problem.domain
    for f in problem.folds:
        train, test, y = f.scaled_train(domain), f.scaled_test(domain), f.y[f.fold.train]
        told = train @ sources, test @ sources
        if order is not None:
            told = exchanged(f, told, order)
        yield AT_ONCE[name](train, y, test, *told, groups=domain.groups[f.fold.train])


def exchanged(f: ScaledFold, told: tuple[np.ndarray, np.ndarray], order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a source says of a fold's rows (rows, 1), each row told of another sample: (rows, B).

    order: (n, B). A sample that is in neither part of the fold lends nothing: its place is taken in the fold's order.
    """
    rows = np.concatenate([f.fold.train, f.fold.test])
    whole = np.full((order.shape[0], 1), np.nan)
    whole[rows] = np.concatenate(told)
    mixed = np.take_along_axis(np.broadcast_to(whole, order.shape), order, axis=0)
    return mixed[f.fold.train], mixed[f.fold.test]


def scored(problem: Problem, predictions: Iterator[np.ndarray]) -> np.ndarray:
    """(B,) mean over folds of the judging metric, more being better, of (m, B) predictions of each fold."""
    metric, rows = get(problem.metric), []
    for f, found in zip(problem.folds, predictions, strict=True):
        truth = f.y[f.fold.test]
        if metric.many:
            rows.append(metric.many(np.broadcast_to(truth[:, None], found.shape), found, axis=0))
        else:
            rows.append([metric(truth, one) for one in found.T])
    return metric.sign * mean_of(np.asarray(rows, np.float64))


def mean_of(values: np.ndarray) -> np.ndarray:
    """Means over folds (folds, ...), those left out that are undefined; NaN where all are."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def orders(problem: Problem, numbers: range, seed: int) -> np.ndarray:
    """(n, B) permutations of the target's samples, related ones together."""
    places, groups = np.arange(len(problem.domain)), problem.domain.groups
    drawn = (np.random.default_rng([seed, 1, Repeats.SOURCE + number]) for number in numbers)
    return np.stack([permuted(places, groups, rng).astype(int) for rng in drawn], axis=1)


def shuffled(name: str, problem: Problem, cases: tuple[Case, ...], numbers: range, how: How) -> np.ndarray | None:
    """(B,) scores of a closed form to which each source tells of the wrong samples; None where it is no closed form."""
    order = orders(problem, numbers, how.seed)
    if name in AT_ONCE:
        (case,) = cases
        own = Viewer(case.stages, build(how.network)).coefficients[:, None]
        return scored(problem, directed(name, problem, own, order))
    if name not in METHODS:
        return None
    viewers = [Viewer(case.stages, build(how.network)) for case in cases]
    return scored(problem, (mixed_views(name, viewers, problem, f, order) for f in problem.folds))


def mixed_views(name: str, viewers: list[Viewer], problem: Problem, f: ScaledFold, order: np.ndarray) -> np.ndarray:
    """(m, B) predictions of one fold by a method that reads networks, each source told of other samples."""
    views, rows = [one.view(problem.domain, f) for one in viewers], np.concatenate([f.fold.train, f.fold.test])
    place = np.zeros(order.shape[0], int)
    place[rows] = np.arange(len(rows))
    n, found = len(f.fold.train), []
    for column in order.T:
        told = place[column[rows]]

        def mixed(view: SourceView, told=told) -> SourceView:
            pairs = zip(view[::2], view[1::2], strict=True)
            whole = [np.concatenate(pair)[told] for pair in pairs]
            return SourceView(*(part for one in whole for part in (one[:n], one[n:])))

        own = [mixed(view) for view in views]
        found.append(fitted(lambda *a, own=own, **k: METHODS[name].function(own, *a, **k), problem.domain, f))
    return np.stack(found, axis=1)


def gls(problem: Problem, case: Case, how: How) -> tuple[float, float]:
    """(t, one-sided p) of the source ridge's prediction of all samples beside the genes' kernel."""
    f = everything(problem)
    x = f.scaled_train(problem.domain)
    told = x @ Viewer(case.stages, build(how.network)).coefficients
    return added_value(f.response.to_network(f.y), told, x[:, problem.domain.measured])
