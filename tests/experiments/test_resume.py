"""A study that is killed, resumed, crowded or out of disk loses no finished part and ends in the same bytes."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import ended, forked, script, start, tables

from tl_jax.system.parts import unfinished

ARGUMENTS = (
    *("--cohort=small.toml", "--strategy=scratch", "--baselines=mean,ridge", "--hidden=8,4", "--quick"),
    *("--epochs=6", "--repeats=4", "--at_once=2", "--checkpoint_dir=kept"),
)


@pytest.fixture(scope="module")
def study(small_cohort, tmp_path_factory):
    """A folder with the cohort and, in `whole`, the tables of a study that nothing disturbed; the study's seconds."""
    folder = tmp_path_factory.mktemp("resume")
    (folder / "small.toml").write_text(small_cohort)
    forked("exp4_target", *ARGUMENTS, "--out=warm", folder=folder)  # fills the cache of compiled programs
    began = time.monotonic()
    code, _, err = forked("exp4_target", *ARGUMENTS, "--out=whole", "--checkpoint_dir=other", folder=folder)
    assert code == 0, err
    assert "plan: 12 runs" in err
    return folder, time.monotonic() - began


@pytest.fixture
def folder(study):
    return study[0]


def run(folder, *more):
    return script("exp4_target", *ARGUMENTS, *more, folder=folder)


@pytest.mark.parametrize("most", [3, pytest.param(7, marks=pytest.mark.full), pytest.param(20, marks=pytest.mark.slow)])
def test_kills_at_random_moments(study, most):
    """Killed without warning and resumed again and again; whenever a study gets through, the next begins."""
    folder, takes = study
    dice, done, kills = random.Random(400), 0, 0
    while True:
        out = f"killed{most}-{done}"
        process = start("exp4_target", *ARGUMENTS, f"--out={out}", "--resume", folder=folder)
        if not ended(process, dice.uniform(0.3, 0.9) * takes if kills < most else None):
            kills += 1
            continue
        assert tables(folder / out) == tables(folder / "whole"), out
        assert not unfinished(folder / out).exists()
        if kills == most:
            return
        done += 1


def test_killed_between_the_last_two_acts(folder):
    """The tables were in place, the parts not yet cleared away: the study is complete."""
    work = stopped(folder, "late")
    kept = folder / "kept.unfinished"
    shutil.copytree(work, kept)
    assert run(folder, "--out=late", "--resume")[0] == 0
    kept.rename(work)
    code, _, err = run(folder, "--out=late", "--resume")
    assert (code, err.splitlines()) == (0, ["late is complete already"])
    assert not work.exists()
    assert tables(folder / "late") == tables(folder / "whole")


def stopped(folder, out):
    """A study that was killed as soon as some of its parts were written."""
    process = start("exp4_target", *ARGUMENTS, f"--out={out}", folder=folder)
    work = folder / f"{out}.unfinished"
    while len(list(work.rglob("[0-9]*.part"))) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return work


def test_a_damaged_part_is_found_and_done_again(folder):
    parts = sorted(stopped(folder, "damaged").rglob("[0-9]*.part"))
    parts[0].write_bytes(parts[0].read_bytes()[:-10])
    content = bytearray(parts[1].read_bytes())
    content[200] ^= 1
    parts[1].write_bytes(bytes(content))
    code, _, err = run(folder, "--out=damaged", "--resume")
    assert code == 0, err
    assert err.count("is damaged") == 2
    assert tables(folder / "damaged") == tables(folder / "whole")


def test_other_science_is_refused_and_other_speed_is_not(folder):
    work = stopped(folder, "changed")
    for more, said in (
        (("--resume", "--epochs=7"), "flags.epochs: 6 -> 7"),
        (("--resume", "--seed=401", "--split=plain"), 'flags.seed: 400 -> 401; flags.split: "stratified" -> "plain"'),
        ((), "holds parts of a stopped run; add --resume"),
    ):
        code, out, err = run(folder, "--out=changed", *more)
        assert (code, out) == (2, "")
        assert err.splitlines()[-1].startswith("error: ")
        assert said in err.splitlines()[-1]
        assert work.is_dir()
        assert not (folder / "changed").exists()
    code, _, err = run(folder, "--out=changed", "--resume", "--at_once=5", "--checkpoint_dir=elsewhere")
    assert code == 0, err
    assert tables(folder / "changed") == tables(folder / "whole")
    code, _, err = run(folder, "--out=changed", "--resume")
    assert (code, err.splitlines()) == (0, ["changed is complete already"])
    code, _, err = run(folder, "--resume")
    assert (code, err.count("\n")) == (2, 1)
    assert "--resume needs the --out" in err


def test_two_processes_on_one_folder(folder):
    first = start("exp4_target", *ARGUMENTS, "--out=shared", folder=folder)
    while not (folder / "shared.unfinished" / "lock").exists():
        assert first.poll() is None
        time.sleep(0.02)
    first.send_signal(signal.SIGSTOP)  # however slow the second is to start, the first is still at work
    code, _, err = run(folder, "--out=shared")
    first.send_signal(signal.SIGCONT)
    assert (code, err.count("\n")) == (2, 1)
    assert "another process is at work" in err
    first.communicate()
    assert first.returncode == 0
    assert tables(folder / "shared") == tables(folder / "whole")


def test_a_full_disk_is_one_line_and_loses_nothing(folder, tmp_path):
    """On a file system of its own that fills up."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small file system here")
    try:
        filler = small / "filler"
        filler.write_bytes(b"x" * 44 * 1024)
        code, _, err = run(folder, f"--out={small / 'out'}", "--at_once=1")
        assert code == 2
        assert err.splitlines()[-1].startswith("error: No space left on device")
        assert "Traceback" not in err
        assert list((small / "out.unfinished").rglob("[0-9]*.part"))
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        code, _, err = run(folder, f"--out={small / 'out'}", "--resume")
        assert code == 0, err
        assert tables(small / "out") == tables(folder / "whole")
    finally:
        subprocess.run(["umount", str(small)], check=False)
