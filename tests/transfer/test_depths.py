"""Networks of any depth under every registered strategy: layers are counted from the head, batch norms with theirs."""

import jax
import numpy as np
import pytest
from selection import some

from tl_jax.config import FitConfig, NetworkConfig
from tl_jax.models import build
from tl_jax.training.fit import complete, fit
from tl_jax.transfer.strategies import STRATEGIES, get, layer_number
from tl_jax.trees import flatten
from tl_jax.types import Batch, Hparams

GENES, NAMES = 5, ("two_step", "fc_layers")
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(32, GENES)).astype(np.float32)
ALL = (*STRATEGIES, "fine_tune_but_3", "fine_tune_but_13_bn")
EVERYDAY = (("two_step", "freeze_layer12"), ("two_step", "fine_tune_but_13_bn"), ("fc_layers", "fine_tune_but_3"))


def network_of(name, layers=3):
    return build(NetworkConfig(name, (5, 4, 3, 2)[:layers]))


def start(network, name):
    source, fresh = (network.init(jax.random.key(k), GENES) for k in (1, 2))
    registered = get(name)
    source = {**source, "rows": ROWS} if registered.source_rows else source
    return registered.function(source if registered.needs_source else None, fresh)


DEPTHS = some([(name, strategy) for strategy in ALL for name in NAMES], *EVERYDAY)


@pytest.mark.parametrize(("name", "strategy"), DEPTHS)
def test_three_layers_under_every_strategy(name, strategy):
    """Frozen leaves stay bitwise, the others move."""
    network = network_of(name)
    transfer = start(network, strategy)
    train = Batch(ROWS[:9], (RNG.uniform(size=9) > 0.5).astype(np.float32), np.ones(9, np.float32))
    config = FitConfig(epochs=4, batch_size=5)
    hparams = Hparams(0.02, 1e-3, 1e-3, (0.1, 0.1, 0.1)).arrays()
    result = fit(jax.random.key(0), transfer, train, None, hparams, network=network, config=config)
    before, after = (flatten(v["params"]) for v in (transfer.variables, complete(transfer, result.trained)))
    for leaf, value in before.items():
        if leaf not in transfer.trainable:
            np.testing.assert_array_equal(value, after[leaf])
        elif not (name == "fc_layers" and leaf.startswith("layer")):  # a bias before a batch norm hardly has a gradient
            assert not np.array_equal(value, after[leaf]), leaf


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_rates_and_beginnings_go_by_the_distance_from_the_head(name, layers):
    network = network_of(name, layers)
    rates, opens = start(network, "discriminative_rates").lr_scale, start(network, "gradual_unfreezing").opens
    hidden = [leaf for leaf in start(network, "fine_tune").trainable if not leaf.startswith("head")]
    assert set(rates) == set(opens) == set(hidden)
    for leaf in hidden:
        below = layers + 1 - layer_number(leaf)
        assert rates[leaf] == 1 / 2.6**below
        assert opens[leaf] == below / (layers + 1)


def test_two_layers_keep_their_numbers():
    network = network_of("two_step", 2)
    rates, opens = start(network, "discriminative_rates").lr_scale, start(network, "gradual_unfreezing").opens
    assert {leaf: rates[leaf] for leaf in ("layer1/kernel", "layer2/bias")} == {
        "layer1/kernel": 1 / 2.6**2,
        "layer2/bias": 1 / 2.6,
    }
    assert {leaf: opens[leaf] for leaf in ("layer1/kernel", "layer2/bias")} == {
        "layer1/kernel": 2 / 3,
        "layer2/bias": 1 / 3,
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_hidden_layer_is_pulled_and_no_statistic(name):
    network = network_of(name)
    transfer = start(network, "l2_sp")
    base = float(transfer.penalty(transfer.variables, None, transfer.anchors, network))
    assert base == 0
    for leaf in transfer.trainable:
        layer, part = leaf.split("/")
        params = dict(transfer.variables["params"])
        params[layer] = {**params[layer], part: params[layer][part] + 1}
        pulled = float(transfer.penalty({"params": params}, None, transfer.anchors, network))
        expected = 0 if layer == "head" or leaf in network.statistics else 0.05 * params[layer][part].size
        assert pulled == pytest.approx(expected, rel=1e-5), leaf


def test_a_layer_that_is_not_there_is_refused():
    for strategy in ("freeze_layer12", "fine_tune_but_2"):
        with pytest.raises(ValueError, match=r"there is no layer \[2\]"):
            start(network_of("two_step", 1), strategy)
