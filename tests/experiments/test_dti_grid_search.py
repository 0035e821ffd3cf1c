"""The script of the grid search: killed and resumed, two processes, the plan, bad input."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import forked, free_port, script, start

pytest.importorskip("rdkit")
NAME = "dti_grid_search"
ARGUMENTS = (
    *("--rows=120", "--folds=2", "--layers=1,2", "--widths=8", "--batches=64", "--rates=0.001,0.01"),
    *("--dropouts=0.1", "--epochs=3,6", "--at_once=2", "--checkpoint_dir=kept"),
)
slow = pytest.mark.slow  # ten seconds for each start; recorded in docs/dti_grid.md
TABLES = ("grid.csv", "best.json", "test.csv", "predictions.csv")


def tables(folder):
    return {name: (folder / name).read_bytes() for name in TABLES}


@slow
def test_the_plan_writes_nothing(tmp_path):
    code, out, err = script(NAME, "--plan", "--rows=300", "--layers=1", folder=tmp_path)
    assert code == 0, err
    # 200 training rows: batches of 256 and 512 are one.
    assert "2,100 points as 21 programs and 945 runs" in out
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    code, out, err = forked(NAME, *ARGUMENTS, "--out=whole", folder=folder, JAX_NUM_CPU_DEVICES="1")
    assert code == 0, err
    assert "the best of 8 points" in out
    assert "asked once: MCC" in out
    return folder


@slow
def test_what_it_leaves(folder):
    whole = folder / "whole"
    names = sorted(path.name for path in whole.iterdir())
    assert names == sorted((*TABLES, "profiles.png", "profiles.svg", "study.json", "summary.json", "report.html"))
    summary = json.loads((whole / "summary.json").read_text())
    best = json.loads((whole / "best.json").read_text())
    assert summary["best"] == best
    rows = [line.split(",") for line in (whole / "grid.csv").read_text().splitlines()]
    place = rows[0].index("mcc")
    assert best["inner"]["mcc"] == pytest.approx(max(float(row[place]) for row in rows[1:]), abs=1e-8)
    assert summary["effort"]["epochs"] == 2 * 2 * 2 * 6
    assert summary["effort"]["alone"] == 2 * 4 * (3 + 6)


@slow
def test_killed_and_resumed(folder):
    """Again and again, as soon as another part is written."""
    parts, kills = 0, 0
    work = folder / "killed.unfinished"
    while True:
        process = start(NAME, *ARGUMENTS, "--out=killed", "--resume", folder=folder, JAX_NUM_CPU_DEVICES="1")
        while process.poll() is None and len(list(work.rglob("[0-9]*.part"))) <= parts:
            time.sleep(0.02)
        if process.poll() is None and kills < 3:
            parts = len(list(work.rglob("[0-9]*.part")))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        _, err = process.communicate()
        assert process.returncode == 0, err
        break
    assert kills == 3
    assert tables(folder / "killed") == tables(folder / "whole")
    assert not work.exists()
    code, _, err = script(NAME, *ARGUMENTS, "--out=killed", "--resume", folder=folder)
    assert (code, err.splitlines()) == (0, ["killed is complete already"])


@slow
def test_other_science_is_refused(folder):
    process = start(NAME, *ARGUMENTS, "--out=other", folder=folder)
    while not list((folder / "other.unfinished").rglob("[0-9]*.part")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    for more, said in (("--folds=3", "flags.folds: 2 -> 3"), ("--epochs=3,7", "flags.space.epochs")):
        code, _, err = script(NAME, *ARGUMENTS, "--out=other", "--resume", more, folder=folder)
        assert code == 2
        assert said in err.splitlines()[-1]


@slow
def test_two_processes(folder):
    where = (f"--coordinator=localhost:{free_port()}", "--processes=2", "--out=two")
    both = [start(NAME, *ARGUMENTS, *where, f"--process={k}", folder=folder, JAX_NUM_CPU_DEVICES="1") for k in (0, 1)]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert "on 2 cpu devices" in said[0][1]
    assert "asked once" not in said[1][0]
    assert tables(folder / "two") == tables(folder / "whole")


@slow
def test_some_points_of_the_same_grid(folder):
    code, _, err = forked(NAME, *ARGUMENTS, "--adaptive=4", "--out=some", folder=folder, JAX_NUM_CPU_DEVICES="1")
    assert code == 0, err
    whole = (folder / "whole" / "grid.csv").read_text().splitlines()[1:]
    some = (folder / "some" / "grid.csv").read_text().splitlines()[1:]
    assert 1 <= len(some) <= 4
    assert {line.rpartition(",")[0] for line in some} <= set(whole)
