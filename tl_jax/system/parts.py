"""Finished parts of a long study on disk: each whole, with its digest, done again where damaged."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from tl_jax.errors import InputError
from tl_jax.system.files import digest, write_atomic, write_json
from tl_jax.system.progress import LOGGER

MAGIC = b"tl_jax part 1 "
RECORD = "study.json"
ASKED = "asked"  # of a record: flags as they were given; they name what made it differ, and differ in nothing else
TABLES = "tables"  # where the output folder grows before it is renamed


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """Named arrays as bytes: a line with the SHA-256 of what follows, then an .npz."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    return MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def unpack(data: bytes) -> dict[str, np.ndarray] | None:
    """The arrays of pack(), or None where the bytes are not exactly what pack() gave."""
    head, _, content = data.partition(b"\n")
    if head != MAGIC + hashlib.sha256(content).hexdigest().encode():
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


class Parts:
    """The finished parts of one arm: a folder of packed arrays named by their number."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def saved(self) -> Iterator[dict[str, np.ndarray]]:
        """Every sound part, in order of its number; a damaged one is named, deleted and thereby done again."""
        for path in sorted(self.folder.glob("[0-9]*.part")):
            arrays = unpack(path.read_bytes())
            if arrays is None:
                LOGGER.info(f"{path} is damaged (cut short or changed); its runs are done again")
                path.unlink()
                continue
            yield arrays

    def save(self, number: int, arrays: dict[str, np.ndarray]) -> None:
        """Write one part; when this returns, it survives a crash of the machine."""
        write_atomic(self.folder / f"{number:08d}.part", lambda path: durable(path, pack(arrays)))
        sync(self.folder)


def parts_of(work: Path | None, label: str) -> Parts | None:
    """Where the finished parts of what is called `label` are kept, in a study's workplace; None without one."""
    return None if work is None else Parts(work / "parts" / digest(label)[:12])


def durable(path: Path, data: bytes) -> None:
    """Bytes on the disk itself, not only in its cache."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Make a rename inside a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unfinished(out: Path) -> Path:
    """Where a study that will end in `out` keeps its parts until then."""
    path = Path(out).absolute()
    return path.with_name(f"{path.name}.unfinished")


@contextmanager
def workplace(out: Path, *, resume: bool, overwrite: bool):
    """The folder OUT.unfinished, held by this process alone, where a study keeps its finished parts.

    Parts of an earlier, stopped run are kept with resume, deleted with overwrite, and else refused. The folder goes
    when the block ends well, or when it ends badly before any part was finished.
    """
    folder = unfinished(out)
    with held(folder):
        if any_parts(folder) and not (resume or overwrite):
            raise InputError(
                f"{folder} holds parts of a stopped run; add --resume to go on, or --overwrite to begin anew"
            )
        if not resume:
            empty(folder)
        shutil.rmtree(folder / TABLES, ignore_errors=True)
        done = False
        try:
            yield folder
            done = True
        finally:
            if done or not any_parts(folder):
                with suppress(OSError):  # what cannot be cleared must not hide how the block ended
                    empty(folder)
                    shutil.rmtree(folder)


def clear(out: Path) -> None:
    """Remove what is left of a study that has come to its end."""
    if unfinished(out).exists():
        with workplace(out, resume=False, overwrite=True):
            pass


@contextmanager
def held(folder: Path, flag: str = "--out"):
    """Hold a folder, which `flag` named, against other processes; the hold ends with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; choose another {flag}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"another process is at work on {folder}; choose another {flag} or wait for it") from error
        yield
    finally:
        os.close(handle)


def finished(out: Path) -> bool:
    """Whether an earlier run came to its end, so that a job that is started again has nothing to do.

    One that was killed after its tables were in place, before its parts were cleared away, counts as finished.
    """
    if not (out / "summary.json").is_file():
        return False
    work = unfinished(out)
    return not any_parts(work) or same_files(out / RECORD, work / RECORD)


def same_files(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def any_parts(folder: Path) -> bool:
    return any(folder.rglob("[0-9]*.part"))


def empty(folder: Path) -> None:
    """Delete everything in a workplace but its lock: the record last, so that no parts ever stand without it."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == RECORD):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()


def same_study(folder: Path, record: dict) -> None:
    """Write down what determines the study's numbers, or compare: a difference refuses to resume and is shown."""
    path = folder / RECORD
    if not any_parts(folder):
        write_json(path, json.loads(json.dumps(record, default=str)))
        return
    changes = unlike(path, record)
    if changes:
        raise InputError(
            f"cannot resume {folder}: it was begun with other settings ({'; '.join(changes)}); "
            "go back to those, or add --overwrite instead of --resume to begin anew"
        )


def unlike(path: Path, record: dict) -> list[str]:
    """What differs between the record that stands in a file and another one; InputError where it cannot be read."""
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read; add --overwrite to begin anew") from error
    if not isinstance(before, dict):
        raise InputError(f"{path} holds no record of a study; add --overwrite to begin anew")
    after = json.loads(json.dumps(record, default=str))
    asked, now = before.pop(ASKED, {}), after.pop(ASKED, {})
    found = differences(before, after)
    if not found or not isinstance(asked, dict) or not asked or not now:
        return found
    return differences(asked, now, "--") or found


def differences(before: dict, after: dict, prefix: str = "") -> list[str]:
    """`name: before -> after` for every entry of two nested records that differs; long digests only by name."""
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new, name = before.get(key), after.get(key), f"{prefix}{key}"
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{name}.")
        elif old != new:
            texts = [json.dumps(value) for value in (old, new)]
            found.append(f"{name} changed" if max(map(len, texts)) > 60 else f"{name}: {texts[0]} -> {texts[1]}")
    return found
