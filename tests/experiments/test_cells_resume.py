"""A study of cells with networks that is killed and resumed ends in the same tables."""

import random
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import ended, forked, start

ARGUMENTS = (
    *("--embedded", "--truth=sensitive", "--seeds=3", "--epochs=4", "--transfer=none,coral", "--arms=ridge"),
    *("--repeats=2", "--bootstraps=4", "--hidden=16", "--bottleneck=8"),
)


@pytest.mark.full
def test_killed_and_resumed(tmp_path):
    kills, dice = 0, random.Random(7)
    forked("scdeal", *ARGUMENTS, "--out=warm", "--checkpoint_dir=warm_kept", folder=tmp_path)
    began = time.monotonic()
    code, _, err = forked("scdeal", *ARGUMENTS, "--out=whole", "--checkpoint_dir=other", folder=tmp_path)
    assert code == 0, err
    takes = time.monotonic() - began
    while True:
        process = start("scdeal", *ARGUMENTS, "--out=out", "--resume", folder=tmp_path)
        if ended(process, dice.uniform(0.3, 0.9) * takes if kills < 4 else None):
            break
        kills += 1
    assert kills
    written = {path.name: path.read_bytes() for path in (tmp_path / "whole").glob("*.csv")}
    assert {"cells.csv", "metrics.csv", "lineage.csv", "directions.csv"} <= set(written)
    for name, content in written.items():
        assert (tmp_path / "out" / name).read_bytes() == content, name
