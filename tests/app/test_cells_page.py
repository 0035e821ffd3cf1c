"""Single cells: the matrix on the page is that of the model's own calls, at any threshold."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from app_pages import charts, given, page, words
from pages import Page

from tl_jax.app.parts import calls, figures
from tl_jax.errors import InputError
from tl_jax.report.tables import write_csv

st = pytest.importorskip("streamlit", reason="the app needs tl_jax[app]")
SETTLED = {"": -0.2, "_pretransfer": 0.4, "_transferred": 0.1}  # thresholds of the models


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study of cells in the form in which studies write it."""
    random, place = np.random.default_rng(8), tmp_path_factory.mktemp("cells")
    truth = random.integers(0, 2, 90)
    cells = pd.DataFrame({"cell": [f"C{number:03d}" for number in range(90)]})
    for ending, threshold in SETTLED.items():
        score = truth * random.uniform(0.3, 1.0) + random.normal(0, 0.6, 90)
        cells[f"sens_score{ending}"], cells[f"sens_score_sd{ending}"] = score, 0.1
        cells[f"sens_prob{ending}"] = 0.5
        cells[f"sens_label{ending}"] = (score > threshold).astype(int)
        cells[f"sens_label_agreement{ending}"] = 1.0
    places = pd.DataFrame({"cell": cells["cell"], "x": random.normal(size=90), "y": random.normal(size=90)})
    places = places.assign(cluster=random.integers(0, 3, 90), score=cells["sens_score"], label=cells["sens_label"])
    write_csv(place / "cells.csv", cells)
    write_csv(place / "map.csv", places.assign(pseudotime=0.5, truth=truth.astype(float)))
    signs = pd.DataFrame([(1, 0.5, 0.9, 1.0)], columns=["component", "variance", "spearman", "agreement"])
    write_csv(place / "signs.csv", signs)
    about = {"drug": "simulib", "arm": "ridge_smoothed", "direction_settled": True, "threshold": SETTLED[""]}
    (place / "summary.json").write_text(json.dumps(about))
    return place


@pytest.fixture
def shown(folder, monkeypatch, tmp_path):
    return given(monkeypatch, tmp_path, cells=folder)


def matrix_on(app) -> list[list[int]]:
    """The four counts as the page shows them: rows sensitive and resistant, columns called so."""
    [html] = [element.proto.body for element in app.get("html") if "own calls against" in element.proto.body]
    _, rows = Page(html).table("The model's own calls")
    return [[int(cell.replace(",", "")) for cell in row[1:]] for row in rows]


def recount(content: bytes) -> list[list[int]]:
    """The same matrix from the table that is downloaded."""
    rows = pd.read_csv(io.BytesIO(content))
    return [[int(((rows["truth"] == true) & (rows["called"] == call)).sum()) for call in (1, 0)] for true in (1, 0)]


@pytest.mark.parametrize("ending", SETTLED)
def test_the_matrix_is_that_of_the_downloaded_predictions(folder, shown, ending):
    app = page("cells", **({"model": ending} if ending else {}))
    cells = calls.read_cells(folder)
    threshold = app.slider[0].value
    content = calls.predictions(cells, ending, threshold)
    assert recount(content) == matrix_on(app)
    # The model's own threshold gives the model's own calls, which the study's file holds.
    own = pd.read_csv(folder / "cells.csv")[f"sens_label{ending}"]
    assert pd.read_csv(io.BytesIO(content))["called"].tolist() == own.tolist()


def test_the_button_downloads_what_is_counted(folder, shown, monkeypatch):
    found, given = [], {}
    monkeypatch.setattr(calls, "predictions", lambda *asked: found.append(asked) or b"cell")
    monkeypatch.setattr(st, "download_button", lambda label, data, *more, **how: given.update({label: data}))
    app = page("cells", threshold="0.3")
    assert found == []  # nothing is written before it is asked for
    assert given["These predictions as a table"]() == b"cell"
    [(_, ending, threshold)] = found
    assert (ending, threshold) == ("", app.slider[0].value) == ("", 0.3)


def test_another_threshold_gives_other_counts_and_stays_in_the_address(folder, shown):
    app = page("cells")
    before = matrix_on(app)
    app.slider[0].set_value(0.9).run()
    after = matrix_on(app)
    assert after != before
    assert [sum(row) for row in after] == [sum(row) for row in before]  # the truth does not move
    assert app.query_params["threshold"] == "0.9"
    assert matrix_on(page("cells", threshold="0.9")) == after


def test_precision_recall_and_prevalence_are_those_of_the_counts(folder, shown):
    app = page("cells", threshold="0.2")
    (right, missed), (wrong, left) = matrix_on(app)
    text = words(app)
    assert f"of those called sensitive {right / (right + wrong):.0%} are (precision)" in text
    assert f"of the sensitive {right / (right + missed):.0%} are called so (recall)" in text
    assert f"{(right + missed) / (right + missed + wrong + left):.0%} of the cells of known truth" in text


def test_what_a_study_does_not_have_is_not_offered(folder, monkeypatch, tmp_path):
    place = tmp_path / "plain"
    place.mkdir()
    cells = pd.read_csv(folder / "cells.csv")
    write_csv(place / "cells.csv", cells[[name for name in cells if not name.endswith(("erred", "nsfer"))]])
    for name in ("signs.csv", "summary.json"):
        (place / name).write_bytes((folder / name).read_bytes())
    given(monkeypatch, tmp_path, cells=place)
    app = page("cells")
    assert [box.label for box in app.selectbox] == ["Whose scores", "Section"]
    assert app.selectbox[0].options == ["the study's score"]
    assert "has no map" in words(app)
    assert "Nothing here says how many are right" in words(app)


def test_maps_are_drawn_by_webgl_with_a_dot_for_every_cell(folder, shown):
    left, right = (chart for chart in charts(page("cells", left="truth", right="score after transfer"))[1:])
    assert {trace["type"] for trace in left["data"] + right["data"]} == {"scattergl"}
    assert {trace["name"] for trace in left["data"]} == {"resistant", "sensitive"}
    assert len({trace["marker"]["symbol"] for trace in left["data"]}) == 2  # shapes beside colours
    assert sum(len(trace["text"]) for trace in left["data"]) == 90


@pytest.mark.parametrize("known", [True, False])
def test_no_class_hides_the_other_on_a_map(known):
    """A file sorted by class, all cells at one place: what lies on top there is of every class in turn."""
    places = pd.DataFrame({"cell": [f"C{k}" for k in range(4000)], "x": 0.0, "y": 0.0})
    values = pd.Series(np.repeat(["resistant", "sensitive"] if known else ["cluster 0", "cluster 1"], 2000))
    traces = figures.cells_map(places, values, "truth").data
    found = [name for trace in traces for name in trace.text]
    assert sorted(found) == sorted(places["cell"])  # every cell once
    truth = dict(zip(places["cell"], values, strict=True))
    assert all(truth[name] == trace.name for trace in traces for name in trace.text)
    above = [(trace.name, len(trace.text)) for trace in traces][::-1]
    for layers in (2, 4, 8):  # however little of the drawing lies on top
        own = sum(count for name, count in above[:layers] if name == values[0])
        assert 0.4 < own / sum(count for _, count in above[:layers]) < 0.6
    assert all(one[0] != later[0] for one, later in zip(above[::2], above[2::2], strict=False))  # on top in turn
    shown = [trace.name for trace in traces if trace.showlegend]
    assert sorted(shown) == sorted(set(values))  # one entry of the legend each
    assert {(trace.name, trace.legendgroup) for trace in traces} == {(name, name) for name in set(values)}


def test_numbers_of_a_map_stand_in_no_order_of_the_file():
    places = pd.DataFrame({"cell": [f"C{k}" for k in range(2000)], "x": np.arange(2000.0), "y": 0.0})
    [trace] = figures.cells_map(places, places["x"] * 2, "score").data
    assert abs(np.corrcoef(np.arange(2000), trace.x)[0, 1]) < 0.1
    np.testing.assert_array_equal(trace.marker.color, trace.x * 2)  # every cell keeps its number
    assert [f"C{x:.0f}" for x in trace.x] == list(trace.text)


def test_a_truth_that_is_brought_is_joined_by_name_of_the_cell(folder):
    cells = calls.read_cells(folder).drop(columns="truth")
    rows = pd.DataFrame({"cell": cells["cell"][::-1], "truth": np.arange(90) % 2})
    found = calls.with_truth(cells, rows.to_csv(index=False).encode())
    assert dict(zip(rows["cell"], rows["truth"], strict=True)) == dict(zip(found["cell"], found["truth"], strict=True))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"cell,label\nC001,1\n", "has the columns cell, label"),
        (b"cell,truth\nC001,yes\n", "the truth of cell C001 is 'yes'"),
        (b"cell,truth\nX,1\n", "no cell of the table"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_truth_that_does_not_fit_is_one_line(folder, content, said):
    with pytest.raises(InputError, match=said):
        calls.with_truth(calls.read_cells(folder), content)


def test_shares_without_a_denominator_are_none():
    nothing = calls.counted(pd.Series([0, 0]), pd.Series([0.0, np.nan]))
    assert tuple(nothing) == (0, 0, 0, 1)
    assert (nothing.precision, nothing.recall, nothing.prevalence) == (None, None, 0.0)
