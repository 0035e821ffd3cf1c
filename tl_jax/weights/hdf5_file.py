"""Tensors and names of an HDF5 file, read in a process of its own (`hdf5_worker.py` says why)."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.errors import InputError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SECONDS = 120


class Hdf5(NamedTuple):
    """tensors: {path: array, read-only}. attributes: {path of a group: its layer_names, weight_names, name, ...}."""

    tensors: dict[str, np.ndarray]
    attributes: dict[str, dict]


def read_hdf5(content: bytes) -> Hdf5:
    """All tensors of a file, those of optimizers left out. Raises Refused, and InputError where h5py is missing."""
    if importlib.util.find_spec("h5py") is None:
        raise InputError("files of Keras (HDF5) need the package h5py: pip install 'tl_jax[weights]'")
    worker = str(Path(__file__).with_name("hdf5_worker.py"))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each thread asks for memory of its own
    try:
        done = subprocess.run(
            [sys.executable, "-P", worker],
            input=content,
            capture_output=True,
            timeout=SECONDS,
            env={**os.environ, **threads},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(f"keeps the HDF5 library busy for more than {SECONDS} s; it is damaged") from error
    try:
        return answered(done.stdout)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(f"is damaged: the HDF5 library ends on it (exit code {done.returncode})") from error


def answered(out: bytes) -> Hdf5:
    """What the worker answered; ValueError where it came to no answer."""
    size = int.from_bytes(out[:8], "little")
    if not out or len(out) < 8 + size:
        raise ValueError("no answer")
    described, start = json.loads(out[8 : 8 + size]), 8 + size
    if "refused" in described:
        raise Refused(short_words(described["refused"]))
    tensors = {}
    for name, kind, shape in described["tensors"]:
        count = math.prod(shape)
        tensors[name] = np.frombuffer(out, kind, count, start).reshape(shape)
        start += count * np.dtype(kind).itemsize
    return Hdf5(tensors, described["attributes"])


def short_words(words: str) -> str:
    """A sentence about the file, which may quote it, printable and on one line."""
    return short(f" {words} ").strip() if len(words) < 70 else ascii(words)[1:-1][:300]
