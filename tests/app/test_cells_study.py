"""Single cells of a visitor: looked at, planned with their time before anything runs, scored, and shown."""

import html

import pandas as pd
import pytest
from app_pages import given, page, press, run_at_once, words
from cells_files import cells_and_lines

from experiments._tl_jax import script_of
from tl_jax.app.parts import cell_requests, jobs, uploads
from tl_jax.errors import InputError

pytest.importorskip("h5py", reason="files of cells need h5py")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return cells_and_lines(tmp_path_factory.mktemp("cells"))


@pytest.fixture
def place(monkeypatch, tmp_path):
    """The app's options; a job is run to its end before the page goes on."""
    run_at_once(monkeypatch)
    monkeypatch.delenv("TLJAX_DATA", raising=False)
    return given(monkeypatch, tmp_path)


def fill(app, **fields: str):
    for name, value in fields.items():
        [box] = [one for one in app.text_input if one.label.endswith(f"(--{name})")]
        box.set_value(value)
    return app


def brought(files, **fields: str):
    """The page after cells and lines were chosen and looked at."""
    app = page("study", **{"from": "cells"})
    for number, name in enumerate(("cells", "bulk_expression", "bulk_response")):
        if name in files:
            app.file_uploader[number].set_value((*files[name], "application/octet-stream"))
    return press(fill(app, **fields), "Look at the cells")


def test_cells_are_planned_with_their_time_then_scored_and_shown(place, files):
    app = brought(files, drug="simulib", cell_line="none")
    text = html.unescape(words(app))
    assert 'role="alert"' not in text, text
    assert "minutes on one core" in text
    [look] = jobs.all_jobs(place)
    assert "--plan" in look.asked["argv"]  # nothing else was run so far
    app = press(app, "Run this study")
    assert "The study is done." in words(app)
    study = jobs.find(place, app.query_params["job"])
    app = page("cells", cells=f"job-{study.ident}", job=study.ident)
    scored = pd.read_csv(study.out / "cells.csv")
    assert len(scored) == 240
    called = scored["sens_label"].mean()
    assert f"{called:.0%} of 240 cells are called sensitive" in words(app)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cells": ("mine.h5ad", b"\x89PNG\r\n\x1a\n" * 30)}, "cells.h5ad"),
        ({"cells": ("mine.h5ad", b"\x80\x04\x95cposix\nsystem\n.")}, "cells.h5ad"),
        ({"bulk_expression": None}, "A file is missing: Bulk lines: their expression"),
        ({"cells": None}, "A file is missing: Cells without labels"),
        ({"bulk_response": ("response.csv", b"cell_id,drug,AUC\n")}, "bulk_response.csv"),
    ],
)
def test_a_fault_is_one_line(place, files, change, said):
    chosen = {name: content for name, content in (files | change).items() if content}
    text = html.unescape(words(brought(chosen, drug="simulib", cell_line="none")))
    assert said in text
    assert 'role="alert"' in text
    assert "Traceback" not in text
    assert str(place.place) not in text


def test_a_drug_that_is_not_there_is_asked_for_and_said_again(place, files):
    hostile = "<img src=x onerror=alert(1)>"
    app = brought(files, drug=hostile, cell_line="none")
    assert "<img src=x" not in words(app)
    assert "&lt;img src=x" in words(app)
    app = press(fill(app, drug="simulib"), "Look again")
    assert "Run this study" in [button.label for button in app.button]


def test_other_files_are_no_cells(place):
    for name in ("mine.pkl", "mine.csv", "mine.h5ad.exe"):
        with pytest.raises(InputError, match=r"ends in none of \.h5ad; save it as \.h5ad"):
            uploads.keep(place, name, b"x", cell_requests.FILES["cells"])
    with pytest.raises(InputError, match="ends in none of"):
        uploads.keep(place, "mine.h5ad", b"x")  # nor are cells a table


def test_public_lines_are_offered_where_they_are_and_named_by_the_command(place, files, monkeypatch, tmp_path):
    assert cell_requests.public() == {}
    for name in cell_requests.PUBLIC.values():
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.setenv("TLJAX_DATA", str(tmp_path))
    argv = cell_requests.arguments(["cells.h5ad"], {"drug": "x", "tissue_column": "y"})
    assert {f"--{table}=tables/{name}" for table, name in cell_requests.PUBLIC.items()} <= set(argv)
    assert argv.count("--tissue_column=tissue") == 1
    assert "--tissue_column=y" not in argv


def test_every_argument_is_one_that_the_command_takes():
    fields = dict.fromkeys(cell_requests.FIELDS, "1") | {"values": "counts", "biology": "true"}
    for names in (["cells.h5ad"], ["bulk_expression.csv", "bulk_response.csv", "cells.h5ad"]):
        name, *rest = cell_requests.arguments(names, fields)
        script_of(name).parse([*rest, cell_requests.PLAN])
