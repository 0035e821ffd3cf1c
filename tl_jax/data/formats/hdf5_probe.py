"""Whether a damaged HDF5 file would crash or hang the HDF5 library: tried in a process of its own.

The library, written in C, may end the process or loop for ever on a file with a few wrong bytes (about one in a
hundred of such files). So a child walks the whole file first. It takes about half a second.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tl_jax.errors import InputError

# Files of this process that were found sound: a cohort reads the cells and their table from one file.
_sound: set[tuple[str, int, int]] = set()
SECONDS = 20
BYTES_PER_SECOND = 20 << 20
# Small arrays are read; of large ones the list of their pieces is, which is what may be damaged.
_WALK = """
import io, sys
import h5py

def walk(node, seen=set()):
    address = h5py.h5o.get_info(node.id).addr
    if address in seen:
        return
    seen.add(address)
    dict(node.attrs)
    if isinstance(node, h5py.Dataset):
        if node.external or node.is_virtual:
            return
        if node.size and node.size * max(node.dtype.itemsize, 8) <= 1 << 28:
            node[()]
        elif node.chunks:
            node.id.get_num_chunks()
        return
    for name in node:
        if isinstance(node.get(name, getlink=True), h5py.HardLink):
            walk(node[name])

content = sys.stdin.buffer.read()
try:
    with h5py.File(io.BytesIO(content) if content else sys.argv[1], "r") as file:
        walk(file)
except Exception:
    pass  # the reader itself says what is wrong
"""


def refuse_crashing(path: Path, content: bytes = b"") -> None:
    """InputError where the library crashes or hangs on the file. content: what is unpacked of it, or b""."""
    state = path.stat()
    known = (str(path.resolve()), state.st_mtime_ns, state.st_size)
    if not sys.executable or known in _sound:
        return
    size = len(content) or state.st_size
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", _WALK, str(path)],
            input=content,
            capture_output=True,
            timeout=SECONDS + size / BYTES_PER_SECOND,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{path} is damaged so that reading it does not end; fetch or save it again") from error
    if child.returncode < 0:
        raise InputError(f"{path} is damaged so that the HDF5 library crashes; fetch or save it again")
    _sound.add(known)
