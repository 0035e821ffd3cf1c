"""What can be fetched and from where: releases.toml, read and checked."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tl_jax.errors import InputError

SHIPPED = Path(__file__).with_name("releases.toml")
SHA256 = re.compile(r"[0-9a-f]{64}")
PINNED = re.compile(r"[A-Za-z0-9][\w.-]*==[A-Za-z0-9][\w.!+]*")  # nothing that pip could take for an option
OWN = "fetched.json"  # the one name in the data folder that is the fetcher's own


SET_KEYS = {
    **dict.fromkeys(("title", "licence", "licence_link", "note"), str),
    **dict.fromkeys(("cohorts", "releases", "file"), list),
}
FILE_KEYS = {
    **dict.fromkeys(("name", "release", "sha256", "pip", "drive", "after"), str),
    **dict.fromkeys(("addresses", "unpack"), list),
    **{"size": int, "about": int, "by_hand": bool},
}
MEMBER_KEYS = {"member": str, "name": str, "optional": bool}


@dataclass(frozen=True)
class Member:
    """One file inside an archive: its path there (or the last part of it) and its name in the data folder."""

    member: str
    name: str
    optional: bool = False


@dataclass(frozen=True)
class RemoteFile:
    """One file of a set; the keys are explained at the top of releases.toml. Sizes in bytes."""

    name: str
    release: str = ""
    addresses: tuple[str, ...] = ()
    size: int = 0
    about: int = 0
    sha256: str = ""
    pip: str = ""
    drive: str = ""
    by_hand: bool = False
    unpack: tuple[Member, ...] = ()
    after: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name in the data folder that is its own or that of a member."""
        return (self.name, *(member.name for member in self.unpack))

    @property
    def bytes(self) -> int:
        """How large it is, as far as known; 0 where unknown."""
        return self.size or self.about


@dataclass(frozen=True)
class DataSet:
    """One set in one of its releases."""

    name: str
    title: str
    release: str
    releases: tuple[str, ...]
    licence: str
    licence_link: str
    cohorts: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    note: str = ""


def load_manifest(path: Path = SHIPPED) -> dict[str, dict]:
    """{set: its table} of a manifest, keys and types checked; InputError for anything else."""
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as a manifest: {error}; correct --manifest") from error
    for name, table in tables.items():
        where = f"{path}, set {name}"
        if not isinstance(table, dict):
            raise InputError(f"{where}: a set is a table, [{name}]")
        check_keys(table, SET_KEYS, where)
        missing = [key for key in SET_KEYS if key != "note" and key not in table]
        if missing or not table["releases"] or not all(isinstance(r, str) for r in table["releases"]):
            raise InputError(f"{where}: needs {missing[0] if missing else 'releases, as a list of texts'}")
    return tables


def check_keys(table: object, known: dict[str, type], where: str) -> None:
    """Raise InputError for a key that no one reads, or a value of another type."""
    if not isinstance(table, dict):
        raise InputError(f"{where}: {table!r} is not a table")
    for key, value in table.items():
        if key not in known:
            raise InputError(f"{where}: unknown key '{key}'; {near(key, known)}")
        if type(value) is not known[key]:
            raise InputError(f"{where}: {key} = {value!r} is not of type {known[key].__name__}")


def find_set(name: str, release: str = "", path: Path = SHIPPED) -> DataSet:
    """The set of that name in `release` (default: its first); InputError with the nearest name where there is none."""
    tables = load_manifest(path)
    if name not in tables:
        raise InputError(f"there is no set '{name}'; {near(name, tables)}")
    table = tables[name]
    releases = tuple(table["releases"])
    if release and release not in releases:
        raise InputError(f"the set {name} has no release '{release}'; there are: {', '.join(releases)}")
    chosen = release or releases[0]
    where = f"{path}, set {name}"
    files = [remote_file(entry, where) for entry in table["file"]]
    names = [name for file in files for name in file.names]
    if len(set(names)) < len(names):
        raise InputError(f"{where}: a name is used twice")
    if not {file.release for file in files} <= {"", *releases}:
        raise InputError(f"{where}: a file belongs to a release that is not in releases = {list(releases)}")
    return DataSet(
        name=name,
        release=chosen,
        releases=releases,
        cohorts=tuple(table["cohorts"]),
        files=tuple(file for file in files if file.release in ("", chosen)),
        note=table.get("note", ""),
        **{key: table[key] for key in ("title", "licence", "licence_link")},
    )


def near(name: str, known) -> str:
    """A hint for a misspelt name."""
    known = list(known)
    close = difflib.get_close_matches(name.casefold(), known, n=2, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(known)}"


def remote_file(entry: dict, where: str) -> RemoteFile:
    """An entry of the manifest, with every rule that protects a data folder checked."""
    check_keys(entry, FILE_KEYS, where)
    packed, addresses = entry.get("unpack", []), entry.get("addresses", [])
    for member in packed:
        check_keys(member, MEMBER_KEYS, where)
    whole = "name" in entry and all({"member", "name"} <= set(member) for member in packed)
    if not whole or not all(isinstance(address, str) for address in addresses):
        raise InputError(f"{where}: a file needs a name, a member its member and name, an address is a text")
    members = tuple(Member(**member) for member in packed)
    file = RemoteFile(**{**entry, "addresses": tuple(addresses), "unpack": members})
    for name in file.names:
        if not name or name.startswith(".") or name == OWN or re.search(r"[/\\\x00-\x1f]", name):
            raise InputError(f"{where}: '{name}' is no plain file name")
    for address in file.addresses:
        check_address(address, where)
    check_values(file, where)
    return file


def check_values(file: RemoteFile, where: str) -> None:
    """Raise InputError for sizes, hashes and ways to a file that cannot be meant."""
    if file.size < 0 or file.about < 0:
        raise InputError(f"{where}: the size of {file.name} is below 0")
    if file.sha256 and not SHA256.fullmatch(file.sha256):
        raise InputError(f"{where}: the sha256 of {file.name} is not 64 hexadecimal digits in lower case")
    if file.by_hand == bool(file.addresses or file.pip or file.drive):
        raise InputError(f"{where}: {file.name} needs either an address, pip or drive, or by_hand = true")
    if file.pip and not (PINNED.fullmatch(file.pip) and file.name.endswith(".whl") and file.sha256):
        raise InputError(f"{where}: pip needs name==version, a name that ends in .whl, and its sha256")


def check_address(address: str, where: str) -> None:
    """Raise InputError for anything but http(s) with a host and without a password in it."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.password)
    except ValueError:
        good = False
    if not good:
        raise InputError(f"{where}: {address} is not a plain http or https address")
