"""HDF5 files from anywhere: each ends in one sentence; no link is followed, no outside file is opened."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from weight_files import LAYERS, hdf5_here, read, refused, sound_files
from weight_writer import dense_layers, hdf5, keras2, keras3, named

from tl_jax.data.tables.pickled_tensors import Refused

h5py = pytest.importorskip("h5py", reason="weight files need tl_jax[weights]")
pytest.importorskip("safetensors")


@pytest.fixture(autouse=True)
def _tame(monkeypatch):
    monkeypatch.setattr("tl_jax.weights.keras_file.read_hdf5", hdf5_here)


def changed(change, layers=LAYERS):
    """A sound file of Keras 3 after `change(h5py.File)`."""
    content = io.BytesIO(keras3(layers))
    with h5py.File(content, "r+") as file:
        change(file)
    return content.getvalue()


def put(path, values, **how):
    def change(file):
        if path in file:
            del file[path]
        file.create_dataset(path, data=values, **how)

    return change


def link(path, to):
    def change(file):
        del file[path]
        file[path] = to

    return change


K = "layers/dense/vars/0"
KERNEL = dense_layers()[0]["kernel"]
NAN, INF = KERNEL.copy(), KERNEL.copy()
NAN[2, 1], INF[0, 0] = np.nan, -np.inf
HDF5 = [
    (link(K, h5py.ExternalLink("/etc/passwd", "/")), r"holds the link 'layers/dense/vars/0' to somewhere else"),
    (link(K, h5py.SoftLink("/layers/dense_1/vars/0")), r"holds the link 'layers/dense/vars/0' to somewhere else"),
    (lambda f: f.__setitem__("layers/again", f["layers"]), r"holds one group or tensor twice"),
    (lambda f: f.__setitem__("layers/dense_7", f["layers/dense"]), r"holds one group or tensor twice"),
    (put(K, NAN), r"holds values that are not finite in dense_9 kernel"),
    (put(K, INF), r"holds values that are not finite in dense_9 kernel"),
    (put(K, KERNEL.astype("f8") * 1e300), r"holds values that are not finite in dense_9 kernel"),
    (put(K, KERNEL.astype("i4")), r"holds dense_9 kernel with elements of type int32"),
    (put(K, KERNEL.astype("c8")), r"of type complex64; only plain numbers"),
    (put(K, np.array(b"text")), r"of type \|S4; only plain numbers"),
    (put(K, KERNEL.astype("V4")), r"of type \|V4; only plain numbers"),
    (put(K, KERNEL.ravel()), r"with a kernel of shape \(20,\), which is no such layer's"),
    (put(K, np.ones((5, 0), "f4")), r"with a kernel of shape \(5, 0\)"),
    (put(K, np.ones((5, 7), "f4")), r"holds dense_9 bias of shape \(4,\), where \(7,\) fits"),
    (put(K, KERNEL, compression="gzip"), r"compressed or in chunks"),
    (put(K, KERNEL, chunks=(1, 1)), r"compressed or in chunks"),
    (lambda f: (f.pop(K), f.create_dataset(K, (2**40, 2**20), "f4")), r"announces \d+ bytes that are not there"),
    (lambda f: (f.pop(K), f.create_dataset(K, (5, 4), "f4")), r"announces 80 bytes that are not there"),
    (lambda f: (f.pop(K), f.create_dataset(K, (5, 4), "f4", external=[("/etc/passwd", 0, 80)])), r"in another file"),
    (lambda f: f.pop("layers"), r"is no weight file of a Keras model in a row of layers; it holds no tensors"),
    (put("layers/lstm/vars/0", KERNEL), r"holds 1 variables in layer lstm; known are dense"),
    (put("layers/dense/vars/7", KERNEL), r"holds 3 variables in layer dense"),
    (put("layers/dense/deep/vars/0", KERNEL), r"holds the tensor layers/dense/deep/vars/0"),
    (lambda f: f.create_group("/".join("abcdefghijklmnopq")), r"is nested too deep"),
    (lambda f: f.__setitem__("layers/type", np.dtype("f4")), r"which is neither a group nor a tensor"),
]


@pytest.mark.parametrize(("change", "words"), HDF5)
def test_a_strange_hdf5_file_is_refused(change, words):
    refused(changed(change), words)


def test_two_tensors_in_one_place_are_refused():
    content = bytearray(keras3(named(dense_layers((4, 4, 4, 1)))))
    with h5py.File(io.BytesIO(bytes(content))) as file:
        first, second = (file[f"layers/{name}/vars/0"].id.get_offset() for name in ("dense", "dense_1"))
    address = second.to_bytes(8, "little")
    assert content.count(address) == 1
    where = content.index(address)
    content[where : where + 8] = first.to_bytes(8, "little")
    refused(bytes(content), "two tensors lie in the same place")


def test_a_virtual_dataset_is_refused():
    def change(file):
        del file[K]
        layout = h5py.VirtualLayout((5, 4), "f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", (5, 4), "f4")
        file.create_virtual_dataset(K, layout)

    refused(changed(change), "keeps 'layers/dense/vars/0' in another file")


def test_lists_of_keras_2_that_lie():
    def listed(**attributes):
        def fill(file):
            with h5py.File(io.BytesIO(keras2(LAYERS))) as other:
                for name in other:
                    other.copy(name, file)
            for name, value in attributes.items():
                file.attrs[name] = value

        return hdf5(fill)

    refused(listed(layer_names=[b"dense_9", b"nowhere"]), "layer nowhere of its list is not in it")
    refused(listed(layer_names=[b"dense_9", b"dense_9"]), "does not fit")
    refused(listed(layer_names=np.arange(3)), "attribute of names that are no text")
    refused(listed(layer_names=[b"\xff\xfe"]), "is damaged")
    refused(listed(layer_names=np.zeros(30_000, "S1")), "too long for names of layers")


def test_long_lists_of_names_are_split_by_keras():
    def fill(file):
        with h5py.File(io.BytesIO(keras2(LAYERS))) as other:
            for name in other:
                other.copy(name, file)
            names = other.attrs["layer_names"]
        for number in range(len(names)):
            file.attrs[f"layer_names{number}"] = names[number : number + 1]

    for ours, (_, theirs) in zip(read(hdf5(fill)).variables["params"].values(), LAYERS, strict=True):
        assert np.array_equal(ours["kernel"], theirs["kernel"])


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"PK", b"\x00" * 100, b"{}", b"hello" * 99])
def test_no_weight_file_at_all(content):
    refused(content, "is no weight file|is damaged|is a damaged|is no zip")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_files_are_refused(share):
    for content in sound_files().values():
        refused(content[: int(len(content) * share)], "damaged|no zip|no weight file|incomplete|missing")


@pytest.mark.parametrize("out", [b"", b"\x07", (99).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"{}"])
def test_a_library_that_ends_on_a_file_is_a_sentence(monkeypatch, out):
    """Random bytes in a file do end it (a segmentation fault), which is why it has a process of its own."""
    import subprocess

    from tl_jax.weights import hdf5_file

    ended = subprocess.CompletedProcess([], -11, out, b"")
    monkeypatch.setattr(hdf5_file.subprocess, "run", lambda *args, **how: ended)
    with pytest.raises(Refused, match="the HDF5 library ends on it"):
        hdf5_file.read_hdf5(keras3(LAYERS))


def test_a_library_that_does_not_end_is_a_sentence(monkeypatch):
    from tl_jax.weights import hdf5_file

    monkeypatch.setattr(hdf5_file, "SECONDS", 0.001)
    with pytest.raises(Refused, match="keeps the HDF5 library busy"):
        hdf5_file.read_hdf5(keras3(LAYERS))
