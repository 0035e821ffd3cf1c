"""A PyTorch network becomes a model of compounds: the shipped models' own logits, and each fault by its tensor."""

import hashlib
import os
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from torch_writer import state_dict

from tl_jax.errors import InputError
from tl_jax.models.fc_layers import fc_layers
from tl_jax.study.compounds.predict import load_model

ROOT = Path(__file__).resolve().parents[2]


def network(features=5, hidden=(4, 3), outputs=1, seed=0, kind="f4") -> dict[str, np.ndarray]:
    """A state dict in PyTorch's order and shapes."""
    rng = np.random.default_rng(seed)
    tensors, inside = {}, features
    for k, units in enumerate(hidden, start=1):
        tensors |= {f"l{k}.weight": rng.normal(size=(units, inside)), f"l{k}.bias": rng.normal(size=units)}
        for leaf in ("weight", "bias", "running_mean"):
            tensors[f"bn{k}.{leaf}"] = rng.normal(size=units)
        tensors[f"bn{k}.running_var"] = rng.uniform(0.1, 2, units)
        tensors[f"bn{k}.num_batches_tracked"] = 7 * k
        inside = units
    tensors |= {"layer_out.weight": rng.normal(size=(outputs, inside)), "layer_out.bias": rng.normal(size=outputs)}
    return {name: np.array(v, "i8" if name.endswith("tracked") else kind) for name, v in tensors.items()}


def as_pytorch(tensors, x) -> np.ndarray:
    """The slow twin: PyTorch's forward pass in eval mode from its own tensors, in float64."""
    h, t = x.astype("f8"), {name: values.astype("f8") for name, values in tensors.items()}
    for k in range(1, sum(name.endswith("running_var") for name in t) + 1):
        z = h @ t[f"l{k}.weight"].T + t[f"l{k}.bias"]
        scaled = (z - t[f"bn{k}.running_mean"]) / np.sqrt(t[f"bn{k}.running_var"] + 1e-5)
        h = np.maximum(scaled * t[f"bn{k}.weight"] + t[f"bn{k}.bias"], 0)
    return h @ t["layer_out.weight"].T + t["layer_out.bias"]


def forward(variables, x) -> np.ndarray:
    """The network's logits from our variables, in the type of x."""
    h, params = x, variables["params"]
    for k in range(1, len(params) // 2 + 1):
        layer, norm = params[f"layer{k}"], params[f"bn{k}"]
        z = h @ layer["kernel"].astype(x.dtype) + layer["bias"]
        scaled = (z - norm["mean"]) / np.sqrt(norm["var"] + x.dtype.type(1e-5))
        h = np.maximum(scaled * norm["scale"] + norm["bias"], 0)
    return h @ params["head"]["kernel"].astype(x.dtype) + params["head"]["bias"]


def write(folder: Path, tensors) -> Path:
    path = folder / "model.pth"
    path.write_bytes(state_dict(tensors))
    return path


@pytest.mark.parametrize("hidden", [(4,), (4, 3), (2, 6, 3), (3,) * 12])
def test_a_network_gives_pytorchs_logits(tmp_path, hidden):
    tensors = network(5, hidden, seed=len(hidden))
    model = load_model(write(tmp_path, tensors))
    x = np.random.default_rng(1).normal(size=(6, 5))
    np.testing.assert_allclose(forward(model.variables, x), as_pytorch(tensors, x), rtol=1e-12, atol=1e-12)
    assert (model.name, model.width, model.features, model.known) == ("model.pth", 5, (), None)
    assert len(model.variables["params"]) == 2 * len(hidden) + 1


def test_every_tensor_arrives_bit_for_bit(tmp_path):
    tensors = network()
    variables = load_model(write(tmp_path, tensors)).variables
    assert list(variables["params"]) == ["layer1", "bn1", "layer2", "bn2", "head"]
    layers = {"layer1": "l1", "layer2": "l2", "bn1": "bn1", "bn2": "bn2", "head": "layer_out"}
    names = {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var", "kernel": "weight"}
    count = 0
    for layer, leaves in variables["params"].items():
        for leaf, values in leaves.items():
            theirs = tensors[f"{layers[layer]}.{names[leaf]}"]
            assert np.array_equal(values, theirs.T), (layer, leaf)
            assert values.dtype == np.float32
            assert values.flags.writeable
            assert values.flags.c_contiguous
            count += 1
    assert count == len(tensors) - 2  # all but the two counts of batches


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_weights_are_float32(tmp_path, kind):
    variables = load_model(write(tmp_path, network(kind=kind))).variables
    kinds = {leaf.dtype for part in variables.values() for layer in part.values() for leaf in layer.values()}
    assert kinds == {np.dtype("f4")}


def without(*names):
    return lambda t: {name: values for name, values in t.items() if name not in names}


def with_(**more):
    return lambda t: t | {name.replace("__", "."): np.asarray(values) for name, values in more.items()}


ONES = np.ones(4, "f4")
FAULTS = [
    (without("bn2.running_var"), r"lacks tensors of layer bn2; it holds scale, bias, mean"),
    (without("layer_out.weight"), r"holds layer_out\.bias \(1,\); known are dense layers"),
    (lambda t: {}, r"the file holds no layers; needed are at least two dense layers"),
    (with_(l4__weight=np.ones((2, 3), "f4")), r"does not fit: the file holds .* l4 \(3, 2\)"),
    (with_(extra=ONES), r"holds \.extra \(4,\); known are"),
    (with_(l1__scale=ONES), r"holds l1\.weight \(4, 5\), l1\.bias \(4,\), l1\.scale \(4,\); known are"),
    (with_(l0__weight=ONES), r"holds layer l0 with a kernel of shape \(4,\)"),
    (with_(l1__bias=np.ones(3, "f4")), r"holds l1 bias of shape \(3,\), where \(4,\) fits"),
    (with_(l1__weight=np.float32(1)), r"holds layer l1 with a kernel of shape \(\)"),
    (with_(l1__weight=np.ones((4, 0), "f4")), r"holds layer l1 with a kernel of shape \(0, 4\)"),
    (with_(l2__weight=np.ones((3, 5), "f4")), r"l1 gives 4 numbers, l2 takes 5"),
    (with_(bn1__running_mean=np.ones((4, 1), "f4")), r"holds layer bn1 with a mean of shape \(4, 1\)"),
    (with_(layer_out__weight=np.ones((1, 4), "f4")), r"l2 gives 3 numbers, layer_out takes 4"),
    (with_(l1__bias=np.ones(4, "i4")), r"holds l1 bias with elements of type int32"),
    (with_(bn1__weight=np.ones(4, "c8")), r"holds bn1 scale with elements of type complex64"),
    (with_(bn2__bias=np.array([1, np.nan, 1], "f4")), r"holds values that are not finite in bn2 bias"),
    (with_(bn2__running_var=np.array([1, np.inf, 1], "f4")), r"holds values that are not finite in bn2 var"),
    (with_(bn2__running_var=np.array([1, -1e-3, 1], "f4")), r"holds negative variances in bn2"),
]


@pytest.mark.parametrize(("change", "words"), FAULTS)
def test_a_fault_names_its_tensor(tmp_path, change, words):
    path = write(tmp_path, change(network()))
    with pytest.raises(InputError, match=words) as fault:
        load_model(path)
    assert str(fault.value).startswith(str(path))


def checkpoint(sha256: str) -> Path:
    """The shipped model with this digest, in the data folder or beside it."""
    bulk = Path(os.environ.get("TLJAX_DATA") or ROOT / "../shared/data/bulk").resolve()
    for folder in (bulk / "dti/checkpoints", bulk.parent / "dti/checkpoints", bulk / "checkpoints"):
        for path in sorted(folder.glob("*.pth")):
            if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
                return path
    pytest.skip(f"no checkpoint with SHA-256 {sha256[:8]}... in dti/checkpoints of the data folder; set TLJAX_DATA")


@pytest.mark.parametrize("family", ["gpcr", "transporter"])
def test_the_shipped_models_give_their_logits(golden, family):
    case = golden("T3_tl4dti_checkpoints")
    variables, hidden = load_model(checkpoint(str(case[f"{family}_checkpoint_sha256"]))).variables, (1200, 300)
    exact = forward(variables, case["x"].astype("f8"))[:, 0]
    np.testing.assert_allclose(exact, case[f"{family}_f64_logit"], rtol=1e-9)
    with jax.enable_x64(True):
        double = fc_layers(hidden).apply(jax.tree.map(np.float64, variables), case["x"].astype("f8")).prediction
    np.testing.assert_allclose(double, case[f"{family}_f64_logit"], rtol=1e-9)
    for logits in (forward(variables, case["x"])[:, 0], fc_layers(hidden).apply(variables, case["x"]).prediction):
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, case[f"{family}_logit"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(1 / (1 + np.exp(-exact)), case[f"{family}_probability"], atol=1e-5)
