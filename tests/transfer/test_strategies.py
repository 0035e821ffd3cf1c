"""What each strategy copies and what it lets move."""

import jax
import numpy as np
import pytest

from tl_jax.config import NetworkConfig
from tl_jax.errors import InputError
from tl_jax.models import build
from tl_jax.transfer.strategies import STRATEGIES, get, strategy
from tl_jax.trees import flatten
from tl_jax.types import Transfer

NETWORK = build(NetworkConfig(hidden=(4, 3)))
SOURCE, FRESH = (NETWORK.init(jax.random.key(k), 5) for k in (1, 2))
SOURCE = {**SOURCE, "rows": np.zeros((32, 5), np.float32)}
LAYERS = ("layer1", "layer2", "head")

# strategy: (layers copied from the source, layers that train)
EXPECTED = {
    "scratch": ((), LAYERS),
    "zero_shot": (LAYERS, ()),
    "copy_layer1": (("layer1",), LAYERS),
    "freeze_layer1": (("layer1",), ("layer2", "head")),
    "freeze_layer12": (("layer1", "layer2"), ("head",)),
    "fine_tune": (LAYERS, LAYERS),
    "head_only": (LAYERS, ("head",)),
    "gradual_unfreezing": (LAYERS[:2], LAYERS),
    "discriminative_rates": (LAYERS[:2], LAYERS),
    "l2_sp": (LAYERS[:2], LAYERS),
    "mmd_fine_tune": (LAYERS[:2], LAYERS),
    "coral_freeze_layer1": (("layer1",), ("layer2", "head")),
}


def test_every_shipped_strategy_is_tested():
    shipped = {n for n, s in STRATEGIES.items() if s.function.__module__.startswith("tl_jax.transfer.")}
    assert set(EXPECTED) == shipped


@pytest.mark.parametrize("name", list(EXPECTED))
def test_copies_and_trains(name):
    copied, trained = EXPECTED[name]
    transfer = get(name).function(SOURCE, FRESH)
    for leaf, value in flatten(transfer.variables["params"]).items():
        origin = SOURCE if leaf.split("/")[0] in copied else FRESH
        np.testing.assert_array_equal(value, flatten(origin["params"])[leaf])
    assert {leaf.split("/")[0] for leaf in transfer.trainable} == set(trained)
    assert get(name).trains == bool(trained)
    assert get(name).needs_source == bool(copied)


def test_unknown_strategy_is_refused_with_a_remedy():
    with pytest.raises(InputError, match=r"no strategy 'freeze_all'.*scratch.*--strategy_module"):
        get("freeze_all")


def test_a_new_strategy_is_one_function(monkeypatch):
    monkeypatch.setattr("tl_jax.transfer.strategies.STRATEGIES", dict(STRATEGIES))

    @strategy()
    def train_biases(source, fresh):
        return Transfer(source, tuple(n for n in flatten(source["params"]) if n.endswith("/bias")))

    assert get("train_biases").function(SOURCE, FRESH).trainable == ("head/bias", "layer1/bias", "layer2/bias")
