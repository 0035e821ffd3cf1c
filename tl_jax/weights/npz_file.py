"""Plain arrays of an .npz file, read without pickle and without taking more memory than the file."""

from __future__ import annotations

import io
import math
import zipfile

import numpy as np

from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.weights.torch_file import DAMAGE

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(content: bytes) -> dict[str, np.ndarray]:
    """{name: array}. Raises Refused for damage, compression, pickled objects and headers that lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len({m.filename for m in members}) < len(members) or any(m.compress_type for m in members):
                raise Refused("is an archive with compressed members, or two of one name; np.savez writes neither")
            if sum(m.file_size for m in members) > len(content):
                raise Refused("is damaged: its members are larger than the file")
            return {m.filename.removesuffix(".npy"): array_of(m.filename, archive.read(m)) for m in members}
    except Refused:
        raise
    except (*DAMAGE, MemoryError) as error:
        raise Refused(f"is a damaged npz file ({short(error)})") from error


def array_of(name: str, raw: bytes) -> np.ndarray:
    """A member's array: numbers or text, never objects."""
    stream = io.BytesIO(raw)
    try:
        version = np.lib.format.read_magic(stream)
        shape, fortran, kind = HEADERS[version](stream)
    except Refused:
        raise
    except Exception as error:  # the header is text that numpy parses; what damage makes of it has many names
        raise Refused(f"is damaged: the header of {short(name)} cannot be read ({short(error)})") from error
    if kind.hasobject:
        raise Refused(f"holds pickled objects in {short(name)}; they would have to be run, and are refused")
    size = math.prod(shape) * kind.itemsize
    if kind.kind not in "fiubU" or kind.subdtype or size != len(raw) - stream.tell() or not size:
        raise Refused(
            f"is damaged: {short(name)} announces {short(shape)} elements of {short(kind)} that are not there"
        )
    return np.frombuffer(raw, kind, offset=stream.tell()).reshape(shape, order="F" if fortran else "C")
