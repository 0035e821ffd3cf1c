"""What lines that leak into the source add: all drugs that tell the cells' own lines apart, with and without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tl_jax.data.cells.lines import Lines, without_lines
from tl_jax.data.cells.shared import fit_scaling, shaped
from tl_jax.evaluation.draws.classification import auroc
from tl_jax.evaluation.predictors.line_models import kernels
from tl_jax.evaluation.predictors.many_ridges import many_ridges
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup, read_pair
from tl_jax.study.cells.truth import measured

FEWEST = 40  # lines measured with a drug
APART = 0.15  # range of the measured response over the cells' own lines from which a drug tells them apart


def leak(settings: CellSettings, setup: Setup, own_line: np.ndarray) -> pd.DataFrame:
    """source, drug, auroc and spearman of the ridge's scores as they are and smoothed: without and with the own lines.

    Of every drug measured in all own lines whose responses lie .15 or more apart, on all lines at once. AUROC over
    cells of lines below and above the middle of the range; Spearman over lines of mean score and sensitivity.

    Args:
        own_line: (cells,) the line of each cell as the tables call it.
    """
    lines = all_lines(settings, setup)
    truth = lines.y.loc[list(setup.out)]
    apart = (truth.max() - truth.min() >= APART) & truth.notna().all()
    rows = []
    for source, kept in (("own lines out", without_lines(lines, setup.out)[0]), ("own lines in", lines)):
        y = kept.y.loc[:, apart & (kept.y.notna().sum() >= FEWEST)]
        for drug, *scores in zip(y.columns, *(part.T for part in scores_of(settings, setup, kept, y)), strict=True):
            rows.append((source, drug, *(v for score in scores for v in agreement(score, truth[drug], own_line))))
    columns = ["source", "drug", "auroc", "spearman", "auroc_smoothed", "spearman_smoothed"]
    return pd.DataFrame(rows, columns=columns)


def all_lines(settings: CellSettings, setup: Setup) -> Lines:
    """The lines of the source tables on the study's genes, the cells' own among them."""
    lines = read_pair(settings)[0]
    lines = lines.columns(pd.Index(lines.genes).get_indexer(setup.lines.genes))
    return replace(lines, x=shaped(lines.x, settings.scaler))


def scores_of(settings: CellSettings, setup: Setup, lines: Lines, y: pd.DataFrame) -> list[np.ndarray]:
    """(cells, drugs) scores of the cells as they are, and smoothed."""
    x = fit_scaling(lines.x, settings.scaler).apply(lines.x)
    within, across = kernels(x, np.concatenate([setup.plain, setup.smooth]))
    return np.split(-(across @ many_ridges(within, y.to_numpy(np.float64), lines.tissue)[0]), 2)


def agreement(score: np.ndarray, truth: pd.Series, own_line: np.ndarray) -> tuple[float, float]:
    """AUROC over cells and Spearman over lines of one score, (cells,)."""
    response = pd.Series(own_line).map(truth).to_numpy(np.float64)
    known = np.isfinite(response)
    means = pd.Series(score).groupby(own_line).mean().reindex(truth.index)
    return auroc(measured(response[known]), score[known]), float(spearman_rows(-truth.to_numpy(), means.to_numpy()))
