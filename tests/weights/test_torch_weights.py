"""A PyTorch network becomes variables of ours: the shipped models' own logits, and each fault by its tensor."""

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
from tl_jax.weights.torch_weights import import_fc_layers

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
@pytest.mark.parametrize("outputs", [1, 5])
def test_a_network_gives_pytorchs_logits(tmp_path, hidden, outputs):
    tensors = network(5, hidden, outputs, seed=len(hidden))
    path = write(tmp_path, tensors)
    variables, widths, meta = import_fc_layers(path)
    assert widths == hidden
    x = np.random.default_rng(1).normal(size=(6, 5))
    np.testing.assert_allclose(forward(variables, x), as_pytorch(tensors, x), rtol=1e-12, atol=1e-12)
    assert (meta["file"], meta["features"], meta["outputs"]) == ("model.pth", 5, outputs)
    assert meta["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert meta["batches"] == {f"bn{k}": 7 * k for k in range(1, len(hidden) + 1)}


def test_every_tensor_arrives_bit_for_bit(tmp_path):
    tensors = network()
    variables, _, _ = import_fc_layers(write(tmp_path, tensors))
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


@pytest.mark.parametrize(("kind", "wanted"), [("f2", "f4"), ("f4", "f4"), ("f8", "f8")])
def test_types_of_weights(tmp_path, kind, wanted):
    variables, _, _ = import_fc_layers(write(tmp_path, network(kind=kind)))
    kinds = {leaf.dtype for part in variables.values() for layer in part.values() for leaf in layer.values()}
    assert kinds == {np.dtype(wanted)}


def without(*names):
    return lambda t: {name: values for name, values in t.items() if name not in names}


def with_(**more):
    return lambda t: t | {name.replace("__", "."): np.asarray(values) for name, values in more.items()}


ONES = np.ones(4, "f4")
FAULTS = [
    (without("bn2.running_var"), r"lacks tensor bn2\.running_var; the layers must be named"),
    (without("l1.bias", "layer_out.weight"), r"lacks tensors l1\.bias, layer_out\.weight;"),
    (lambda t: {}, r"lacks tensors l1\.weight, .* and 4 more;"),
    (without("bn1.num_batches_tracked"), r"lacks tensor bn1\.num_batches_tracked"),
    (lambda t: {f"module.{name}": values for name, values in t.items()}, r"lacks tensors l1\.weight"),
    (with_(l4__weight=np.ones((2, 3), "f4")), r"lacks tensors l3\.weight"),
    (with_(extra=ONES), r"holds the unknown tensor extra;"),
    (with_(l1__scale=ONES, x__y=ONES), r"holds the unknown tensors l1\.scale, x\.y;"),
    (with_(l0__weight=ONES), r"holds the unknown tensor l0\.weight"),
    (with_(l1__bias=np.ones(3, "f4")), r"tensor l1\.bias has shape \(3,\), where \(4,\) fits"),
    (with_(l1__weight=np.ones(4, "f4")), r"tensor l1\.weight has shape \(4,\), where \(4, 4\)"),
    (with_(l1__weight=np.float32(1)), r"tensor l1\.weight has shape \(\), where"),
    (with_(l1__weight=np.ones((4, 0), "f4")), r"tensor l1\.weight has shape \(4, 0\)"),
    (with_(l2__weight=np.ones((3, 5), "f4")), r"tensor l2\.weight has shape \(3, 5\), where \(3, 4\) fits"),
    (with_(bn1__running_mean=np.ones((4, 1), "f4")), r"tensor bn1\.running_mean has shape"),
    (with_(layer_out__weight=np.ones((1, 4), "f4")), r"tensor layer_out\.weight has shape \(1, 4\), where \(1, 3\)"),
    (with_(bn1__num_batches_tracked=np.ones(1, "i8")), r"tensor bn1\.num_batches_tracked has shape \(1,\)"),
    (with_(bn1__num_batches_tracked=np.float32(3)), r"num_batches_tracked has elements of type float32"),
    (with_(bn1__num_batches_tracked=np.int64(-3)), r"num_batches_tracked holds negative values"),
    (with_(l1__bias=np.ones(4, "i4")), r"tensor l1\.bias has elements of type int32"),
    (with_(bn1__weight=np.ones(4, "c8")), r"tensor bn1\.weight has elements of type complex64"),
    (with_(bn2__bias=np.array([1, np.nan, 1], "f4")), r"tensor bn2\.bias holds values that are not finite"),
    (
        with_(bn2__running_var=np.array([1, np.inf, 1], "f4")),
        r"tensor bn2\.running_var holds values that are not finite",
    ),
    (with_(bn2__running_var=np.array([1, -1e-3, 1], "f4")), r"tensor bn2\.running_var holds negative values"),
]


@pytest.mark.parametrize(("change", "words"), FAULTS)
def test_a_fault_names_its_tensor(tmp_path, change, words):
    path = write(tmp_path, change(network()))
    with pytest.raises(InputError, match=words) as fault:
        import_fc_layers(path)
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
    variables, hidden, meta = import_fc_layers(checkpoint(str(case[f"{family}_checkpoint_sha256"])))
    assert hidden == (1200, 300)
    assert meta["batches"] == dict.fromkeys(("bn1", "bn2"), {"gpcr": 26600, "transporter": 3800}[family])
    exact = forward(variables, case["x"].astype("f8"))[:, 0]
    np.testing.assert_allclose(exact, case[f"{family}_f64_logit"], rtol=1e-9)
    with jax.enable_x64(True):
        double = fc_layers(hidden).apply(jax.tree.map(np.float64, variables), case["x"].astype("f8")).prediction
    np.testing.assert_allclose(double, case[f"{family}_f64_logit"], rtol=1e-9)
    for logits in (forward(variables, case["x"])[:, 0], fc_layers(hidden).apply(variables, case["x"]).prediction):
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, case[f"{family}_logit"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(1 / (1 + np.exp(-exact)), case[f"{family}_probability"], atol=1e-5)
