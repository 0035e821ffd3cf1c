"""The table that all networks of a study share: lines of each draw, scaled as it scales them, then the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tl_jax.data.cells.resampling import NONE, resampled
from tl_jax.evaluation.predictors.line_models import SENSITIVE_SHARE
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import CellFold, Setup


@dataclass(frozen=True)
class Rows:
    """Lines and cells as the networks see them: for each draw all lines scaled as its training lines, then the cells.

    x: (draws * lines + 2 * cells, genes). train, learnt, held: (draws, rows) of the lines that train, of those that
    teach the response (resampled where that is asked for) and of the others, rows of `table`, each with its weights
    (0: padding). y: (draws, rows of table) response on the network's scale, high = sensitive. cells: how many; they
    stand last in x, as they are and then smoothed. made: rows between lines, which the table holds after x. balance:
    (draws,) weight of lines that are sensitive. columns: the study's genes that stand in x. by_name: the cells in the
    order of their names. measured: (draws, rows of table, databases) the same of each database, NaN where it has none;
    None where networks learn one response.
    """

    x: np.ndarray
    train: tuple[np.ndarray, np.ndarray]
    learnt: tuple[np.ndarray, np.ndarray]
    held: tuple[np.ndarray, np.ndarray]
    y: np.ndarray
    cells: int
    made: np.ndarray
    balance: np.ndarray
    columns: np.ndarray
    by_name: np.ndarray
    measured: np.ndarray | None = None

    @cached_property
    def of_cells(self) -> np.ndarray:
        """Rows of x that are cells, as they are and smoothed."""
        return np.arange(len(self.x) - 2 * self.cells, len(self.x))

    @cached_property
    def table(self) -> np.ndarray:
        """All rows; what is learned of the response may be of rows between lines."""
        return np.concatenate([self.x, self.made])


def rows_of(
    setup: Setup, settings: CellSettings, own: NetworkSettings, folds: Sequence[CellFold] | None = None
) -> Rows:
    """Both domains on the genes that vary most over the lines, and the response of each draw, or of other folds."""
    columns = np.sort(np.argsort(-setup.lines.x.var(axis=0), kind="stable")[: own.genes])
    domain, lines = setup.domain, len(setup.lines)
    folds = list(folds or setup.folds(domain, settings))
    size, cells = len(folds) * lines + 2 * len(setup.cells), len(setup.cells)
    blocks, labels, learnt, made, balance = [], [], [], [np.zeros((0, len(columns)), np.float32)], []
    for k, f in enumerate(folds):
        blocks.append(f.train.apply(domain.x[:lines])[:, columns].astype(np.float32))
        y = network_response(setup.y, f.fold.train, own.binary)
        rows, share = f.fold.train + k * lines, 1 - y[f.fold.train].mean()
        if own.sampling != NONE:
            index, more = resampled(own.sampling, blocks[k][f.fold.train], y[f.fold.train] > 0.5, settings.seed + k)
            new = size + sum(map(len, made)) + np.arange(len(more))
            rows, share = np.concatenate([rows[index], new]), 0.5
            made.append(more)
        learnt.append(rows)
        labels.append(y)
        balance.append(share)
    x = np.concatenate([*blocks, setup.plain[:, columns], setup.smooth[:, columns]]).astype(np.float32)
    made = np.concatenate(made)
    response = np.zeros((len(folds), size + len(made)), np.float32)
    # Rows between lines are of the rare class of their draw, by SMOTE's own construction.
    for k, y in enumerate(labels):
        response[k, k * lines : (k + 1) * lines] = y
        new = learnt[k][learnt[k] >= size]
        response[k, new] = y[folds[k].fold.train].mean() <= 0.5
    shift = [k * lines for k in range(len(folds))]
    train = [f.fold.train + s for f, s in zip(folds, shift, strict=True)]
    held = [f.fold.test[f.fold.test < lines] + s for f, s in zip(folds, shift, strict=True)]
    by_name = np.argsort(np.asarray(setup.cells.samples, dtype=str), kind="stable")
    parts = (padded(part) for part in (train, learnt, held))
    measured = by_database(setup, folds, own.binary, response.shape) if own.database_head else None
    return Rows(x, *parts, response, cells, made, np.asarray(balance, np.float32), columns, by_name, measured)


def by_database(setup: Setup, folds: Sequence[CellFold], binary: bool, shape: tuple[int, int]) -> np.ndarray:
    """(draws, rows, databases) what a network learns of each database, by its own training lines; NaN where nothing."""
    lines, tables = setup.lines, setup.lines.databases
    values = [table.reindex(index=lines.samples, columns=[setup.drug]).to_numpy(float)[:, 0] for table in tables]
    found = np.full((*shape, len(tables)), np.nan, np.float32)
    for k, f in enumerate(folds):
        for database, own in enumerate(values):
            known = np.flatnonzero(np.isfinite(own))
            learnt = network_response(own[known], np.isin(known, f.fold.train), binary)
            found[k, k * len(lines) + known, database] = learnt
    return found


def network_response(response: np.ndarray, train: np.ndarray, binary: bool) -> np.ndarray:
    """(lines,) what a network learns, high = sensitive: labels, or the response by mean and sd of training lines."""
    known = response[train]
    if not binary:
        return ((known.mean() - response) / (known.std() or 1)).astype(np.float32)
    # Of a response that is two classes already the lower one is sensitive, however many it holds.
    two = len(np.unique(response)) == 2
    return (response <= (known.min() if two else np.quantile(known, SENSITIVE_SHARE))).astype(np.float32)


def padded(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(index, weight), each (draws, the longest): row 0 at weight 0 after a draw's own."""
    index = np.zeros((len(rows), max(map(len, rows))), np.int32)
    weight = np.zeros(index.shape, np.float32)
    for k, own in enumerate(rows):
        index[k, : len(own)], weight[k, : len(own)] = own, 1
    return index, weight
