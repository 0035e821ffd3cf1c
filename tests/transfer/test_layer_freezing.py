"""Which leaves of a batch-normalised network a strategy copies and lets move."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tl_jax.config import FitConfig, NetworkConfig
from tl_jax.errors import InputError
from tl_jax.models import build
from tl_jax.training.fit import complete, fit
from tl_jax.transfer.layer_freezing import fine_tune_but
from tl_jax.transfer.strategies import get
from tl_jax.trees import flatten
from tl_jax.types import Batch, Hparams

NETWORK = build(NetworkConfig("fc_layers", (4, 3)))
SOURCE, FRESH = (NETWORK.init(jax.random.key(k), 5) for k in (1, 2))
LAYERS = {"layer1", "bn1", "layer2", "bn2", "head"}


def layers(leaves):
    return {leaf.split("/")[0] for leaf in leaves}


@pytest.mark.parametrize(
    ("name", "copied", "still"),
    [
        ("fine_tune", LAYERS, set()),
        ("fine_tune_but_1", LAYERS, {"layer1"}),
        ("fine_tune_but_12", LAYERS, {"layer1", "layer2"}),
        ("fine_tune_but_2_bn", LAYERS, {"layer2", "bn2"}),
        ("copy_layer1", {"layer1", "bn1"}, set()),
        ("freeze_layer1", {"layer1", "bn1"}, {"layer1", "bn1"}),
        ("freeze_layer12", LAYERS - {"head"}, LAYERS - {"head"}),
        ("l2_sp", LAYERS - {"head"}, set()),
        ("gradual_unfreezing", LAYERS - {"head"}, set()),
        ("discriminative_rates", LAYERS - {"head"}, set()),
    ],
)
def test_what_is_copied_and_what_stays(name, copied, still):
    transfer = get(name).function(SOURCE, FRESH)
    found = transfer.variables["params"]
    assert {
        layer for layer in LAYERS if found[layer] is not FRESH["params"][layer] and same(found, SOURCE, layer)
    } == copied
    assert layers(set(flatten(found)) - set(transfer.trainable)) == still


def same(params, other, layer):
    return all(params[layer][leaf] is other["params"][layer][leaf] for leaf in params[layer])


def rows(x, y, real=None):
    """A batch whose first `real` rows count."""
    w = np.arange(len(y)) < (len(y) if real is None else real)
    return Batch(jnp.asarray(x), jnp.asarray(y), jnp.asarray(w, jnp.float32))


@pytest.mark.parametrize("name", ["fine_tune_but_1", "fine_tune_but_12", "fine_tune_but_1_bn", "gradual_unfreezing"])
def test_frozen_leaves_keep_their_bits_and_live_statistics_move(name):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 5)).astype("f4"), rng.integers(0, 2, 12).astype("f4")
    transfer = get(name).function(SOURCE, FRESH)
    hparams = Hparams(1e-2, 0.0, 0.0, (0.1, 0.1), None, 1e-5).arrays()
    config = FitConfig(epochs=3, batch_size=5, optimizer="adam")
    batch = rows(x, y)
    result = fit(jax.random.key(0), transfer, batch, None, hparams, network=NETWORK, config=config)
    before, after = (flatten(v["params"]) for v in (transfer.variables, complete(transfer, result.trained)))
    for leaf, value in before.items():
        # A bias before a live batch norm has no gradient to speak of.
        if leaf in transfer.trainable and not leaf.startswith("layer"):
            assert not np.array_equal(value, after[leaf]), leaf
        elif leaf not in transfer.trainable:
            np.testing.assert_array_equal(value, after[leaf])
    assert all(("bn1" in leaf) <= ("_bn" not in name) for leaf in result.trained)


@pytest.mark.full
def test_rows_of_weight_zero_change_nothing():
    """Padding must not reach the batch's statistics either."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(9, 5)).astype("f4"), rng.integers(0, 2, 9).astype("f4")
    hparams = Hparams(1e-2, 0.0, 0.0, (0.1, 0.1), None, 1e-5).arrays()
    config = FitConfig(epochs=3, batch_size=4, optimizer="adam")
    results = []
    for more in (0, 3, 7):
        junk = rng.normal(size=(more, 5)).astype("f4") * 100
        batch = rows(np.concatenate([x, junk]), np.concatenate([y, np.ones(more, "f4")]), real=9)
        transfer = get("fine_tune").function(SOURCE, FRESH)
        results.append(fit(jax.random.key(0), transfer, batch, None, hparams, network=NETWORK, config=config))
    for other in results[1:]:
        for leaf, value in results[0].trained.items():
            np.testing.assert_allclose(value, other.trained[leaf], rtol=1e-5, atol=2e-5, err_msg=leaf)


def test_a_batch_of_one_row_is_normalised_by_what_is_stored():
    transfer = get("fine_tune").function(SOURCE, FRESH)
    hparams = Hparams(1e-2, 0.0, 0.0, (0.0, 0.0), None, 1e-5).arrays()
    batch = rows(np.ones((1, 5), "f4"), np.ones(1, "f4"))
    config = FitConfig(epochs=2, batch_size=4, optimizer="adam")
    result = fit(jax.random.key(0), transfer, batch, None, hparams, network=NETWORK, config=config)
    for leaf in NETWORK.statistics:
        np.testing.assert_array_equal(result.trained[leaf], flatten(SOURCE["params"])[leaf])
    assert np.isfinite(result.history["train_loss"]).all()


def test_names_that_are_none():
    for name in ("fine_tune_but_", "fine_tune_but_x", "fine_tune_but_11", "fine_tune_but_0"):
        with pytest.raises(InputError):
            get(name)
    assert fine_tune_but((2, 1)).name == "fine_tune_but_12"
    with pytest.raises(ValueError, match="no layer"):
        get("fine_tune_but_3").function(SOURCE, FRESH)
