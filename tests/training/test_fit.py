"""Invariants of one training: frozen leaves, prefix, padding, batches, learning-rate groups, dropout."""

import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from problems import CONFIG, GENES, HPARAMS, NETWORK, rows, start
from selection import some

from tl_jax.models.dropout import dropout
from tl_jax.training.draws import batches
from tl_jax.training.fit import complete, fit
from tl_jax.training.optimizer import build_optimizer
from tl_jax.training.prefix import frozen_depth
from tl_jax.trees import flatten, split

KEY = jax.random.key(3)
FREEZING = ("freeze_layer1", "freeze_layer12", "head_only")


def run(name, train, config=CONFIG, test=None, hparams=HPARAMS, key=KEY):
    transfer = start(name)
    result = fit(key, transfer, train, test, hparams, network=NETWORK, config=config)
    return transfer, result


@pytest.mark.parametrize("name", some(FREEZING, "freeze_layer1"))
@pytest.mark.parametrize("cache_prefix", [True, False])
def test_frozen_leaves_are_bitwise_unchanged_and_trained_ones_move(name, cache_prefix):
    transfer, result = run(name, rows(10), replace(CONFIG, cache_prefix=cache_prefix))
    before = flatten(transfer.variables["params"])
    after = flatten(complete(transfer, result.trained)["params"])
    assert set(result.trained) == set(transfer.trainable)
    for leaf in before:
        same = np.array_equal(before[leaf], after[leaf])
        assert same != (leaf in transfer.trainable), leaf


@pytest.mark.parametrize("name", FREEZING)
def test_frozen_leaves_have_no_optimizer_state_and_no_gradient(name):
    transfer = start(name)
    trained, frozen = split(transfer.variables["params"], transfer.trainable)
    state = build_optimizer("keras_adam", dict.fromkeys(trained, 0.01)).init(trained)
    held = sum(leaf.size for leaf in jax.tree.leaves(state) if leaf.ndim)
    assert held == 2 * sum(leaf.size for leaf in trained.values())
    wide = "f32[{},{}] =".format(*frozen["layer1/kernel"].shape)
    # No value of layer 1's shape arises inside the program: neither a gradient nor a moment.
    assert wide not in program_text(transfer)
    assert wide in program_text(start("scratch"))


def program_text(transfer):
    """The whole traced training as text, inner programs included."""
    traced = jax.make_jaxpr(lambda train: fit(KEY, transfer, train, None, HPARAMS, network=NETWORK, config=CONFIG))
    return str(traced(rows(10)))


@pytest.mark.parametrize("name", some(FREEZING, "freeze_layer1"))
def test_a_cached_prefix_changes_nothing(name):
    test = rows(5, seed=5)
    _, cached = run(name, rows(10), CONFIG, test)
    _, plain = run(name, rows(10), replace(CONFIG, cache_prefix=False), test)
    for part in ("trained", "history"):
        for leaf, value in getattr(cached, part).items():
            np.testing.assert_allclose(value, getattr(plain, part)[leaf], rtol=2e-6, atol=2e-7, err_msg=leaf)


@pytest.mark.parametrize("name", some(["scratch", "freeze_layer1"], "scratch"))
@pytest.mark.parametrize("padding", some([1, 2, 7], 7))
def test_rows_of_weight_zero_change_nothing(name, padding):
    """Also where padding adds steps of padding alone (7 rows at batch size 4)."""
    _, plain = run(name, rows(10), test=rows(5, seed=5))
    _, padded = run(name, rows(10, padding=padding), test=rows(5, seed=5, padding=padding))
    for part in ("trained", "history"):
        for leaf, value in getattr(plain, part).items():
            np.testing.assert_allclose(value, getattr(padded, part)[leaf], rtol=1e-5, atol=1e-6, err_msg=leaf)


def test_without_the_guard_a_step_of_padding_would_move_adam():
    """The test above can fail: momentum moves the weights when the guard is off."""
    _, plain = run("scratch", rows(10))
    _, unguarded = run("scratch", rows(10, padding=7), replace(CONFIG, skip_empty=False))
    assert not np.allclose(plain.trained["layer1/kernel"], unguarded.trained["layer1/kernel"], atol=1e-5)


def test_batches_hold_own_rows_once_the_last_one_partial():
    weights = jnp.asarray([1, 0, 1, 1, 0, 1, 1, 1, 1], jnp.float32)
    index, w = batches(KEY, weights, 4)
    assert index.shape == (3, 4)
    assert sorted(np.asarray(index)[np.asarray(w) > 0]) == [0, 2, 3, 5, 6, 7, 8]
    assert list(np.asarray(w).sum(axis=1)) == [4, 3, 0]
    in_order, _ = batches(None, weights, 4)
    assert list(np.asarray(in_order).ravel()[:7]) == [0, 2, 3, 5, 6, 7, 8]


def test_shuffles_differ_between_epochs_and_not_between_strategies():
    first, again, other = (batches(jax.random.fold_in(KEY, e), jnp.ones(20), 8)[0] for e in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_permuting_genes_with_their_kernel_rows_permutes_the_answer():
    order = np.random.default_rng(4).permutation(GENES)
    train, transfer = rows(10), start("fine_tune")
    params = dict(transfer.variables["params"])
    params["layer1"] = {**params["layer1"], "kernel": params["layer1"]["kernel"][order]}
    moved = replace(transfer, variables={"params": params})
    fits = [
        fit(KEY, t, b, None, HPARAMS, network=NETWORK, config=CONFIG).trained["layer1/kernel"]
        for t, b in ((transfer, train), (moved, train._replace(x=train.x[:, order])))
    ]
    np.testing.assert_allclose(fits[0][order], fits[1], rtol=1e-5, atol=1e-6)


def test_learning_rate_groups():
    """A factor of 0 holds a leaf, 1 changes nothing, and a leaf that is frozen cannot have one."""
    train = rows(10)
    transfer = start("fine_tune")
    slow = replace(transfer, lr_scale={"layer1/kernel": 0.0, "head/bias": 1.0})
    fitted = [fit(KEY, t, train, None, HPARAMS, network=NETWORK, config=CONFIG).trained for t in (transfer, slow)]
    np.testing.assert_array_equal(fitted[1]["layer1/kernel"], flatten(transfer.variables["params"])["layer1/kernel"])
    assert not np.array_equal(fitted[0]["layer1/kernel"], fitted[1]["layer1/kernel"])
    one = replace(transfer, lr_scale={"head/bias": 1.0})
    same = fit(KEY, one, train, None, HPARAMS, network=NETWORK, config=CONFIG).trained
    for leaf in same:
        np.testing.assert_allclose(same[leaf], fitted[0][leaf], rtol=1e-6, atol=1e-7)
    stray = replace(start("freeze_layer1"), lr_scale={"layer1/kernel": 0.5})
    with pytest.raises(ValueError, match="not trained"):
        fit(KEY, stray, train, None, HPARAMS, network=NETWORK, config=CONFIG)


@pytest.mark.full
def test_optimizers_differ_and_adam_is_optax():
    train, moved = rows(10), {}
    for name in ("keras_adam", "adam", "sgd"):
        config, still = replace(CONFIG, optimizer=name), HPARAMS._replace(dropout=jnp.zeros(2))
        moved[name] = run("scratch", train, config, hparams=still)[1].trained["layer1/kernel"]
    assert np.allclose(moved["adam"], moved["keras_adam"], atol=6e-3)  # epsilon tells where a gradient is tiny
    assert not np.array_equal(moved["adam"], moved["keras_adam"])
    assert not np.allclose(moved["adam"], moved["sgd"], atol=1e-4)
    grads = {"a": jnp.asarray([1e-8, 1.0])}
    ours, theirs = build_optimizer("adam", {"a": 0.1}), optax.adam(0.1)
    steps = [tx.update(grads, tx.init(grads), grads)[0]["a"] for tx in (ours, theirs)]
    np.testing.assert_allclose(*steps, rtol=1e-6)
    with pytest.raises(ValueError, match="unknown optimizer 'lion'"):
        build_optimizer("lion", {"a": 0.1})


@pytest.mark.full
def test_hparams_are_felt():
    train = rows(10)
    base = run("scratch", train)[1].trained["layer1/kernel"]
    for change in ({"learning_rate": 0.02}, {"kernel_l2": 0.5}, {"activity_l1": 0.5}, {"dropout": (0.8, 0.1)}):
        other = run("scratch", train, hparams=HPARAMS._replace(**{k: jnp.asarray(v) for k, v in change.items()}))
        assert not np.array_equal(base, other[1].trained["layer1/kernel"]), change


@pytest.mark.shipped
def test_held_out_rows_are_for_curves_only():
    with_test, without = (run("scratch", rows(10), test=t)[1] for t in (rows(5, seed=5), None))
    assert set(with_test.history) == {"train_loss", "train_mae", "test_loss", "test_mae"}
    assert set(without.history) == {"train_loss", "train_mae"}
    for leaf, value in without.trained.items():
        np.testing.assert_array_equal(value, with_test.trained[leaf])


def test_shapes_that_would_broadcast_are_refused():
    train = rows(10)
    with pytest.raises(ValueError, match="differ in shape"):
        run("scratch", train._replace(y=train.y[:, None]))


def test_frozen_depth_counts_leading_layers_only():
    assert frozen_depth(NETWORK, ("layer1/kernel", "head/bias")) == 0
    assert frozen_depth(NETWORK, ("layer2/bias",)) == 1
    assert frozen_depth(NETWORK, ("head/kernel",)) == 2


def test_dropout_keeps_the_mean_and_drops_the_share():
    h = jnp.ones((400, 50))
    out = np.asarray(dropout(KEY, h, jnp.float32(0.3)))
    assert abs((out == 0).mean() - 0.3) < 0.01
    np.testing.assert_allclose(out[out > 0], 1 / 0.7, rtol=1e-6)
    assert dropout(None, h, 0.3) is h
    more = dropout(KEY, jnp.ones((500, 50)), jnp.float32(0.3))
    np.testing.assert_array_equal(out, more[:400])
