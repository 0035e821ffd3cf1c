"""New cells by the model of a study: the page shows what the command wrote, with what makes a score mean little."""

import html
import json

import pandas as pd
import pytest
from app_pages import given, page, press, run_at_once, words
from cells_files import cells_and_lines, cells_study
from pages import Page

from experiments._tl_jax import script_of
from tl_jax.app.parts import cell_choice, cell_requests, jobs, studies
from tl_jax.app.parts.studies import CELLS, Known
from tl_jax.app.views import cells_scored

pytest.importorskip("h5py", reason="files of cells need h5py")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(a finished study of the simulated pair, its cells' file and lines)."""
    return cells_study(tmp_path_factory.mktemp("scored"))


@pytest.fixture
def place(monkeypatch, tmp_path, made):
    """The app's options; a job is run to its end before the page goes on."""
    run_at_once(monkeypatch)
    return given(monkeypatch, tmp_path, cells=made[0])


def scored(content: tuple[str, bytes] | None):
    """The page after cells were brought to be scored."""
    app = page("cells")
    if content:
        uploader = app.file_uploader[-1]
        uploader.set_value((*content, "application/octet-stream"))
    return press(app, "Score these cells")


def test_the_study_s_own_cells_get_the_study_s_own_scores_and_calls(place, made):
    app = scored(made[1]["cells"])
    text = html.unescape(words(app))
    assert 'class="alert"' not in text or cells_scored.UNSETTLED in text
    [job] = jobs.all_jobs(place)
    own, new = (pd.read_csv(folder / "cells.csv") for folder in (made[0], job.out))
    pd.testing.assert_series_equal(own["sens_score"], new["sens_score"], rtol=1e-4)
    assert f"{own['sens_label'].mean():.0%} of 240 cells are called sensitive" in text
    _, rows = Page(words(app)).table("Cells in the order of their file")
    assert [row[0] for row in rows] == own["cell"].tolist()
    assert [row[1] for row in rows] == [f"{value:.3f}" for value in new["sens_score"]]
    assert [row[3] == "sensitive" for row in rows] == (own["sens_label"] == 1).tolist()
    for note in json.loads((job.out / "summary.json").read_text())["notes"]:
        assert note[1:] in text


def test_what_makes_a_score_mean_little_stands_beside_it():
    fine = {"sens_score": 0.1, "in_domain": 0.4, "sens_label_agreement": 1.0}
    assert cells_scored.caution(fine) == ""
    assert cells_scored.caution(fine | {"in_domain": 0.0}) == "unlike every line"
    both = cells_scored.caution(fine | {"in_domain": 0.0, "sens_label_agreement": 0.8})
    assert both == "unlike every line; draws disagree on the call"
    assert cells_scored.caution(fine | {"sens_score": float("nan"), "in_domain": float("nan")}) == "not scored"


def test_an_unsettled_direction_is_said_first(place, made):
    scored(made[1]["cells"])
    [job] = jobs.all_jobs(place)
    about = json.loads((job.out / "summary.json").read_text())
    for settled in (True, False):
        about["model"]["direction_settled"] = settled
        (job.out / "summary.json").write_text(json.dumps(about))
        assert (cells_scored.UNSETTLED in words(page("cells", job=job.ident))) == (not settled)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (("mine.h5ad", b"\x89PNG\r\n\x1a\n" * 30), "cells.h5ad"),
        (("mine.h5ad", b"\x80\x04\x95cposix\nsystem\n."), "cells.h5ad"),
        (None, "A file is missing: New cells"),
    ],
)
def test_a_fault_is_one_line(place, content, said):
    text = html.unescape(words(scored(content)))
    assert said in text
    assert 'role="alert"' in text
    assert "Traceback" not in text
    assert str(place.place) not in text


def test_cells_of_other_genes_are_refused_with_the_remedy(place, tmp_path):
    other = cells_and_lines(tmp_path, genes=200)["cells"]
    text = html.unescape(words(scored(other)))
    assert "of the model's 400 genes" in text
    assert "--min_coverage" in text


def test_scores_are_found_again_unless_the_model_is_another(place, made, tmp_path):
    cells = tmp_path / "cells.h5ad"
    cells.write_bytes(made[1]["cells"][1])
    folder = tmp_path / "study"
    (folder / "model").mkdir(parents=True)
    for name in cell_requests.MODEL:
        (folder / "model" / name).write_bytes((made[0] / "model" / name).read_bytes())
    study = Known("one", "one", folder, CELLS)
    first = cell_requests.score(place, study, cells, {})
    assert cell_requests.score(place, study, cells, {}).ident == first.ident
    words_of = json.loads((folder / "model" / "model.json").read_text())
    (folder / "model" / "model.json").write_text(json.dumps(words_of | {"drug": "other"}))
    assert cell_requests.score(place, study, cells, {}).ident != first.ident


def test_a_study_is_chosen_by_what_its_own_records_say(made):
    facts, digest = cell_choice.facts_of(made[0])
    assert facts == cell_choice.Facts("mine", "simulib", "none", "none")
    assert digest == json.loads((made[0] / "study.json").read_text())["data"]["cells"]


def test_without_a_kept_model_nothing_is_asked(made, monkeypatch, tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    for name in ("cells.csv", "signs.csv", "summary.json"):
        (folder / name).write_bytes((made[0] / name).read_bytes())
    given(monkeypatch, tmp_path, cells=folder)
    app = page("cells")
    assert "This study keeps no model" in words(app)
    assert "Score these cells" not in [button.label for button in app.button]


def test_scores_of_a_kept_model_are_no_study(place, made):
    """They hold no table that a report of cells needs: a folder of results with them would be a fault on the page."""
    scored(made[1]["cells"])
    [job] = jobs.all_jobs(place)
    assert (job.out / "cells.csv").is_file()
    assert studies.kind_of(job.out) is None
    assert studies.kind_of(made[0]) == CELLS


def test_every_argument_is_one_that_the_command_takes(place, made, tmp_path):
    fields = {"layer": "X", "scale_by": "cells"}
    path = tmp_path / "cells.h5ad"
    path.write_bytes(made[1]["cells"][1])
    job = cell_requests.score(place, Known("one", "one", made[0], CELLS), path, fields)
    name, *rest = job.asked["argv"]
    script_of(name).parse(rest)
    assert {"--layer=X", "--scale_by=cells"} <= set(rest)
