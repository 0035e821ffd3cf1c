"""New cells scored by a kept model: nothing is trained, and a file of any number of cells passes in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from tl_jax.data.cells.blocks import CellFile, open_cells
from tl_jax.data.cells.preparation import Preparation, evened, prepare
from tl_jax.data.cells.shared import dense
from tl_jax.data.cells.values import COUNTS, kind_of_values
from tl_jax.errors import InputError
from tl_jax.study.cells.kept import KeptModel
from tl_jax.study.cells.object import score_columns
from tl_jax.system.progress import watched

STUDY, OWN = "study", "cells"
SCALE_BY = (STUDY, OWN)
FEWEST_OWN = 50  # cells of which a gene's mean and spread mean something


@dataclass(frozen=True)
class Source:
    """What a block passes through: columns brings the file's genes to the model's, missing: (genes,) those it lacks."""

    columns: sparse.csr_matrix
    missing: np.ndarray
    kind: str
    library: float
    min_genes: int

    def logged(self, values) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Raw rows as (dense log values (cells, genes), log counts, whether a cell passes)."""
        x = dense(values @ self.columns)
        if self.kind != COUNTS:
            return x, np.zeros(0), np.ones(len(x), bool)
        total = np.asarray(values.sum(axis=1), np.float64).ravel()
        passed = (total > 0) & (np.asarray((values > 0).sum(axis=1)).ravel() >= self.min_genes)
        total = np.where(total > 0, total, 1.0)
        x *= ((self.library or 1.0) / total).astype(np.float32)[:, None]
        return np.log1p(x, out=x), np.log(total), passed


def predict_cells(
    model: KeptModel,
    path: Path,
    write: Path,
    *,
    layer: str = "",
    values: str = "",
    smooth: bool = True,
    scale_by: str = STUDY,
    min_coverage: float = 0.8,
) -> dict:
    """Score every cell of a file into a CSV, block after block; returns what was done, for summary.json.

    Args:
        smooth: average each cell with the nearest cells of its own block. scale_by: "study": as the study's cells were
        scaled; "cells": by the new cells' own means and spreads, taken from up to 8,192 of them spread over the file.
        min_coverage: share of the model's genes that the file must have; a missing gene counts as average.
    Raises:
        InputError: too few genes, values of another kind than the study's, or too few cells to scale by.
    """
    file = open_cells(path, layer)
    with threadpool_limits(2):
        sample = file.some()
        source = source_of(model, file, sample, values, min_coverage)
        preparation = model.preparation
        notes = [*file.notes, f"{(~source.missing).sum():,} of the model's {len(model.genes):,} genes found"]
        if scale_by == OWN:
            source, preparation = by_own(model, source, sample, file.path)
        del sample
        rows, averaged = 0, smooth and preparation.neighbours > 1
        with watched(len(file), "scoring", "cells") as progress:
            for number, (table, passed) in enumerate(scored(model, file, source, preparation, averaged)):
                table.to_csv(write, mode="a" if number else "w", header=not number, index=False)
                rows += passed
                progress.advance(len(table))
    if rows < len(file):
        notes.append(f"{len(file):,} cells in, {len(file) - rows:,} under {source.min_genes} genes, {rows:,} scored")
    how = "averaged with the nearest cells of their block of at most 4,096" if averaged else "not averaged"
    return {"cells": {"read": len(file), "scored": rows}, "notes": [*notes, f"cells are {how}"], "scale_by": scale_by}


def source_of(model: KeptModel, file: CellFile, sample, values: str, min_coverage: float) -> Source:
    """How this file's rows become log values of the model's genes."""
    words, kind = model.words, kind_of_values(sample, values, file.path)
    if kind != words["kind"]:
        raise InputError(f"{file.path}: its values are {kind}, those of the model's cells were {words['kind']}")
    columns, missing = file.to_genes(model.genes, kind)
    if 1 - missing.mean() < min_coverage:
        raise InputError(
            f"{file.path} has {(~missing).sum():,} of the model's {len(missing):,} genes; "
            f"--min_coverage={min_coverage} of them are needed"
        )
    return Source(columns, missing, kind, words["library"], words["min_genes"])


def by_own(model: KeptModel, source: Source, sample, path: Path) -> tuple[Source, Preparation]:
    """The same by the new cells' own library size, means and spreads."""
    if source.kind == COUNTS:
        total = np.asarray(sample.sum(axis=1), np.float64).ravel()
        source = replace(source, library=float(np.median(total[total > 0])) if (total > 0).any() else 0.0)
    x, log_counts, passed = source.logged(sample)
    if passed.sum() < FEWEST_OWN:
        raise InputError(f"{path}: {passed.sum()} cells are too few to scale by; use --scale_by={STUDY}")
    own = model.preparation
    depth = log_counts[passed] if own.slope is not None else np.zeros(0)
    return source, prepare(*evened(x[passed], depth), own.scaler, own.neighbours)[0]


def scored(
    model: KeptModel, file: CellFile, source: Source, preparation: Preparation, averaged: bool
) -> Iterator[tuple[pd.DataFrame, int]]:
    """(a table of scores, how many cells passed) of each block."""
    for start, stop in file.bounds():
        x, log_counts, passed = source.logged(file.read(start, stop))
        table = pd.DataFrame({"cell": file.samples[start:stop]})
        if passed.any():
            depth = log_counts[passed] if len(log_counts) else log_counts
            found = block_scores(model, source, preparation, x[passed], depth, averaged)
            table = table.join(pd.DataFrame(found, index=np.flatnonzero(passed)))
        yield table, int(passed.sum())


def block_scores(model, source, preparation: Preparation, x, log_counts, averaged: bool) -> dict[str, np.ndarray]:
    """The columns of some cells that passed."""
    even = preparation.even(x, log_counts)
    if preparation.components is not None:
        even[:, source.missing] = preparation.components.mean[source.missing]
    plain = without(preparation.scaled(even, False), source.missing)
    main = without(preparation.scaled(preparation.averaged(even), True), source.missing) if averaged else plain
    return {
        **score_columns(model.scores(main), model.calling),
        **score_columns(model.scores(plain), model.calling, "_unsmoothed"),
        "in_domain": model.reach.of(main),
    }


def without(scaled: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Scaled rows in which genes that were not measured are average."""
    scaled[:, missing] = 0
    return scaled
