"""Every drug of the response table on the same cells, by one eigendecomposition of the lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tl_jax.data.cells.lines import Lines, without_lines
from tl_jax.data.cells.shared import fit_scaling, shaped
from tl_jax.evaluation.predictors.line_models import kernels
from tl_jax.evaluation.predictors.many_ridges import many_ridges
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup, read_pair

FEWEST = 40  # lines measured with a drug


@dataclass(frozen=True)
class EveryDrug:
    """plain, smooth: (cells, drugs) of the ridge on all lines measured with each drug, high = sensitive."""

    drugs: np.ndarray
    plain: np.ndarray
    smooth: np.ndarray


def all_lines(settings: CellSettings, setup: Setup) -> Lines:
    """The lines of the source tables on the study's genes, the cells' own among them."""
    lines = read_pair(settings)[0]
    lines = lines.columns(pd.Index(lines.genes).get_indexer(setup.lines.genes))
    return replace(lines, x=shaped(lines.x, settings.scaler))


def source_of_all(settings: CellSettings, setup: Setup) -> Lines:
    """The same without the cells' own lines."""
    return without_lines(all_lines(settings, setup), setup.out)[0]


def every_drug(settings: CellSettings, setup: Setup, lines: Lines) -> EveryDrug:
    """Scores of every drug that is measured in 40 lines or more, by one eigendecomposition of the lines."""
    y = lines.y.loc[:, lines.y.notna().sum() >= FEWEST]
    x = fit_scaling(lines.x, settings.scaler).apply(lines.x)
    rows = np.concatenate([setup.plain, setup.smooth])
    within, across = kernels(x, rows)
    scores = -(across @ many_ridges(within, y.to_numpy(np.float64), lines.tissue).dual)
    return EveryDrug(y.columns.to_numpy(), *np.split(scores, 2))
