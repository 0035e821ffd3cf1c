"""What lines that leak into the source add: all drugs that tell the cells' own lines apart, with and without them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.evaluation.draws.classification import auroc
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.study.cells.every_drug import all_lines, every_drug, source_of_all
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.cells.truth import measured

APART = 0.15  # range of the measured response over the cells' own lines from which a drug tells them apart


def leak(settings: CellSettings, setup: Setup, own_line: np.ndarray) -> pd.DataFrame:
    """source, drug, auroc and spearman of the scores as they are and smoothed: with and without the cells' own lines.

    Of every drug measured in all own lines whose responses lie .15 or more apart. AUROC over cells of lines below and
    above the middle of the range; Spearman over lines of the mean score and the measured sensitivity.

    Args:
        own_line: (cells,) the line of each cell as the tables call it.
    """
    lines = all_lines(settings, setup)
    truth = lines.y.loc[list(setup.out)]
    apart = (truth.max() - truth.min() >= APART) & truth.notna().all()
    rows = []
    for source, kept in (("own lines out", source_of_all(settings, setup)), ("own lines in", lines)):
        found = every_drug(settings, setup, kept)
        for number, drug in enumerate(found.drugs):
            if apart[drug]:
                scores = found.plain[:, number], found.smooth[:, number]
                rows.append((source, drug, *(v for score in scores for v in agreement(score, truth[drug], own_line))))
    columns = ["source", "drug", "auroc", "spearman", "auroc_smoothed", "spearman_smoothed"]
    return pd.DataFrame(rows, columns=columns)


def agreement(score: np.ndarray, truth: pd.Series, own_line: np.ndarray) -> tuple[float, float]:
    """AUROC over cells and Spearman over lines of one score, (cells,)."""
    response = pd.Series(own_line).map(truth).to_numpy(np.float64)
    known = np.isfinite(response)
    means = pd.Series(score).groupby(own_line).mean().reindex(truth.index)
    return auroc(measured(response[known]), score[known]), float(spearman_rows(-truth.to_numpy(), means.to_numpy()))
