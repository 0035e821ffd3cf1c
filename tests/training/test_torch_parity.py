"""The fully connected, batch normalised network and its training against PyTorch: golden cases T1 to T2b.

Shapes, settings and numbers are read from the case files, so another set with the same names can be checked.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from selection import some

from tl_jax.config import FitConfig, NetworkConfig
from tl_jax.models import build
from tl_jax.training.fit import apart, complete, fit
from tl_jax.training.supervised import Prefix, Rows, loss_and_rest
from tl_jax.trees import all_but, flatten, split
from tl_jax.types import Batch, Hparams, Live, Transfer

# What each case freezes. T2: weights of layer 1 alone, as the published code does; T2b: its batch norm as well.
STILL = "T2b_tl4dti_layer1_and_bn1_frozen"
FROZEN = {
    "T1_tl4dti_full": (),
    "T1c_tl4dti_original_schedule": (),
    "T2_tl4dti_layer1_frozen": ("layer1/*",),
    STILL: ("layer1/*", "bn1/*"),
}
THEIRS = {"head": "output", "mean": "running_mean", "var": "running_var"}
# Their gradient is rounding noise before a batch norm: the golden README states what may be compared.
NOISY = ("layer1/bias", "layer2/bias")
TRAINED = {}


@pytest.fixture(params=some(["float32", "float64"], "float64"))
def dtype(request):
    with jax.enable_x64(request.param == "float64"):
        yield jnp.dtype(request.param)


@pytest.fixture(params=some(FROZEN, STILL))
def case(request, golden):
    return request.param, golden(request.param)


def stem(dtype):
    return "f64_" if dtype == jnp.float64 else ""


def theirs(leaf):
    layer, part = leaf.split("/")
    return f"{THEIRS.get(layer, layer)}_{THEIRS.get(part, part)}"


def network_of(content):
    return build(NetworkConfig("fc_layers", tuple(content[f"init_layer{k}_bias"].shape[0] for k in (1, 2))))


def start(content, dtype):
    network = network_of(content)
    fresh = network.init(jax.random.key(0), content["x_train"].shape[1], dtype)["params"]
    params = {
        layer: {part: jnp.asarray(content[f"init_{theirs(f'{layer}/{part}')}"], dtype) for part in parts}
        for layer, parts in fresh.items()
    }
    return network, {"params": params}


def train_batch(content, dtype):
    x, y = (jnp.asarray(content[name], dtype) for name in ("x_train", "y_train"))
    return Batch(x, y, jnp.ones(len(x), dtype))


def transfer_of(name, variables):
    frozen = FROZEN[name]
    leaves = tuple(flatten(variables["params"])) if not frozen else all_but(variables["params"], *frozen)
    return Transfer(variables, leaves)


def hparams_of(content, dtype, decay="weight_decay"):
    hparams = Hparams(float(content["learning_rate"]), 0.0, 0.0, (0.0, 0.0), None, float(content[decay]))
    return hparams.arrays(dtype)


def config_of(name, content):
    epochs = int(content["epochs"])
    return FitConfig(
        epochs=epochs,
        read_at=tuple(range(1, epochs)),
        batch_size=int(content["batch_size"]),
        optimizer="adam",
        shuffle=False,
        live_epochs=1 if name == "T1c_tl4dti_original_schedule" else None,
    )


def trained(name, content, dtype, decay="weight_decay", cache_prefix=True):
    """(final variables, FitResult) of a case; each is trained once."""
    key = name, dtype.name, decay, cache_prefix
    if key not in TRAINED:
        TRAINED[key] = train(*key, content)
    return TRAINED[key]


def train(name, dtype, decay, cache_prefix, content):
    dtype = jnp.dtype(dtype)
    network, variables = start(content, dtype)
    config = replace(config_of(name, content), cache_prefix=cache_prefix)
    x = jnp.asarray(content["x_eval"], dtype)
    test = Batch(x, jnp.zeros_like(x[:, 0]), jnp.ones_like(x[:, 0]))

    @jax.jit
    def both(variables, train, test, hparams):
        transfer = transfer_of(name, variables)
        result = fit(jax.random.key(0), transfer, train, test, hparams, network=network, config=config)
        return complete(transfer, result.trained), result

    return both(variables, train_batch(content, dtype), test, hparams_of(content, dtype, decay))


def allowed(leaf, dtype):
    """Tolerance on a leaf of the final state, as the golden README states it."""
    if dtype == jnp.float64:
        return 1e-6 if leaf in NOISY else 1e-8
    return 5e-3 if leaf in NOISY else 2.5e-3 if leaf.endswith("mean") else 1e-4


def test_evaluation_and_training_mode_forward(golden, dtype):
    content = golden("T1_tl4dti_full")
    network, variables = start(content, dtype)
    batch, f = train_batch(content, dtype), stem(dtype)
    atol = 1e-9 if f else 1e-5
    out = network.apply(variables, batch.x)
    np.testing.assert_allclose(out.prediction, content[f"{f}eval_logit"], atol=atol)
    for k in (1, 2):
        np.testing.assert_allclose(out.activations[f"bn{k}"], content[f"{f}eval_hidden{k}"], atol=atol)
        np.testing.assert_array_equal(network.prefix(variables, batch.x, 2 * k).prediction, out.activations[f"bn{k}"])
        np.testing.assert_array_equal(
            network.apply(variables, out.activations[f"bn{k}"], start=2 * k).prediction, out.prediction
        )
    live = network.apply(variables, batch.x, live=Live(network.statistics, batch.w))
    np.testing.assert_allclose(live.prediction, content[f"{f}train_mode_logit"], atol=atol)
    for leaf, value in live.statistics.items():
        np.testing.assert_allclose(value, content[f"{f}train_mode_updated_{theirs(leaf)}"], atol=atol)


def test_first_gradient(case, dtype):
    name, content = case
    network, variables = start(content, dtype)
    transfer = transfer_of(name, variables)
    trained, frozen = split(variables["params"], transfer.trainable)
    weights, averages = apart(trained, network)
    size = int(content["batch_size"])
    batch = Batch(*(None if part is None else part[:size] for part in train_batch(content, dtype)))
    rows, live = Rows(batch, jnp.zeros_like(batch.w)), Live(tuple(averages), batch.w)
    (loss, _), grads = jax.value_and_grad(loss_and_rest, has_aux=True)(
        weights, Prefix({**frozen, **averages}, 0), rows, hparams_of(content, dtype), None, network, live
    )
    f = stem(dtype)
    np.testing.assert_allclose(loss, content[f"{f}batch_loss"][0], atol=1e-9 if f else 1e-5)
    for leaf, found in grads.items():
        np.testing.assert_allclose(
            found, content[f"{f}first_step_gradient_{theirs(leaf)}"], atol=1e-9 if f else 1e-5, err_msg=leaf
        )


def test_training(case, dtype):
    name, content = case
    variables, result = trained(name, content, dtype)
    f = stem(dtype)
    for leaf, value in flatten(variables["params"]).items():
        expected = content[f"{f}final_{theirs(leaf)}"]
        np.testing.assert_allclose(value, expected, atol=allowed(leaf, dtype), err_msg=leaf)
    losses = content[f"{f}batch_loss"].reshape(int(content["epochs"]), -1)
    n, size = len(content["x_train"]), int(content["batch_size"])
    sizes = np.minimum(size, n - size * np.arange(losses.shape[1]))
    np.testing.assert_allclose(result.history["train_loss"], losses @ sizes / n, atol=1e-8 if f else 1e-4)
    # After each epoch; evaluation reads the running statistics of that time.
    np.testing.assert_allclose(result.prediction, content[f"{f}epoch_eval_logit"], atol=1e-6 if f else 5e-3)
    means = content[f"{f}epoch_bn1_running_mean"]
    assert (np.abs(means[1:] - means[:1]).max() == 0) == (name in ("T1c_tl4dti_original_schedule", STILL))


def test_frozen_leaves_keep_their_bits(case, dtype):
    name, content = case
    variables, result = trained(name, content, dtype)
    before = flatten(start(content, dtype)[1]["params"])
    for leaf, value in flatten(variables["params"]).items():
        if leaf not in result.trained:
            np.testing.assert_array_equal(value, before[leaf])
    assert len(before) - len(result.trained) == {0: 0, 1: 2, 2: 6}[len(FROZEN[name])]


@pytest.mark.parametrize("name", some(["T2_tl4dti_layer1_frozen", STILL], STILL))
def test_a_cached_prefix_changes_nothing(name, golden, dtype):
    content = golden(name)
    with_cache, without = (flatten(trained(name, content, dtype, cache_prefix=c)[0]["params"]) for c in (True, False))
    for leaf, value in with_cache.items():
        # Rounding noise is what moves a bias before a batch norm.
        np.testing.assert_allclose(value, without[leaf], atol=5e-3 if leaf in NOISY and dtype == jnp.float32 else 1e-4)


def test_decay_is_coupled(golden, dtype):
    """With a large decay the coupled and the decoupled form part by far more than the tolerance."""
    content = golden("T1_tl4dti_full")
    name, f = "T1_tl4dti_full", f"large_decay_{stem(dtype)}"
    variables, _ = trained(name, content, dtype, decay="large_decay_weight_decay")
    moved = 0.0
    for leaf, value in flatten(variables["params"]).items():
        expected = content[f"{f}final_{theirs(leaf)}"]
        np.testing.assert_allclose(value, expected, atol=1e-8 if dtype == jnp.float64 else 1e-4, err_msg=leaf)
        moved = max(moved, np.abs(expected - content[f"{stem(dtype)}final_{theirs(leaf)}"]).max())
    assert moved > 1e-2
