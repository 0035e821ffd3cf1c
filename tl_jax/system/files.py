"""Writing files so that nothing half-written is ever seen, and fingerprints of data."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tl_jax.errors import InputError


def write_atomic(path: Path, write: Callable[[Path], None]) -> Path:
    """Call `write(temporary path)`, then rename onto `path` (same ending, same folder)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_json(path: Path, content) -> Path:
    """`content` as indented JSON, by atomic rename."""
    text = json.dumps(_plain(content), indent=1, allow_nan=False) + "\n"
    return write_atomic(path, lambda p: p.write_text(text))


def _plain(value):
    """NumPy scalars, arrays and paths as JSON values; NaN and infinities, which JSON lacks, as null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in (value.tolist() if isinstance(value, np.ndarray) else value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@contextmanager
def folder_atomic(path: Path, overwrite: bool = False, marker: str = "summary.json", staging: Path | None = None):
    """Yield a fresh folder beside `path`, or at `staging`, that takes its place when the block ends well.

    An existing, non-empty `path` is refused unless `overwrite`, and then too unless it holds `marker`,
    the sign of earlier results: --overwrite must never delete a folder of anything else.
    """
    path = Path(path).absolute()
    refuse_existing(path, overwrite, marker)
    aside, old = (path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.{end}") for end in ("partial", "old"))
    staging = staging or aside
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another --out") from error
    done = False
    try:
        yield staging
        done = True
        put_in_place(staging, path, old, overwrite, marker)
    finally:
        if not done:
            shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def put_in_place(staging: Path, path: Path, old: Path, overwrite: bool, marker: str) -> None:
    """Rename `staging` onto `path`. Where another process has come first, the finished folder is kept and named."""
    try:
        refuse_existing(path, overwrite, marker)
        if path.exists():
            os.replace(path, old)
        os.replace(staging, path)
    except (InputError, OSError) as error:
        where = f"the finished results stand in {staging}"
        raise InputError(f"{path} could not be put in place ({error}); {where}") from error


def refuse_existing(path: Path, overwrite: bool, marker: str = "summary.json") -> None:
    """Raise InputError where `path` is a file, or a folder with content that may not be replaced."""
    path = Path(path)
    if path.is_file():
        raise InputError(f"{path} is a file; --out needs a folder")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not (path / marker).is_file():
        raise InputError(f"{path} holds other things than one experiment's results; choose another --out")
    if not overwrite:
        raise InputError(f"{path} already holds results; choose another --out or add --overwrite")


def check_writable(folder: Path, flag: str) -> None:
    """Make `folder` and write to it once, so that a bad path is found before any work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{uuid.uuid4().hex[:8]}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; choose another {flag}") from error


def cache_folder() -> Path:
    """Where this user's cached files go; nothing is made."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tl_jax"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(*parts) -> str:
    """SHA-256 (hex) over arrays, strings and JSON-able values, in order."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype.kind not in "OUST":
            sha.update(f"{part.dtype.str}{part.shape}".encode())
            sha.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, np.ndarray):
            sha.update("\0".join(map(str, part.ravel())).encode())
        else:
            sha.update(json.dumps(_plain(part), sort_keys=True).encode())
        sha.update(b"\1")
    return sha.hexdigest()
