"""The user's object comes back with all its fields and ours, whatever names it had and whichever cells passed."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cells import simulate
from tl_jax.data.cells.cells import read_cells
from tl_jax.data.cells.reach import Reach
from tl_jax.study.cells import setup as setups
from tl_jax.study.cells.object import write_object
from tl_jax.study.cells.outputs import score_table
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import run_cells

anndata = pytest.importorskip("anndata")
pytestmark = pytest.mark.filterwarnings("ignore:Observation names are not unique:UserWarning")
QUICK = CellSettings(repeats=2, bootstraps=2, min_genes=100, arms=("ridge",))
FIELDS = ("score", "score_sd", "prob", "label", "label_agreement")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(results of a study on a file of the user's, that file): names repeated, categories unused, a cell empty."""
    path = tmp_path_factory.mktemp("object") / "mine.h5ad"
    _, cells = simulate.simulated_pair(QUICK.seed)
    x = cells.x.toarray()
    x[4] = 0
    state = pd.Categorical(np.where(cells.obs["sensitive"] == 1, "yes", "no"), ["no", "never", "yes"])
    obs = pd.DataFrame({"state": state, "sens_score": 7.0}, index=["a", "a", *cells.samples[2:]])
    held = anndata.AnnData(x, obs=obs, var=pd.DataFrame(index=cells.genes))
    held.obsm["X_own"] = np.ones((240, 2))
    held.layers["double"] = 2 * x
    held.write_h5ad(path)
    own = pytest.MonkeyPatch()
    own.setattr(setups, "simulated_pair", lambda seed: (simulate.simulated_pair(seed)[0], read_cells(path)))
    results = run_cells(QUICK, make_setup(QUICK))
    own.undo()
    return replace(results, settings=replace(QUICK, cells=str(path), lines=object(), drug="simulib")), path


@pytest.fixture
def written(finished, tmp_path):
    """(results, the user's object as it was, the object as it was written)."""
    results, path = finished
    before, scores = path.read_bytes(), score_table(results)
    more = {"X_tl": np.ones((239, 3))}, {"tl_weights": (["GENE0003"], np.array([0.5]))}
    assert write_object(results, scores, tmp_path / "cells.h5ad", {"drug": "simulib"}, *more) == []
    assert path.read_bytes() == before
    return results, scores, *(anndata.read_h5ad(p) for p in (path, tmp_path / "cells.h5ad"))


def test_all_of_the_users_fields_stay(written):
    _, _, before, after = written
    assert list(after.obs_names) == list(before.obs_names)
    pd.testing.assert_frame_equal(after.obs[list(before.obs)], before.obs)
    np.testing.assert_array_equal(after.X, before.X)
    np.testing.assert_array_equal(after.layers["double"], before.layers["double"])
    np.testing.assert_array_equal(after.obsm["X_own"], before.obsm["X_own"])


def test_scores_stand_at_their_cells_and_a_cell_left_out_has_none(written):
    results, scores, _, after = written
    rows = np.arange(240) != 4
    assert results.setup.kept.tolist() == np.flatnonzero(rows).tolist()
    names = {f"sens_{field}{ending}" for field in FIELDS for ending in ("", "_unsmoothed")} | {"in_domain"}
    assert set(after.obs) == {"state", "sens_score", *names - {"sens_score"}, "sens_score_tl"}
    for name in names:
        own = after.obs["sens_score_tl" if name == "sens_score" else name].to_numpy()
        np.testing.assert_array_equal(own[rows], scores[name])
        assert np.isnan(own[4])
    assert np.isnan(after.obsm["X_tl"][4]).all()
    weights = pd.Series(after.varm["tl_weights"][:, 0], after.var_names).dropna()
    assert weights.to_dict() == {"GENE0003": 0.5}
    np.testing.assert_allclose(scores["sens_score_unsmoothed"], results.scores["ridge"].mean(axis=0))


def test_what_the_scores_rest_on_stands_beside_them(written):
    results, _, _, after = written
    about = after.uns["tl"]
    assert json.loads(about["lineage"])["lines"] == results.setup.lines.samples.tolist()
    assert json.loads(about["settings"])["drug"] == "simulib"
    assert list(about["warnings"]) == results.ledger.notes


def test_a_second_study_of_a_written_object_overwrites_nothing(written, tmp_path):
    results, scores, _, after = written
    once = tmp_path / "once.h5ad"
    after.write_h5ad(once)
    again = replace(results, settings=replace(results.settings, cells=str(once)))
    write_object(again, scores, tmp_path / "twice.h5ad", {})
    found = anndata.read_h5ad(tmp_path / "twice.h5ad")
    pd.testing.assert_frame_equal(found.obs[list(after.obs)], after.obs)
    assert {"sens_score_tl-1", "sens_prob_tl", "in_domain_tl"} <= set(found.obs)
    assert {"tl", "tl_tl"} <= set(found.uns)


def test_scanpy_works_on_what_was_written(written):
    scanpy = pytest.importorskip("scanpy")
    _, _, _, after = written
    after.obs_names_make_unique()
    scanpy.pp.calculate_qc_metrics(after, inplace=True, percent_top=None)
    assert "total_counts" in after.obs


def test_the_domain_of_the_lines_ends_where_lines_end():
    random = np.random.default_rng(2)
    x = random.normal(size=(200, 30)).astype(np.float32)
    reach = Reach.fit(x)
    new = reach.of(random.normal(size=(400, 30)).astype(np.float32))
    assert 0.3 < np.median(new) < 0.7
    assert (reach.of(x[:20] + 50) == 0).all()
    distance = np.sort(np.linalg.norm(reach.places[:, None] - reach.places[None], axis=2), axis=1)[:, 1:6].mean(axis=1)
    np.testing.assert_allclose(reach.own, np.sort(distance), rtol=1e-4)
