"""The cell cycle is found by its genes and taken out of both domains; few genes are those that vary most."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tl_jax.data.cells import simulate
from tl_jax.data.cells.cells import Cells
from tl_jax.data.cells.cycle import G2M, S, cycle_scores, less_cycle
from tl_jax.data.cells.steps import most_variable
from tl_jax.data.genes.names import translate
from tl_jax.errors import InputError
from tl_jax.study.cells import setup as setups
from tl_jax.study.cells.kept import keep_model
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import CellResults

scanpy = pytest.importorskip("scanpy")
RANDOM = np.random.default_rng(8)
QUICK = CellSettings(repeats=2, bootstraps=2, min_genes=100, arms=("ridge",))


def cycling(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(log values (n, genes), genes, how far each row is in the S phase): 300 other genes beside those of the cycle."""
    phase = RANDOM.random(n)
    names = np.array([*translate(S).names, *translate(G2M).names, *(f"OTHER{k}" for k in range(300))])
    x = RANDOM.normal(3, 0.3, size=(n, len(names)))
    x[:, : len(S)] += 2 * phase[:, None]
    x[:, -100:] += phase[:, None]  # genes that run with it and are no markers
    order = np.argsort(names)
    return np.maximum(x, 0)[:, order].astype("f4"), names[order], phase


def test_the_list_is_whole_and_of_current_symbols():
    assert (len(S), len(G2M), len({*S, *G2M})) == (43, 54, 97)
    assert {"CENPU", "PIMREG", "JPT1"} <= {*translate(S).names, *translate(G2M).names}


@pytest.mark.parametrize("store", [np.array, sparse.csr_matrix])
def test_scores_follow_the_phase_and_go_with_it(store):
    x, genes, phase = cycling(200)
    scores = cycle_scores(store(x), genes, "cells")
    assert np.corrcoef(scores[:, 0], phase)[0, 1] > 0.9
    left, share = less_cycle(x, scores)
    runs = np.array([abs(np.corrcoef(column, scores[:, 0])[0, 1]) for column in left.T])
    assert runs.max() < 1e-3
    np.testing.assert_allclose(left.mean(axis=0), x.mean(axis=0), atol=1e-4)
    assert share == pytest.approx(1 - left.var(axis=0).sum() / x.var(axis=0).sum(), abs=1e-3)


def test_too_few_genes_of_a_phase_are_refused():
    x, genes, _ = cycling(20)
    few = ~np.isin(genes, translate(S).names[5:])
    with pytest.raises(InputError, match="--cell_cycle: lines have 5 genes of the S phase; 10 are needed"):
        cycle_scores(x[:, few], genes[few], "lines")


@pytest.fixture
def cells():
    found = simulate.simulated_pair(QUICK.seed)[1]
    return replace(found, x=sparse.csr_matrix(np.log1p(found.x.toarray())), kind="log")


def test_few_genes_are_scanpy_s_and_the_cells_stay_sparse(cells):
    chosen = most_variable(cells, 120)
    held = scanpy.AnnData(cells.x.toarray())
    scanpy.pp.highly_variable_genes(held, flavor="seurat", n_top_genes=120)
    np.testing.assert_array_equal(chosen, np.flatnonzero(held.var["highly_variable"]))
    assert sparse.issparse(cells.x)
    assert len(most_variable(cells, 4000)) == 400
    with pytest.raises(InputError, match="--highly_variable needs counts or log values; these are zscore"):
        most_variable(replace(cells, kind="zscore"), 120)


def test_each_step_is_a_line_of_the_study_and_reaches_lines_and_cells(monkeypatch):
    lines, cells = simulate.simulated_pair(QUICK.seed)
    names = np.sort([*translate(S).names, *translate(G2M).names, *lines.genes[97:]])
    pair = replace(lines, genes=names), Cells(cells.x, cells.samples, names, "counts", cells.obs)
    monkeypatch.setattr(setups, "simulated_pair", lambda seed: pair)
    plain = make_setup(QUICK)
    settings = replace(QUICK, highly_variable=150, cell_cycle=True)
    found = make_setup(settings)
    assert "150 of them are left, those that vary most over the cells" in found.notes
    assert sum(note.startswith("the cell cycle was taken out: ") for note in found.notes) == 1
    at = np.isin(plain.lines.genes, found.lines.genes)
    assert at.sum() == len(found.lines.genes) == 150
    assert np.abs(found.lines.x - plain.lines.x[:, at]).max() > 0.01
    scores = cycle_scores(pair[0].x, names, "lines")
    assert np.abs(np.corrcoef(found.lines.x.T, scores.T)[:-2, -2:]).max() < 1e-3
    said = keep_model(CellResults(settings, found), None, ())
    assert said == ["no model was kept: with --cell_cycle a cell's values depend on all other cells"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"highly_variable": 99}, "--highly_variable=99: at least --min_genes=100"),
        ({"highly_variable": -1}, "--highly_variable=-1"),
        ({"highly_variable": 200, "depth": "pearson"}, "goes without --depth=pearson"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(QUICK, **change)
