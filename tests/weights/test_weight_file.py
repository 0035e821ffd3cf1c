"""Weight files of every format become the same network: golden files, twins in numpy, order, shapes, declarations."""

import json
import os
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from torch_writer import state_dict
from weight_files import hdf5_here
from weight_writer import (
    blocks_twin,
    config_of,
    dense_layers,
    keras2,
    keras3,
    keras_archive,
    named,
    norm_layers,
    state_dict_of,
    two_step_twin,
)

from tl_jax.config import NetworkConfig
from tl_jax.data.tables.pickled_tensors import Refused
from tl_jax.models import build
from tl_jax.weights.safetensors_file import safetensors_bytes
from tl_jax.weights.weight_file import read_weights
from tl_jax.weights.weight_layers import match

pytest.importorskip("h5py", reason="weight files need tl_jax[weights]")
pytest.importorskip("safetensors")


@pytest.fixture(autouse=True)
def _tame(monkeypatch, request):
    if "golden" not in request.fixturenames:
        monkeypatch.setattr("tl_jax.weights.keras_file.read_hdf5", hdf5_here)


ROOT = Path(__file__).resolve().parents[2]
TWO_STEP = ("sigmoid", "softplus", "softplus")
BLOCKS = ("relu", "relu", "linear")
FILES = [f"K5_keras{rest}" for rest in ("3.weights", "2_weights_only", "2_weights_only_bytes_names", "2_full_model")]


def prediction(matched, x) -> np.ndarray:
    """The network's own output in float64."""
    network = build(NetworkConfig(matched.network, matched.hidden))
    with jax.enable_x64(True):
        return np.asarray(network.apply(jax.tree.map(np.float64, matched.variables), np.asarray(x, "f8")).prediction)


@pytest.mark.parametrize("name", FILES)
def test_the_files_of_keras_give_its_predictions(golden, name):
    case = golden("K5_weight_files")
    where = Path(os.environ.get("TLJAX_GOLDEN", ROOT / "../shared/golden")).resolve()
    file = read_weights((where / f"{name}.h5").read_bytes(), name)
    assert [one.name for one in file.layers] == ["dense_9", "dense_10", "dense_11"]
    matched = match(file, () if name.endswith("full_model") else TWO_STEP)
    params = matched.variables["params"]
    for ours, theirs in (("layer1", "layer1"), ("layer2", "layer2"), ("head", "layer3")):
        for part in ("kernel", "bias"):
            assert np.array_equal(params[ours][part], case[f"file_{theirs}_{part}"])
            assert params[ours][part].dtype == np.float32
    np.testing.assert_allclose(prediction(matched, case["x_five_rows"]), case["f64_prediction_five_rows"][:, 0], 1e-9)
    single = build(NetworkConfig("two_step", matched.hidden)).apply(matched.variables, case["x_five_rows"]).prediction
    np.testing.assert_allclose(single, case["prediction_five_rows"][:, 0], atol=1e-6)


def files(dense, norms=(), words=TWO_STEP, epsilon=1e-3) -> dict[str, bytes]:
    """One network in every format; all but the archive and the full file leave activations to the user."""
    layers = named(dense, norms)
    config = config_of(layers, words, epsilon)
    torch = state_dict_of(dense, norms)
    arrays = {name: np.ascontiguousarray(values) for name, values in torch.items()}
    return {
        "keras 3": keras3(layers),
        "keras archive": keras_archive(layers, config),
        "keras 2": keras2(layers),
        "keras 2, text": keras2(layers, names=str),
        "keras 2, full": keras2(layers, json.dumps(config), "model_weights"),
        "pytorch": state_dict(arrays),
        "safetensors": safetensors_bytes(arrays, {}),
    }


FORMATS = tuple(files(dense_layers()))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("sizes", [(5, 4, 3, 1), (3, 3, 3, 1), (2, 6, 1), (4, *(3,) * 11, 1)])
def test_every_format_gives_the_twins_prediction(form, sizes):
    dense = dense_layers(sizes)
    words = ("sigmoid", *["softplus"] * (len(sizes) - 2))
    content = files(dense, words=words)[form]
    said = form in ("keras archive", "keras 2, full")
    matched = match(read_weights(content, form), () if said else words)
    assert (matched.network, matched.hidden) == ("two_step", sizes[1:-1])
    x = np.random.default_rng(5).normal(size=(7, sizes[0]))
    np.testing.assert_allclose(prediction(matched, x), two_step_twin(dense, x), rtol=1e-12)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("epsilon", [1e-3, 1e-5, 0.02])
def test_batch_norms_keep_their_epsilon(form, epsilon):
    dense, norms = dense_layers(), norm_layers()
    norms[0]["var"][0] = 0.0
    said = form in ("keras archive", "keras 2, full")
    file = read_weights(files(dense, norms, BLOCKS, epsilon)[form], form)
    matched = match(file, () if said else BLOCKS, None if said else epsilon)
    assert matched.network == "fc_layers"
    x = np.random.default_rng(6).normal(size=(9, 5))
    expected = blocks_twin(dense, norms, x, epsilon)
    # A variance moved by Keras' epsilon is rounded to float32 once.
    np.testing.assert_allclose(prediction(matched, x), expected, rtol=1e-11 if epsilon == 1e-5 else 2e-6, atol=1e-6)
    assert bool(matched.notes) == (epsilon != 1e-5)
    if epsilon == 1e-5:
        for k, norm in enumerate(norms, start=1):
            for part, values in norm.items():
                assert np.array_equal(matched.variables["params"][f"bn{k}"][part], values)
    wrong = np.abs(blocks_twin(dense, norms, x, 0.3) - expected).max()
    assert wrong > 1e-3, "the epsilon must matter for this test to say anything"


@pytest.mark.parametrize(("form", "own"), [("keras 3", 1e-3), ("pytorch", 1e-5), ("safetensors", 1e-5)])
def test_a_silent_file_has_the_epsilon_of_its_format(form, own):
    dense, norms = dense_layers(), norm_layers()
    matched = match(read_weights(files(dense, norms, BLOCKS)[form], form), BLOCKS)
    x = np.random.default_rng(6).normal(size=(9, 5))
    np.testing.assert_allclose(prediction(matched, x), blocks_twin(dense, norms, x, own), rtol=2e-6, atol=1e-6)


def test_an_epsilon_below_ours_is_refused_where_a_variance_cannot_take_it():
    dense, norms = dense_layers(), norm_layers()
    file = read_weights(files(dense, norms)["pytorch"], "x")
    match(file, BLOCKS, 0.0)
    norms[1]["var"][1] = 1e-7
    with pytest.raises(Refused, match="has an epsilon of 0 in bn2"):
        match(read_weights(files(dense, norms)["pytorch"], "x"), BLOCKS, 0.0)


def test_a_sigmoid_after_the_last_layer_of_blocks_is_a_probability():
    dense, norms = dense_layers(), norm_layers()
    content = files(dense, norms, ("relu", "relu", "sigmoid"))["keras archive"]
    assert match(read_weights(content, "x")).network == "fc_layers"


def test_what_a_layer_may_leave_out():
    dense = dense_layers()
    del dense[0]["bias"], dense[2]["bias"]
    x = np.random.default_rng(5).normal(size=(4, 5))
    for content in (keras3(named(dense)), keras2(named(dense))):
        whole = [one | {"bias": one.get("bias", np.zeros(one["kernel"].shape[1]))} for one in dense]
        found = prediction(match(read_weights(content, "x"), TWO_STEP), x)
        np.testing.assert_allclose(found, two_step_twin(whole, x), rtol=1e-12)


@pytest.mark.parametrize("kind", ["f2", "f8"])
def test_other_floats_become_float32(kind):
    dense = dense_layers(kind=kind)
    matched = match(read_weights(keras3(named(dense)), "x"), TWO_STEP)
    for ours, theirs in zip(matched.variables["params"].values(), dense, strict=True):
        assert ours["kernel"].dtype == np.float32
        assert np.array_equal(ours["kernel"], theirs["kernel"].astype("f4"))


def test_bfloat16_of_safetensors():
    torch = {n: np.ascontiguousarray(v) for n, v in state_dict_of(dense_layers()).items()}
    header, elements = {}, b""
    for name, values in torch.items():
        raw = (values.view("u4") >> 16).astype("<u2").tobytes()
        ends = [len(elements), len(elements) + len(raw)]
        header[name], elements = {"dtype": "BF16", "shape": values.shape, "data_offsets": ends}, elements + raw
    head = json.dumps(header).encode()
    matched = match(read_weights(len(head).to_bytes(8, "little") + head + elements, "x"), TWO_STEP)
    expected = ((torch["l1.weight"].view("u4") >> 16) << 16).view("f4").T
    assert np.array_equal(matched.variables["params"]["layer1"]["kernel"], expected)


def test_our_safetensors_are_those_of_the_package(tmp_path):
    from safetensors import safe_open
    from safetensors.numpy import load

    rng = np.random.default_rng(0)
    kinds = ("f4", "f8", "f2", "i8", "i4", "i1", "u1", "u8", "?")
    tensors = {f"t{k}": rng.integers(0, 2, (3, k + 1)).astype(kind) for k, kind in enumerate(kinds)}
    tensors |= {"turned": rng.normal(size=(4, 3)).astype("f4").T, "one": np.array(2.5, "f4"), "big": np.ones(3, ">f4")}
    content = safetensors_bytes(tensors, {"meta": "é {}", "genes": "[]"})
    (tmp_path / "x.safetensors").write_bytes(content)
    back = load(content)
    assert set(back) == set(tensors)
    for name, values in tensors.items():
        assert back[name].dtype == values.dtype.newbyteorder("=")
        assert np.array_equal(back[name], values)
    with safe_open(tmp_path / "x.safetensors", "np") as file:
        assert file.metadata() == {"meta": "é {}", "genes": "[]"}


def renamed(dense, names):
    arrays = {}
    for name, one in zip(names, dense, strict=True):
        arrays |= {f"{name}.weight": np.ascontiguousarray(one["kernel"].T), f"{name}.bias": one["bias"]}
    return safetensors_bytes(arrays, {})


def test_a_file_without_order_is_put_in_order_by_shape_or_not_at_all():
    dense, x = dense_layers((5, 4, 3, 1)), np.ones((2, 5))
    content = renamed(dense, ("zeta", "middle", "alpha"))
    np.testing.assert_allclose(prediction(match(read_weights(content, "x"), TWO_STEP), x), two_step_twin(dense, x))
    square = dense_layers((4, 4, 4, 1))
    content = renamed(square, ("zeta", "middle", "alpha"))
    with pytest.raises(Refused, match=r"more than one order of its layers fits .* give it with --layers"):
        read_weights(content, "x")
    file = read_weights(content, "x", ("zeta", "middle", "alpha"))
    x = np.random.default_rng(2).normal(size=(3, 4))
    np.testing.assert_allclose(prediction(match(file, TWO_STEP), x), two_step_twin(square, x))
    numbered = renamed(square, ("net.2", "net.10", "net.11"))
    found = prediction(match(read_weights(numbered, "x"), TWO_STEP), x)
    np.testing.assert_allclose(found, two_step_twin(square, x))


def test_an_order_by_the_user_names_each_layer_once():
    content = renamed(dense_layers(), ("a", "b", "c"))
    for order in (("a", "b"), ("a", "b", "b"), ("a", "b", "d")):
        with pytest.raises(Refused, match="does not hold just the layers of --layers; the file holds a "):
            read_weights(content, "x", order)
    with pytest.raises(Refused, match="b gives 3 numbers, a takes 5"):
        match(read_weights(content, "x", ("b", "a", "c")), TWO_STEP)


MISFITS = [
    (dense_layers((5, 4)), (), "needed are at least two dense layers"),
    (
        dense_layers((5, 4, 2)),
        (),
        "its last layer has 2 outputs; the file holds dense_9 .5, 4., dense_10 .4, 2.; needed",
    ),
    (dense_layers((5, 4, 1)) + dense_layers((6, 1)), (), "dense_10 gives 1 numbers, dense_11 takes 6"),
    (dense_layers(), norm_layers((4,)), "with batch norms, one after each dense layer but the last"),
    (dense_layers(), norm_layers((4, 2)), "batch norm batch_normalization_1 does not have the units of dense_10"),
]


@pytest.mark.parametrize(("dense", "norms", "words"), MISFITS)
def test_a_misfit_lists_what_the_file_holds(dense, norms, words):
    with pytest.raises(Refused, match=words) as fault:
        match(read_weights(keras2(named(dense, norms)), "x"), ["relu"] * len(dense))
    assert "\n" not in str(fault.value)


def test_activations_are_declared_once_and_must_be_the_networks():
    silent, said = (files(dense_layers())[form] for form in ("keras 3", "keras archive"))
    with pytest.raises(Refused, match=r"does not say its activations; .* --activations=sigmoid,softplus,softplus"):
        match(read_weights(silent, "x"))
    with pytest.raises(Refused, match="has 'relu' after dense layer 1, where the network two_step has sigmoid"):
        match(read_weights(silent, "x"), ("relu", "softplus", "softplus"))
    with pytest.raises(Refused, match="has 3 dense layers where --activations names 2"):
        match(read_weights(silent, "x"), ("relu", "softplus"))
    with pytest.raises(Refused, match="says that 'softplus' follows dense layer 2, --activations 'relu'"):
        match(read_weights(said, "x"), ("sigmoid", "relu", "softplus"))
    match(read_weights(said, "x"), TWO_STEP)
