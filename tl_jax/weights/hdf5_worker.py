"""Reads an HDF5 file on standard input and answers with its tensors: a script for a process of its own.

The HDF5 library is written in C and trusts the structures it reads; a damaged file can end the process or keep it
busy. So `hdf5_file.py` runs this file apart, under limits of time and memory. No link is followed, no compressed,
virtual or outside storage is read, and no type but plain numbers; the groups of optimizers are left out.

Answer: 8 bytes (length, little-endian), so much JSON ({"refused": words} or {"tensors", "attributes"}), raw elements.
"""

from __future__ import annotations

import io
import json
import sys
from itertools import pairwise

import h5py
import numpy as np

DEEPEST, MOST = 12, 20_000  # groups inside groups; groups, tensors and names in all
SKIPPED = ("optimizer", "optimizer_weights")
LISTS = ("layer_names", "weight_names")  # attributes that give the order; Keras splits long ones into name0, name1, ...
TEXTS = ("name", "model_config")
LONGEST = 1 << 24  # characters of an attribute


class Refused(ValueError):
    """What the file may not hold, in words that follow its name."""


def limit(content: int) -> None:
    """At most a minute of computing and 2 GiB beside a few times the file."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in ((resource.RLIMIT_CPU, 60), (resource.RLIMIT_AS, (2 << 30) + 6 * content)):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def text(value) -> str:
    """A name as str, whichever way HDF5 keeps it."""
    if isinstance(value, bytes | np.bytes_):
        return bytes(value).decode("utf-8")
    if isinstance(value, str | np.str_):
        return str(value).encode("utf-8").decode()  # h5py lets through what is no text
    raise Refused("has an attribute of names that are no text")


def attributes(group) -> dict:
    """The attributes that say what the tensors are."""
    found = {}
    for name in sorted(group.attrs):
        stem = name.rstrip("0123456789")
        if stem not in LISTS and name not in TEXTS:
            continue
        kind = group.attrs.get_id(name)
        count = int(np.prod(kind.shape, dtype=object))
        if count > MOST or count * kind.get_type().get_size() > LONGEST:
            raise Refused(f"has an attribute {name!r} too long for names of layers")
        value = group.attrs[name]
        if name in TEXTS:
            found[name] = text(value)
        else:
            found.setdefault(stem, []).append((int(name[len(stem) :] or -1), [text(one) for one in np.ravel(value)]))
    return {k: [n for _, part in sorted(v) for n in part] if k in LISTS else v for k, v in found.items()}


def tensor(dataset, path: str, content: int) -> np.ndarray | None:
    """A dataset's elements in this machine's byte order; None where it is no array of numbers."""
    kind, properties = dataset.dtype, dataset.id.get_create_plist()
    if kind.kind not in "fiu" or kind.itemsize > 8 or kind.newbyteorder("=") != np.dtype(f"{kind.kind}{kind.itemsize}"):
        raise Refused(f"holds {path!r} of type {kind}; only plain numbers are read")
    if dataset.is_virtual or properties.get_external_count():
        raise Refused(f"keeps {path!r} in another file; write it anew with its elements inside")
    if dataset.chunks is not None or properties.get_nfilters():
        raise Refused(f"keeps {path!r} compressed or in chunks, which Keras does not; write it anew with Keras")
    size = int(np.prod(dataset.shape or (), dtype=object)) * kind.itemsize
    if dataset.shape is None or size > content or dataset.id.get_storage_size() != size:
        raise Refused(f"is damaged: {path!r} announces {size} bytes that are not there")
    return np.asarray(dataset[()]).astype(kind.newbyteorder("="), copy=False)


class Walk:
    """Everything in a file, group by group."""

    def __init__(self, content: bytes):
        self.content, self.seen = len(content), set()
        self.tensors: dict[str, np.ndarray] = {}
        self.attributes: dict[str, dict] = {}
        self.places: list[tuple[int, int]] = []
        with h5py.File(io.BytesIO(content), "r") as file:
            self.group(file, "", 0)
        ends = sorted(self.places)
        if any(end > begin for (_, end), (begin, _) in pairwise(ends)):
            raise Refused("is damaged: two tensors lie in the same place")

    def group(self, group, path: str, depth: int) -> None:
        if depth > DEEPEST:
            raise Refused("is nested too deep for a file of Keras")
        self.meet(group)
        self.attributes[path] = attributes(group)
        for name in group:
            inner = f"{path}/{name}" if path else name
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise Refused(f"holds the link {inner!r} to somewhere else; give a file that holds all its tensors")
            if name in SKIPPED and depth == 0:
                continue
            item = group[name]
            if isinstance(item, h5py.Group):
                self.group(item, inner, depth + 1)
            elif isinstance(item, h5py.Dataset):
                self.meet(item)
                self.tensors[inner] = tensor(item, inner, self.content)
                if item.id.get_offset() is not None:
                    self.places.append((item.id.get_offset(), item.id.get_offset() + item.nbytes))
            else:
                raise Refused(f"holds {inner!r}, which is neither a group nor a tensor")

    def meet(self, item) -> None:
        """Each object stands in one place."""
        place = h5py.h5o.get_info(item.id).addr
        if place in self.seen or len(self.seen) >= MOST:
            raise Refused("holds one group or tensor twice, or too many; it was not written by Keras")
        self.seen.add(place)


def answer(content: bytes) -> tuple[dict, list[np.ndarray]]:
    try:
        walk = Walk(content)
    except Refused as refused:
        return {"refused": str(refused)}, []
    except Exception as error:  # whatever the library makes of damage
        return {"refused": f"is damaged, or no HDF5 file ({type(error).__name__}: {error})"}, []
    listed = [[name, array.dtype.str, array.shape] for name, array in walk.tensors.items()]
    return {"tensors": listed, "attributes": walk.attributes}, list(walk.tensors.values())


def packed(content: bytes) -> bytes:
    """The answer as it goes out."""
    described, arrays = answer(content)
    head = json.dumps(described).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *(np.ascontiguousarray(a).tobytes() for a in arrays)])


def main() -> None:
    content = sys.stdin.buffer.read()
    limit(len(content))
    sys.stdout.buffer.write(packed(content))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
