"""Looks at cells are counted by the cells of the file, charged, and plans are registered before the run."""

import dataclasses
import tomllib

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cells.steps import Filters
from tl_jax.study.cells.looks import record, to_register
from tl_jax.study.cells.outputs import write_cells
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import run_cells
from tl_jax.study.cells.truth import Truth
from tl_jax.study.core.registration import register

QUICK = CellSettings(repeats=2, bootstraps=2, min_genes=100, arms=("ridge",))
TRUTH = Truth("sensitive")


@pytest.fixture(scope="module")
def setup():
    return make_setup(QUICK)


def test_other_draws_arms_filters_and_values_are_looks_and_the_same_study_is_none(setup, tmp_path):
    def count(asked=TRUTH, own=setup, **changes):
        settings = dataclasses.replace(QUICK, **{"checkpoint_dir": str(tmp_path), **changes})
        return len(record(settings, own, asked))

    assert count() == count() == 1
    assert count(repeats=3) == 2
    assert count(smooth=5) == 3
    filtered = dataclasses.replace(QUICK, filters=Filters(min_genes=30))
    fewer = make_setup(filtered)
    assert fewer.names == setup.names
    assert count(own=fewer, filters=filtered.filters) == 4
    assert count(dataclasses.replace(TRUTH, sensitive=("0",))) == 5
    assert count(Truth("another")) == 1
    assert count(own=dataclasses.replace(setup, drug="another")) == 1
    assert count(own=dataclasses.replace(setup, names="another")) == 1
    assert count() == 5  # the first of all, once more
    assert count(checkpoint_dir=str(tmp_path / "new")) == 1


def test_a_study_charges_its_look_and_says_what_was_registered(setup, tmp_path):
    own = dataclasses.replace(QUICK, checkpoint_dir=str(tmp_path))
    plan = tmp_path / "plan.toml"
    register(plan, to_register(dataclasses.replace(own, repeats=3), setup, "ridge_smoothed", TRUTH))
    found = tomllib.loads(plan.read_text())
    assert (found["drug"], found["truth"]["column"], found["reference"]) == (setup.drug, "sensitive", "ridge_smoothed")
    held = register(plan, to_register(own, setup, "ridge_smoothed", TRUTH))
    results = run_cells(own, setup, registered=held)
    write_cells(results, tmp_path / "out", TRUTH)
    table = pd.read_csv(tmp_path / "out" / "comparisons.csv")
    assert set(table["looks"]) == {1}
    np.testing.assert_allclose(table["p_after_looks"], np.minimum(1, 2 * table["p_holm"]), rtol=1e-6)
    assert (table["harm"] == ((table["p_after_looks"] < 0.05) & (table["difference"] < 0))).all()
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Not run as registered in" in page
    assert "settings.repeats: 3 -&gt; 2" in page
    assert "p after all looks" in page
