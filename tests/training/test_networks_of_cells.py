"""Batch norm by domain, the players of a min-max game, a teacher and a variational code, by hand."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tl_jax.config import FitConfig
from tl_jax.keys import run_key
from tl_jax.models.cell_net import CELLS, LINES, CellNet, cell_network
from tl_jax.models.fc_layers import MOMENTUM
from tl_jax.training.fit import fit
from tl_jax.training.objective import STATISTICS, with_extra
from tl_jax.training.rebuilding import divergence
from tl_jax.training.step import passes
from tl_jax.training.terms import summed
from tl_jax.trees import flatten, unflatten
from tl_jax.types import Batch, Hparams, Transfer

RANDOM = np.random.default_rng(5)
ROWS = {
    LINES: Batch(*(jnp.asarray(RANDOM.normal(size=shape), jnp.float32) for shape in ((11, 9), (11,))), jnp.ones(11)),
    CELLS: Batch(jnp.asarray(RANDOM.normal(1, size=(7, 9)), jnp.float32), None, jnp.ones(7)),
}
ONE_STEP = FitConfig(epochs=1, batch_size=16, optimizer="adam", curves=False)


def sizes_of(norm=""):
    return CellNet((6,), 4, (5,), batch_norm=norm)


def start_of(sizes):
    return Transfer.fresh(cell_network(sizes).init(jax.random.key(2), 9))


def numbers(**weights):
    own = {"ramp": 0.0, "masked": 0.0, "balance": 0.5, "discriminator_rate": 1.0, **weights}
    return Hparams(1e-2, 0.0, 0.0, (0.0,), weights=own).arrays()


def loss_of(sizes, names, params, rows=ROWS, **weights):
    objective = summed(cell_network(sizes), sizes, names)
    return objective.loss(params, rows, numbers(**weights), jax.random.key(0), jnp.float32(0.5))


def params_of(sizes, names):
    objective = summed(cell_network(sizes), sizes, names)
    return with_extra(objective, jax.random.key(4), start_of(sizes)).variables["params"]


def trained(sizes, names, epochs, start=None, trainable=None, **weights):
    network = cell_network(sizes)
    options = {"network": network, "config": replace(ONE_STEP, epochs=epochs)}
    objective = summed(network, sizes, names, trainable)
    return fit(run_key(1), start or start_of(sizes), ROWS, None, numbers(**weights), objective=objective, **options)


def by_hand(params, x, mean, var):
    """The bottleneck of rows normalised by a mean and variance."""
    flat = {name: np.asarray(leaf, np.float64) for name, leaf in flatten(params).items()}
    h = np.asarray(x, np.float64) @ flat["encoder1/kernel"] + flat["encoder1/bias"]
    mean, var = (h.mean(axis=0), h.var(axis=0)) if mean is None else (mean, var)
    h = np.maximum((h - mean) / np.sqrt(var + 1e-5) * flat["bn1/scale"] + flat["bn1/bias"], 0)
    return h @ flat["bottleneck/kernel"] + flat["bottleneck/bias"], mean, var


def passed(sizes, params, rows=ROWS):
    return passes(sizes, params, rows, {}, live=cell_network(sizes).statistics)


@pytest.mark.parametrize("norm", ["domain", "shared"])
def test_batch_norm_goes_by_domain_or_by_both(norm):
    sizes = sizes_of(norm)
    params = start_of(sizes).variables["params"]
    params = {**params, "bn1": {**params["bn1"], "scale": jnp.linspace(0.5, 2, 6), "bias": jnp.linspace(-1, 1, 6)}}
    seen, moved = passed(sizes, params)
    x = jnp.concatenate([ROWS[LINES].x, ROWS[CELLS].x])
    _, mean, var = by_hand(params, x, None, None)
    for domain, batch in ROWS.items():
        one = (None, None) if norm == "domain" else (mean, var)
        expected, own, own_var = by_hand(params, batch.x, *one)
        np.testing.assert_allclose(seen[domain].activations["bottleneck"], expected, atol=1e-5)
        name = "bn1@cells" if (norm, domain) == ("domain", CELLS) else "bn1"
        n = len(batch.x) if norm == "domain" else len(x)
        np.testing.assert_allclose(moved[f"{name}/mean"], MOMENTUM * own, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(moved[f"{name}/var"], 0.9 + MOMENTUM * own_var * n / (n - 1), rtol=1e-4)
    assert set(moved) == set(cell_network(sizes).statistics)


@pytest.mark.parametrize("norm", ["domain", "shared"])
def test_padding_moves_no_batch_norm_and_one_row_takes_what_is_stored(norm):
    sizes = sizes_of(norm)
    params = start_of(sizes).variables["params"]
    more = {
        d: Batch(jnp.concatenate([b.x, 9 * b.x[:2]]), b.y, jnp.concatenate([b.w, jnp.zeros(2)]))
        for d, b in ROWS.items()
    }
    (seen, moved), (padded, also) = passed(sizes, params), passed(sizes, params, more)
    for domain, out in seen.items():
        np.testing.assert_allclose(padded[domain].prediction[: len(out.prediction)], out.prediction, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), moved, also)
    one = {LINES: Batch(ROWS[LINES].x[:1], None, jnp.ones(1))}
    seen, moved = passed(sizes, params, one)
    still = passes(sizes, params, one, {})[0]
    np.testing.assert_array_equal(seen[LINES].prediction, still[LINES].prediction)
    np.testing.assert_array_equal(moved["bn1/mean"], params["bn1"]["mean"])


def test_a_table_of_both_domains_is_read_by_each_ones_statistics():
    sizes = sizes_of("domain")._replace(last_cells=7)
    params = start_of(sizes).variables["params"]
    params = unflatten({**flatten(params), "bn1@cells/mean": jnp.full(6, 0.3), "bn1/var": jnp.full(6, 2.0)})
    network = cell_network(sizes)
    table = jnp.concatenate([ROWS[LINES].x, ROWS[CELLS].x])
    apart, _ = passes(sizes, params, ROWS, {})
    expected = np.concatenate([apart[LINES].prediction, apart[CELLS].prediction])
    np.testing.assert_allclose(network.apply({"params": params}, table).prediction, expected, atol=1e-6)
    inner = network.prefix({"params": params}, table, 2).prediction
    np.testing.assert_allclose(network.apply({"params": params}, inner, start=2).prediction, expected, atol=1e-6)


def test_frozen_statistics_stay_to_the_bit_and_the_others_move():
    sizes = sizes_of("domain")
    start = start_of(sizes)
    start = replace(start, trainable=tuple(n for n in start.trainable if not n.startswith("bn1@cells")))
    found = trained(sizes, ("supervised", "coral"), 2, start, start.trainable, coral=1.0).trained
    assert not any(name.startswith("bn1@cells") for name in found)
    assert np.abs(found["bn1/mean"]).max() > 0
    # What is stored normalises the cells then, so other statistics make another network.
    other = flatten(start.variables["params"]) | {"bn1@cells/mean": jnp.full(6, 3.0)}
    moved = trained(
        sizes,
        ("supervised", "coral"),
        2,
        replace(start, variables={"params": unflatten(other)}),
        start.trainable,
        coral=1.0,
    )
    assert np.abs(moved.trained["encoder1/kernel"] - found["encoder1/kernel"]).max() > 0


def test_players_move_in_turn_and_the_other_half_stays_to_the_bit():
    sizes = sizes_of()
    begin = flatten(params_of(sizes, ("supervised", "dann_minmax")))
    start = Transfer({"params": unflatten(begin)}, tuple(begin))  # with the discriminator, whose draw is then the same
    after = [trained(sizes, ("supervised", "dann_minmax"), k, start, dann_minmax=1.0).trained for k in (1, 2, 3)]
    for leaf, value in begin.items():
        first, second, third = (np.asarray(one[leaf]) for one in after)
        if leaf.startswith("discriminator"):
            assert np.abs(first - value).max() > 0, leaf
            np.testing.assert_array_equal(second, first)
            assert np.abs(third - second).max() > 0
        else:
            np.testing.assert_array_equal(first, value)
            assert np.abs(second - first).max() > 0, leaf
            np.testing.assert_array_equal(third, second)


def test_the_game_s_gradients_are_of_one_loss_down_and_up():
    sizes, names = sizes_of(), ("supervised", "dann_minmax")
    params = params_of(sizes, names)
    slope = flatten(jax.grad(lambda p: loss_of(sizes, names, p, dann_minmax=2.0)[0])(params))
    reversed_ = flatten(jax.grad(lambda p: loss_of(sizes, ("supervised", "dann"), p, dann=2.0)[0])(params))
    for leaf, value in slope.items():
        np.testing.assert_allclose(value, reversed_[leaf], atol=1e-6)
    slower = trained(sizes, names, 1, dann_minmax=1.0, discriminator_rate=0.5).trained
    plain = trained(sizes, names, 1, dann_minmax=1.0).trained
    begin = flatten(params_of_run(sizes, names))
    leaf = "discriminator1/kernel"
    np.testing.assert_allclose(slower[leaf] - begin[leaf], 0.5 * (plain[leaf] - begin[leaf]), atol=1e-6)


def params_of_run(sizes, names):
    return with_extra(summed(cell_network(sizes), sizes, names), run_key(1), start_of(sizes)).variables["params"]


def test_the_teacher_is_the_student_s_running_mean():
    sizes, names = sizes_of(), ("supervised", "mean_teacher")
    begin = flatten(start_of(sizes).variables["params"])
    students = [begin, *(trained(sizes, names, k, mean_teacher=1.0).trained for k in (1, 2, 3))]
    teacher = dict(begin)
    for k in range(3):  # a step ends with the student before it
        teacher = {leaf: 0.99 * value + 0.01 * students[k][leaf] for leaf, value in teacher.items()}
    for leaf, value in teacher.items():
        np.testing.assert_allclose(students[3][f"teacher.{leaf}"], value, rtol=1e-5, atol=1e-7)


def test_the_student_is_held_to_the_teacher_on_masked_cells():
    sizes, names = sizes_of()._replace(binary=True), ("mean_teacher",)
    params = params_of(sizes, names)
    other = {**params, "teacher.head": {**params["head"], "bias": params["head"]["bias"] + 1}}
    value, parts = loss_of(sizes, names, other, mean_teacher=3.0)
    logit = np.asarray(cell_network(sizes).apply({"params": params}, ROWS[CELLS].x).prediction, np.float64)
    gap = 1 / (1 + np.exp(-logit)) - 1 / (1 + np.exp(-logit - 1))
    np.testing.assert_allclose(value, 3 * np.square(gap).mean(), rtol=1e-5)
    assert set(parts[STATISTICS]) == {f"teacher.{leaf}" for leaf in flatten(start_of(sizes).variables["params"])}
    same, _ = loss_of(sizes, names, params, mean_teacher=3.0)
    masked, _ = loss_of(sizes, names, params, mean_teacher=3.0, masked=0.5)
    assert same == 0
    assert masked > 0


def test_a_variational_code_s_loss_is_its_bound():
    sizes, names = sizes_of(), ("variational",)
    params = params_of(sizes, names)
    mean, spread = (RANDOM.normal(size=(5, 4)) for _ in range(2))
    expected = 0.5 * (np.exp(spread) + mean**2 - 1 - spread).sum(axis=1)
    np.testing.assert_allclose(divergence(jnp.asarray(mean), jnp.asarray(spread)), expected, rtol=1e-5)
    # Where the head says that there is hardly any spread, genes are rebuilt from the mean alone.
    flat = {name: np.asarray(leaf, np.float64) for name, leaf in flatten(params).items()}
    flat["log_variance/kernel"], flat["log_variance/bias"] = np.zeros((6, 4)), np.full(4, -40.0)
    still = unflatten({name: jnp.asarray(leaf, jnp.float32) for name, leaf in flat.items()})

    def layer(name, h):
        return h @ flat[f"{name}/kernel"] + flat[f"{name}/bias"]

    total = {}
    for domain, rows in ROWS.items():
        x = np.asarray(rows.x, np.float64)
        z = layer("bottleneck", np.maximum(layer("encoder1", x), 0))
        gap = np.square(layer("decoder2", np.maximum(layer("decoder1", z), 0)) - x).mean()
        total[domain] = gap + 2 / 9 * 0.5 * (np.exp(-40) + z**2 - 1 + 40).sum(axis=1).mean()
    np.testing.assert_allclose(loss_of(sizes, names, still)[0], sum(total.values()), rtol=1e-5)
    alone, _ = loss_of(sizes, names, still, rebuild_train=0.0)
    np.testing.assert_allclose(alone, total[CELLS], rtol=1e-5)
    slope = flatten(jax.grad(lambda p: loss_of(sizes, names, p)[0])(params))
    assert np.abs(slope["log_variance/kernel"]).max() > 0
