"""Sections of single cells: whose score it is, what is not defined, and the figures of networks."""

import json

import numpy as np
import pandas as pd
import pytest

from tl_jax.report.plots.cell_map import map_figure, transfer_figure
from tl_jax.report.plots.critical import critical_figure
from tl_jax.report.plots.style import style
from tl_jax.report.sections.registry import report_of
from tl_jax.report.tables import write_csv

RANDOM = np.random.default_rng(5)
REASON = "the cells are of one class"


def folder_of(tmp_path, arms, **summary):
    score = RANDOM.normal(size=8)
    cells = {"cell": [f"c{k}" for k in range(8)], "sens_score": score, "sens_score_sd": 0.1, "sens_prob": 0.5}
    cells |= {"sens_label": score > 0, "sens_label_agreement": 1.0, "sens_score_transferred": score}
    write_csv(tmp_path / "cells.csv", pd.DataFrame(cells).astype({"sens_label": int}))
    signs = pd.DataFrame([(1, 0.5, 0.9, 1.0)], columns=["component", "variance", "spearman", "agreement"])
    write_csv(tmp_path / "signs.csv", signs)
    write_csv(tmp_path / "arms.csv", arms)
    about = {"drug": "simulib", "arm": "ridge_smoothed", "direction_settled": True, "threshold": 0.0, **summary}
    (tmp_path / "summary.json").write_text(json.dumps(about))
    return report_of(tmp_path)


def section(report, anchor):
    return next(one for one in report.sections if one.id == anchor)


def words(blocks):
    return " ".join("".join(map(str, line)) for block in blocks for line in getattr(block, "lines", ()))


@pytest.fixture
def one_class():
    rows = [("paper", "auroc", np.nan, REASON), ("ridge_smoothed", "auroc", np.nan, REASON)]
    rows += [("ridge_smoothed", "average_precision", np.nan, REASON), ("ridge_smoothed", "called_sensitive", 0.2, "")]
    arms = pd.DataFrame(rows, columns=["arm", "metric", "mean", "reason"])
    return arms.assign(sd=arms["mean"] / 10, of_score=arms["mean"], below_half=np.nan)


def test_a_reason_is_said_once_and_not_in_every_row(one_class, tmp_path):
    found = section(folder_of(tmp_path, one_class), "arms")
    text = words(found.blocks)
    assert text.count(REASON) == 1
    assert f"Not defined here: AUROC, average precision ({REASON})." in text
    table = next(block for block in found.blocks if hasattr(block, "rows"))
    assert [str(row[0]) for row in table.rows] == ["ridge_smoothed"]


def test_the_tables_say_whose_score_the_file_holds(one_class, tmp_path):
    report = folder_of(tmp_path, one_class, before_and_after=["paper before", "paper"], depth_spearman=-0.001)
    for anchor in ("scores", "arms"):
        text = words(section(report, anchor).blocks)
        assert "cells.csv and the figure of scores hold the score of ridge_smoothed." in text
        assert "_pretransfer and _transferred are of paper before and paper." in text
    assert "number of counts is 0.00" in words(report.top)


def test_clusters_that_hang_together_are_joined():
    cells = pd.DataFrame(RANDOM.random((30, 4)), columns=["x", "y", "score", "pseudotime"])
    cells = cells.assign(label=np.arange(30.0) % 2, cluster=np.arange(30) % 3)
    paths = pd.DataFrame({"one": [0, 0], "other": [1, 2], "connectivity": [0.8, 0.05]})
    axis = next(a for a in map_figure(cells, "", paths).axes if a.get_title("left") == "cluster of cells")
    (line,) = axis.lines  # the weaker one is not drawn
    np.testing.assert_allclose(line.get_xdata(), [cells.loc[cells["cluster"] == k, "x"].median() for k in (0, 1)])


@pytest.mark.parametrize("called", [True, False])
def test_before_and_after_stand_under_each_other_at_the_same_places(called):
    cells = pd.DataFrame(RANDOM.random((20, 2)), columns=["x", "y"]).assign(truth=np.arange(20.0) % 2)
    for ending in ("_pretransfer", "_transferred"):
        more = {f"score{ending}": RANDOM.random(20), f"agreement{ending}": RANDOM.random(20)}
        cells = cells.assign(**more, **({f"label{ending}": np.arange(20.0) % 2} if called else {}))
    figure = transfer_figure(cells, "")
    titles = [axis.get_title("left") for axis in figure.axes if axis.get_title("left")]
    row = ["true class", "score, {}", *(["called, {}"] if called else []), "seeds that agree, {}"]
    assert titles == [title.format(when) for when in ("before", "after") for title in row]
    axes = [axis for axis in figure.axes if axis.get_title("left")]
    places = [np.vstack([own.get_offsets() for own in axis.collections]) for axis in axes]
    assert all(sorted(map(tuple, own)) == sorted(map(tuple, places[0])) for own in places)


def test_bars_of_critical_genes_have_the_colour_of_their_direction():
    genes = [f"G{k}" for k in range(25)]
    parts = [
        pd.DataFrame({"arm": arm, "gene": genes, "importance": RANDOM.random(25), "slope": RANDOM.normal(size=25)})
        for arm in ("before", "after", "ridge")
    ]
    rows = pd.concat(parts, ignore_index=True)
    figure = critical_figure(rows, ["before", "after"], "")
    assert [axis.get_title("left") for axis in figure.axes] == ["after", "before", "ridge"]
    own = rows[rows["arm"] == "after"].nlargest(20, "importance")
    blue, orange = figure.axes[0].containers
    widths = {bar.get_width() for bar in blue if bar.get_width()}
    assert widths == set(own.loc[own["slope"] >= 0, "importance"])
    assert len(orange) == 20


def test_maps_are_drawn_from_the_tables_as_they_are_written(one_class, tmp_path):
    pytest.importorskip("matplotlib")
    cells = pd.DataFrame(RANDOM.random((6, 4)), columns=["x", "y", "score", "pseudotime"])
    cells = cells.assign(cell=list("abcdef"), label=[0, 1] * 3, cluster=[0, 1, 10] * 2)
    cells.loc[2, "pseudotime"] = np.nan
    for ending in ("_pretransfer", "_transferred"):
        cells = cells.assign(**{f"{name}{ending}": [0, 1] * 3 for name in ("score", "label", "agreement")})
    write_csv(tmp_path / "map.csv", cells)
    write_csv(tmp_path / "paga.csv", pd.DataFrame({"one": [0], "other": [10], "connectivity": [1]}))
    one, again = section(folder_of(tmp_path, one_class), "map").blocks
    with style():
        lines = [line for axis in one.draw().axes for line in axis.lines]
        assert len(lines) >= 1
        assert sum("before" in axis.get_title("left") for axis in again.draw().axes) == 3
