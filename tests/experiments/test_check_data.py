"""The script that checks a cohort: exit codes, files, and what it says of bad input."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import script

COHORT = """
name = "own"
drug = "Temozolomide"
[[domain]]
name = "lines"
[domain.expression]
path = "lines.csv"
[domain.response]
path = "lines_response.csv"
format = "wide"
sample_column = "sample"
value_column = "AUC"
drug = "Temozolomide"
[[domain]]
name = "cultures"
[domain.expression]
path = "cultures.csv"
[domain.response]
path = "cultures_response.csv"
format = "wide"
sample_column = "sample"
value_column = "AUC"
drug = "Temozolomide"
"""


def own(folder, counts):
    """Tables of a chain of two domains; the target in counts that nothing puts on a log scale, or not."""
    rng = np.random.default_rng(0)
    level = rng.normal(7, 2, 80)
    for name, n in (("lines", 40), ("cultures", 20)):
        samples = [f"{name}{i:02d}" for i in range(n)]
        x = np.clip(level + rng.normal(0, 1, (n, 80)), 0.5, 15)
        if counts and name == "cultures":
            x = rng.poisson(2**x)
        frame = pd.DataFrame(x, index=pd.Index(samples, name="sample"), columns=[f"G{i}" for i in range(80)])
        frame.to_csv(folder / f"{name}.csv")
        pd.DataFrame({"sample": samples, "AUC": rng.uniform(0.3, 0.9, n)}).to_csv(folder / f"{name}_response.csv")
    (folder / "own.toml").write_text(COHORT)


def test_a_sound_cohort_exits_with_0_and_leaves_a_page(tmp_path):
    own(tmp_path, counts=False)
    arguments = ("--cohort=own.toml", "--data_dir=.", "--out=checked")
    code, out, err = script("check_data", *arguments, folder=tmp_path, pictures=True)
    assert (code, err) == (0, "")
    assert "\nready" in out
    assert re.search(r"^with expression +40 +20$", out, re.MULTILINE)
    page = (tmp_path / "checked" / "check_data.html").read_text()
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "")
    assert (tmp_path / "checked" / "findings.csv").read_text().startswith("severity,check,where,text,remedy")
    code, _, err = script("check_data", *arguments, folder=tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "--overwrite" in err
    (tmp_path / "checked" / "check_data.html").write_text("old")
    assert script("check_data", *arguments, "--overwrite", folder=tmp_path, pictures=True)[0] == 0
    assert (tmp_path / "checked" / "check_data.html").read_text() == page


def test_a_fault_exits_with_1_and_names_the_remedy_last(tmp_path):
    own(tmp_path, counts=True)
    code, out, err = script("check_data", "--cohort=own.toml", "--data_dir=.", folder=tmp_path)
    assert (code, err) == (1, "")
    assert "1. [blocking] units of expression differ" in out
    assert 'transform = "log_cpm"' in out
    assert "not ready: 1 to mend" in out
    (page,) = tmp_path.glob("results/check_data/*/check_data.html")
    assert "Not ready: 1 to mend" in page.read_text()


@pytest.mark.parametrize(
    ("flag", "word"),
    [("--cohort=absent.toml", "absent.toml"), ("--folds=1", "folds")],
)
def test_bad_input_is_one_line(tmp_path, flag, word):
    code, out, err = script("check_data", flag, folder=tmp_path)
    assert (code, out) == (2, "")
    assert word in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
