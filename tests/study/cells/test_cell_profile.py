"""A profile over all drugs: each drug is its own ridge, every table stands, and what tells nothing is left out."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from experiments import scdeal
from tl_jax.data.cells import simulate
from tl_jax.data.cells.shared import fit_scaling
from tl_jax.errors import InputError
from tl_jax.report.sections.registry import report_of
from tl_jax.study.cells import setup as setups
from tl_jax.study.cells.profile import run_profile
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup

ALL = CellSettings(drugs="all", min_genes=100)


@pytest.fixture
def gaps(monkeypatch):
    """The simulated pair with gaps in its responses, and two drugs more that tell nothing."""
    real = simulate.simulated_pair

    def changed(seed):
        lines, cells = real(seed)
        y = lines.y.copy()
        y.iloc[::3, 1] = np.nan
        y["rarely"] = y["simulib"].where(np.arange(160) < 30)
        y["never"] = 1.0
        return replace(lines, y=y), cells

    monkeypatch.setattr(setups, "simulated_pair", changed)


def test_each_drug_is_the_ridge_of_its_own_lines(gaps):
    setup = make_setup(ALL)
    found = run_profile(ALL, setup)
    x, y = fit_scaling(setup.lines.x, "zscore").apply(setup.lines.x).astype(float), setup.lines.y["twinib"].to_numpy()
    own = np.isfinite(y)
    row = found.drugs.set_index("drug").loc["twinib"]
    expected = -Ridge(alpha=row["penalty"], tol=1e-12).fit(x[own], y[own]).predict(setup.smooth)
    np.testing.assert_allclose(found.scores["twinib"], expected, atol=1e-6)
    assert row["lines"] == own.sum() == 106
    assert row["mean"] == pytest.approx(expected.mean())


def test_drugs_that_lines_follow_come_first_and_those_that_tell_nothing_are_left_out(gaps):
    found = run_profile(ALL, make_setup(ALL))
    assert found.drugs["drug"].tolist()[2] == "otherib"
    assert set(found.scores) == {"simulib", "twinib", "otherib"}
    assert found.drugs["left_out_spearman"].iloc[0] > 0.5
    assert abs(found.drugs["left_out_spearman"].iloc[2]) < 0.3
    assert any("2 drugs tell too little" in note for note in found.ledger.notes)


def test_no_drug_at_all_is_refused(gaps):
    setup = make_setup(ALL)
    few = replace(setup, lines=replace(setup.lines, y=setup.lines.y[["rarely", "never"]]))
    with pytest.raises(InputError, match="no drug is measured in 40 lines"):
        run_profile(ALL, few)


def test_the_command_writes_tables_page_and_object(tmp_path, capsys):
    out = tmp_path / "out"
    assert scdeal.main(["--embedded", "--drugs=all", f"--out={out}"]) == 0
    table = pd.read_csv(out / "profiles.csv")
    assert table.columns.tolist() == ["cell", "simulib", "twinib", "otherib"]
    assert len(table) == 240
    assert "folds" not in json.loads((out / "summary.json").read_text())["settings"]
    assert {"drugs", "near", "settings"} <= {section.id for section in report_of(out).sections}
    assert "Of 3 drugs, 2 are predicted" in capsys.readouterr().out
    anndata = pytest.importorskip("anndata")
    held = anndata.read_h5ad(out / "cells.h5ad")
    np.testing.assert_allclose(held.obsm["X_tl_profile"], table.iloc[:, 1:], rtol=1e-6)
    assert json.loads(held.uns["tl"]["lineage"])["drugs"] == ["simulib", "twinib", "otherib"]
    assert scdeal.main(["--embedded", "--drugs=all", f"--out={out}", "--resume"]) == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--truth=sensitive"], "--truth judges one --drug"),
        (["--biology"], "--drugs=all goes without --biology"),
        (["--drug=simulib"], "--drugs=all goes without --drug"),
    ],
)
def test_what_goes_with_one_drug_alone_is_refused(flags, message, capsys):
    assert scdeal.main(["--embedded", "--drugs=all", *flags]) == 2
    assert message in capsys.readouterr().err
