"""Tensors and notes of a safetensors file (https://github.com/huggingface/safetensors), by the package of that name.

Format: 8 bytes (length of the header, little-endian), the header as JSON ({name: dtype, shape, offsets}, and texts
under __metadata__), the elements. The package checks that offsets cover the file without gap or overlap.
"""

from __future__ import annotations

import importlib.util
import json
import math

import numpy as np

from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.errors import InputError

KINDS = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?"},
    **{f"{sign}{bits}": f"<{kind}{bits // 8}" for sign, kind in (("I", "i"), ("U", "u")) for bits in (8, 16, 32, 64)},
}


def is_safetensors(content: bytes) -> bool:
    """Whether a file begins like one."""
    size = int.from_bytes(content[:8], "little")
    return content[8:9] == b"{" and 2 <= size <= len(content) - 8


def need_package() -> None:
    if importlib.util.find_spec("safetensors") is None:
        raise InputError("files .safetensors need the package safetensors: pip install 'tl_jax[weights]'")


def read_safetensors(content: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """({name: array}, notes) sorted, which says nothing of layers; bfloat16 as float32. Raises Refused."""
    need_package()
    import safetensors

    try:
        found = safetensors.deserialize(content)
        notes = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__") or {}
    except (safetensors.SafetensorError, ValueError, RecursionError, OverflowError) as error:
        raise Refused(f"is a damaged safetensors file ({short(error)})") from error
    return {name: array_of(name, described) for name, described in sorted(found)}, notes


def array_of(name: str, described: dict) -> np.ndarray:
    """A tensor's elements."""
    kind, shape = described["dtype"], described["shape"]
    if kind not in KINDS:
        raise Refused(f"holds {short(name)} of type {short(kind)}; save it as float32")
    values = np.frombuffer(described["data"], KINDS[kind])
    if math.prod(shape) != len(values):
        raise Refused(f"is damaged: {short(name)} has {len(values)} elements, its shape is {short(shape)}")
    values = (values.astype("u4") << 16).view("f4") if kind == "BF16" else values
    return values.reshape(shape)


def safetensors_bytes(tensors: dict[str, np.ndarray], notes: dict[str, str]) -> bytes:
    """A file with these arrays and texts.

    Put together here, since the package's own writer shuffles the notes: the same model must give the same bytes.
    """
    codes = {kind: code for code, kind in KINDS.items() if code != "BF16"}
    header: dict[str, object] = {"__metadata__": notes} if notes else {}
    parts, at = [], 0
    for name, values in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):  # keeps them aligned
        kind = values.dtype.newbyteorder("<")
        parts.append(np.ascontiguousarray(values, kind).tobytes())
        code = codes[kind.str.replace("|b1", "?").replace("|", "<")]
        header[name] = {"dtype": code, "shape": values.shape, "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(parts)
