"""examples/one_training.py is what fit does: equal bits, given the library's dropout noise."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tl_jax.config import FitConfig, NetworkConfig
from tl_jax.models import build
from tl_jax.models.dropout import dropout
from tl_jax.training.fit import fit
from tl_jax.trees import flatten
from tl_jax.types import Batch, Hparams, Transfer

PATH = Path(__file__).resolve().parents[2] / "examples" / "one_training.py"


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("one_training", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.shipped
@pytest.mark.parametrize("frozen", [("layer1",), ()], ids=["layer 1 frozen", "all trained"])
def test_the_example_is_the_library(example, monkeypatch, frozen):
    """Two compilers' runs of one arithmetic: at the example's own rates, with layer 1 frozen, no last bit differs."""
    rates = example.DROPOUT
    monkeypatch.setattr(example, "drop", dropout)
    key, (params, x, y) = jax.random.key(4), example.example()
    trained, history = example.train(
        key, params, x, y, jnp.asarray(rates), jnp.float32(example.RATE), jnp.float32(example.L1), frozen
    )
    config = FitConfig(example.EPOCHS, example.BATCH, optimizer="adam", cache_prefix=False)
    hparams = Hparams(example.RATE, 0.0, example.L1, rates).arrays()
    leaves = tuple(leaf for leaf in flatten(params) if leaf.split("/")[0] not in frozen)
    network = build(NetworkConfig(hidden=(20, 5)))

    @jax.jit
    def library(key, params, x, y, hparams):
        batch = Batch(x, y, jnp.ones(len(y)))
        return fit(key, Transfer({"params": params}, leaves), batch, None, hparams, network=network, config=config)

    result = library(key, params, x, y, hparams)
    assert set(result.trained) == set(flatten(trained))
    close = {"rtol": 0, "atol": 0} if frozen else {"rtol": 1e-4, "atol": 1e-6}
    for leaf, value in flatten(trained).items():
        np.testing.assert_allclose(value, result.trained[leaf], err_msg=leaf, **close)
    np.testing.assert_allclose(history, result.history["train_loss"], **close)
    assert float(history[-1]) < float(history[0])
