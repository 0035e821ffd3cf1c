"""Tensors of a file that torch.save wrote, as numpy arrays and without PyTorch.

The format (PyTorch 1.6 and later): a zip archive without compression, with one folder that holds `data.pkl` (what was
saved, a pickle), `data/0`, `data/1`, ... (the elements of storages) and, in newer files, `byteorder`. Such a file may
come from anywhere, so nothing in it is executed (`data/tables/pickled_tensors.py`), and no more memory is taken than a
few times its size.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tl_jax.data.tables.pickled_tensors import Refused, Storage, StorageType, read_pickle, short, storage
from tl_jax.errors import InputError

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how files of PyTorch before 1.6 begin
LONGEST_NAME = 1000  # characters of a tensor's name, those of the dictionaries around it included
DAMAGE = (zipfile.BadZipFile, struct.error, ValueError, RuntimeError, OSError, EOFError, KeyError)


def read_tensors(source: str | Path | bytes, name: str | None = None) -> dict[str, np.ndarray]:
    """{name: read-only array} of all tensors in a file, or in the bytes of one.

    Dictionaries, lists and tuples are flattened, their keys or positions joined by "."; what is no tensor (an epoch's
    number, a text) is left out. Arrays are views of the file's content in this machine's byte order, on no device;
    bfloat16 becomes float32. name: what messages call the source. Raises InputError for any other file.
    """
    name = name or ("the content" if isinstance(source, bytes) else str(source))
    try:
        archive = _Archive(file_content(source))
        described = archive.member("data.pkl")
        return flatten(read_pickle(described, archive.storage), len(described))
    except Refused as refused:
        raise InputError(f"{name} {refused}") from refused


def file_content(source: str | Path | bytes) -> bytes:
    """The bytes of a file."""
    if isinstance(source, bytes):
        return source
    try:
        if not Path(source).is_file():
            raise InputError(f"{source} is not a file; give a file written by torch.save")
        return Path(source).read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot read {source}: {error}") from error


def flatten(value, most: int) -> dict[str, np.ndarray]:
    """{names joined by ".": array} of nested dictionaries, lists and tuples, in order.

    most: how many values there may be, since a value that stands in several places can make a small file endless.
    """
    found, open_, met = {}, [iter([("", value)])], 0
    while open_:
        path, value = next(open_[-1], (None, None))
        met += 1
        if path is None:
            open_.pop()
        elif met > 2 * most or len(path) > LONGEST_NAME:
            raise Refused("is nested without end; save the model's state_dict() alone")
        elif isinstance(value, np.ndarray):
            if path in found:
                raise Refused(f"holds two tensors named {short(path)}")
            found[path] = value
        elif type(value) is dict:
            open_.append(_inside(path, value.items()))
        elif type(value) in (list, tuple):
            open_.append(_inside(path, enumerate(value)))
    return found


def _inside(path: str, items: Iterable) -> Iterator[tuple[str, object]]:
    """(name, value) of a container's items, one by one."""
    return ((f"{path}.{key}" if path else str(key), item) for key, item in items)


class _Archive:
    """The members of the zip archive and the storages that were read from it."""

    def __init__(self, content: bytes):
        if content.startswith(LEGACY):
            again = "torch.save(torch.load(old, map_location='cpu', weights_only=True), new)"
            raise Refused(f"is in the format of PyTorch before 1.6; write it anew with {again}")
        try:
            self.zip = zipfile.ZipFile(io.BytesIO(content))
        except DAMAGE as error:
            raise Refused(f"is no zip archive as torch.save writes, or its end is missing ({short(error)})") from error
        members = self.zip.infolist()
        self.members = {member.filename: member for member in members}
        if len(self.members) < len(members):
            raise Refused("holds two members of one name; it was not written by torch.save")
        if any(m.compress_type or m.file_size != m.compress_size for m in members):
            raise Refused("is a compressed archive (TorchScript, or one around other files); give a file of torch.save")
        if sum(member.file_size for member in members) > len(content):
            raise Refused("is damaged: its members are larger than the file")
        tops = [n.removesuffix("/data.pkl") for n in self.members if n.count("/") == 1 and n.endswith("/data.pkl")]
        if len(tops) != 1:
            raise Refused("holds no data.pkl in a folder of its own; give a file written by torch.save")
        self.top = tops[0]
        self.order = self.byte_order()
        self.storages: dict[tuple, Storage] = {}

    def member(self, name: str) -> bytes:
        """A member's bytes; its checksum is tested."""
        try:
            return self.zip.read(self.members[f"{self.top}/{name}"])
        except KeyError as error:
            raise Refused(f"lacks its member {short(name)}; it is incomplete") from error
        except DAMAGE as error:
            raise Refused(f"is damaged: its member {short(name)} cannot be read ({short(error)})") from error

    def byte_order(self) -> str:
        """How numpy writes the byte order; files from before this was written down are little-endian."""
        if f"{self.top}/byteorder" not in self.members:
            return "<"
        word = self.member("byteorder")
        if word not in (b"little", b"big"):
            raise Refused(f"has the byte order {short(word)}; it must be little or big")
        return "<" if word == b"little" else ">"

    def storage(self, pid) -> Storage:
        """The storage of a persistent id: ("storage", type, key, device, number of elements)."""
        shape = (str, StorageType, str, str, int)
        if type(pid) is not tuple or tuple(map(type, pid)) != shape or pid[0] != "storage" or pid[4] < 0:
            raise Refused("names the elements of a tensor in an unknown way")
        _, kind, key, _, count = pid
        if (kind, key) not in self.storages:
            raw = self.member(f"data/{key}")
            self.storages[kind, key] = storage(raw[: len(raw) - len(raw) % kind.itemsize], kind, self.order)
        held = self.storages[kind, key]
        if count > len(held.values):
            raise Refused(f"is damaged: data/{short(key)} has {len(held.values)} elements where {count} are announced")
        return held
