"""What rdkit took long to work out, kept on disk: named by what determines it, checked before it is read.

Reading 90,000 SMILES takes half a minute. A kept answer is found again only for the same SMILES in the same order, the
same settings and the same rdkit; one that is cut short or changed is worked out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from tl_jax.errors import InputError
from tl_jax.system.files import digest, write_atomic
from tl_jax.system.parts import pack, unpack

LAYOUT = 1  # to be raised when the arrays that are kept, or how they are made, change

Arrays = dict[str, np.ndarray]


def cached(
    folder: Path | None, what: str, smiles: Sequence[str], settings: dict, version: str, compute: Callable[[], Arrays]
) -> Arrays:
    """compute(), or what it gave before for the same arguments; without a folder nothing is kept.

    A file is an .npz behind a line with its SHA-256 (parts.pack), written whole. Raises InputError where the folder
    cannot be written to.
    """
    if folder is None:
        return compute()
    key = digest(LAYOUT, what, list(smiles), settings, version)
    path = Path(folder) / f"{what}-{key[:32]}.part"
    found = unpack(path.read_bytes()) if path.is_file() else None
    if found is not None:
        return found
    arrays = compute()
    try:
        write_atomic(path, lambda temporary: temporary.write_bytes(pack(arrays)))
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; choose another folder as cache") from error
    return arrays


def from_text(lines: Iterable[str]) -> np.ndarray:
    """Lines of text as bytes: an array of str would give every SMILES the room of the longest."""
    return np.frombuffer("\n".join(lines).encode(), np.uint8)


def to_text(content: np.ndarray, count: int) -> list[str]:
    """The lines of from_text, of which there were `count`."""
    return content.tobytes().decode().split("\n") if count else []
