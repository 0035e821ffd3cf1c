"""The content of a file that may be packed, read in memory with a bound on what it may become.

Nothing is ever unpacked to disk, so the names inside an archive cannot reach other files.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from tl_jax.data.tables.cells import examples, nearest
from tl_jax.errors import InputError

PACKED = (".gz", ".zip")
LIMIT_VARIABLE = "TLJAX_MAX_GB"
DEFAULT_LIMIT = 8 << 30
# A packed table becomes 3 to 10 times as large, very sparse counts 100 times; zeros alone 1,000 times.
MAX_RATIO = 200
FREE_OF_RATIO = 64 << 20
_PIECE = 1 << 20
_DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def size_limit() -> int:
    """Bytes that one table may take in memory: TLJAX_MAX_GB, or 8 GB."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    if not text:
        return DEFAULT_LIMIT
    try:
        limit = int(float(text) * (1 << 30))
    except (ValueError, OverflowError):
        limit = 0
    if limit <= 0:
        raise InputError(f"{LIMIT_VARIABLE} is '{text}'; write a number of GB above 0, such as {LIMIT_VARIABLE}=16")
    return limit


def check_size(size: float, path: Path, what: str) -> None:
    """InputError where `what` would take more than the limit; size in bytes."""
    limit = size_limit()
    if size > limit:
        remedy = f"if that is right, set {LIMIT_VARIABLE}={int(size / (1 << 30)) + 1}"
        raise InputError(
            f"{path}: {what} would take {size / (1 << 30):,.1f} GB, over {limit / (1 << 30):.3g}; {remedy}"
        )


def unpacked(path: Path, packed: str, member: str = "") -> bytes:
    """The content of a file that ends in `packed` (".gz", ".zip" or "" for none); see unpacked_member."""
    return unpacked_member(path, packed, member)[0]


def unpacked_member(path: Path, packed: str, member: str = "") -> tuple[bytes, str]:
    """The content of a file and the name it has inside its archive ("" outside a .zip).

    member: which file of a .zip, where it holds several. Raises InputError for a damaged file, one that
    becomes larger than the limit, or a .zip that holds no such file or several.
    """
    if member and packed != ".zip":
        raise InputError(f"{path} is no .zip file, so member = '{member}' changes nothing; remove it")
    try:
        if packed == ".gz":
            size = path.stat().st_size
            with gzip.open(path) as stream:
                return _bounded(stream, size, path), ""
        if packed == ".zip":
            with zipfile.ZipFile(path) as archive:
                info = archive.getinfo(_member(archive, member, path))
                with archive.open(info) as stream:
                    return _bounded(stream, info.compress_size, path), info.filename
        check_size(path.stat().st_size, path, "it")
        return path.read_bytes(), ""
    except _DAMAGED as error:
        raise InputError(f"{path} is not a whole {packed} file ({error}); fetch or save it again") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; check its permissions") from error


def check_parts(content: bytes, path: Path) -> None:
    """InputError where the parts of a workbook, itself a .zip, become larger than the limit together."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            with archive.open(info) as stream:
                _bounded(stream, info.compress_size, path, keep=False)


def archived(path: Path) -> list[str]:
    """The files that a .zip packs, without what an archiver adds by itself."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [n for n in archive.namelist() if not n.endswith("/") and not _is_by_product(n)]
    except (*_DAMAGED, OSError) as error:
        raise InputError(f"{path} is not a whole .zip file ({error}); fetch or save it again") from error


def _member(archive: zipfile.ZipFile, wanted: str, path: Path) -> str:
    names = [n for n in archive.namelist() if not n.endswith("/") and not _is_by_product(n)]
    if wanted:
        chosen = [n for n in names if wanted in (n, n.rsplit("/", 1)[-1])]
        if not chosen:
            raise InputError(f"{path} packs no file '{wanted}' (member); {nearest(wanted, names)}")
        names = chosen
    if len(names) != 1:
        held = f" ({examples(names, 8)})" if names else ""
        remedy = "name the one table with member = '...'" if names else "fetch or save it again"
        raise InputError(f"{path} packs {len(names)} files{held}; {remedy}")
    return names[0]


def _is_by_product(name: str) -> bool:
    """Whether an archiver of macOS or Windows added the file by itself."""
    return name.startswith("__MACOSX") or name.rsplit("/", 1)[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _bounded(stream: BinaryIO, packed_size: int, path: Path, keep: bool = True) -> bytes:
    """All of a stream, piece by piece, so that a bomb is refused before it fills the memory."""
    content, size = io.BytesIO(), 0
    limit = size_limit()
    if not os.environ.get(LIMIT_VARIABLE):
        limit = min(limit, max(FREE_OF_RATIO, MAX_RATIO * packed_size))
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > limit:
            seen = f"more than {limit / (1 << 20):,.0f} MB from {packed_size / (1 << 20):.3g} MB packed"
            remedy = f"if that is right, set {LIMIT_VARIABLE} to the GB you accept"
            raise InputError(f"{path} unpacks to {seen}, which looks like a bomb; {remedy}")
        if keep:
            content.write(piece)
    return content.getvalue()
