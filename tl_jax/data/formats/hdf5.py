"""HDF5 files read with care: no links out of the file, and no array larger than the limit.

A dataset may declare any shape without storing a value, and a link or an external dataset may name any other
file of the machine; both are refused before anything is read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tl_jax.data.formats.hdf5_probe import refuse_crashing
from tl_jax.data.tables.archives import check_size, unpacked
from tl_jax.data.tables.cells import shown
from tl_jax.errors import InputError


@contextmanager
def opened(path: Path) -> Iterator:
    """The file (also packed as .gz) as an h5py.File; any fault in it is one InputError."""
    try:
        import h5py
    except ImportError as error:
        raise InputError(f"{path}: reading HDF5 needs h5py; install it with: pip install tl_jax[singlecell]") from error
    packed = unpacked(path, ".gz") if path.suffix.lower() == ".gz" else b""
    source = io.BytesIO(packed) if packed else path
    refuse_crashing(path, packed)
    try:
        with h5py.File(source, "r") as file:
            yield file
    except InputError:
        raise
    except (MemoryError, OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError, AttributeError) as error:
        raise InputError(f"{path} is not a whole HDF5 file ({shown(error)}); fetch or save it again") from error


def child(group, name: str, path: Path):
    """A group or dataset by its name within a group, None where there is none; parts of a name by '/'."""
    import h5py

    for part in name.split("/"):
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise InputError(
                f"{path}: '{shown(name)}' is a link, which may lead out of the file; save the file without links"
            )
        group = group[part]
    return group


def needed(group, name: str, path: Path):
    """`child`, or an InputError where there is none."""
    found = child(group, name, path)
    if found is None:
        raise InputError(f"{path} has no '{shown(name)}' in '{group.name}'; save the file again")
    return found


def is_group(node) -> bool:
    """Whether a node holds others."""
    import h5py

    return isinstance(node, h5py.Group)


def checked(dataset, path: Path):
    """The dataset, if all of it lies in this file and is no larger than the limit."""
    if is_group(dataset):
        raise InputError(f"{path}: '{dataset.name}' is a group where an array is needed; save the file again")
    if dataset.external or dataset.is_virtual:
        raise InputError(f"{path}: '{dataset.name}' lies in other files; save the file as a whole")
    check_size(float(dataset.size or 0) * max(dataset.dtype.itemsize, 8), path, f"'{dataset.name}'")
    return dataset


def numbers(dataset, path: Path, dimensions: int = 1) -> np.ndarray:
    """An array of numbers."""
    dataset = checked(dataset, path)
    if dataset.dtype.kind not in "iufb" or len(dataset.shape) != dimensions:
        kind = f"{dataset.dtype} of {len(dataset.shape)} dimensions"
        raise InputError(f"{path}: '{dataset.name}' holds {shown(kind)}, not numbers of {dimensions}; save it again")
    return dataset[()]


def values(dataset, path: Path) -> np.ndarray:
    """(n,) numbers as they are, texts as str."""
    dataset = checked(dataset, path)
    if len(dataset.shape) != 1 or dataset.dtype.kind not in "iufbOS":
        raise InputError(f"{path}: '{dataset.name}' is no column of numbers or texts; save the file again")
    return as_text(dataset[()], path, dataset.name)


def as_text(array: np.ndarray, path: Path, name: str) -> np.ndarray:
    """Bytes decoded; other arrays as they are."""
    if array.dtype.kind not in "OS":
        return array
    try:
        return np.array([v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in array], dtype=object)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: '{name}' is not UTF-8 text; save the file again") from error
