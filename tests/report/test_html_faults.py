"""Results folders that cannot be read are refused in one line, by the reader and by the script."""

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
from pages import Page
from scripting import script
from studies import write_study

from tl_jax.errors import InputError
from tl_jax.report.sections.lineage import lineage
from tl_jax.report.sections.study import read_study


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study") / "whole", ("Oxaliplatin",), ("zero_shot", "copy_layer1"))


@pytest.fixture
def folder(whole, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(whole, tmp_path / "out")


@pytest.mark.parametrize(
    ("file", "content", "line"),
    [
        ("metrics.csv", None, "holds no metrics.csv"),
        ("metrics.csv", "", "has no rows"),
        ("metrics.csv", "arm,source\na,b\n", "lacks the column protocol"),
        ("gain_map.csv", "arm,source\na,b\n", "gain_map.csv lacks the column protocol"),
        (
            "transferability_agreement.csv",
            "score,sources,spearman\nCKA,4,high\n",
            "line 2, column spearman: 'high' is no",
        ),
        ("summary.json", "{", "summary.json is no JSON"),
        ("summary.json", "[1]", "summary.json holds no JSON object"),
        ("study.json", "\ufffd", "study.json is no JSON"),
        ("history.csv", b"arm,source\n\xff\xfe,b\n", "history.csv cannot be read as a table"),
        ("genes", None, None),
    ],
)
def test_bad_input_is_one_line(file, content, line, folder):
    if line is None:
        folder, line = folder / "nothing", "is no folder"
    elif content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=r"^[^\n]*$") as error:
        read_study(folder)
    assert line in str(error.value)


def test_rows_given_twice_are_refused(folder):
    lines = (folder / "metrics.csv").read_text().splitlines()
    (folder / "metrics.csv").write_text("\n".join([*lines, lines[5]]) + "\n")
    with pytest.raises(InputError, match=f"line {len(lines) + 1}: arm scratch has this repeat, fold and metric twice"):
        read_study(folder)


def test_a_circle_of_checkpoints_is_refused(folder):
    table = pd.read_csv(folder / "lineage.csv", keep_default_na=False)
    table.loc[table["id"] == "root-Oxaliplatin", "parent"] = "copy_layer1-Oxaliplatin"
    table.to_csv(folder / "lineage.csv", index=False)
    with pytest.raises(InputError, match="is among its own ancestors"):
        lineage(read_study(folder))


def test_the_script(folder, tmp_path):
    """A page in the folder, or at --out, where nothing else is replaced."""
    for path in folder.iterdir():  # so that there is nothing to draw but the folds
        if path.name != "metrics.csv":
            path.unlink()
    (tmp_path / "jax.py").write_text("raise SystemExit('the report needs no jax')")  # found before the real one
    code, out, err = script("report", str(folder), folder=tmp_path)
    assert code == 0, err
    assert "report.html" in out
    Page((folder / "report.html").read_text(encoding="utf-8"))
    (tmp_path / "mine.html").write_text("mine")
    code, _, err = script("report", str(folder), "--out=mine.html", folder=tmp_path)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "add --overwrite" in err
    assert (tmp_path / "mine.html").read_text() == "mine"


def test_the_script_refuses_in_one_line(tmp_path):
    code, _, err = script("report", "nowhere", "--out=x/y.html", folder=tmp_path)
    assert (code, len(err.splitlines())) == (2, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("experiment,arm", "arm", "line 2: .* fields, the heading has"),
        ("experiment,arm", "arm,arm", "column 'arm' twice"),
    ],
)
def test_a_lost_or_repeated_heading_does_not_shift_the_table(folder, old, new, line):
    path = folder / "predictions.csv"
    text = path.read_text()
    assert text.count(old) == 1 or text.startswith(old)
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=line):
        read_study(folder)


def test_a_summary_nested_without_end(folder):
    (folder / "summary.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"summary.json is no JSON .maximum recursion"):
        read_study(folder)
