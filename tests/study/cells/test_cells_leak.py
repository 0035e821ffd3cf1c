"""Scores of every drug at once, and what the cells' own lines in the source add."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tl_jax.data.cells import simulate
from tl_jax.data.cells.shared import fit_scaling
from tl_jax.data.cells.steps import Filters
from tl_jax.evaluation.predictors.line_models import line_ridge
from tl_jax.study.cells import setup as setups
from tl_jax.study.cells.every_drug import every_drug, source_of_all
from tl_jax.study.cells.leak import APART, leak
from tl_jax.study.cells.outputs import write_cells
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import run_cells
from tl_jax.study.cells.truth import Truth

OWN = ("LINE003", "LINE007", "LINE012")
FEW = Filters(min_genes=20)
QUICK = CellSettings(repeats=2, bootstraps=2, min_genes=100, arms=("ridge",), cell_line=OWN, leak=True, filters=FEW)


@pytest.fixture
def gaps(monkeypatch):
    """A simulated pair whose other drugs lack lines, and whose cells are of three lines."""
    real = simulate.simulated_pair

    def pair(seed):
        lines, cells = real(seed, lines=80, cells=60, genes=150)
        y = lines.y.copy()
        y.iloc[20:40, 1] = np.nan
        y.loc[list(OWN), "simulib"] = [0.2, 0.9, 0.5]
        y.loc[list(OWN), "twinib"] = [0.2, 0.3, 0.25]
        y.loc[list(OWN), "otherib"] = [0.9, np.nan, 0.1]
        obs = cells.obs.assign(line=np.array(OWN)[np.arange(60) % 3])
        return replace(lines, y=y), replace(cells, obs=obs)

    monkeypatch.setattr(setups, "simulated_pair", pair)


def test_a_profile_is_the_ridge_of_each_drug_on_its_lines(gaps):
    setup = make_setup(QUICK)
    lines = source_of_all(QUICK, setup)
    found = every_drug(QUICK, setup, lines)
    x = fit_scaling(lines.x, "zscore").apply(lines.x)
    assert not set(OWN) & set(lines.samples)
    for number, drug in enumerate(found.drugs):
        y = lines.y[drug].to_numpy()
        known = np.isfinite(y)
        assert known.sum() == (57 if drug == "twinib" else 77)
        expected = line_ridge(x[known], y[known], lines.tissue[known], setup.smooth)
        assert np.corrcoef(found.smooth[:, number], expected)[0, 1] == pytest.approx(1, abs=1e-3)


def test_the_leak_is_judged_on_drugs_that_tell_the_lines_apart(gaps):
    setup = make_setup(QUICK)
    own = setup.cells.obs["line"].to_numpy()
    table = leak(QUICK, setup, own)
    assert set(table["drug"]) == {"simulib"}  # of twinib they are alike, of otherib one is not measured
    assert table["source"].tolist() == ["own lines out", "own lines in"]
    score = every_drug(QUICK, setup, source_of_all(QUICK, setup))
    truth = own == OWN[0]  # below the middle of .2 to .9 lies the first, and the third too
    expected = roc_auc_score(truth | (own == OWN[2]), score.smooth[:, list(score.drugs).index("simulib")])
    assert table["auroc_smoothed"].iloc[0] == pytest.approx(expected)


def test_the_leak_is_written(gaps, tmp_path):
    write_cells(run_cells(QUICK, make_setup(QUICK)), tmp_path, Truth("line", by_line=True))
    assert len(pd.read_csv(tmp_path / "leak.csv")) == 2
    assert APART == 0.15
