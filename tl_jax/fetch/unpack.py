"""Taking the named members out of a .zip, .tar or .tar.gz that nobody vouches for."""

from __future__ import annotations

import errno
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tl_jax.errors import InputError
from tl_jax.fetch.manifest import Member

BLOCK = 2**20
AT_MOST = 20 * 10**9  # bytes unpacked
RATIO = 200  # unpacked bytes for each packed one: tables of numbers stay below 20, a bomb comes near 1,000
ALWAYS = 100 * 10**6  # bytes that may be unpacked whatever the ratio
DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError, RecursionError),
    IndexError,  # zipfile, of a member without a name
)


def unpack(archive: Path, members: Iterable[Member], folder: Path) -> dict[str, Path]:
    """Write the members into `folder` under their names; {name: path}, without optional ones that are not there.

    pooch's own unpacking is not used: on Python 3.11 it follows links out of the folder, and it unpacks, unasked,
    every entry whose name begins with the member's.
    Raises InputError for a path that leads out of a folder, a link, a device, a member that is missing or there
    twice, more bytes than AT_MOST or RATIO allow, and damage.
    """
    take = from_zip if zipfile.is_zipfile(archive) else from_tar
    wanted = tuple(members)
    try:
        found = take(archive, wanted, folder)
    except InputError:
        raise
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk's own trouble, not the archive's; EINVAL is a seek to where a damaged archive points
        raise InputError(f"{archive} is damaged or no plain archive ({error}); delete it and fetch it again") from error
    missing = [member.member for member in wanted if member.name not in found and not member.optional]
    if missing:
        raise InputError(f"{archive} does not hold {missing[0]}; it is another version than the manifest means")
    return found


def allowed(packed: int) -> int:
    """Bytes that `packed` bytes may become."""
    return min(AT_MOST, max(ALWAYS, RATIO * packed))


def safe_name(name: str, archive: Path) -> PurePosixPath:
    """A member's path; InputError where it would lead out of the folder, wanted or not."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name:
        raise InputError(f"{archive} holds the path '{name}', which leads out of its folder; nothing of it is unpacked")
    return path


def match(path: PurePosixPath, members: Iterable[Member]) -> Member | None:
    """The member that a path in the archive is: by its whole path where that is given, by its last part otherwise."""
    if "__MACOSX" in path.parts:
        return None
    return next((m for m in members if m.member in (str(path), path.name)), None)


def from_zip(archive: Path, members: tuple[Member, ...], folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    with zipfile.ZipFile(archive) as content:
        entries = [(safe_name(entry.filename, archive), entry) for entry in content.infolist()]
        for path, entry in entries:
            member = None if entry.is_dir() else match(path, members)
            if member is None:
                continue
            mode = entry.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise InputError(f"{archive}: '{entry.filename}' is a link or a device, not a file")
            if entry.flag_bits & 1:
                raise InputError(f"{archive}: '{entry.filename}' is locked by a password")
            limit = allowed(entry.compress_size)
            refuse_twice(member, found, archive)
            refuse_large(entry.file_size, limit, entry.filename, archive)
            with content.open(entry) as source:
                found[member.name] = copy(source, folder / member.name, limit, archive)
    return found


def from_tar(archive: Path, members: tuple[Member, ...], folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    with open(archive, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        source = Bounded(gzip.GzipFile(fileobj=raw) if packed else raw, allowed(archive.stat().st_size), archive)
        with tarfile.open(fileobj=source, mode="r|") as content:
            for entry in content:
                path = safe_name(entry.name, archive)
                member = match(path, members)
                if member is None or entry.isdir():
                    continue
                if not entry.isreg() or entry.issparse():
                    raise InputError(f"{archive}: '{entry.name}' is a link, a device or sparse, not a plain file")
                refuse_twice(member, found, archive)
                refuse_large(entry.size, source.limit, entry.name, archive)
                found[member.name] = copy(content.extractfile(entry), folder / member.name, source.limit, archive)
        while source.read():  # to the end, where gzip keeps its checksum
            pass
    return found


def refuse_twice(member: Member, found: dict[str, Path], archive: Path) -> None:
    if member.name in found:
        raise InputError(f"{archive} holds {member.member} more than once; unpack the right one by hand")


def refuse_large(size: int, limit: int, name: str, archive: Path) -> None:
    if size > limit:
        raise InputError(f"{archive}: '{name}' would become {size:,} bytes, more than {limit:,}; unpack it by hand")


def copy(source, target: Path, limit: int, archive: Path) -> Path:
    """What is really there, whatever was declared."""
    got = 0
    with open(target, "wb") as file:
        while block := source.read(BLOCK):
            got += len(block)
            refuse_large(got, limit, target.name, archive)
            file.write(block)
    return target


class Bounded(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes."""

    def __init__(self, stream, limit: int, archive: Path):
        self.stream, self.limit, self.archive, self.given = stream, limit, archive, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self.stream.read(BLOCK if size < 0 else min(size, BLOCK))
        self.given += len(block)
        refuse_large(self.given, self.limit, "the whole archive", self.archive)
        return block
