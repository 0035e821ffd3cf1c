"""The two-step network and its training against Keras 2 and 3: golden cases K0 to K4, float32 and float64.

Shapes, settings and numbers are read from the case files, so another set with the same names can be checked.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from selection import some

from tl_jax.config import FitConfig, NetworkConfig
from tl_jax.models import build
from tl_jax.training.chain import Stage, run_chain
from tl_jax.training.fit import complete, evaluate, fit, predict, train_step
from tl_jax.training.optimizer import build_optimizer
from tl_jax.training.supervised import Prefix, Rows, step_loss
from tl_jax.transfer.strategies import STRATEGIES
from tl_jax.trees import flatten
from tl_jax.types import Batch, Hparams, Network, Output, Transfer

LAYERS = {"layer1": "layer1", "layer2": "layer2", "head": "layer3"}
STRATEGY = {
    "K1_two_step_network": "scratch",
    "K2_one_step_transfer_trainable": "copy_layer1",
    "K3_first_layer_frozen": "freeze_layer1",
    "K3b_first_two_layers_frozen": "freeze_layer12",
}


@pytest.fixture(params=some(["float32", "float64"], "float64"))
def precision(request):
    """Run a test in one precision: (dtype, prefix of the expected arrays)."""
    with jax.enable_x64(request.param == "float64"):
        yield jnp.dtype(request.param), "f64_" if request.param == "float64" else ""


def close(found, expected, dtype, kind):
    """Tolerances stated with the golden numbers."""
    if dtype == jnp.float64:
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    else:
        atol, rtol = {"forward": (1e-6, 0), "weight": (2e-5, 0), "chain": (3e-5, 0), "output": (1e-5, 1e-5)}[kind]
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


def variables_from(case, stem, dtype):
    """{"params": ...} from arrays such as init_layer1_kernel; layers the file lacks are left out."""
    params = {}
    for ours, theirs in LAYERS.items():
        if f"{stem}_{theirs}_kernel" in case:
            parts = {p: jnp.asarray(case[f"{stem}_{theirs}_{p}"], dtype) for p in ("kernel", "bias")}
            params[ours] = parts
    return {"params": params}


def network_of(case, stem="init"):
    return build(NetworkConfig(hidden=tuple(case[f"{stem}_{layer}_bias"].shape[0] for layer in ("layer1", "layer2"))))


def hparams_of(case, learning_rate, dtype):
    return Hparams(learning_rate, case["kernel_l2"], case["activity_l1"], (0.0, 0.0)).arrays(dtype)


def batch_of(case, dtype, stem=""):
    x, y = (jnp.asarray(case[f"{stem}{name}_train"], dtype) for name in "xy")
    return Batch(x, y, jnp.ones(len(x), dtype))


def test_adam_epsilon(golden, precision):
    """K0: a linear layer whose gradients are of the order of Adam's epsilon; kernel after every step."""
    dtype, prefix = precision
    case = golden("K0_adam_epsilon")
    network = Network(
        init=None,
        apply=lambda v, x, **_: Output(x @ v["params"]["layer1"]["kernel"], {}),
        prefix=None,
        layers=("layer1",),
    )
    x, y = jnp.asarray(case["x_train"], dtype), jnp.asarray(case["y_train"], dtype)
    trained = {"layer1/kernel": jnp.asarray(case["init_layer1_kernel"], dtype)}
    hparams = Hparams(float(case["learning_rate"]), 0.0, 0.0, ()).arrays(dtype)
    tx = build_optimizer("keras_adam", {"layer1/kernel": hparams.learning_rate})
    carry, kernels, size = (trained, tx.init(trained)), [], int(case["batch_size"])
    loss = step_loss(Prefix({}, 0), hparams, network)
    for _ in range(int(case["epochs"])):
        for start in range(0, len(x), size):
            bx, by = x[start : start + size], y[start : start + size]
            rows = Rows(Batch(bx, by, jnp.ones(len(bx), dtype)), jnp.zeros(len(bx), dtype))
            carry, _ = train_step(carry, {"train": rows}, None, loss=loss, network=network, tx=tx)
            kernels.append(carry[0]["layer1/kernel"])
    expected = case[f"{prefix}batch_layer1_kernel"]
    np.testing.assert_allclose(kernels, expected, rtol=0, atol=1e-9 if prefix else 1e-5)


@pytest.mark.parametrize("cache_prefix", [True, False])
@pytest.mark.parametrize("name", list(STRATEGY))
def test_training(golden, precision, name, cache_prefix):
    """K1 to K3b: forward pass, losses by epoch, final weights and predictions; the prefix cached or not."""
    dtype, prefix = precision
    case = golden(name)
    network, start = network_of(case), variables_from(case, "init", dtype)
    source = variables_from(case, "source", dtype) if name != "K1_two_step_network" else None
    transfer = STRATEGIES[STRATEGY[name]].function(source, start)
    jax.tree.map(np.testing.assert_array_equal, transfer.variables, start)
    train = batch_of(case, dtype)
    hparams = hparams_of(case, case["learning_rate"], dtype)
    close(predict(start, train.x, network), case[f"{prefix}forward_prediction"][:, 0], dtype, "forward")
    initial = evaluate(start, transfer.trainable, train, hparams, network)
    for found, metric in zip(initial, ("loss", "mae"), strict=True):
        close(found, case[f"{prefix}initial_evaluate_{metric}"], dtype, "output")

    config = FitConfig(int(case["epochs"]), int(case["batch_size"]), shuffle=False, cache_prefix=cache_prefix)
    result = fit(jax.random.key(0), transfer, train, None, hparams, network=network, config=config)
    final = complete(transfer, result.trained)
    check_final(case, prefix, dtype, "", final, result.history, train, network)
    frozen_constant = float(case.get("frozen_l2_constant", 0.0))  # Keras 2 still reports the L2 of a frozen layer
    keras2 = case[f"keras2_{prefix}epoch_loss"]
    close(result.history["train_loss"] + frozen_constant, keras2, dtype, "output")
    ended = evaluate(final, transfer.trainable, train, hparams, network)
    for found, metric in zip(ended, ("loss", "mae"), strict=True):
        close(found, case[f"{prefix}final_evaluate_{metric}"], dtype, "output")
    for leaf, before in flatten(start["params"]).items():
        if leaf not in transfer.trainable:
            np.testing.assert_array_equal(flatten(final["params"])[leaf], before)


def check_final(case, prefix, dtype, stage, final, history, train, network):
    """Whatever the file has of a stage's end: weights, losses, predictions."""
    kind = "chain" if stage else "weight"
    expected = flatten(variables_from(case, f"{prefix}{stage}final", dtype)["params"])
    assert "layer1/kernel" in expected
    for leaf, value in expected.items():
        close(flatten(final["params"])[leaf], value, dtype, kind)
    for metric in ("loss", "mae"):
        close(history[f"train_{metric}"], case[f"{prefix}{stage}epoch_{metric}"], dtype, "output")
    for rows, x in (("train", train.x), ("test", jnp.asarray(case["x_test"], dtype))):
        if f"{prefix}{stage}final_prediction_{rows}" in case:
            close(predict(final, x, network), case[f"{prefix}{stage}final_prediction_{rows}"][:, 0], dtype, "output")


def given_start(case, stage, dtype):
    """A strategy that starts layers 2 and 3 from the file's arrays, layer 1 from the stage before."""

    def start(source, fresh):
        params = variables_from(case, f"{stage}_stage_init", dtype)["params"]
        if "layer1" not in params:
            params = {"layer1": source["params"]["layer1"], **params}
        return Transfer({"params": params}, tuple(flatten(params)))

    return start


@pytest.mark.full
def test_chain(golden, precision):
    """K4: source, intermediate and target in one run_chain; layer 1 handed on, everything trainable."""
    dtype, prefix = precision
    case = golden("K4_two_step_chain")
    network = network_of(case, "source_stage_init")
    stages = [
        Stage(
            name,
            batch_of(case, dtype, f"{name}_"),
            given_start(case, name, dtype),
            hparams_of(case, case[f"{name}_learning_rate"], dtype),
            FitConfig(int(case[f"{name}_epochs"]), int(case[f"{name}_batch_size"]), shuffle=False),
        )
        for name in ("source", "intermediate", "target")
    ]
    histories = {}
    ends = run_chain(
        jax.random.key(0),
        stages,
        network=network,
        save=lambda stage, variables, result: histories.update({stage.name: result.history}),
    )
    for stage, end in zip(stages, ends, strict=True):
        check_final(case, prefix, dtype, f"{stage.name}_stage_", end, histories[stage.name], stage.train, network)
