"""The run axis: a lane equals the single run, chunks and padding change nothing, hyper-parameters vary."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from axis import SOURCE, X, fitted, five_folds
from problems import CONFIG, GENES, HPARAMS, NETWORK
from selection import some

from tl_jax.keys import purpose, run_key, run_keys
from tl_jax.training.fit import complete, fit, predict
from tl_jax.training.runs import fit_runs, has_empty_steps, run_chunk
from tl_jax.transfer.strategies import STRATEGIES
from tl_jax.types import Batch


@pytest.mark.parametrize("k", some([0, 4], 4))  # the run with the most training rows and the most padded one
@pytest.mark.parametrize("name", some(["scratch", "copy_layer1", "freeze_layer1", "zero_shot"], "freeze_layer1"))
def test_a_lane_equals_the_single_run(name, k):
    """Against fit() called by hand on the run's own rows, unpadded."""
    runs = five_folds(sizes=(2, 3, 3, 3, 4))
    result = fitted(runs, name, at_once=5)
    n, m = int(runs.train_w[k].sum()), int(runs.test_w[k].sum())
    train, test = runs.train_rows[k, :n], runs.test_rows[k, :m]
    x = jnp.asarray((X[train] - runs.center[k]) / runs.scale[k])
    fresh = NETWORK.init(purpose(run_key(400, 0, k), "init"), GENES)
    transfer = STRATEGIES[name].function(SOURCE, fresh)
    batch = Batch(x, jnp.asarray(runs.y[k, train]), jnp.ones(n, jnp.float32))
    single = fit(run_key(400, 0, k), transfer, batch, None, HPARAMS, network=NETWORK, config=CONFIG)
    held_out = jnp.asarray((X[test] - runs.test_center[k]) / runs.test_scale[k])
    expected = predict(complete(transfer, single.trained), held_out, NETWORK)
    np.testing.assert_allclose(result.prediction[k, 0, :m], expected, rtol=1e-5, atol=1e-5)
    for leaf, value in single.trained.items():
        np.testing.assert_allclose(result.trained[leaf][k], value, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("at_once", some([1, 2, 3, 4, None], 1, 2))
def test_chunks_change_nothing(at_once):
    runs, done = five_folds(), []
    whole = fitted(runs, "scratch", at_once=5)
    parts = fitted(runs, "scratch", at_once=at_once, progress=done.append)
    assert sum(done) == 5
    np.testing.assert_allclose(whole.prediction, parts.prediction, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(whole.history["train_loss"], parts.history["train_loss"], rtol=1e-5)


def test_the_same_seed_gives_bitwise_the_same():
    runs = five_folds()
    first, second = (fitted(runs, "copy_layer1", at_once=2) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, first, second)


def test_permuting_runs_permutes_the_answer():
    runs, order = five_folds(), np.asarray([3, 0, 4, 1, 2])
    plain = fitted(runs, "scratch", at_once=5).prediction
    moved = fitted(jax.tree.map(lambda leaf: leaf[order], runs), "scratch", at_once=5).prediction
    np.testing.assert_allclose(plain[order], moved, rtol=1e-5, atol=1e-5)


def test_hyperparameters_vary_over_runs_in_one_program():
    runs = five_folds()
    rates = jnp.asarray([0.0, 0.001, 0.01, 0.01, 0.02], jnp.float32)
    varied = runs._replace(hparams=runs.hparams._replace(learning_rate=rates))
    before = run_chunk._cache_size()
    result, plain = fitted(varied, "fine_tune", at_once=5), fitted(runs, "fine_tune", at_once=5)
    assert run_chunk._cache_size() <= before + 1
    np.testing.assert_array_equal(result.trained["layer1/kernel"][0], SOURCE["params"]["layer1"]["kernel"])
    np.testing.assert_allclose(result.prediction[2:4], plain.prediction[2:4], rtol=1e-5, atol=1e-5)
    assert not np.array_equal(result.prediction[4], plain.prediction[4])


@pytest.mark.full
def test_strategies_meet_the_same_initialisation():
    runs = five_folds()
    config = CONFIG.__class__(epochs=0)
    start = {
        name: fit_runs(
            runs, X, [(STRATEGIES[name].function, SOURCE)], network=NETWORK, config=config, at_once=5, keep_trained=True
        ).trained
        for name in ("scratch", "copy_layer1", "freeze_layer1")
    }
    for other in ("copy_layer1", "freeze_layer1"):
        np.testing.assert_array_equal(start["scratch"]["head/kernel"], start[other]["head/kernel"])
    assert not np.array_equal(start["scratch"]["head/kernel"][0], start["scratch"]["head/kernel"][1])


def test_the_guard_is_on_only_where_a_run_has_empty_steps():
    assert not has_empty_steps(five_folds(), batch_size=4)
    assert has_empty_steps(five_folds(sizes=(1, 2, 3, 4, 5)), batch_size=4)


def test_keys_come_from_identity():
    keys = run_keys(400, [(0, 1), (1, 0), (0, 1)])
    data = np.asarray(jax.random.key_data(keys))
    np.testing.assert_array_equal(data[0], data[2])
    assert not np.array_equal(data[0], data[1])
    assert jax.random.key_impl(keys) == "threefry2x32" or "threefry" in str(jax.random.key_impl(keys))
