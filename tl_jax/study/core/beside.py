"""A file of arrays beside a model, in its checkpoint folder, that belongs to this model alone.

It is under a SHA-256 of its own (parts.pack); its identity begins with the id of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tl_jax.errors import InputError
from tl_jax.system.cluster import agree, barrier, is_first
from tl_jax.system.files import write_atomic
from tl_jax.system.parts import durable, pack, unpack


def is_kept(path: Path, identity: str) -> bool:
    """Whether a sound file of this identity is there, as process 0 sees it. All processes call this."""
    arrays = unpack(path.read_bytes()) if is_first() and path.is_file() else None
    return agree(arrays is not None and str(arrays["identity"]) == identity)


def keep(path: Path, identity: str, arrays: Callable[[], dict[str, np.ndarray]]) -> bool:
    """Write the arrays unless they are kept already; whether they had to be. All processes call; process 0 writes."""
    if is_kept(path, identity):
        return False
    content = arrays()
    if is_first():
        write_atomic(path, lambda to: durable(to, pack({**content, "identity": np.asarray(identity)})))
    barrier(f"{path.name} written")
    return True


def load(path: Path, meta: dict, missing: str, remedy: str) -> dict[str, np.ndarray]:
    """The arrays; InputError where the file is absent (`missing` says what that means), damaged or another model's."""
    if not path.is_file():
        raise InputError(f"{missing}; {remedy}")
    arrays = unpack(path.read_bytes())
    if arrays is None:
        raise InputError(f"{path} is damaged (cut short or changed); delete it and {remedy}")
    if str(arrays["identity"]).split()[0] != meta["id"]:
        raise InputError(f"{path} belongs to another checkpoint than {meta['id']}; delete it and {remedy}")
    return arrays
