"""The study between protein families as a script: what it leaves, how it resumes, what it refuses."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import script

pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")

TINY = ("--quick", "--sizes=6,24", "--hidden=8,4", "--epochs=2", "--source_epochs=2", "--shallow=svc", "--mode3=svc")


@pytest.mark.shipped
def test_a_study_and_its_refusals(tmp_path):
    code, out, err = script("dti_transfer", *TINY, "--out=done", folder=tmp_path)
    assert code == 0, err
    assert "mean MCC on 100 test compounds" in out
    summary = json.loads((tmp_path / "done" / "summary.json").read_text())
    assert summary["settings"]["sizes"] == [6, 24]
    assert {stage["reused"] for stage in summary["stages"]} == {False}
    arms = pd.read_csv(tmp_path / "done" / "arms.csv", keep_default_na=False)
    assert {"scratch", "mode1", "mode2_1", "mode2_12", "mode3_1_svc", "zero_shot", "svc"} == set(arms["arm"])
    # The same test set by its list, sources found again, the same numbers.
    test = f"--test_ids={tmp_path / 'done' / 'test_ids.txt'}"
    code, _, err = script("dti_transfer", *TINY, test, "--out=again", folder=tmp_path)
    assert code == 0, err
    first, second = ((tmp_path / name / "metrics.csv").read_bytes() for name in ("done", "again"))
    assert first == second
    again = json.loads((tmp_path / "again" / "summary.json").read_text())
    assert {stage["reused"] for stage in again["stages"]} == {True}
    code, _, err = script("dti_transfer", *TINY, "--out=done", "--resume", folder=tmp_path)
    assert (code, "complete already" in err) == (0, True)
    page = tmp_path / "done" / "report.html"
    first = page.read_text()
    page.unlink()
    code, out, err = script("report", "done", folder=tmp_path)
    assert code == 0, err
    assert "Transfer to alpha" in first
    assert page.read_text() == first


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--source=delta", "--source=delta: no family beside alpha; there are: beta, gamma, all, pooled"),
        ("--data=nowhere.csv", "nowhere.csv"),
        ("--sizes=a", "--sizes=a: whole numbers"),
        ("--methods=mode9", "--methods=mode9: there are"),
        ("--test_ids=nowhere.txt", "nowhere.txt"),
    ],
)
def test_bad_input_is_one_line(flag, text, tmp_path):
    code, _, err = script("dti_transfer", *TINY, flag, "--out=out", folder=tmp_path)
    assert code == 2
    assert text in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_helpshort_lists_the_flags(tmp_path):
    _, out, err = script("dti_transfer", "--helpshort", folder=tmp_path)
    for flag in ("data", "source", "target", "sizes", "test_ids", "resume", "out"):
        assert f"--{flag}:" in out + err or f"--[no]{flag}:" in out + err
