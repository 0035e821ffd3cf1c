"""The notebooks of examples/ run from top to bottom: every code cell in one namespace, its last value shown."""

import ast
import json
import re
from pathlib import Path
from unittest.mock import patch

import pytest
from scripting import own_functions
from selection import some

from tl_jax.report.sections.answer import QUICK

ROOT = Path(__file__).resolve().parents[1]
BOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def cells(path: Path, kind: str) -> list[str]:
    """Texts of all cells of a kind."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


def run(path: Path, given: str = "", instead: str = "") -> tuple[dict, str]:
    """(names that the notebook leaves, what it shows as text). Pictures are drawn, as a page of Jupyter draws them.

    given, instead: a piece of its code that is replaced.
    """
    names, shown = {"__name__": "notebook"}, []
    code = cells(path, "code")
    assert any(given in text for text in code)
    for number, text in enumerate(code):
        tree = ast.parse(text.replace(given, instead) if given else text)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        where = f"{path.name}, code cell {number}"
        exec(compile(tree, where, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), where, "eval"), names)
            shown.append(repr(value) if value is not None else "")
            if hasattr(value, "_repr_png_"):
                assert value._repr_png_().startswith(b"\x89PNG")
    return names, "\n".join(shown)


@pytest.fixture
def of_its_own(tmp_path, monkeypatch):
    """A folder to work in; what is registered is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    with own_functions(), patch.dict("tl_jax.models.registry.NETWORKS"):
        yield tmp_path


@pytest.mark.parametrize("arms", some(['["scratch", "freeze_layer1"]', '["scratch"]'], '["scratch"]'))
def test_a_study(arms, of_its_own, capsys):
    """As it stands, and every day with one network, which is half of its time."""
    with patch("tl_jax.study.cohort.outputs.draw"):  # pictures beside the tables, which take a third of the time
        names, shown = run(ROOT / "examples" / "a_study.ipynb", '["scratch", "freeze_layer1"]', arms)
    study = names["study"]
    assert set(study.metrics["arm"]) == {*ast.literal_eval(arms), "mean", "ridge"}
    assert study.verdict.startswith(f"{QUICK}. On 24 samples ")
    assert study.verdict in capsys.readouterr().out
    assert set(names["sources"]["source"]) == {"Temozolomide", "Oxaliplatin"}
    page = (of_its_own / "results" / "lines_and_patients" / "report.html").read_text(encoding="utf-8")
    first, _, _ = study.verdict.partition(";")
    assert first in re.sub(r"&#x27;", "'", page)
    assert "24 samples of patients" in shown


@pytest.mark.full
def test_own_strategy_and_network(of_its_own, capsys):
    names, shown = run(ROOT / "examples" / "own_strategy_and_network.ipynb")
    told = capsys.readouterr().out
    assert set(names["built_in"].metrics["arm"]) == {"scratch", "freeze_layer1", "slow_layer1", "only_head", "ridge"}
    assert "Transfer(trains 2 of 6 leaves: head/bias, head/kernel)" in told
    assert "layer1/kernel 0.1" in told or "'layer1/kernel': 0.1" in told
    assert names["loss"][-1] < 0.5 * names["loss"][0]
    assert all(arm in shown for arm in ("linear scratch", "linear slow_layer1", "slow_layer1", "only_head"))
    own, built_in = (
        names[study].predictions.query("arm == 'scratch'").set_index(["repeat", "fold", "sample_id"])
        for study in ("own", "built_in")
    )
    assert own.index.equals(built_in.index)  # the same folds
    assert not (own["y_pred"] == built_in["y_pred"]).any()


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.name)
def test_a_notebook_is_small_and_holds_no_output(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 20_000
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert (
        max(len(line) for kind in ("code", "markdown") for text in cells(path, kind) for line in text.splitlines())
        <= 120
    )


def test_every_notebook_is_run_and_named():
    assert [path.stem for path in BOOKS] == ["a_study", "own_strategy_and_network"]
    pages = (ROOT / "README.md").read_text() + (ROOT / "docs" / "index.md").read_text()
    assert all(f"examples/{path.name}" in pages for path in BOOKS)
