"""What is asked of a file before it is trusted: digest, size, content that suits its name, room on the disk."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

from tl_jax.errors import InputError

RESERVE = 64 * 2**20  # bytes that stay free on the disk
ZIPS = (".zip", ".xlsx", ".whl")
PAGE = (b"<!doctype html", b"<html", b"<?xml", b"<error")


class Failed(Exception):
    """One way gave no file; the message says what was seen."""


class WrongHash(Failed):
    """One way gave a file with another SHA-256 than the one that is enforced."""


class WrongContent(Exception):
    """A file that arrived whole and is something else than its name says; the message says what was seen."""


def check_content(path: Path, name: str, size: int = 0) -> None:
    """Raise WrongContent unless `path` may be the file called `name` (of `size` bytes, where known).

    Portals that have moved answer with a web page and the code for success; such a page must never be trusted.
    """
    found = path.stat().st_size
    if found == 0:
        raise WrongContent("an empty file")
    if size and found != size:
        raise WrongContent(f"{found:,} bytes instead of {size:,}")
    with open(path, "rb") as file:
        head = file.read(1024)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGE):
        raise WrongContent("a web page or an error message instead of the file")
    ending = Path(name).suffix.lower()
    if ending in ZIPS and not zipfile.is_zipfile(path):
        raise WrongContent(f"a file that is not a whole {ending} archive")
    if ending in (".gz", ".tgz") and not head.startswith(b"\x1f\x8b"):
        raise WrongContent(f"a file that is not packed as {ending}")
    if ending == ".tar" and not tarfile.is_tarfile(path):
        raise WrongContent("a file that is not a .tar archive")


def check_space(folder: Path, wanted: int, what: str) -> None:
    """Raise InputError where `wanted` more bytes do not fit on the disk of `folder`."""
    free = shutil.disk_usage(folder).free
    if wanted + RESERVE > free:
        needs = size_text(wanted) if wanted else "more space"
        raise InputError(
            f"{what} needs {needs} on the disk of {folder}, which has {size_text(free)} free; "
            "free some space or choose another --data_dir"
        )


def size_text(count: int) -> str:
    """Bytes as `12 kB`, `77.5 MB` or `1.2 GB`; `?` for 0, which means unknown."""
    if not count:
        return "?"
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e3:.0f} kB" if count >= 1000 else f"{count} B"
