"""Fine-tuning that is guided: late layers first, slower layers, a pull to the source, alignment of hidden layers."""

import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from problems import CONFIG, HPARAMS, NETWORK, rows, start
from selection import some

from tl_jax.training.fit import evaluate, fit
from tl_jax.transfer.fine_tuning import PULL, RATE_RATIO, hidden_mmd, mmd, pull
from tl_jax.trees import flatten
from tl_jax.types import Batch

KEY = jax.random.key(5)
LONG = replace(CONFIG, epochs=6)


def trained(transfer, config=LONG, train=None, test=None):
    return fit(KEY, transfer, train or rows(10), test, HPARAMS, network=NETWORK, config=config)


@pytest.mark.full
def test_layers_open_one_after_the_other():
    """Of six epochs layer 2 waits two and layer 1 four: until then they stay bitwise."""
    transfer = start("gradual_unfreezing")
    before = flatten(transfer.variables["params"])
    # The same training, stopped early: shares are of all epochs, so the stopped one names its own.
    for epochs, moving in ((2, {"head"}), (4, {"head", "layer2"}), (6, {"head", "layer2", "layer1"})):
        opens = {leaf: share * 6 / epochs for leaf, share in transfer.opens.items()}
        after = trained(replace(transfer, opens=opens), replace(LONG, epochs=epochs)).trained
        assert {leaf.split("/")[0] for leaf in after if not np.array_equal(after[leaf], before[leaf])} == moving


@pytest.mark.shipped
def test_opening_at_once_is_the_plain_training():
    transfer = start("gradual_unfreezing")
    plain = trained(replace(transfer, opens={})).trained
    opened = trained(replace(transfer, opens=dict.fromkeys(transfer.opens, 0.0))).trained
    for leaf in plain:
        np.testing.assert_array_equal(plain[leaf], opened[leaf])
    with pytest.raises(ValueError, match="opens names leaves that are not trained"):
        trained(replace(start("freeze_layer1"), opens={"layer1/kernel": 0.5}))


def test_rates_fall_with_depth():
    rates = start("discriminative_rates").lr_scale
    assert rates["layer2/kernel"] == pytest.approx(1 / RATE_RATIO)
    assert rates["layer1/bias"] == pytest.approx(1 / RATE_RATIO**2)
    assert "head/kernel" not in rates


@pytest.mark.full
def test_the_pull_is_the_squared_distance_and_holds_layers_back(monkeypatch):
    transfer = start("l2_sp")
    params = {k: dict(v) for k, v in transfer.variables["params"].items()}
    params["layer1"]["bias"] = params["layer1"]["bias"] + 2.0
    params["head"]["bias"] = params["head"]["bias"] + 5.0
    assert float(pull({"params": params}, None, transfer.anchors, NETWORK)) == pytest.approx(PULL / 2 * 4 * 6, rel=1e-5)

    def distance(result):
        anchor = flatten(transfer.anchors)
        return sum(float(jnp.square(result.trained[leaf] - anchor[leaf]).sum()) for leaf in anchor)

    free, held = trained(replace(transfer, penalty=None)), trained(transfer)
    monkeypatch.setattr("tl_jax.transfer.fine_tuning.PULL", 100.0)
    assert distance(trained(transfer)) < distance(held) < distance(free)


def test_the_penalty_is_part_of_the_reported_loss():
    transfer = replace(start("l2_sp"), anchors=jax.tree.map(lambda leaf: leaf + 1, start("l2_sp").anchors))
    test = rows(5, seed=5)
    reported = trained(transfer, replace(LONG, epochs=1), test=test)
    variables = {"params": _tree(reported.trained)}
    plain = evaluate(variables, transfer.trainable, test, HPARAMS, NETWORK)[0]
    extra = pull(variables, None, transfer.anchors, NETWORK)
    assert float(reported.history["test_loss"][0]) == pytest.approx(float(plain + extra), rel=1e-5)


def _tree(flat):
    tree = {}
    for name, leaf in flat.items():
        layer, last = name.split("/")
        tree.setdefault(layer, {})[last] = leaf
    return tree


def test_mmd_against_a_double_loop():
    rng = np.random.default_rng(0)
    a, b, w = rng.normal(size=(4, 3)), rng.normal(size=(5, 3)) + 1, np.array([1.0, 1, 0, 1])
    points, weight = np.concatenate([a[w > 0], b]), np.repeat([1 / 3, -1 / 5], [3, 5])
    d = np.array([[((p - q) ** 2).sum() for q in points] for p in points])
    typical = sum(abs(u) * abs(v) * d[i, j] for i, u in enumerate(weight) for j, v in enumerate(weight)) / 4
    slow = sum(
        u * v * np.mean([np.exp(-d[i, j] / typical / s) for s in (0.25, 0.5, 1, 2, 4)])
        for i, u in enumerate(weight)
        for j, v in enumerate(weight)
    )
    found = mmd(*(jnp.asarray(part, jnp.float32) for part in (a, w, b, np.ones(5))))
    assert float(found) == pytest.approx(slow, abs=1e-6)
    same = jnp.asarray(a, jnp.float32)
    assert float(mmd(same, jnp.ones(4), same, jnp.ones(4))) == pytest.approx(0, abs=1e-6)


@pytest.mark.full
def test_alignment_brings_the_hidden_layers_together(monkeypatch):
    transfer, train = start("mmd_fine_tune"), rows(10)
    seen = Batch(train.x, None, train.w)

    def gap(result):
        return float(hidden_mmd({"params": _tree(result.trained)}, seen, transfer.anchors, NETWORK))

    free = gap(trained(replace(transfer, penalty=None), train=train))
    monkeypatch.setattr("tl_jax.transfer.fine_tuning.ALIGNMENT", 300.0)
    assert gap(trained(transfer, train=train)) / 300 < free


@pytest.mark.parametrize("sees", some([False, True], False))
def test_held_out_expression_is_seen_only_where_the_protocol_lends_it(sees):
    transfer, config = start("mmd_fine_tune"), replace(LONG, sees_held_out=sees)
    test = rows(5, seed=5)
    ends = [trained(transfer, config, test=t).trained for t in (test, test._replace(x=test.x + 3))]
    alike = all(np.array_equal(ends[0][leaf], ends[1][leaf]) for leaf in ends[0])
    assert alike != sees
    # Their responses are never seen.
    other = trained(transfer, config, test=test._replace(y=test.y + 3)).trained
    assert all(np.array_equal(ends[0][leaf], other[leaf]) for leaf in other)


@pytest.mark.full
def test_padding_changes_nothing():
    # The sums over pairs of rows of the MMD are rounded by their length.
    for name, rounding in (("mmd_fine_tune", 5e-5), ("l2_sp", 2e-6), ("gradual_unfreezing", 2e-6)):
        plain, padded = (trained(start(name), train=rows(10, padding=p)).trained for p in (0, 3))
        for leaf in plain:
            np.testing.assert_allclose(plain[leaf], padded[leaf], rtol=2e-5, atol=rounding)
