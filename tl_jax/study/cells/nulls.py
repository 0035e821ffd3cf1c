"""What the score's model says of cells where nothing ties lines to cells: permuted responses, permuted genes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tl_jax.data.cells.shared import fit_scaling
from tl_jax.evaluation.predictors.line_models import bootstrap_duals, kernels, penalty
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup


class Null(NamedTuple):
    """scores: (permutations, cells) of the smoothed ridge on all lines, high = sensitive. agreement: (permutations,)
    share of bootstraps that agree on the sign, as it is asked of the score itself."""

    scores: np.ndarray
    agreement: np.ndarray


def null_scores(settings: CellSettings, setup: Setup, axes: np.ndarray) -> dict[str, Null]:
    """The ridge at the penalty of the true response: on responses permuted among the lines of a tissue (among all
    where none is known), and on genes that bear each other's names in the cells. axes: (cells, components)."""
    x = fit_scaling(setup.lines.x, settings.scaler).apply(setup.lines.x).astype(np.float64)
    within, across = kernels(x, setup.smooth)
    alpha, count = settings.penalty or penalty(within, setup.y, setup.lines.tissue), settings.nulls
    random = np.random.default_rng([settings.seed, 17])
    mixed = np.column_stack([permuted(setup.y, setup.lines.tissue, random) for _ in range(count)])
    orders = [random.permutation(x.shape[1]) for _ in range(count)]
    drawn = list(bootstrap_duals(within, np.column_stack([setup.y, mixed]), alpha, settings.bootstraps, settings.seed))
    # (bootstraps, permutations, cells): a constant of each row says nothing of an order, so no intercept is needed.
    by_response = np.stack([-(across[:, own] @ dual[:, 1:]).T for own, dual in drawn])
    weights = np.stack([dual[:, 0] @ x[own] for own, dual in drawn])
    smooth = np.asarray(setup.smooth, np.float64)
    by_genes = np.stack([-(weights[:, order] @ smooth.T) for order in orders], axis=1)
    return {
        "permuted response": null_of(by_response, axes),
        "permuted genes": null_of(by_genes, axes),
    }


def permuted(y: np.ndarray, tissue: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(lines,) responses, each at another line of the same tissue."""
    found = y.copy()
    for name in np.unique(tissue):
        own = np.flatnonzero(tissue == name)
        found[own] = y[random.permutation(own)]
    return found


def null_of(drawn: np.ndarray, axes: np.ndarray) -> Null:
    """The mean of (bootstraps, permutations, cells) scores, and how far bootstraps agree on its sign."""
    scores = drawn.mean(axis=0)
    along = np.stack([spearman_rows(axis, drawn) for axis in axes.T])  # (components, bootstraps, permutations)
    positive = (along > 0).mean(axis=1)
    agreement = np.maximum(positive, 1 - positive)
    followed = np.abs([spearman_rows(axis, scores) for axis in axes.T]).argmax(axis=0)
    return Null(scores, np.minimum(agreement[0], agreement[followed, np.arange(len(scores))]))
