"""Objectives of one's own: a masked autoencoder, an adversary against a numpy oracle, Deep CORAL on the run axis."""

import sys
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from axis import SOURCE, X, five_folds
from problems import CONFIG, GENES, HPARAMS, NETWORK, rows, start

from tl_jax.config import FitConfig, NetworkConfig
from tl_jax.errors import InputError
from tl_jax.models import build
from tl_jax.training.draws import follow
from tl_jax.training.fit import complete, fit
from tl_jax.training.objective import Objective
from tl_jax.training.objectives import deep_alignment, hidden, supervised
from tl_jax.training.optimizer import Group
from tl_jax.training.runs import fit_runs
from tl_jax.transfer.losses import reverse
from tl_jax.transfer.strategies import STRATEGIES, get
from tl_jax.trees import flatten
from tl_jax.types import Batch, Hparams, Network, Output, Transfer

KEY = jax.random.key(3)
CELLS = rows(24, seed=2)._replace(y=None)


@lru_cache
def masked_autoencoder(network, share=0.3):
    """Genes that were hidden are predicted from the others, by a linear decoder of the last hidden layer."""

    def init_extra(key, params):
        genes, units = params["layer1"]["kernel"].shape[0], params["head"]["kernel"].shape[0]
        return {"decoder": {"kernel": 0.1 * jax.random.normal(key, (units, genes)), "bias": jnp.zeros(genes)}}

    def loss(params, batches, hparams, key, progress):
        cells = batches["cells"]
        hidden_gene = jax.random.bernoulli(key, share, cells.x.shape) * cells.w[:, None]
        code = hidden(network, params, cells.x * (1 - hidden_gene))
        found = code @ params["decoder"]["kernel"] + params["decoder"]["bias"][None]
        error = (hidden_gene * jnp.square(found - cells.x)).sum() / jnp.maximum(hidden_gene.sum(), 1)
        return error, {"progress": progress}

    return Objective(loss, init_extra)


def test_a_masked_autoencoder_learns_and_keeps_what_is_frozen():
    low_rank = np.random.default_rng(1).normal(size=(64, 2)) @ np.random.default_rng(2).normal(size=(2, GENES))
    cells = Batch(jnp.asarray(low_rank, jnp.float32), None, jnp.ones(64))
    config, fast = FitConfig(epochs=150, batch_size=16), HPARAMS._replace(learning_rate=0.03)
    for name in ("fine_tune", "freeze_layer1"):
        transfer = start(name)
        options = {"network": NETWORK, "config": config, "objective": masked_autoencoder(NETWORK)}
        result = fit(KEY, transfer, {"cells": cells}, None, fast, **options)
        assert set(result.trained) == {*transfer.trainable, "decoder/kernel", "decoder/bias"}
        losses = np.asarray(result.history["train_loss"])
        assert losses[-20:].mean() < 0.85 * losses[:20].mean()
        np.testing.assert_allclose(
            np.asarray(result.history["train_progress"])[[0, -1]], [1.5 / 600, 1 - 2.5 / 600], rtol=1e-5
        )
        before, after = flatten(transfer.variables["params"]), flatten(complete(transfer, result.trained)["params"])
        for leaf in before:
            # The head is trainable, and the loss does not reach it.
            moved = leaf in transfer.trainable and not leaf.startswith("head")
            assert np.array_equal(before[leaf], after[leaf]) != moved, leaf


def test_modules_of_an_earlier_stage_are_taken_over():
    transfer = start("fine_tune")
    options = {"network": NETWORK, "config": CONFIG, "objective": masked_autoencoder(NETWORK)}
    first = fit(KEY, transfer, {"cells": CELLS}, None, HPARAMS, **options)
    variables = complete(transfer, first.trained)
    again = Transfer(variables, tuple(flatten(variables["params"])))
    still = fit(KEY, again, {"cells": CELLS}, None, HPARAMS, **{**options, "config": replace(CONFIG, epochs=0)})
    np.testing.assert_array_equal(still.trained["decoder/kernel"], first.trained["decoder/kernel"])


# An adversary on a network of one linear layer and a linear head, small enough to be written by hand.
LINEAR = Network(
    init=None,
    apply=lambda v, x, **_: Output((x @ v["params"]["layer1"]["kernel"] @ v["params"]["head"]["kernel"])[:, 0], {}),
    prefix=lambda v, x, stop: Output(x @ v["params"]["layer1"]["kernel"], {}),
    layers=("layer1", "head"),
)
RATE, STRENGTH, SPEED = 0.05, 0.7, 2.0


@lru_cache
def adversary(network, by_group):
    """Hidden features that a discriminator of the two domains cannot use: its gradient is reversed below it.

    by_group: the loss holds the discriminator's loss with a minus and its group climbs.
    """

    def init_extra(key, params):
        units = params["head"]["kernel"].shape[0]
        return {"discriminator": {"kernel": jax.random.normal(key, (units, 1))}}

    def loss(params, batches, hparams, key, progress):
        train, strength = batches["train"], hparams.weights["adversary"]
        error = (
            train.w * jnp.square(network.apply({"params": params}, train.x).prediction - train.y)
        ).sum() / train.w.sum()

        def told(domain, sign):
            features = hidden(network, params, batches[domain].x)
            features = features if by_group else reverse(features, strength)
            logit = (features @ params["discriminator"]["kernel"])[:, 0]
            return jax.nn.softplus(-sign * logit).mean()

        domain = told("train", 1.0) + told("source", -1.0)
        return error + (-strength if by_group else 1.0) * domain, {"domain": domain}

    group = Group(("discriminator/*",), rate="speed", climbs=by_group)
    return Objective(loss, init_extra, (group,))


def adversary_by_hand(target, y, source, w, head, d, steps, by_group):
    """Plain gradient descent in float64; the discriminator's own rate is RATE * SPEED."""
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    for _ in range(steps):
        h, hs = target @ w, source @ w
        error = 2 * (h @ head - y[:, None]) / len(y)
        gt, gs = -sigmoid(-(h @ d)) / len(h), sigmoid(hs @ d) / len(hs)  # d softplus of either domain, by its logit
        slope_w = target.T @ error @ head.T - STRENGTH * (target.T @ gt + source.T @ gs) @ d.T
        slope_d = (STRENGTH if by_group else 1) * (h.T @ gt + hs.T @ gs)
        head, w, d = head - RATE * h.T @ error, w - RATE * slope_w, d - RATE * SPEED * slope_d
    return {"layer1/kernel": w, "head/kernel": head, "discriminator/kernel": d}


@pytest.mark.parametrize("by_group", [False, True])
def test_an_adversary_against_numpy(by_group):
    rng = np.random.default_rng(5)
    target, source, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 4)) + 1, rng.normal(size=6)
    w, head = 0.5 * rng.normal(size=(4, 3)), 0.5 * rng.normal(size=(3, 1))
    as_jax = partial(jnp.asarray, dtype=jnp.float32)
    params = {"layer1": {"kernel": as_jax(w)}, "head": {"kernel": as_jax(head)}}
    batches = {
        "train": Batch(as_jax(target), as_jax(y), jnp.ones(6)),
        "source": Batch(as_jax(source), None, jnp.ones(6)),
    }
    hparams = Hparams(RATE, weights={"adversary": STRENGTH, "speed": SPEED}).arrays()
    transfer = Transfer({"params": params}, ("layer1/kernel", "head/kernel"))
    config = FitConfig(epochs=4, batch_size=6, optimizer="sgd", shuffle=False)
    options = {"network": LINEAR, "objective": adversary(LINEAR, by_group)}
    fitted = fit(KEY, transfer, batches, None, hparams, config=config, **options)
    drawn = fit(KEY, transfer, batches, None, hparams, config=replace(config, epochs=0), **options)
    d = np.asarray(drawn.trained["discriminator/kernel"], np.float64)
    expected = adversary_by_hand(target, y, source, w, head, d, 4, by_group)
    for leaf, value in expected.items():
        np.testing.assert_allclose(fitted.trained[leaf], value, atol=1e-6, err_msg=leaf)


def coral_runs(weight, objective=True):
    """fit on a target of 10 rows and a source of 24, with Deep CORAL at a weight."""
    hparams = HPARAMS._replace(weights={"alignment": weight})
    domains = {"train": rows(10), "source": CELLS} if objective else {"train": rows(10)}
    own = deep_alignment(NETWORK, "coral") if objective else None
    return fit(
        KEY, start("fine_tune"), domains, rows(5, seed=5), hparams, network=NETWORK, config=CONFIG, objective=own
    )


@pytest.mark.full
def test_deep_coral_s_weight_is_a_vmapped_number():
    """Each lane is the single run, and at 0 the plain one, but for the last bit, which goes by what is compiled."""
    weights = jnp.asarray([0.0, 1.0, 1e5])
    lanes, single = jax.jit(jax.vmap(coral_runs))(weights), jax.jit(coral_runs)
    close = partial(np.testing.assert_allclose, rtol=2e-5, atol=1e-6)
    for k, weight in enumerate(weights):
        jax.tree.map(close, jax.tree.map(lambda leaf, k=k: leaf[k], lanes), single(weight))
    plain = jax.jit(partial(coral_runs, objective=False))(0.0)
    jax.tree.map(close, plain.trained, {leaf: value[0] for leaf, value in lanes.trained.items()})
    gaps = np.asarray(lanes.history["train_alignment"][:, -1])
    assert gaps[2] < gaps[0]


@pytest.mark.shipped
def test_deep_coral_on_the_run_axis():
    """Weights vary over runs of one program: each is the run alone and at 0 the plain one, bit for bit.

    A run is also what fit makes of its rows.
    """
    runs = five_folds(sizes=(2, 3, 3, 3, 4))
    weights = np.asarray([0.0, 1e2, 1e3, 1e4, 1e5], np.float32)
    varied = runs._replace(hparams=runs.hparams._replace(weights={"alignment": weights}))
    begin = [(STRATEGIES["fine_tune"].function, SOURCE)]
    options = {"network": NETWORK, "config": CONFIG, "keep_trained": True}
    own = {"objective": deep_alignment(NETWORK, "coral"), "domains": {"source": CELLS}}
    found = fit_runs(varied, X, begin, **options, **own)
    plain = fit_runs(runs, X, begin, **options)
    np.testing.assert_array_equal(found.prediction[0], plain.prediction[0])
    assert not np.array_equal(found.prediction[4], plain.prediction[4])
    again = fit_runs(varied, X, begin, **options, **own, at_once=1)
    jax.tree.map(np.testing.assert_array_equal, found.trained, again.trained)
    np.testing.assert_array_equal(found.prediction, again.prediction)
    # The metric itself, of the order of 1e-10 here, is rounded as the compiler likes.
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5), found.history, again.history)
    k = 3
    scaled = [
        (X[r] - c) / s
        for r, c, s in (
            (runs.train_rows[k], runs.center[k], runs.scale[k]),
            (runs.test_rows[k], runs.test_center[k], runs.test_scale[k]),
        )
    ]
    train = Batch(scaled[0], runs.y[k][runs.train_rows[k]], runs.train_w[k])
    test = Batch(scaled[1], runs.y[k][runs.test_rows[k]], runs.test_w[k])
    alone = fit(
        runs.key[k],
        begin[0][0](SOURCE, SOURCE),
        {"train": train, "source": CELLS},
        test,
        jax.tree.map(lambda v: v[k], varied.hparams),
        network=NETWORK,
        config=CONFIG,
        objective=own["objective"],
    )
    np.testing.assert_allclose(found.prediction[k], alone.prediction, rtol=1e-5)


@pytest.mark.full
def test_the_supervised_objective_is_the_plain_training():
    """For batch norms too, whose statistics move; with frozen layers once they are named."""
    networks = {"two_step": NETWORK, "fc_layers": build(NetworkConfig("fc_layers", (6, 4)))}
    for name, strategy in (("two_step", "freeze_layer1"), ("fc_layers", "fine_tune"), ("fc_layers", "fine_tune_but_1")):
        network = networks[name]
        source, fresh = (network.init(jax.random.key(k), GENES) for k in (7, 8))
        transfer, train = get(strategy).function(source, fresh), rows(10)
        train = train._replace(y=(train.y > 5).astype(jnp.float32)) if name == "fc_layers" else train
        config = replace(CONFIG, cache_prefix=False)
        own = supervised(network, transfer.trainable)
        fitted = partial(fit, KEY, transfer, train, None, HPARAMS, network=network, config=config)
        plain, other = jax.jit(fitted)(), jax.jit(partial(fitted, objective=own))()
        jax.tree.map(np.testing.assert_array_equal, plain, other)


def test_rows_of_a_following_domain_come_equally_often():
    w = jnp.asarray([1, 0, 1, 1, 1, 0, 1], jnp.float32)
    index, weight = follow(KEY, "source", w, 4, FitConfig(epochs=5, batch_size=2))
    assert index.shape == (5, 4, 2)
    assert float(weight.min()) == 1
    counts = np.bincount(np.asarray(index).ravel(), minlength=7)
    np.testing.assert_array_equal(counts, [8, 0, 8, 8, 8, 0, 8])
    other = follow(KEY, "cells", w, 4, FitConfig(epochs=5, batch_size=2))[0]
    assert not np.array_equal(index, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": None}, "need an objective"),
        ({"objective": Objective(lambda p, b, *_: (b["train"].y, {}))}, "must be one number"),
        ({"objective": Objective(supervised(NETWORK).loss, groups=(Group(("decoder/*",)),))}, "matches no parameter"),
        ({"objective": Objective(supervised(NETWORK).loss, groups=(Group(("head/*",)), Group(("*",))))}, "in two"),
        ({"objective": Objective(lambda *_: (jnp.float32(0), {"statistics": {"bn1/mean": 0}}))}, "not trainable"),
    ],
)
def test_objectives_that_cannot_be(change, message):
    with pytest.raises(ValueError, match=message):
        fit(
            KEY,
            start("fine_tune"),
            {"train": rows(10), "source": CELLS},
            None,
            HPARAMS,
            network=NETWORK,
            config=CONFIG,
            **change,
        )


def test_an_objective_that_cannot_stop_its_statistics_is_refused():
    config = replace(CONFIG, live_epochs=1)
    start = Transfer.fresh(NETWORK.init(KEY, GENES))
    with pytest.raises(InputError, match="live_epochs does not reach") as error:
        fit(KEY, start, rows(3), None, HPARAMS, network=NETWORK, config=config, objective=supervised(NETWORK))
    assert "\n" not in str(error.value)


def test_an_unknown_distance_is_refused():
    with pytest.raises(InputError, match=r"no distance 'kl'; there are: mmd, mmd_median, mmd_1000, coral"):
        deep_alignment(NETWORK, "kl")
