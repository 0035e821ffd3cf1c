"""scDEAL's way to train against a slow loop, and each of its quirks against what it says of itself."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tl_jax.keys import run_key
from tl_jax.training import published
from tl_jax.training.plateau import Plateau, Schedule, fit_best
from tl_jax.training.published import QUIRKS, Sizes, Tables, run
from tl_jax.types import Batch

RANDOM = np.random.default_rng(0)
SIZES = Sizes((6, 5), 4, (5, 3), 0.1, epochs=4, batch_size=16)
TABLES = Tables(
    jnp.asarray(RANDOM.normal(size=(40, 12)), jnp.float32),
    jnp.asarray(RANDOM.random(40) < 0.4, jnp.float32),
    jnp.asarray(RANDOM.normal(size=(25, 9)), jnp.float32),
)


def test_the_rate_falls_as_pytorch_s():
    losses, rate, lowest, bad, expected = [1.0, 0.9] + [0.9] * 30, 0.01, np.inf, 0, []
    for loss in losses:
        if loss < lowest * (1 - 1e-4):
            lowest, bad = loss, 0
        else:
            bad += 1
        if bad > 10:
            rate, bad = max(rate * 0.1, 0), 0
        expected.append(rate)
    state, found = Plateau(jnp.float32(0.01), jnp.float32(jnp.inf), jnp.int32(0)), []
    for loss in losses:
        state = state.after(jnp.float32(loss))
        found.append(float(state.rate))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found[-1] < 1.1e-4


def test_the_best_epoch_is_kept_and_what_does_not_move_stays():
    """Against a plain loop of optax over full batches."""
    x, y = jnp.asarray(RANDOM.normal(size=(8, 3)), jnp.float32), jnp.asarray(RANDOM.normal(size=8), jnp.float32)
    leaves = {"w": jnp.zeros(3), "still": jnp.full(3, 0.3), "frozen": jnp.ones(3)}

    def loss(own, batches, key, on):
        batch = batches["train"]
        value = jnp.square(batch.x @ (own["w"] + own["still"] * own["frozen"]) - batch.y).mean()
        return value, ({}, value)

    train, valid = {"train": Batch(x, y, jnp.ones(8))}, {"train": Batch(-x, y, jnp.ones(8))}
    moves = {"w": 1.0, "still": 0.0}
    found = fit_best(run_key(1), leaves, moves, loss, train, valid, 0.05, Schedule(30, 8))
    tx = optax.adam(0.05)
    w, state, best, lowest = leaves["w"], None, None, np.inf
    state = tx.init(w)
    for _ in range(30):
        gradient = jax.grad(lambda w: loss({**leaves, "w": w}, train, None, 1)[0])(w)
        updates, state = tx.update(gradient, state)
        w = w + updates
        judged = float(loss({**leaves, "w": w}, valid, None, 0)[0])
        if judged < lowest:
            best, lowest = w, judged
    np.testing.assert_allclose(found["w"], best, atol=1e-5)
    np.testing.assert_array_equal(found["still"], leaves["still"])
    np.testing.assert_array_equal(found["frozen"], leaves["frozen"])


@cache
def program(shared: bool, clusters: bool):
    sizes = SIZES._replace(shared=shared)
    spread = (lambda hidden, genes, w: 0.1 * jnp.square(hidden).sum()) if clusters else None
    return jax.jit(lambda key, quirks, rate, tables: run(key, quirks, rate, tables, sizes, spread))


def scores(rate=1e-3, tables=TABLES, clusters=True, **changed):
    quirks = {name: jnp.float32(changed.get(name, 1)) for name in QUIRKS}
    return program(False, clusters)(run_key(3), quirks, jnp.float32(rate), tables)


def differs(a, b, part="after"):
    return float(np.abs(getattr(a, part) - getattr(b, part)).max())


@pytest.mark.full
def test_the_asked_rate_counts_once_the_quirk_is_repaired():
    assert differs(scores(rate=1e-3), scores(rate=1e-1)) == 0
    assert differs(scores(rate=1e-3, fixed_rate=0), scores(rate=1e-1, fixed_rate=0)) > 0
    assert differs(scores(rate=1e-2, fixed_rate=0), scores()) == 0


@pytest.mark.full
def test_dropout_before_transfer_is_on_until_it_is_repaired():
    a, b = scores(), scores(train_mode=0)
    assert differs(a, b, "before") > 1e-4
    assert differs(a, b) == 0


@pytest.mark.full
@pytest.mark.parametrize(
    "name", ["affine_encoder", "masked_target", "sigmoid_under_softmax", "one_kernel", "target_only"]
)
def test_every_other_quirk_moves_the_scores(name):
    assert differs(scores(), scores(**{name: 0})) > 0


@pytest.mark.full
def test_held_out_rows_scale_the_genes_until_it_is_repaired():
    """A line of the source's own test set that is far from all others."""
    lines, _ = published.split(published.streams(run_key(3))["split"], TABLES)
    far = TABLES._replace(lines=TABLES.lines.at[lines["test"][0]].set(50.0))
    assert differs(scores(), scores(tables=far)) > 1e-3
    assert differs(scores(scaled_on_all=0), scores(scaled_on_all=0, tables=far)) == 0


@pytest.mark.full
def test_the_source_moves_only_once_it_is_repaired():
    """Before transfer it is what it is; its own test lines then tell whether it moved."""
    still, moved = scores(), scores(target_only=0)
    assert differs(still, moved, "before") == 0
    known = np.isfinite(still.test)
    assert known.sum() == 8
    assert np.abs(still.test[known] - moved.test[known]).max() > 1e-4


@pytest.mark.full
def test_the_cluster_term_has_no_gradient_but_moves_statistics():
    leaves, key = {}, jax.random.key(0)
    source = published.flatten({"source": published.net.autoencoder(key, 12, (6, 5), 4)})
    target = published.flatten({"target": published.net.autoencoder(key, 9, (6, 5), 4)})
    leaves = source | target | published.flatten({"predictor": published.net.predictor(key, 4, (5, 3))})
    batches = {
        "source": Batch(TABLES.lines[:8], TABLES.y[:8], jnp.ones(8)),
        "target": Batch(TABLES.cells[:8], None, jnp.ones(8)),
    }

    def loss(own, there):
        quirks = {name: jnp.float32(1) for name in QUIRKS} | {"cluster_term": there}
        spread = lambda hidden, genes, w: jnp.square(hidden).sum()  # noqa: E731
        return published.transferring({**leaves, **own}, batches, key, 1.0, quirks=quirks, sizes=SIZES, spread=spread)

    moving = {leaf: leaves[leaf] for leaf in published.moving(leaves)}
    slope = jax.jit(jax.value_and_grad(loss, has_aux=True))
    (on, (with_it, _)), gradient = slope(moving, jnp.float32(1))
    (off, (without, _)), plain = slope(moving, jnp.float32(0))
    assert on > off
    for leaf in gradient:
        np.testing.assert_array_equal(gradient[leaf], plain[leaf])
    name = "target/encoder1_bn/mean"
    assert np.abs(with_it[name] - without[name]).max() > 0
    np.testing.assert_array_equal(with_it["source/encoder1_bn/mean"], without["source/encoder1_bn/mean"])
