"""Studies that the app runs, each in a process of its own and in a folder of its own, whatever becomes of the server.

A folder holds job.json (what was asked), lock (held while someone works on it), began.json, end.json (how it ended),
cancel (asked to stop), log.txt and out. What is asked gives the folder its name, so that the same is found again.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tl_jax
from tl_jax.app.parts.options import QUEUE, Options
from tl_jax.errors import InputError
from tl_jax.system.files import digest, sha256_of, write_json

QUEUED, RUNNING, DONE, FAILED, STOPPED, CUT = "queued", "running", "done", "failed", "stopped", "cut off"
OPEN = (QUEUED, RUNNING)
SHORT = 600.0  # seconds: a job with such a limit waits for its like alone
BEGINNING = 60.0  # seconds that a process may take until it holds its lock
IDENT = re.compile(r"[0-9a-f]{32}")
RUNNERS: list[subprocess.Popen] = []  # those that this process began
TAIL = 20_000  # bytes of a log that are read


@dataclass(frozen=True)
class Job:
    """A job by its folder."""

    folder: Path

    @property
    def ident(self) -> str:
        return self.folder.name

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def asked(self) -> dict:
        """title, argv, private, limit and digests of the files."""
        return read(self.folder / "job.json")

    @property
    def end(self) -> dict:
        """code and seconds; {} before the end."""
        return read(self.folder / "end.json")

    def state(self) -> str:
        """One of the states above."""
        end = self.end
        if end:
            return {0: DONE, 130: STOPPED}.get(end["code"], FAILED)
        if held(self.folder / "lock"):
            return RUNNING if (self.folder / "began.json").is_file() else QUEUED
        return QUEUED if time.time() - since(self.folder / "asked") < BEGINNING else CUT

    def lines(self) -> list[str]:
        """The last lines of what it said."""
        try:
            with (self.folder / "log.txt").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
                return file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []

    def so_far(self) -> list[Path]:
        """Tables of the arms that are done, of a study that has not ended."""
        return sorted(self.folder.glob("out.unfinished/**/so_far.csv"))

    def cancel(self) -> None:
        """Ask it to stop; whoever works on it sees that."""
        (self.folder / "cancel").touch()

    def again(self) -> None:
        """Begin, or go on after what is finished."""
        for name in ("end.json", "began.json", "cancel"):
            (self.folder / name).unlink(missing_ok=True)
        (self.folder / "asked").touch()
        with (self.folder / "runner.log").open("ab") as log:
            RUNNERS[:] = [one for one in RUNNERS if one.poll() is None]  # those that have ended leave the process table
            process = subprocess.Popen(
                [sys.executable, "-m", "tl_jax.app.parts.runner", str(self.folder)],
                **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True},
                env=environment(),
            )
        RUNNERS.append(process)


def environment() -> dict[str, str]:
    """Of a job: it finds this package wherever it is started, and its lines come at once."""
    root = str(Path(tl_jax.__file__).resolve().parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def ask(
    given: Options,
    argv: Sequence[str],
    title: str,
    tables: Mapping[str, Path] | None = None,
    limit: float | None = None,
    links: Sequence[Path] = (),
) -> Job:
    """The job that does what is asked: found, or begun.

    Args:
        argv: of the command, run in the job's folder; a study names --out=out and --resume.
        tables: {name below tables/: file of a visitor}: their content is part of what is asked, and makes it private.
        limit: seconds after which it is stopped.
        links: files of the house that it finds beside them.

    Raises:
        InputError: the queue is full.
    """
    content = {name: sha256_of(path) for name, path in (tables or {}).items()}
    beside = sorted(str(path) for path in links)
    job = Job(given.jobs / digest(tl_jax.__version__, list(argv), content, beside)[:32])
    with locked(given.place / "asking.lock"):
        if not job.folder.is_dir():
            refuse_full(given)
            asked = {"title": title, "argv": list(argv), "private": bool(tables), "limit": limit, "tables": content}
            # What takes minutes at most does not wait behind a study of hours.
            slots = "slots" if limit is None or limit > SHORT else "slots_of_looks"
            asked |= {"at_once": given.at_once, "slots": str(given.place / slots)}
            make(job.folder, asked, tables or {}, links)
            job.again()
        elif job.state() in (STOPPED, CUT):
            refuse_full(given)
            job.again()
    return job


def make(folder: Path, asked: dict, tables: Mapping[str, Path], links: Sequence[Path]) -> None:
    """A job's folder, whole or not at all."""
    fresh = folder.with_name(f".{uuid.uuid4().hex}")
    (fresh / "tables").mkdir(parents=True)
    for name, path in tables.items():
        shutil.copyfile(path, fresh / "tables" / name)
    for path in links:
        (fresh / "tables" / path.name).symlink_to(path)
    write_json(fresh / "job.json", asked)
    fresh.rename(folder)


def refuse_full(given: Options) -> None:
    """InputError where as many jobs are open as may be."""
    waiting = sum(job.state() in OPEN for job in all_jobs(given))
    if waiting >= QUEUE:
        raise InputError(f"{waiting} studies wait or run already, which is the limit; stop one, or come back later")


def all_jobs(given: Options) -> list[Job]:
    """Every job, the one asked last first."""
    folders = [path for path in given.jobs.glob("*") if IDENT.fullmatch(path.name)]
    return [Job(path) for path in sorted(folders, key=lambda path: -since(path / "asked"))]


def find(given: Options, ident: str) -> Job | None:
    """A job by the name in an address, if there is one."""
    folder = given.jobs / ident
    return Job(folder) if IDENT.fullmatch(ident) and (folder / "job.json").is_file() else None


def take_up(given: Options) -> list[Job]:
    """Go on with the jobs that ended without a word, as those of a machine that was switched off."""
    found = [job for job in all_jobs(given) if job.state() == CUT]
    for job in found:
        job.again()
    return found


def forget(job: Job, wait: float = 30.0) -> None:
    """Stop a job and delete all of it; InputError where it does not stop in time."""
    if job.state() in OPEN:
        job.cancel()
        until = time.monotonic() + wait
        while job.state() in OPEN and time.monotonic() < until:
            time.sleep(0.1)
    if job.state() in OPEN:
        raise InputError("the study has not stopped yet; delete it again in a minute")
    shutil.rmtree(job.folder, ignore_errors=True)


def read(path: Path) -> dict:
    """A JSON file; {} where it is not there."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def since(path: Path) -> float:
    """When a file was touched, in seconds since 1970; 0 where it is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def held(path: Path) -> bool:
    """Whether a process holds a lock."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def locked(path: Path):
    """The block runs while no other holds the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
