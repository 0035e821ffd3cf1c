"""Archives, npz and safetensors from anywhere: each ends in one sentence, and nothing in it is run."""

import io
import json
import os
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from weight_files import LAYERS, TWO_STEP, hdf5_here, own_model, read, refused
from weight_writer import archive, config_of, dense_layers, keras2, keras3, keras_archive, named, norm_layers

from tl_jax.weights.model_file import model_bytes
from tl_jax.weights.weight_file import read_weights

h5py = pytest.importorskip("h5py", reason="weight files need tl_jax[weights]")
pytest.importorskip("safetensors")


@pytest.fixture(autouse=True)
def _tame(monkeypatch):
    monkeypatch.setattr("tl_jax.weights.keras_file.read_hdf5", hdf5_here)


KERNEL = dense_layers()[0]["kernel"]


# Archives and configurations


def with_layer(**layer):
    config = config_of(LAYERS, TWO_STEP)
    config["config"]["layers"].append(layer)
    return keras_archive(LAYERS, config)


ONE = {"name": "odd"}
INBOUND = [[["elsewhere", 0, 0, {}]]]
CONFIGS = [
    (
        {"class_name": "Lambda", "config": ONE | {"function": "os.system('touch ran')"}},
        "Lambda, which is code and never",
    ),
    ({"class_name": "LSTM", "config": ONE}, "of class LSTM; known are Dense"),
    ({"class_name": "Dense", "config": ONE | {"activation": {"class_name": "x"}}}, "an activation that is no name"),
    ({"class_name": "Dense", "registered_name": "mine>Dense", "config": ONE}, "a class of its author's own"),
    ({"class_name": "Dense", "config": ONE | {"activation": "relu", "lora_rank": 2}}, "with an adapter"),
    ({"class_name": "Dropout", "config": ONE, "inbound_nodes": INBOUND}, "has branches: layer odd takes elsewhere"),
    ({"class_name": "Dense", "config": ONE}, "describes 4 layers with weights and holds 3"),
    ({"class_name": "Activation", "config": ONE | {"activation": "relu"}}, "has two activations in a row"),
    ({"class_name": "ReLU", "config": ONE | {"max_value": 6}}, "of class ReLU; known"),
    ({"class_name": "BatchNormalization", "config": ONE}, "configuration that cannot be read .KeyError"),
    ({"config": ONE}, "configuration that cannot be read .KeyError"),
]


@pytest.mark.parametrize(("layer", "words"), CONFIGS)
def test_a_configuration_is_read_and_never_run(layer, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(with_layer(**layer), words)
    config = config_of(LAYERS, TWO_STEP)
    config["config"]["layers"].append(layer)
    if "4 layers" not in words:
        refused(keras2(LAYERS, json.dumps(config), "model_weights"), words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text", [b"[]", b"{}", b"null", b"{", b"[" * 100_000, b'{"class_name": "Sequential"}', b"\xff"]
)
def test_a_damaged_configuration(text):
    layers = {"model.weights.h5": keras3(LAYERS), "config.json": text}
    refused(archive(layers), "configuration that cannot be read")


def test_an_activation_before_a_batch_norm_is_refused():
    layers = named(dense_layers(), norm_layers())
    config = config_of(layers, ("relu", "relu", "linear"))
    next(one for one in config["config"]["layers"] if one["class_name"] == "Dense")["config"]["activation"] = "relu"
    refused(keras_archive(layers, config), "has an activation before batch norm")


def test_members_that_leave_their_folder_or_come_twice(tmp_path):
    sound = keras_archive(LAYERS, config_of(LAYERS, TWO_STEP))
    read(sound, ())
    for name in ("../../evil", "/etc/evil", "a\\..\\b"):
        refused(keras_archive(LAYERS, config_of(LAYERS, TWO_STEP), **{name: b"x"}), "strange members")
    with io.BytesIO(sound) as file:
        with zipfile.ZipFile(file, "a") as twice, pytest.warns(UserWarning, match="Duplicate"):
            twice.writestr("config.json", b"{}")
        refused(file.getvalue(), "strange members")


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_bomb_is_not_unpacked(name):
    members = {"config.json": b"{}", "model.weights.h5": b"x", name: bytes(1 << 26)}
    content = archive(members, zipfile.ZIP_DEFLATED)
    assert len(content) < 1 << 18
    start = time.monotonic()
    refused(content, "unpacks to more than|configuration that cannot|no HDF5 file")
    assert time.monotonic() - start < 5


# Files of our own, and safetensors


def test_a_model_file_comes_back_bit_for_bit_and_is_always_the_same():
    model = own_model()
    for ending in (".npz", ".safetensors"):
        content = model_bytes(model, ending)
        assert content == model_bytes(own_model(), ending)
        back = read_weights(content, "x")
        assert back.genes == model.genes
        assert {k: v.tobytes() for k, v in back.leaves.items()} == {k: v.tobytes() for k, v in model.leaves.items()}
        assert all(np.array_equal(a, b) for a, b in zip(back.scaler, model.scaler, strict=True))
        assert {k: back.meta[k] for k in model.meta} == model.meta


LIES = [
    {"response_scale": {"low": 1.0, "high": 0.0, "direction": "resistant", "unit": "AUC"}},
    {"response_scale": {"low": 0.0, "high": float("inf"), "direction": "resistant", "unit": "AUC"}},
    {"network": {"name": "two_step", "hidden": ["4", 3]}},
    {"network": {"name": "two_step", "hidden": []}},
    {"network": None},
    {"ancestors": [{"id": 3}]},
    {"ancestors": {"id": "x"}},
    {"recipe": {"epochs": "many", "learning_rate": 1}},
    {"scaler": {"kind": 3}},
    {"origin": {"file": "x"}},
    {"samples": "many"},
    {"transform": 3},
    {"drug": "\x1b[31mred"},
    {"note": "two\nlines"},
    {"domain": "\ud800"},
]


@pytest.mark.parametrize("lie", LIES)
def test_a_record_that_lies_is_refused_though_its_digest_is_right(lie):
    model = own_model()
    for ending in (".npz", ".safetensors"):
        refused(model_bytes(model._replace(meta=model.meta | lie), ending), "in a way that no model of tl_jax does")


@pytest.mark.parametrize("scale", [np.zeros(5, "f4"), np.full(5, np.nan, "f4"), np.ones(4, "f4"), np.ones(5, "f8")])
def test_a_scaler_that_cannot_be_is_refused(scale):
    model = own_model()._replace(scaler=(np.zeros(5, "f4"), scale))
    refused(model_bytes(model, ".npz"), "says scaler in a way")


def npz(**arrays):
    with io.BytesIO() as file:
        np.savez(file, **arrays)
        return file.getvalue()


def test_pickles_are_never_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Evil:
        def __reduce__(self):
            return os.mkdir, ("ran",)

    refused(npz(genes=np.array(["A"]), meta=np.array([Evil()], dtype=object)), "holds pickled objects in meta.npy")
    assert not list(tmp_path.iterdir())


def test_other_npz_files_are_refused():
    refused(npz(kernel=KERNEL), "is an .npz that export_weights did not write")
    refused(npz(genes=np.arange(3), meta=np.array("{}")), "is an .npz that export_weights did not write")
    refused(npz(genes=np.array(["A", "A"]), meta=np.array('{"format": "tl_jax weights 1"}')), "each of its genes once")
    with io.BytesIO() as file:
        np.savez_compressed(file, genes=np.array(["A"]), meta=np.array("{}"))
        refused(file.getvalue(), "compressed members")


@pytest.mark.parametrize("shape", ["(1099511627776, 1048576)", "(-2, -10)", "(5,)", "()", "(5, 4.0)", "((" * 200])
def test_headers_of_npz_that_lie(shape):
    with io.BytesIO() as member:
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(500) + "\n"
        member.write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + KERNEL.tobytes())
        refused(archive({"a.npy": member.getvalue()}), "damaged")


def header(**entries):
    head = json.dumps(entries).encode()
    return len(head).to_bytes(8, "little") + head + KERNEL.tobytes()


def tensor(shape=(5, 4), ends=(0, 80), dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": ends}


HEADERS = [
    {"a.weight": tensor((2**60, 2**60))},
    {"a.weight": tensor((5, 5), (0, 100))},
    {"a.weight": tensor(ends=(8, 88))},
    {"a.weight": tensor(ends=(80, 0))},
    {"a.weight": tensor(dtype="F99")},
    {"a.weight": tensor((-5, -4))},
    {"a.weight": tensor(), "b.weight": tensor()},
    {"a.weight": 3},
    {"__metadata__": {"x": 3}},
]


@pytest.mark.parametrize("entries", HEADERS)
def test_headers_of_safetensors_that_lie(entries):
    refused(header(**entries), "is a damaged safetensors file")


def test_a_header_longer_than_the_file():
    refused((2**62).to_bytes(8, "little") + b"{}", "is no weight file of a known format")
