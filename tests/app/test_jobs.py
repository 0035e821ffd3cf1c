"""Jobs: found again, queued, stopped, gone on with, whatever becomes of the server."""

import json
import os
import shutil
import signal
import time

import pytest

pytest.importorskip("streamlit", reason="the app needs tl_jax[app]")

from tl_jax.app.parts import jobs, uploads, watch
from tl_jax.app.parts.jobs import CUT, DONE, FAILED, OPEN, QUEUED, RUNNING, STOPPED, Job
from tl_jax.app.parts.options import Options
from tl_jax.app.parts.studies import EXAMPLE
from tl_jax.errors import InputError

QUICK = ("list", "optimizers")
LONG = ("exp6", "--cohort=simulated", "--out=out", "--resume")


@pytest.fixture
def place(tmp_path):
    return Options(state=str(tmp_path / "state"))


def ended(job: Job, most: float = 120.0) -> str:
    until = time.monotonic() + most
    while job.state() in OPEN and time.monotonic() < until:
        time.sleep(0.05)
    return job.state()


def put(place, number: int, **more) -> Job:
    """A job's folder without anybody who works on it."""
    folder = place.jobs / f"{number:032x}"
    asked = {"title": "one", "argv": list(QUICK), "private": False, "limit": None, "tables": {}, "at_once": 1}
    jobs.make(folder, {**asked, "slots": str(place.place / "slots"), **more}, {}, ())
    return Job(folder)


def test_a_job_ends_with_what_the_command_said(place):
    job = jobs.ask(place, QUICK, "one")
    assert ended(job) == DONE
    assert any("keras_adam" in line for line in job.lines())
    assert job.end["code"] == 0


def test_the_same_is_found_and_not_run_again(place):
    first = jobs.ask(place, QUICK, "one")
    assert ended(first) == DONE
    log = (first.folder / "log.txt").read_bytes()
    again = jobs.ask(place, QUICK, "by another name")
    assert again.folder == first.folder
    assert ended(again) == DONE
    assert (again.folder / "log.txt").read_bytes() == log
    assert len(jobs.all_jobs(place)) == 1


def test_tables_are_part_of_what_is_asked(place, tmp_path):
    idents = set()
    for content in ("a", "b", "a"):
        path = tmp_path / "table.csv"
        path.write_text(content)
        idents.add(put_tables(place, path).ident)
    assert len(idents) == 2


def put_tables(place, path) -> Job:
    job = jobs.ask(place, QUICK, "one", {"expression.csv": path})
    assert (job.folder / "tables" / "expression.csv").read_text() == path.read_text()
    assert job.asked["private"]
    ended(job)
    return job


def test_bad_input_is_the_commands_own_line(place):
    job = jobs.ask(place, ("exp6", "--cohort=nowhere"), "one")
    assert ended(job) == FAILED
    assert job.end["code"] == 2
    assert "nowhere" in watch.fault(job.lines())


def test_a_job_is_stopped_and_goes_on(place, tmp_path):
    job = jobs.ask(place, LONG, "one")
    while job.state() == QUEUED:
        time.sleep(0.05)
    assert job.state() == RUNNING
    job.cancel()
    assert ended(job) == STOPPED
    assert not job.out.exists()
    assert jobs.ask(place, LONG, "one").state() in OPEN
    job.cancel()
    assert ended(job) == STOPPED


def test_one_that_waits_is_stopped_without_a_run(place):
    (place.place / "slots").mkdir(parents=True)
    with jobs.locked(place.place / "slots" / "0.lock"):
        job = jobs.ask(place, QUICK, "one")
        time.sleep(1.0)
        assert job.state() == QUEUED
        job.cancel()
        assert ended(job) == STOPPED
    assert not (job.folder / "log.txt").exists()


def test_a_look_does_not_wait_behind_a_study(place):
    (place.place / "slots").mkdir(parents=True)
    with jobs.locked(place.place / "slots" / "0.lock"):
        study = jobs.ask(place, QUICK, "one")
        look = jobs.ask(place, ("list", "strategies"), "a look", limit=jobs.SHORT)
        assert ended(look) == DONE
        assert study.state() == QUEUED
    assert ended(study) == DONE


def test_a_job_that_was_cut_off_is_taken_up(place):
    job = put(place, 1)
    assert job.state() == CUT
    assert [one.ident for one in jobs.take_up(place)] == [job.ident]
    assert ended(job) == DONE
    assert jobs.take_up(place) == []


def test_a_study_that_is_killed_goes_on_after_its_finished_parts(place):
    """As where a machine is switched off: neither the command nor who watches it can say a word."""
    job = jobs.ask(place, EXAMPLE, "one")
    kept = job.folder / "out.unfinished"
    until = time.monotonic() + 300
    while not any(kept.rglob("*.json")) and time.monotonic() < until:
        time.sleep(0.1)
    os.killpg(jobs.RUNNERS[-1].pid, signal.SIGKILL)
    before = time.time() - 2 * jobs.BEGINNING
    os.utime(job.folder / "asked", (before, before))  # or it might be one that is about to begin
    while jobs.held(job.folder / "lock"):
        time.sleep(0.05)
    assert job.state() == CUT
    assert [one.ident for one in jobs.take_up(place)] == [job.ident]
    told = set()
    while job.state() in OPEN and time.monotonic() < until:
        told |= {path.name for path in job.so_far()}
        time.sleep(0.02)
    assert told == {"so_far.csv"}  # arms that are done were there to be seen before the end
    assert ended(job, 600) == DONE
    assert (job.out / "summary.json").is_file()
    assert job.so_far() == []
    assert not kept.exists()


def test_a_limit_of_time_ends_a_job_with_one_line(place):
    job = jobs.ask(place, LONG, "one", limit=0.2)
    assert ended(job) == FAILED
    assert "the limit of this step" in watch.fault(job.lines())


def test_a_full_queue_refuses(place, monkeypatch):
    monkeypatch.setattr(jobs, "QUEUE", 2)
    for number in (1, 2):
        (put(place, number).folder / "asked").touch()
    with pytest.raises(InputError, match="which is the limit"):
        jobs.ask(place, QUICK, "one")


@pytest.mark.parametrize("ident", ["", "..", "../jobs", "x" * 32, "0" * 31])
def test_an_address_finds_no_other_folder(place, ident):
    put(place, 0)
    assert jobs.find(place, ident) is None
    assert jobs.find(place, "0" * 32) is not None


def test_progress_is_the_last_line_of_progress():
    lines = ["a: 3/30 runs, 4 s, about 2 min left", "saved x", "b: 1/4 arms, 2 s"]
    assert watch.reached(lines) == (0.25, lines[-1])
    assert watch.reached(["plan"]) == (0.0, "plan")
    assert watch.reached([]) == (0.0, "")


def test_what_is_a_day_old_is_deleted_and_what_is_asked_for_stays(place):
    path = uploads.keep(place, "My Table.CSV", b"a,b\n")
    private, shared, fresh = (put(place, number, private=number != 2) for number in (1, 2, 3))
    for job in (private, shared, fresh):
        (job.folder / "asked").touch()
        (job.folder / "end.json").write_text(json.dumps({"code": 0, "seconds": 1.0}))
    old = time.time() - 2 * 24 * 3600
    for one in (path, private.folder / "asked", shared.folder / "asked"):
        os.utime(one, (old, old))
    uploads.sweep(place)
    assert not path.exists()
    assert [job.folder.exists() for job in (private, shared, fresh)] == [False, True, True]


def test_deleted_on_demand_with_its_tables(place, tmp_path):
    path = uploads.keep(place, "a.csv", b"a,b\n")
    job = jobs.ask(place, QUICK, "one", {"expression.csv": path})
    shared = put(place, 5)
    assert uploads.forget(place, [job.ident, shared.ident]) == 1
    assert not job.folder.exists()
    assert not path.exists()
    assert shared.folder.exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.pkl", b"x", "ends in none of"),
        ("table.csv.exe", b"x", "ends in none of"),
        ("table.csv", b"", "is empty"),
        ("table.csv", b"x" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, content, said):
    place = Options(state=str(tmp_path), upload_mb=1)
    with pytest.raises(InputError, match=said):
        uploads.keep(place, name, content)
    assert not list(tmp_path.rglob("*.*"))


def test_a_name_is_never_a_path(place):
    path = uploads.keep(place, "../../<b>x</b>.csv", b"a")
    assert path.parent == place.uploads
    assert path.name.removesuffix(".csv").isalnum()
    shutil.rmtree(place.place)
