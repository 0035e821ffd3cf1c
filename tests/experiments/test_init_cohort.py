"""The script that writes a cohort file: what it leaves, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import script

TABLES = ("--expression=data/expression.csv", "--response=data/response.csv", "--drug=Temozolomide")


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    samples = [f"S{k}" for k in range(12)]
    (tmp_path / "data").mkdir()
    x = pd.DataFrame(random.normal(8, 2, (60, 12)), index=[f"GENE{k}" for k in range(60)], columns=samples)
    x.to_csv(tmp_path / "data" / "expression.csv")
    y = pd.DataFrame({"sample": samples, "viability": random.random(12)})
    y.to_csv(tmp_path / "data" / "response.csv", index=False)
    return tmp_path


def test_two_tables_become_a_cohort(folder):
    code, out, err = script("init_cohort", *TABLES, folder=folder)
    assert code == 0, err
    assert "12 samples are in both tables" in out
    assert "60 genes shared; 12 samples of the target have Temozolomide" in out
    assert (folder / "my_cohort.toml").read_text().startswith("# 12 samples are in both tables")
    code, _, err = script("init_cohort", *TABLES, folder=folder)
    assert (code, err) == (2, "error: --out=my_cohort.toml exists; choose another or add --overwrite\n")
    assert script("init_cohort", *TABLES, "--overwrite", folder=folder)[0] == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--response=",), "--response is missing"),
        (("--expression=data/absent.csv",), "there is no file data/absent.csv; in its folder"),
        (("--out=cohort.txt",), "a file that ends in .toml is needed"),
        (("--source=absent",), "unknown cohort 'absent'"),
        (("--source=simulated",), "--source=simulated has no tables"),
        (("--source=nci60",), "the drafted cohort does not load: there is no file"),
        (("--name=../up",), "key 'name' must be letters"),
    ],
)
def test_what_is_refused_leaves_nothing(folder, flags, words):
    code, _, err = script("init_cohort", *TABLES, *flags, folder=folder)
    assert code == 2
    assert words in err.splitlines()[-1]
    assert not list(folder.glob("*.t*"))


def test_all_open_points_are_named_at_once_and_the_draft_is_replaced(folder):
    (folder / "data" / "response.csv").write_text(
        "sample,dose,effect\n" + "".join(f"S{k},{d},{k % 3}\n" for k in range(12) for d in (1, 10))
    )
    code, out, err = script("init_cohort", *TABLES, folder=folder)
    assert code == 2
    assert "open 1:" in err
    assert "filter = { dose = '1' }" in err
    assert "--direction=resistant" in err
    assert "marked in the draft my_cohort.toml" in err.splitlines()[-1]
    text = (folder / "my_cohort.toml").read_text()
    assert text.startswith("# OPEN: ")
    assert 'direction = "?"' in text
    flags = ('--response_keys=filter = { dose = "10" }', "--direction=sensitive")
    code, out, err = script("init_cohort", *TABLES, *flags, folder=folder)
    assert code == 0, err
    assert "12 samples of the target have Temozolomide" in out
    lines = "--response_keys=decimal = ','\nmissing = ['ND']"
    code, _, err = script("init_cohort", *TABLES, lines, "--out=other.toml", folder=folder)
    assert code == 2
    assert err.strip().endswith("texts in quotes; separate by comma, not by line break")
    assert err.strip().count("\n") == 0
    code, _, err = script("init_cohort", *TABLES, "--response_keys=flter = 1", "--out=other.toml", folder=folder)
    assert (code, "did you mean 'filter'?" in err) == (2, True)


def test_it_starts_without_what_it_does_not_need():
    """pandas takes most of its start; scipy, scikit-learn or jax would double it."""
    code = "import tl_jax.data.drafts.write, sys; print([n for n in ('scipy', 'sklearn', 'jax') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
