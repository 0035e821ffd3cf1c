"""The page and the words of studies that have no sections of their own."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.report.page.overview import MOST_ROWS, write_overview
from tl_jax.report.page.words import verdict_words, writer_of

GAINS = pd.DataFrame(
    {
        "arm": ["ridge", "drug_profile", "kernel_profile", "drug_profile"],
        "protocol": "honest",
        "reference": ["kernel_ridge", "kernel_ridge", "kernel_ridge", "ridge"],
        "gain": [0.9, 0.1, 0.2, 0.8],
        "ci_low": [0.8, -0.1, 0.05, 0.7],
        "ci_high": [1.0, 0.3, 0.35, 0.9],
    }
)
SCORES = {"mcc": 0.4, "mcc_sd": 0.1, "auroc": 0.7, "auroc_sd": 0.1}


@pytest.fixture
def many(tmp_path):
    """A folder of many_targets with seven targets; nothing says so of ranks.csv."""
    GAINS.to_csv(tmp_path / "gains.csv", index=False)
    targets = pd.DataFrame({"target": list("abcdefg"), "arm": "<ridge>", "protocol": "honest", "n": 20})
    targets.to_csv(tmp_path / "targets.csv", index=False)
    summary = {"experiment": "many_targets", "title": "all", "notes": ["a note"], "settings": {"base": {"seed": 7}}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    return tmp_path


def test_the_best_arm_that_uses_the_source_is_named_with_its_interval(many):
    words = verdict_words(many)
    assert words.startswith("Over 7 targets (protocol honest) kernel_profile is the best arm that uses the source")
    assert "+0.200 Spearman over kernel_ridge (95 % interval over targets +0.050 to +0.350" in words
    assert "not corrected for being the best of 2 arms" in words
    assert words.endswith("it leaves out 0.")


@pytest.mark.parametrize(
    ("change", "end"),
    [
        ({"ci_low": -0.2}, "it holds 0, so nothing is claimed."),
        ({"ci_low": float("nan")}, "there are too few targets for an interval over them."),
        ({"arm": "ridge"}, "no arm that uses the source could be compared with kernel_ridge."),
    ],
)
def test_no_more_is_said_than_the_table_holds(many, change, end):
    GAINS.assign(**change).to_csv(many / "gains.csv", index=False)
    assert verdict_words(many).endswith(end)


def test_the_page_holds_the_verdict_the_tables_and_names_what_is_absent(many):
    assert writer_of(many) is write_overview
    page = write_overview(many).read_text()
    assert verdict_words(many) in page
    assert "&lt;ridge&gt;" in page
    assert "<ridge>" not in page
    assert "Average ranks over targets: no ranks.csv in this folder." in page
    assert "settings: base: seed" in page
    assert "a note" in page
    assert write_overview(many, many / "other.html").read_text() == page


def test_a_grid(tmp_path):
    points = pd.DataFrame([{"layers": 1, "width": 8, "rate": 0.01, **SCORES}] * (MOST_ROWS + 3))
    points.to_csv(tmp_path / "grid.csv", index=False)
    best = {"objective": "mcc", "point": {"layers": 1, "width": 8}, "inner": SCORES}
    summary = {"experiment": "dti_grid_search", "best": best, "test": {"mcc": 0.25, "auroc": 0.75}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert "Of 203 points the one with layers 1, width 8 has the highest mean MCC" in verdict_words(tmp_path)
    assert "asked once, it reaches MCC 0.250 and AUROC 0.750." in verdict_words(tmp_path)
    assert "3 more rows stand in grid.csv." in write_overview(tmp_path).read_text()


@pytest.mark.parametrize("broken", ["{", "[]", "{}", '{"experiment": "exp1_gdsc"}'])
def test_a_folder_that_is_no_such_study_is_refused(tmp_path, broken):
    (tmp_path / "summary.json").write_text(broken)
    with pytest.raises(InputError, match="name the --out folder"):
        write_overview(tmp_path)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["summary.json"]


def test_a_folder_that_lacks_a_table_of_its_verdict_is_refused(many):
    (many / "gains.csv").unlink()
    with pytest.raises(InputError, match=r"gains\.csv"):
        write_overview(many)
