"""The blocks of a report hold all that its page says, so that something other than a page can show them."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from pages import Page
from studies import write_study

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.registry import record
from tl_jax.report.blocks import Figure, Marked, Part, Table, Text
from tl_jax.report.page.page import html_of
from tl_jax.report.plots.style import style
from tl_jax.report.sections import all_of, report_of


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def many_targets(folder):
    """blocks and gains as a study of many targets leaves them: `ridge` is best on every target."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    blocks = pd.DataFrame({"target": [f"drug {k}" for k in range(6)], "protocol": "honest"})
    for name, level in (("mean", np.nan), ("ridge", 0.9), ("kernel_ridge", 0.3), ("drug_profile", 0.2)):
        blocks[name] = level + rng.uniform(0, 0.05, 6)
    blocks.to_csv(folder / "blocks.csv", index=False)
    row = {"arm": "ridge", "source": "", "protocol": "honest", "reference": "kernel_ridge", "targets": 6}
    gains = pd.DataFrame([row | {"gain": 0.6, "ci_low": 0.58, "ci_high": 0.62, "won": 1.0}])
    gains.to_csv(folder / "gains.csv", index=False)
    return folder


def grid_search(folder):
    folder.mkdir()
    axes = {"layers": [1, 2], "width": 64, "batch": 32, "rate": 0.001, "dropout": 0.1, "epochs": 10}
    scores = {"mcc": [0.25, 0.75], "mcc_sd": 0.1, "auroc": [0.6, 0.9], "auroc_sd": 0.1}
    pd.DataFrame(axes | scores).to_csv(folder / "grid.csv", index=False)
    pd.DataFrame({"metric": ["mcc"], "value": [0.5]}).to_csv(folder / "test.csv", index=False)
    return folder


FOLDERS = {"study": write_study, "many": many_targets, "grid": grid_search}


@pytest.fixture(scope="module", params=FOLDERS)
def report(request, tmp_path_factory):
    return report_of(FOLDERS[request.param](tmp_path_factory.mktemp("folder") / "out"))


def plain(block):
    """A block as words: a renderer that knows nothing of HTML."""
    if isinstance(block, Text):
        return [word(piece) for line in block.lines for piece in line]
    if isinstance(block, Table):
        cells = [str(cell) for row in block.rows for cell in row]
        return [block.title, *(column.heading for column in block.columns), *cells]
    if isinstance(block, Figure):
        try:
            with style():
                block.draw()
        except InputError as error:
            return [f"Without its picture ({block.label}): {error}."]
    if isinstance(block, Part):
        return [block.title, *(one for inner in block.blocks for one in plain(inner))]
    return [one for root in block.roots for one in branch(root)]


def word(piece):
    return piece.word if isinstance(piece, Marked) else str(piece)


def branch(node):
    lines = [word(piece) for line in node.lines for piece in line]
    return [*lines, *(one for child in node.children for one in branch(child))]


def test_another_renderer_shows_all_that_the_page_says(report):
    shown = [report.title, report.footer, "Skip to the content"]
    for section in report.sections:
        shown += [section.title, *(one for block in section.blocks for one in plain(block))]
    shown += [one for block in report.top for one in plain(block)]
    body = html_of(report).split("</head>")[1]
    said = [html.unescape(part).strip() for part in re.split(r"<[^>]*>", body) if part.strip()]
    assert len(said) > 30
    everything = "\n".join(shown)
    assert not [part for part in said if part not in everything]


def test_a_tables_frame_holds_the_numbers_that_its_cells_were_written_from(report):
    tables = [b for s in report.sections for b in s.blocks if isinstance(b, Table) and b.frame is not None]
    assert tables
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)


def test_the_best_arm_of_each_target_is_marked(tmp_path):
    page = Page(html_of(report_of(many_targets(tmp_path / "out"))))
    best = page.all("td", class_="n gain")
    assert len(best) == 6
    assert all(float(cell["text"]) >= 0.9 for cell in best)
    assert page.table("Average rank")[1][0] == ["ridge", "1.00"]


def test_the_best_point_comes_first(tmp_path):
    head, rows = Page(html_of(report_of(grid_search(tmp_path / "out")))).table("The 2 points")
    assert dict(zip(head, rows[0], strict=True))["MCC"] == "0.750"


def test_sections_need_no_html_and_no_jax(tmp_path):
    folder = many_targets(tmp_path / "out")
    code = (
        "import sys; from tl_jax.report.sections import all_of; names = [s.id for s in all_of(sys.argv[1])];"
        "assert 'ranks' in names; assert not {'jax', 'tl_jax.report.page'} & set(sys.modules)"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=root, check=True)
    assert [s.id for s in all_of(folder)][:4] == ["next", "ranks", "gain", "targets"]


def test_the_lowest_error_of_each_target_is_marked(tmp_path):
    """Judged by an error the same numbers put the other arms first."""
    folder = many_targets(tmp_path / "out")
    (folder / "summary.json").write_text(json.dumps({"metric": record("mae")}))
    page = Page(html_of(report_of(folder)))
    best = page.all("td", class_="n gain")
    assert len(best) == 6
    assert all(float(cell["text"]) <= 0.25 for cell in best)
    assert page.table("Average rank")[1][-1] == ["ridge", "3.00"]
    assert "Spearman" not in str(page.all("table"))
