"""Weight files from anywhere: each ends in one sentence, or in the weights it holds; nothing in it is run."""

import io
import json
import os
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from torch_writer import state_dict
from weight_writer import (
    archive,
    config_of,
    dense_layers,
    hdf5,
    keras2,
    keras3,
    keras_archive,
    named,
    norm_layers,
    state_dict_of,
)

from tl_jax.data.pickled_tensors import Refused
from tl_jax.errors import InputError
from tl_jax.transfer.model_file import Model, model_bytes
from tl_jax.transfer.safetensors_file import safetensors_bytes
from tl_jax.transfer.weight_file import read_weights
from tl_jax.transfer.weight_layers import match

h5py = pytest.importorskip("h5py", reason="weight files need tl_jax[weights]")
pytest.importorskip("safetensors")

TWO_STEP = ("sigmoid", "softplus", "softplus")
LAYERS = named(dense_layers())


def read(content, activations=TWO_STEP):
    """What import_weights makes of a file, up to its genes."""
    file = read_weights(content, "x")
    return file if isinstance(file, Model) else match(file, activations)


def refused(content, words):
    with pytest.raises((Refused, InputError), match=words) as fault:
        read(content)
    assert "\n" not in str(fault.value)
    assert len(str(fault.value)) < 1200


# HDF5


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


# Archives and configurations


def with_layer(**layer):
    config = config_of(LAYERS, TWO_STEP)
    config["config"]["layers"].append(layer)
    return keras_archive(LAYERS, config)


ONE = {"name": "odd"}
INBOUND = [[["elsewhere", 0, 0, {}]]]
CONFIGS = [
    ({"class_name": "Lambda", "config": ONE | {"function": "os.system('touch ran')"}}, "Lambda, which is code and never"),
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


@pytest.mark.parametrize("text", [b"[]", b"{}", b"null", b"{", b"[" * 100_000, b'{"class_name": "Sequential"}', b"\xff"])
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


def own_model():
    leaves = {}
    for name, (_, tensors) in zip(("layer1", "layer2", "head"), LAYERS, strict=True):
        leaves |= {f"{name}/{part}": values for part, values in tensors.items()}
    past = {"id": "1", "stage": "source", "domain": "d", "drug": "x", "strategy": "scratch", "data_fingerprint": ""}
    meta = past | {"note": "", "recipe": {"epochs": 3, "learning_rate": 0.1}, "samples": 9, "seed": 4, "ancestors": []}
    meta |= {"network": {"name": "two_step", "hidden": [4, 3]}, "scaler": {"kind": "standard"}, "transform": "none"}
    meta["response_scale"] = {"low": 0.0, "high": 1.0, "direction": "resistant", "unit": "AUC"}
    scaler = (np.arange(5, dtype="f4"), np.ones(5, "f4"))
    return Model(leaves, ["A", "B", "C", "Dé", "E"], scaler, meta)


def sound_files() -> dict[str, bytes]:
    tensors = {name: np.ascontiguousarray(values) for name, values in state_dict_of(dense_layers()).items()}
    return {
        "npz": model_bytes(own_model(), ".npz"),
        "own safetensors": model_bytes(own_model(), ".safetensors"),
        "pytorch": state_dict(tensors),
        "keras archive": keras_archive(LAYERS, config_of(LAYERS, TWO_STEP)),
        "keras 3": keras3(LAYERS),
        "keras 2": keras2(LAYERS),
        "safetensors": safetensors_bytes(tensors, {}),
    }


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


# Random damage


def mutated(data, content):
    """The content with some bytes overwritten, cut out or put in."""
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(content) - 1))
        what = data.draw(st.binary(min_size=1, max_size=8))
        kind = data.draw(st.sampled_from(["set", "set", "set", "cut", "put"]))
        if kind == "set":
            content[where : where + len(what)] = what
        elif kind == "cut":
            del content[where : where + len(what)]
        else:
            content[where:where] = what
        if not content:
            break
    return bytes(content)


def outcome(content, activations=TWO_STEP):
    """Weights by leaf, or None where the file is refused; anything else is an error of the test."""
    try:
        found = read(content, activations)
    except (Refused, InputError) as fault:
        assert "\n" not in str(fault)
        return None
    if isinstance(found, Model):
        return found.leaves
    return {f"{layer}/{part}": v for layer, parts in found.variables["params"].items() for part, v in parts.items()}


def check_damage(data, form, exact):
    content = sound_files()[form]
    activations = () if form == "keras archive" else TWO_STEP
    before, after = outcome(content, activations), outcome(mutated(data, content), activations)
    assert before is not None
    if after is None:
        return
    assert set(after) == set(before)
    for name, values in after.items():
        assert np.isfinite(values).all()
        if exact:
            assert np.array_equal(values, before[name]), name


COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@settings(max_examples=60, **COMMON)
@given(data=st.data(), form=st.sampled_from(["npz", "own safetensors", "pytorch"]))
def test_random_damage_is_noticed_where_the_format_has_checksums(data, form):
    check_damage(data, form, exact=True)


@settings(max_examples=60, **COMMON)
@given(data=st.data())
def test_random_damage_to_safetensors_ends_in_a_sentence_or_in_weights(data):
    check_damage(data, "safetensors", exact=False)


@settings(max_examples=12, **COMMON)
@given(data=st.data(), form=st.sampled_from(["keras 3", "keras 2", "keras archive"]))
def test_random_damage_to_hdf5_ends_in_a_sentence_or_in_weights(data, form):
    check_damage(data, form, exact=form == "keras archive")


@pytest.mark.slow
@settings(max_examples=600, **COMMON)
@given(data=st.data(), form=st.sampled_from(["keras 3", "keras 2", "keras archive"]))
def test_much_random_damage_to_hdf5(data, form):
    check_damage(data, form, exact=form == "keras archive")
