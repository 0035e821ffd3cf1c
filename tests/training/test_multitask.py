"""The masked loss and the network for many drugs: a loop over drugs as twin, entries of weight 0 that do nothing."""

import sys
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from problems import CONFIG, GENES, HPARAMS, rows

from tl_jax.config import NetworkConfig, Recipe
from tl_jax.data.cohort.simulate import simulate
from tl_jax.errors import InputError
from tl_jax.models import build
from tl_jax.training.fit import evaluate, fit
from tl_jax.training.multitask import (
    MultiTask,
    drug_scales,
    forward,
    look,
    masked_batch,
    measured_drugs,
    train_multitask,
    trunk,
    untrained,
)
from tl_jax.transfer.strategies import everything
from tl_jax.trees import flatten
from tl_jax.types import Batch, Transfer

KEY = jax.random.key(3)
DRUGS = 5
MANY, ONE = build(NetworkConfig(hidden=(6, 4), outputs=DRUGS)), build(NetworkConfig(hidden=(6, 4)))
RECIPE = Recipe(epochs=4, learning_rate=0.01, batch_size=16)


def problem(n=11, seed=0, share=0.6):
    """Rows with DRUGS responses, a share of which was measured."""
    rng = np.random.default_rng(seed)
    mask = rng.random((n, DRUGS)) < share
    arrays = (rng.normal(size=(n, GENES)), rng.uniform(0, 10, (n, DRUGS)), np.ones(n), mask)
    return Batch(*(jnp.asarray(a, jnp.float32) for a in arrays))


@cache
def start(network=MANY):
    """Variables to begin with, all trainable."""
    return jax.jit(network.init, static_argnums=1)(jax.random.key(8), GENES)


@partial(jax.jit, static_argnames="network")
def evaluated(variables, batch, *, network):
    return evaluate(variables, everything(variables), batch, HPARAMS, network)


def loss(batch, network=MANY):
    """[loss, mean absolute error] at the start."""
    return [float(v) for v in evaluated(start(network), batch, network=network)]


def predicted(batch):
    return forward(start(), batch.x, network=MANY)[0]


@jax.jit
def trained_from(variables, batch):
    return fit(
        KEY, Transfer(variables, everything(variables)), batch, None, HPARAMS, network=MANY, config=CONFIG
    ).trained


def trained(batch):
    return trained_from(start(), batch)


def penalty(batch):
    """What the loss holds beside the errors: the loss of a batch that fits perfectly."""
    return loss(batch._replace(y=predicted(batch), mask=None))[0]


def test_the_masked_loss_is_a_loop_over_drugs():
    batch = problem()
    prediction = np.asarray(predicted(batch), np.float64)
    square = absolute = count = 0.0
    for drug in range(DRUGS):
        for row in range(len(batch.w)):
            if batch.mask[row, drug]:
                error = prediction[row, drug] - float(batch.y[row, drug])
                square, absolute, count = square + error**2, absolute + abs(error), count + 1
    np.testing.assert_allclose(loss(batch), [square / count + penalty(batch), absolute / count], rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 4, width=32), min_size=3 * DRUGS, max_size=3 * DRUGS))
def test_entries_count_by_their_weight(weights):
    mask = np.reshape(weights, (3, DRUGS))
    batch = problem(3)._replace(mask=jnp.asarray(mask, jnp.float32))
    error = np.abs(np.asarray(predicted(batch)) - np.asarray(batch.y))
    total = mask.sum()
    expected = (mask * error).sum() / total if total > 0 else 0.0
    np.testing.assert_allclose(loss(batch)[1], expected, rtol=1e-4, atol=1e-6)


def test_without_gaps_a_mask_changes_nothing():
    batch = problem(share=1.1)
    assert float(batch.mask.min()) == 1
    np.testing.assert_allclose(loss(batch), loss(batch._replace(mask=None)), rtol=1e-6)
    one = rows(10)
    np.testing.assert_allclose(loss(one, ONE), loss(one._replace(mask=jnp.ones(10)), ONE), rtol=1e-6)


@pytest.mark.parametrize("junk", [np.nan, np.inf, 1e30, -7.0])
def test_entries_of_weight_zero_change_nothing(junk):
    """Neither the loss nor, bit for bit, the trained weights, whatever stands there."""
    batch = problem()
    other = batch._replace(y=jnp.where(batch.mask > 0, batch.y, junk))
    assert loss(other) == loss(batch)
    for leaf, value in trained(batch).items():
        assert np.isfinite(value).all(), leaf
        assert np.array_equal(value, trained(other)[leaf]), leaf


def test_a_measured_entry_does_change_the_weights():
    batch = problem()
    row, drug = np.argwhere(np.asarray(batch.mask) > 0)[0]
    moved = trained(batch._replace(y=batch.y.at[row, drug].add(5)))
    assert any(not np.array_equal(value, moved[leaf]) for leaf, value in trained(batch).items())


def test_padding_counts_for_nothing_with_a_mask_too():
    batch, junk = problem(10), problem(2, seed=9)
    padded = Batch(*(jnp.concatenate([a, b]) for a, b in zip(batch, junk._replace(w=jnp.zeros(2)), strict=True)))
    assert float(junk.mask.sum()) > 0
    np.testing.assert_allclose(loss(padded), loss(batch), rtol=1e-6)


def test_a_drug_that_nobody_measured_keeps_its_head():
    batch = problem()
    batch = batch._replace(mask=batch.mask.at[:, 2].set(0))
    before, after = flatten(start()["params"]), trained(batch)
    for leaf in ("head/kernel", "head/bias"):
        same = np.isclose(before[leaf], after[leaf], rtol=0, atol=1e-7)
        assert same[..., 2].all()
        assert not same[..., [0, 1, 3, 4]].all()


@pytest.fixture(scope="module")
def source():
    return simulate(seed=3, genes=60, n_source=60, n_intermediate=30, n_target=20, missing=0.3)[0].stage("source")


@pytest.fixture(scope="module")
def model(source):
    return train_multitask(KEY, source, RECIPE, (8, 4))


def test_rows_of_a_domain_by_hand(source):
    batch = masked_batch(source)
    known = np.isfinite(source.y)
    assert np.array_equal(np.asarray(batch.mask) == 1, known)
    for drug in range(len(source.drugs)):
        y = source.y[known[:, drug], drug]
        expected = 10 * (y - y.min()) / (y.max() - y.min())
        np.testing.assert_allclose(np.asarray(batch.y)[known[:, drug], drug], expected, atol=1e-5)


def test_the_profile_is_in_the_source_unit(model, source):
    """Ten times nearer to the responses than to the network's 0 to 10, and as the network itself says."""
    x = np.asarray(masked_batch(source).x)
    seen = look(model, x)
    assert seen.profile.shape == (60, 4)
    assert seen.features.shape == (60, 4)
    raw = np.asarray(model.network.apply(model.variables, jnp.asarray(x)).prediction, np.float64)
    low, high = np.nanmin(source.y, axis=0), np.nanmax(source.y, axis=0)
    np.testing.assert_allclose(seen.profile, low + raw / 10 * (high - low), rtol=1e-6)
    assert model.loss[-1] < model.loss[0]


def test_the_same_key_gives_the_same_network(model, source):
    again = flatten(train_multitask(KEY, source, RECIPE, (8, 4)).variables["params"])
    other = flatten(train_multitask(jax.random.key(4), source, RECIPE, (8, 4)).variables["params"])
    for leaf, value in flatten(model.variables["params"]).items():
        assert np.array_equal(value, again[leaf]), leaf
        assert not np.array_equal(value, other[leaf]), leaf


def test_one_drug_is_an_ordinary_network(source):
    alone = source.for_drugs(source.drugs[3:4])
    network = untrained(alone, (8, 4))
    seen = look(MultiTask(network.init(KEY, 60), network, drug_scales(alone), np.zeros(1)), alone.x)
    assert seen.profile.shape == (*masked_batch(alone).y.shape, 1) == (len(alone), 1)


def test_a_trunk_has_one_output_and_the_hidden_layers(model):
    network = build(NetworkConfig(hidden=(8, 4)))
    start, source = (flatten(v["params"]) for v in (trunk(KEY, model.variables, network), model.variables))
    assert start["head/kernel"].shape == (4, 1)
    assert all(np.array_equal(start[leaf], source[leaf]) for leaf in start if not leaf.startswith("head"))
    prediction = network.apply(trunk(KEY, model.variables, network), jnp.zeros((3, 60))).prediction
    assert prediction.shape == (3,)


def test_drugs_with_too_few_samples_are_left_out(source):
    known = np.isfinite(source.y).sum(axis=0)
    least = int(np.sort(known)[1])
    kept = measured_drugs(source, least)
    assert kept.drugs == tuple(d for d, n in zip(source.drugs, known, strict=True) if n >= least)
    assert np.isfinite(kept.y).any(axis=1).all()
    with pytest.raises(InputError, match="measured on 61 samples or more; lower --min_lines"):
        measured_drugs(source, 61)
