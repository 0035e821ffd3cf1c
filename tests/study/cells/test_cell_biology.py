"""The biology of called classes: what scanpy gives, what chance gives, and that none of it reaches a score."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cells import simulate
from tl_jax.data.cells.steps import Filters
from tl_jax.errors import InputError
from tl_jax.report.plots.cell_map import map_figure
from tl_jax.report.sections.registry import report_of
from tl_jax.study.cells import biology as biologies
from tl_jax.study.cells import modules as own_modules
from tl_jax.study.cells import outputs, settings
from tl_jax.study.cells import setup as setups
from tl_jax.study.cells.modules import PUBLISHED, agreement, as_accurate, pearson, published_agreement
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import run_cells
from tl_jax.study.cells.truth import Truth

QUICK = CellSettings(repeats=2, bootstraps=2, min_genes=100, arms=("ridge",))
RANDOM = np.random.default_rng(6)


@pytest.mark.parametrize(("name", "file"), [("GSE110894", "Fig3_GSE110894"), ("HN120", "FigS8_GSE117872_HN120")])
def test_published_agreement_is_recomputed_from_the_authors_scores(name, file, data_dir):
    path = data_dir.parent / "singlecell" / "published" / f"scdeal_{file}_score.parquet"
    if not path.exists():
        pytest.skip(f"no published scores at {path}")
    expected = next(values for one, *values in PUBLISHED if one == f"scDEAL, {name}")
    assert [round(value, 3) for value in published_agreement(pd.read_parquet(path))] == expected


def test_drawn_calls_are_as_accurate_in_each_class():
    label, called = RANDOM.integers(0, 2, 200), RANDOM.integers(0, 2, 200)
    drawn = as_accurate(label, called, np.random.default_rng(1))
    for one in (0, 1):
        assert (drawn[label == one] == one).sum() == (called[label == one] == one).sum()
    assert (drawn != called).any()


def test_agreement_is_by_class_and_empty_where_a_module_is():
    one, other = RANDOM.normal(size=(2, 30)), RANDOM.normal(size=(2, 30))
    np.testing.assert_allclose(
        agreement(one, other), [np.corrcoef(a, b)[0, 1] for a, b in zip(one, other, strict=True)]
    )
    assert np.isnan(agreement(None, other)).all()
    assert np.isnan(pearson(np.full(30, np.nan), other[0]))
    assert np.isnan(pearson(np.ones(30), other[0]))


def test_more_cells_than_a_map_holds_are_drawn_by_class(monkeypatch):
    pytest.importorskip("anndata")
    monkeypatch.setattr(biologies, "MOST", 40)
    label = np.arange(200) < 150
    cells = SimpleNamespace(
        x=RANDOM.random((200, 5)), samples=np.arange(200).astype(str), genes=np.array(list("abcde"))
    )
    setup = SimpleNamespace(everything=cells)
    calling = SimpleNamespace(calls=lambda score: (score > 0.5).astype(int))
    asked = SimpleNamespace(setup=setup, calling=calling, score=label.astype(float), settings=QUICK)
    held, rows = biologies.held_cells(asked)
    assert (np.sort(rows) == rows).all()
    assert label[rows].sum() == 30
    assert held.n_obs == 40
    np.testing.assert_array_equal(held.X, cells.x[rows])
    np.testing.assert_array_equal(biologies.held_cells(asked)[1], rows)


def test_the_map_shows_the_truth_where_it_is_known_alone():
    cells = pd.DataFrame(RANDOM.random((30, 4)), columns=["x", "y", "score", "pseudotime"])
    cells = cells.assign(label=np.arange(30.0) % 2, cluster=np.arange(30) % 9)
    cells.loc[3, "pseudotime"] = np.nan

    def titles(table):
        return [axis.get_title("left") for axis in map_figure(table, "").axes if axis.get_title("left")]

    without = titles(cells.assign(truth=np.nan))
    assert titles(cells) == without
    assert titles(cells.assign(truth=cells["label"])) == [*without[:2], "true class", *without[2:]]
    axis = next(a for a in map_figure(cells, "").axes if a.get_title("left") == "cluster of cells")
    assert [text.get_text() for text in axis.texts] == [str(number) for number in range(9)]
    half = cells.assign(truth=cells["label"].where(cells.index < 9))
    axis = next(a for a in map_figure(half, "").axes if a.get_title("left") == "true class")
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["not known", "resistant", "sensitive"]
    assert [len(own.get_offsets()) for own in axis.collections] == [21, 5, 4]


def test_biology_without_its_packages_is_refused_before_the_work(monkeypatch):
    monkeypatch.setattr(settings, "find_spec", lambda name: None if name == "umap" else name)
    with pytest.raises(InputError, match="--biology needs scanpy, umap-learn"):
        replace(QUICK, biology=True)
    with pytest.raises(InputError, match="--root=a changes nothing without --biology"):
        replace(QUICK, root="a")


def test_too_few_cells_for_biology_are_refused_before_the_work(monkeypatch):
    for package in settings.BIOLOGY:
        pytest.importorskip(package)
    lines, cells = simulate.simulated_pair(QUICK.seed)
    monkeypatch.setattr(setups, "simulated_pair", lambda seed: (lines, cells.rows(np.arange(10))))
    few = replace(QUICK, biology=True, filters=Filters(min_cells=1))
    with pytest.raises(InputError, match="--biology needs 11 cells; 10 are left"):
        make_setup(few)
    assert len(make_setup(replace(few, biology=False)).cells) == 10


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(results, folder) of a small study with its biology."""
    for package in settings.BIOLOGY:
        pytest.importorskip(package)
    asked = replace(QUICK, biology=True)
    monkeypatch = pytest.MonkeyPatch()
    for name, value in (("RANDOM_GENES", 10), ("RANDOM_CALLS", 3)):
        monkeypatch.setattr(own_modules, name, value)
    monkeypatch.setattr(biologies, "PERMUTATIONS", 9)
    folder = tmp_path_factory.mktemp("biology")
    results = run_cells(asked, make_setup(asked))
    assert outputs.write_cells(results, folder, Truth("sensitive")) == []
    monkeypatch.undo()
    return results, folder


@pytest.mark.full  # numba compiles for more than a minute
@pytest.mark.filterwarnings("ignore")
def test_the_tables_of_biology_hold_what_scanpy_found(done):
    results, folder = done
    tables = {name: pd.read_csv(folder / f"{name}.csv") for name in ("genes", "map", "modules", "trajectory")}
    assert set(tables["genes"]["class"]) == {"sensitive", "resistant"}
    assert (tables["genes"]["p_adjusted"] < 0.05).all()
    first = tables["genes"].query("`class` == 'sensitive'")["gene"].iloc[0]
    logs, called = results.setup.everything, results.calling.calls(results.score)
    level = logs.x[:, np.flatnonzero(logs.genes == first)[0]].toarray()[:, 0]
    assert level[called == 1].mean() > level[called == 0].mean()
    assert len(tables["map"]) == 240
    np.testing.assert_array_equal(tables["map"]["truth"], results.setup.cells.obs["sensitive"])
    np.testing.assert_allclose(tables["map"]["score"], results.score, rtol=1e-6)
    rows = tables["modules"].query("`class` == 'sensitive'").set_index("compared")
    assert rows.loc["called against true classes", "pearson"] > rows.loc["50 random genes", "high"]
    assert rows.loc["random calls of equal accuracy", "draws"] == 3
    paths = pd.read_csv(folder / "paga.csv")
    assert set(paths["one"]) | set(paths["other"]) <= set(tables["map"]["cluster"])
    assert paths["connectivity"].between(0, 1).all()
    assert tables["trajectory"]["root"].item() == results.setup.cells.samples[results.score.argmax()]


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_the_page_and_the_object_hold_the_one_layout(done):
    anndata = pytest.importorskip("anndata")
    _, folder = done
    assert {"map", "genes", "modules", "trajectory"} <= {section.id for section in report_of(folder).sections}
    layout = anndata.read_h5ad(folder / "cells.h5ad").obsm["X_umap_tl"]
    np.testing.assert_allclose(layout, pd.read_csv(folder / "map.csv")[["x", "y"]], rtol=1e-6)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_a_named_root_is_where_time_begins(done):
    results, _ = done
    held, _ = biologies.held_cells(results)
    biologies.laid_out(held, 1)
    path, time = biologies.trajectory(held, "CELL0007", 1)
    assert path["root"].item() == "CELL0007"
    assert time[7] == 0
    with pytest.raises(InputError, match="--root=nobody: no cell"):
        biologies.trajectory(held, "nobody", 1)
