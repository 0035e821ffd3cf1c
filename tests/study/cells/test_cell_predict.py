"""A kept model gives the study's own scores again, in blocks of any size, from a file that is never read whole."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from h5ad_writer import write_h5ad
from scipy import sparse

from experiments import scdeal_predict
from tl_jax.data.cells import blocks
from tl_jax.data.cells.simulate import simulated_pair
from tl_jax.data.cells.steps import Filters
from tl_jax.errors import InputError
from tl_jax.study.cells.kept import keep_model, load_model
from tl_jax.study.cells.outputs import score_table
from tl_jax.study.cells.predict import predict_cells
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import run_cells

pytest.importorskip("h5py")
QUICK = CellSettings(repeats=3, bootstraps=2, min_genes=100, arms=("ridge",), filters=Filters(min_cells=0))


def kept(settings, folder):
    """(what the study scored, its model)."""
    results = run_cells(settings, make_setup(settings))
    assert keep_model(results, folder) == []
    return score_table(results), load_model(folder)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return kept(QUICK, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def cells():
    """The study's cells: (counts, genes, names)."""
    _, found = simulated_pair(QUICK.seed)
    return found.x, found.genes, found.samples


@pytest.fixture
def file(tmp_path, cells):
    return write_h5ad(tmp_path / "new.h5ad", *cells)


def predicted(model, file, tmp_path, **options):
    found = predict_cells(model, file, tmp_path / "out.csv", **options)
    return pd.read_csv(tmp_path / "out.csv"), found


def test_the_studys_own_cells_get_their_scores_again(study, file, tmp_path):
    expected, model = study
    table, found = predicted(model, file, tmp_path)
    assert table["cell"].tolist() == expected["cell"].tolist()
    assert found["cells"] == {"read": 240, "scored": 240}
    for name in expected.columns[1:]:
        np.testing.assert_allclose(table[name], expected[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("changed", [{"scaler": "rank"}, {"scaler": "minmax"}, {"penalty": 5000.0}])
def test_other_scalers_and_penalties_are_kept_too(changed, file, tmp_path):
    expected, model = kept(replace(QUICK, **changed), tmp_path)
    table, _ = predicted(model, file, tmp_path)
    np.testing.assert_allclose(table["sens_score"], expected["sens_score"], atol=1e-5)


def test_scaled_by_themselves_the_same_cells_score_the_same(study, file, tmp_path):
    expected, model = study
    table, _ = predicted(model, file, tmp_path, scale_by="cells")
    np.testing.assert_allclose(table["sens_score"], expected["sens_score"], atol=1e-5)


def test_another_depth_of_reading_changes_own_scaling_less_than_the_studys(study, cells, tmp_path):
    """Counts of a platform that sees twice as many molecules of every other gene."""
    expected, model = study
    x = cells[0].toarray()
    x[:, ::2] *= 3
    file = write_h5ad(tmp_path / "new.h5ad", x, *cells[1:])
    own, _ = predicted(model, file, tmp_path, scale_by="cells")
    theirs, _ = predicted(model, file, tmp_path)
    assert (
        abs(own["sens_score"] - expected["sens_score"]).mean()
        < 0.7 * abs(theirs["sens_score"] - expected["sens_score"]).mean()
    )


@pytest.mark.parametrize("layout", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_matrix.toarray])
def test_blocks_and_layouts_change_no_unsmoothed_score(layout, study, cells, tmp_path, monkeypatch):
    expected, model = study
    monkeypatch.setattr(blocks.CellFile.bounds, "__defaults__", (37,))
    file = write_h5ad(tmp_path / "new.h5ad", layout(cells[0]), *cells[1:])
    table, found = predicted(model, file, tmp_path, smooth=False)
    assert table["cell"].tolist() == expected["cell"].tolist()
    np.testing.assert_allclose(table["sens_score_unsmoothed"], expected["sens_score_unsmoothed"], atol=1e-5)
    np.testing.assert_array_equal(table["sens_score"], table["sens_score_unsmoothed"])
    assert "cells are not averaged" in found["notes"]
    assert any("read whole" in note for note in found["notes"]) == (layout is sparse.csc_matrix)


def test_cells_are_averaged_within_their_block(study, cells, tmp_path, monkeypatch):
    _, model = study
    monkeypatch.setattr(blocks.CellFile.bounds, "__defaults__", (120,))
    table, _ = predicted(model, write_h5ad(tmp_path / "a.h5ad", *cells), tmp_path)
    half = [cells[0][:120], cells[1], cells[2][:120]]
    alone, _ = predicted(model, write_h5ad(tmp_path / "b.h5ad", *half), tmp_path)
    np.testing.assert_allclose(table["sens_score"][:120], alone["sens_score"], atol=1e-6)


def test_genes_that_a_file_lacks_are_average_and_too_few_are_refused(study, cells, tmp_path):
    expected, model = study
    x, genes, names = cells
    table, found = predicted(model, write_h5ad(tmp_path / "a.h5ad", x[:, 40:], genes[40:], names), tmp_path)
    assert "360 of the model's 400 genes found" in found["notes"]
    assert np.corrcoef(table["sens_score"], expected["sens_score"])[0, 1] > 0.9
    few = write_h5ad(tmp_path / "b.h5ad", x[:, 100:], genes[100:], names)
    with pytest.raises(InputError, match=r"has 300 of the model's 400 genes; --min_coverage=0\.8"):
        predicted(model, few, tmp_path)


def test_cells_that_do_not_pass_are_empty_and_counted(study, cells, tmp_path):
    expected, model = study
    x = cells[0].toarray()
    x[7], x[9, 50:] = 0, 0
    table, found = predicted(model, write_h5ad(tmp_path / "a.h5ad", x, *cells[1:]), tmp_path, smooth=False)
    lost = np.isin(np.arange(240), [7, 9])
    assert table["sens_score"].isna().tolist() == lost.tolist()
    np.testing.assert_allclose(
        table["sens_score_unsmoothed"][~lost], expected["sens_score_unsmoothed"][~lost], atol=1e-5
    )
    assert "240 cells in, 2 under 200 genes, 238 scored" in found["notes"]


def test_values_of_another_kind_are_refused(study, cells, tmp_path):
    file = write_h5ad(tmp_path / "a.h5ad", np.log1p(cells[0].toarray()), *cells[1:])
    with pytest.raises(InputError, match="its values are log, those of the model's cells were counts"):
        predicted(study[1], file, tmp_path)
    few = write_h5ad(tmp_path / "b.h5ad", cells[0][:20], cells[1], cells[2][:20])
    with pytest.raises(InputError, match="20 cells are too few to scale by; use --scale_by=study"):
        predicted(study[1], few, tmp_path, scale_by="cells")


def test_a_value_that_is_not_finite_far_inside_is_found(study, cells, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks.CellFile.some, "__defaults__", (64, 4))
    x = cells[0].toarray()
    x[30, 3] = np.nan
    with pytest.raises(InputError, match="values of cells 1 to 240 are not finite"):
        predicted(study[1], write_h5ad(tmp_path / "a.h5ad", x, *cells[1:]), tmp_path)


def test_a_fault_while_scores_are_written_is_not_laid_on_the_file(study, file, tmp_path):
    with pytest.raises(OSError, match="no-such-folder"):
        predict_cells(study[1], file, tmp_path / "no-such-folder" / "out.csv")


@pytest.mark.parametrize("damage", ["indptr", "indices", "data"])
def test_a_sparse_matrix_that_contradicts_itself_is_refused(damage, study, file, tmp_path):
    import h5py

    with h5py.File(file, "r+") as held:
        part = held[f"X/{damage}"]
        if damage == "indptr":
            part[100] = part[101] + 5
        else:
            values = part[:-9]
            del held[f"X/{damage}"]
            held[f"X/{damage}"] = values
    with pytest.raises(InputError, match="contradict each other; save it again"):
        predicted(study[1], file, tmp_path)


@pytest.mark.parametrize("damage", ["no words", "cut off", "other genes"])
def test_a_damaged_model_is_refused_in_one_line(damage, tmp_path):
    _, _ = kept(QUICK, tmp_path)
    if damage == "no words":
        (tmp_path / "model.json").unlink()
    elif damage == "cut off":
        (tmp_path / "model.npz").write_bytes((tmp_path / "model.npz").read_bytes()[:5000])
    else:
        words = json.loads((tmp_path / "model.json").read_text())
        (tmp_path / "model.json").write_text(json.dumps(words | {"genes": words["genes"][:-1]}))
    with pytest.raises(InputError, match=r"holds no model|holds a damaged model"):
        load_model(tmp_path)


def test_what_all_cells_decide_cannot_be_kept(tmp_path):
    asked = replace(QUICK, scaler="quantile")
    assert "no model was kept: with --scaler=quantile" in keep_model(run_cells(asked, make_setup(asked)), tmp_path)[0]
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_folder(study, file, tmp_path, capsys):
    _, _ = kept(QUICK, tmp_path / "study" / "model")
    asked = [f"--model={tmp_path / 'study'}", f"--cells={file}", f"--output_dir={tmp_path / 'new'}"]
    assert scdeal_predict.main(asked) == 0
    assert len(pd.read_csv(tmp_path / "new" / "cells.csv")) == 240
    summary = json.loads((tmp_path / "new" / "summary.json").read_text())
    assert summary["model"]["lineage"]["arm"] == "ridge_smoothed"
    assert "240 cells scored, simulib" in capsys.readouterr().err
    assert scdeal_predict.main(asked) == 2
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("smooth", [0, 10])
def test_genes_in_another_order_are_found_by_name(smooth, cells, tmp_path):
    expected, model = kept(replace(QUICK, smooth=smooth), tmp_path / "model")
    x, genes, names = cells
    order = np.random.default_rng(9).permutation(len(genes))
    table, _ = predicted(model, write_h5ad(tmp_path / "other.h5ad", x[:, order], genes[order], names), tmp_path)
    for column in ("sens_score", "sens_score_unsmoothed", "sens_prob", "in_domain"):
        np.testing.assert_allclose(table[column], expected[column], rtol=1e-4, atol=1e-5)
    assert (np.abs(table["sens_score"] - table["sens_score_unsmoothed"]).max() > 0) == (smooth > 1)
