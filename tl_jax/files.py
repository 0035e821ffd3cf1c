"""Writing files so that nothing half-written is ever seen, and fingerprints of data."""

from __future__ import annotations

import hashlib
import json
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
    text = json.dumps(content, indent=1, default=_plain) + "\n"
    return write_atomic(path, lambda p: p.write_text(text))


def _plain(value):
    """NumPy scalars, arrays and paths as JSON values."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)


@contextmanager
def folder_atomic(path: Path, overwrite: bool = False):
    """Yield a fresh folder beside `path` that takes its place when the block ends well.

    An existing, non-empty `path` is refused unless `overwrite`.
    """
    path = Path(path).absolute()
    refuse_existing(path, overwrite)
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another --out") from error
    try:
        yield staging
        if path.exists():
            shutil.rmtree(path)
        os.replace(staging, path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise InputError where `path` is a file, or a folder with content and not `overwrite`."""
    path = Path(path)
    if path.is_file():
        raise InputError(f"{path} is a file; --out needs a folder")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise InputError(f"{path} already holds results; choose another --out or add --overwrite")


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
            sha.update(json.dumps(part, sort_keys=True, default=_plain).encode())
        sha.update(b"\1")
    return sha.hexdigest()
