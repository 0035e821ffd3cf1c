"""A pickle of tensors as plain `pickle.dump` writes it, read without PyTorch and without running what it asks for.

Each tensor's elements are bytes in the format of PyTorch before 1.6 (five parts: a magic number, a version, the
writer's machine, the storage's description, its key; then a count and the elements), which PyTorch itself would load by
a second, unrestricted pickle. Here every part goes through `pickled_tensors.read_pickle`. Only whole storages of
float32 or float64 are known; a storage named twice is read once, so memory and time stay in proportion to the file.
"""

from __future__ import annotations

import io
import struct

import numpy as np

from tl_jax.data.tables.pickled_tensors import (
    Refused,
    Storage,
    StorageType,
    ordered,
    read_pickle,
    short,
    storage,
    tensor,
)

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
FLOATS = {"torch.FloatStorage": StorageType("f4"), "torch.DoubleStorage": StorageType("f8")}


def read_named_tensors(content: bytes) -> dict[str, np.ndarray]:
    """{name: read-only array} of a pickled dictionary whose values are tensors of real numbers, in its order.

    Raises Refused, in words that follow the file's name, for any other pickle.
    """
    read: dict[bytes, Storage] = {}

    def load(args: tuple) -> Storage:
        if len(args) != 1 or type(args[0]) is not bytes:
            raise Refused("describes the elements of a tensor in an unknown way")
        if args[0] not in read:
            read[args[0]] = read_storage(args[0])
        return read[args[0]]

    known = {
        "torch.storage._load_from_bytes": load,
        "torch._utils._rebuild_tensor_v2": tensor,
        "collections.OrderedDict": ordered,
    }
    found = read_pickle(content, _no_id, known)
    if type(found) is not dict or not found:
        raise Refused("holds no dictionary of tensors")
    for name, value in found.items():
        if type(name) is not str or not isinstance(value, np.ndarray):
            raise Refused(f"holds something other than a named tensor ({short(name)}: {type(value).__name__})")
    if sum(values.nbytes for values in found.values()) > len(content):
        raise Refused("names the same elements again and again")  # a copy of them all could be of any size
    return found


def read_storage(content: bytes) -> Storage:
    """The one storage in bytes that torch.save wrote before PyTorch 1.6, its elements float32 or float64."""
    stream = io.BytesIO(content)
    if read_pickle(stream, _no_id, {}) != MAGIC or read_pickle(stream, _no_id, {}) != VERSION:
        raise Refused("holds elements of a tensor in an unknown format")
    machine = read_pickle(stream, _no_id, {})
    if type(machine) is not dict or machine.get("little_endian") is not True:
        raise Refused("holds elements of a tensor from a machine that is not little-endian")
    described = read_pickle(stream, _described, FLOATS)
    if type(described) is not _Described or read_pickle(stream, _no_id, {}) != [described.key]:
        raise Refused("describes the elements of a tensor in an unknown way")
    # A view, since a slice of the bytes would be a copy of them.
    rest = memoryview(content)[stream.tell() :]
    if len(rest) < 8 or struct.unpack("<q", rest[:8]) != (described.count,):
        raise Refused("is damaged: the elements of a tensor are not as many as announced")
    if len(rest) - 8 != described.count * described.kind.itemsize:
        raise Refused("is damaged: the elements of a tensor end early or late")
    return storage(rest[8:], described.kind)


class _Described:
    """A storage's description: the type of its elements, its key and the number of elements."""

    def __init__(self, kind: StorageType, key: str, count: int):
        self.kind, self.key, self.count = kind, key, count


def _described(pid) -> _Described:
    """The description in a persistent id: ("storage", type, key, device, number of elements, view)."""
    shape = (str, StorageType, str, str, int, type(None))
    if type(pid) is not tuple or tuple(map(type, pid)) != shape or pid[0] != "storage" or pid[4] < 0:
        raise Refused("describes the elements of a tensor in an unknown way")
    return _Described(*pid[1:3], pid[4])


def _no_id(pid) -> None:
    raise Refused(f"refers to something outside itself ({short(type(pid).__name__)})")
