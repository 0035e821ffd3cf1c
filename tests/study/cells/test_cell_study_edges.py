"""Studies of very few cells, of genes and labels that say nothing, and flags that are mistyped."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from experiments import scdeal
from tl_jax.data.cells import simulate
from tl_jax.data.cells.steps import Filters
from tl_jax.errors import InputError
from tl_jax.study.cells import setup as setups
from tl_jax.study.cells import study
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import CellResults, run_cells
from tl_jax.study.cells.truth import Truth, truth_of

QUICK = CellSettings(repeats=2, bootstraps=4, min_genes=100, arms=("ridge",), filters=Filters(min_cells=1))


@pytest.fixture
def pair(monkeypatch):
    """Let the simulated pair be changed before a study reads it."""
    real = simulate.simulated_pair

    def change(function):
        monkeypatch.setattr(setups, "simulated_pair", lambda seed: function(*real(seed)))

    return change


@pytest.mark.parametrize(("cells", "averaged"), [(2, 1), (3, 1), (11, 5)])
def test_a_few_cells_are_scored_and_never_averaged_until_all_are_alike(cells, averaged, pair):
    pair(lambda lines, own: (lines, own.rows(np.arange(cells))))
    setup = make_setup(QUICK)
    found = run_cells(QUICK, setup)
    assert found.score.shape == (cells,)
    assert np.isfinite(found.score).all()
    assert len(np.unique(found.score)) == cells
    assert any(note.endswith(f"would make all alike; {averaged} are averaged") for note in setup.notes)


def test_twenty_cells_are_averaged_as_asked(pair):
    pair(lambda lines, own: (lines, own.rows(np.arange(20))))
    assert not [note for note in make_setup(QUICK).notes if "averaged" in note]


def test_a_single_cell_is_refused(pair):
    pair(lambda lines, own: (lines, own.rows(np.arange(1))))
    with pytest.raises(InputError, match="1 of 1 cells are left; a score compares at least 2 cells"):
        make_setup(QUICK)


@pytest.mark.parametrize("scaler", ["zscore", "rank", "quantile", "minmax"])
def test_genes_that_never_vary_in_one_domain_leave_scores_finite(scaler, pair):
    def constant(lines, own):
        x, bulk = own.x.toarray(), lines.x.copy()
        x[:, :3], bulk[:, 3:6] = 2, 5
        return replace(lines, x=bulk), replace(own, x=sparse.csr_matrix(x))

    pair(constant)
    asked = replace(QUICK, scaler=scaler)
    assert np.isfinite(run_cells(asked, make_setup(asked)).score).all()


def results_of(column, pair, **lines):
    pair(lambda lines, own: (lines, replace(own, obs=own.obs.assign(mine=column))))
    setup = make_setup(QUICK)
    return CellResults(QUICK, replace(setup, truth_lines=pd.Series(lines, dtype=float)))


def test_cells_of_one_line_have_no_truth_by_line(pair):
    with pytest.raises(InputError, match="have one measured response; a truth by line needs lines that differ"):
        truth_of(results_of("A549", pair, A549=0.4), Truth("mine", by_line=True))


def test_categories_that_no_cell_has_are_no_values_of_the_truth(pair):
    states = pd.Categorical(np.array(["yes", "no"])[np.arange(240) % 2], ["never", "no", "yes"])
    found = truth_of(results_of(states, pair), Truth("mine", ("yes",)))
    assert found.tolist() == [1, 0] * 120
    with pytest.raises(InputError, match=r"no such value; .*'no', 'yes'"):
        truth_of(results_of(states, pair), Truth("mine", ("never",)))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--truth=sensitiv"], "no column 'sensitiv' (--truth); did you mean 'sensitive'?"),
        (["--truth=sensitive", "--sensitive=2"], "--sensitive=2: 'sensitive' has no such value"),
    ],
)
def test_a_truth_that_is_mistyped_is_found_before_the_work(flags, message, tmp_path, monkeypatch, capsys):
    def never(*_):
        raise AssertionError("the work began")

    monkeypatch.setattr(study, "run_cells", never)
    assert scdeal.main(["--embedded", *flags, f"--out={tmp_path / 'out'}"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
