"""The script for many targets as a user runs it: a cohort in files, stopped and resumed, bad input."""

import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import script, start

from tl_jax.data.cohort.simulate import simulate

COHORT = """name = "filed"
drug = "Temozolomide"
[[domain]]
name = "source"
expression = { path = "source.csv", orientation = "samples" }
response = { path = "source_auc.csv", format = "wide", sample_column = "id" }
[[domain]]
name = "target"
expression = { path = "target.csv", orientation = "samples" }
response = { path = "target_auc.csv", format = "wide", sample_column = "id", drugs = ["Temozolomide"] }
"""
TABLES = ("metrics", "held_out", "targets", "blocks", "gains", "over_samples", "by_class", "ranks", "pairs")
ARGUMENTS = (
    "--cohort=filed.toml",
    "--data_dir=.",
    "--targets=target_auc.csv",
    "--quick",
    "--hidden=8,4",
    "--repeats=1",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small simulated chain as files; the target's table holds five drugs."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "filed.toml").write_text(COHORT)
    cohort = simulate(seed=3, genes=60, n_source=120, n_intermediate=30, n_target=20)[0]
    rng = np.random.default_rng(1)
    for role in ("source", "target"):
        domain = cohort.stage(role)
        y, drugs = domain.y, domain.drugs
        if role == "target":
            y, drugs = y + 0.05 * rng.normal(size=(20, 5)), ("Temozolomide", "A", "B", "C", "D")
        pd.DataFrame(domain.x, domain.samples, domain.genes).to_csv(folder / f"{role}.csv", index_label="id")
        pd.DataFrame(y, domain.samples, drugs).to_csv(folder / f"{role}_auc.csv", index_label="id")
    return folder


@pytest.fixture(scope="module")
def whole(folder):
    """(standard output, standard error) of a study that nothing disturbed."""
    code, out, err = script("many_targets", *ARGUMENTS, "--out=whole", folder=folder, pictures=True)
    assert code == 0, err
    return out, err


def test_what_a_study_leaves(folder, whole):
    out, err = whole
    assert "Friedman p = " in out
    assert "tables and pictures: whole" in out
    assert "5/5 targets" in err
    names = {path.name for path in (folder / "whole").iterdir()}
    assert names == {
        *(f"{t}.csv" for t in TABLES),
        "genes.csv",
        "ranks-honest.svg",
        "ranks-honest.png",
        "summary.json",
        "study.json",
        "report.html",
    }
    assert set(pd.read_csv(folder / "whole" / "blocks.csv").target) == {"Temozolomide", "A", "B", "C", "D"}


@pytest.mark.slow
@pytest.mark.usefixtures("whole")
def test_a_study_that_is_killed_ends_in_the_same_tables(folder):
    process = start("many_targets", *ARGUMENTS, "--out=again", folder=folder)
    while len(list((folder / "again.unfinished").rglob("[0-9]*.part"))) < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, _, err = script("many_targets", *ARGUMENTS, "--out=again", "--resume", folder=folder)
    assert code == 0, err
    for table in TABLES:
        assert (folder / "again" / f"{table}.csv").read_bytes() == (folder / "whole" / f"{table}.csv").read_bytes()
    code, _, err = script("many_targets", *ARGUMENTS, "--out=again", "--resume", folder=folder)
    assert (code, err.splitlines()) == (0, ["again is complete already"])


@pytest.mark.slow
def test_bad_input_is_one_line_and_leaves_nothing(folder):
    code, out, err = script("many_targets", *ARGUMENTS, "--min_lines=500", "--out=bad", folder=folder)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "measured on 500 samples or more; lower --min_lines" in err
    assert not list(folder.glob("bad*"))
