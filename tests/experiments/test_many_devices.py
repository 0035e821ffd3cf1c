"""One device, four, or two processes: the same bytes; a peer that dies ends the others with one line."""

import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import forked, free_port, script, start, tables

EXPERIMENT = "exp5_intermediate_to_target"
ARGUMENTS = (
    *("--cohort=small.toml", "--strategy=freeze_layer1", "--baselines=mean,ridge"),
    *("--hidden=8,4", "--quick", "--repeats=3"),
)


@pytest.fixture(scope="module")
def folder(small_cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    (folder / "small.toml").write_text(small_cohort)
    return folder


@pytest.fixture(scope="module")
def single(folder):
    """The tables that one device gives."""
    arguments = (*ARGUMENTS, "--out=one", "--checkpoint_dir=kept_one")
    code, _, err = forked(EXPERIMENT, *arguments, folder=folder, JAX_NUM_CPU_DEVICES="1")
    assert code == 0, err
    assert "on 1 cpu device," in err
    return tables(folder / "one")


def pair(folder, *more, devices="2"):
    """Two processes of one study on this machine."""
    where = (f"--coordinator=localhost:{free_port()}", "--processes=2")
    return [
        start(
            EXPERIMENT,
            *ARGUMENTS,
            *more,
            *where,
            f"--process={k}",
            folder=folder,
            JAX_NUM_CPU_DEVICES=devices,
        )
        for k in (0, 1)
    ]


@pytest.mark.full
def test_four_devices(folder, single):
    arguments = (*ARGUMENTS, "--out=four", "--checkpoint_dir=kept_four")
    code, _, err = forked(EXPERIMENT, *arguments, folder=folder, JAX_NUM_CPU_DEVICES="4")
    assert code == 0, err
    assert "on 4 cpu devices," in err
    assert tables(folder / "four") == single


@pytest.mark.full
def test_two_processes(folder, single):
    processes = pair(folder, "--out=two", "--checkpoint_dir=kept_two")
    said = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert "on 4 cpu devices," in said[0][1]
    assert "tables and pictures: two" in said[0][0]
    assert "Spearman" not in said[1][0]  # one voice, but for the transport's own greeting
    assert tables(folder / "two") == single


@pytest.mark.full
@pytest.mark.parametrize("victim", [0, 1])
def test_a_peer_that_dies_ends_the_others_and_the_study_resumes(folder, single, victim):
    more = (f"--out=lost{victim}", f"--checkpoint_dir=kept_lost{victim}", "--at_once=2")
    processes = pair(folder, *more, devices="1")
    work = folder / f"lost{victim}.unfinished"
    while not list(work.rglob("[0-9]*.part")):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.02)
    processes[victim].send_signal(signal.SIGKILL)
    processes[victim].communicate()
    killed = time.monotonic()
    _, err = processes[1 - victim].communicate(timeout=120)
    assert time.monotonic() - killed < 60
    assert processes[1 - victim].returncode == 2
    assert err.splitlines()[-1].startswith(f"error: process {1 - victim}: ")
    assert "start all processes again with --resume" in err.splitlines()[-1]
    code, _, err = forked(EXPERIMENT, *ARGUMENTS, *more, "--resume", folder=folder, JAX_NUM_CPU_DEVICES="1")
    assert code == 0, err
    assert tables(folder / f"lost{victim}") == single


def test_half_an_address_is_refused(folder):
    for more in (("--processes=2",), ("--coordinator=nowhere", "--processes=2", "--process=0")):
        code, _, err = script(EXPERIMENT, *ARGUMENTS, "--out=bad", *more, folder=folder)
        assert (code, err.count("\n")) == (2, 1)
        assert "--coordinator" in err
        assert not list(folder.glob("bad*"))
