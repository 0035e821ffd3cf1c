"""The process that works on one job: it waits for its turn, runs the command, and writes down how that ended.

python -m tl_jax.app.parts.runner FOLDER

It outlives the server. The command shares its lock, so that a job counts as running as long as either is there.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tl_jax.app.parts.jobs import QUEUED, Job, all_jobs, since
from tl_jax.app.parts.options import Options
from tl_jax.system.files import write_json

LOOK = 0.3  # seconds between two looks at whether it is to stop
PATIENCE = 20.0  # seconds that the command has to stop by itself
STOPPED = 130


def main(folder: Path) -> None:
    """Work on a job, unless another process does."""
    job = Job(folder)
    lock = (folder / "lock").open("ab")
    if not taken(lock, 3.0):
        return
    started, asked = time.time(), job.asked
    slot = my_turn(job, asked)
    code = STOPPED
    if slot is not None:
        started = time.time()
        write_json(folder / "began.json", {"time": started})
        code = run(job, asked, lock.fileno())
    write_json(folder / "end.json", {"code": code, "seconds": time.time() - started})


def taken(file, patience: float) -> bool:
    """Whether the lock could be taken; a look at it takes it for a moment too."""
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)


def my_turn(job: Job, asked: dict):
    """One of the places to work at, held until this process ends; None where the job was stopped while it waited."""
    slots = Path(asked["slots"])
    slots.mkdir(parents=True, exist_ok=True)
    places = [(slots / f"{number}.lock").open("ab") for number in range(asked["at_once"])]
    while not (job.folder / "cancel").exists():
        if first_in_line(job):
            for place in places:
                if taken(place, 0.0):
                    return place
        time.sleep(LOOK)
    return None


def first_in_line(job: Job) -> bool:
    """Whether no job of the same places that was asked earlier waits."""
    slots = job.asked.get("slots")
    own = since(job.folder / "asked"), job.ident
    others = all_jobs(Options(state=str(job.folder.parents[1])))
    return not any(
        (since(one.folder / "asked"), one.ident) < own and one.state() == QUEUED
        for one in others
        if one.ident != job.ident and one.asked.get("slots") == slots
    )


def run(job: Job, asked: dict, lock: int) -> int:
    """Run the command and return its exit code; 130 where it was stopped."""
    os.nice(5)
    limit = asked.get("limit") or float("inf")
    with (job.folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tl_jax", *asked["argv"]],
            **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "cwd": job.folder, "pass_fds": (lock,)},
        )
        begun = time.monotonic()
        while process.poll() is None:
            late = time.monotonic() - begun > limit
            if late or (job.folder / "cancel").exists():
                stop(process)
                if late:
                    log.write(f"error: stopped after {limit:.0f} s, the limit of this step\n".encode())
                return 2 if late else STOPPED
            time.sleep(LOOK)
    return process.returncode


def stop(process: subprocess.Popen) -> None:
    """End the command as Ctrl-C does, so that finished parts are kept; by force where that takes too long."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
