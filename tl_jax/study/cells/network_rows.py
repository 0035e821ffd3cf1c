"""The table that all networks of a study share: lines of each draw, scaled as it scales them, then the cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tl_jax.evaluation.predictors.line_models import SENSITIVE_SHARE
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import Setup


@dataclass(frozen=True)
class Rows:
    """Lines and cells as the networks see them: for each draw all lines scaled as its training lines, then the cells.

    x: (draws * lines + 2 * cells, genes). train: (draws, lines that train), held: (draws, others), rows of x.
    y: (draws, rows of x) response on the network's scale, high = sensitive. cells: how many; they stand last, as they
    are and then smoothed. balance: (draws,) share of training lines that are not sensitive, the weight of those that
    are. columns: the study's genes that stand in x. by_name: the cells in the order of their names.
    """

    x: np.ndarray
    train: np.ndarray
    held: np.ndarray
    y: np.ndarray
    cells: int
    balance: np.ndarray
    columns: np.ndarray
    by_name: np.ndarray

    @cached_property
    def of_cells(self) -> np.ndarray:
        """Rows of x that are cells, as they are and smoothed."""
        return np.arange(len(self.x) - 2 * self.cells, len(self.x))


def rows_of(setup: Setup, settings: CellSettings, own: NetworkSettings) -> Rows:
    """Both domains on the genes that vary most over the lines, and the response of each draw."""
    columns = np.sort(np.argsort(-setup.lines.x.var(axis=0), kind="stable")[: own.genes])
    domain, lines = setup.domain, len(setup.lines)
    folds = list(setup.folds(domain, settings))
    blocks, labels, balance = [], [], []
    for k, f in enumerate(folds):
        blocks.append(f.train.apply(domain.x[:lines])[:, columns])
        y = np.zeros((len(folds), lines), np.float32)
        known = setup.y[f.fold.train]
        if own.binary:
            # Of a response that is two classes already the lower one is sensitive, however many it holds.
            y[k] = setup.y <= (known.min() if len(np.unique(setup.y)) == 2 else np.quantile(known, SENSITIVE_SHARE))
        else:
            y[k] = (known.mean() - setup.y) / (known.std() or 1)
        labels.append(y.ravel())
        balance.append(1 - y[k][f.fold.train].mean())
    x = np.concatenate([*blocks, setup.plain[:, columns], setup.smooth[:, columns]]).astype(np.float32)
    shift = [k * lines for k in range(len(folds))]
    held = [f.fold.test[f.fold.test < lines] + s for f, s in zip(folds, shift, strict=True)]
    y = np.pad(np.stack(labels), ((0, 0), (0, 2 * len(setup.cells))))
    train = np.stack([f.fold.train + s for f, s in zip(folds, shift, strict=True)])
    by_name = np.argsort(np.asarray(setup.cells.samples, dtype=str), kind="stable")
    return Rows(x, train, np.stack(held), y, len(setup.cells), np.asarray(balance, np.float32), columns, by_name)
