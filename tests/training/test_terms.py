"""The terms of an objective of two domains, each against a slow or an independent calculation."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from selection import full

from tl_jax.config import FitConfig
from tl_jax.errors import InputError
from tl_jax.keys import run_key
from tl_jax.models.cell_net import CELLS, LINES, CellNet, cell_network
from tl_jax.training.domain_terms import CLUSTERS, cluster_spread
from tl_jax.training.fit import fit
from tl_jax.training.objective import with_extra
from tl_jax.training.terms import get_term, summed
from tl_jax.transfer.losses import gaussian_mmd, get_distance, squared_distances
from tl_jax.trees import flatten
from tl_jax.types import Batch, Hparams, Transfer

SIZES = CellNet((6,), 4, (5,))
NETWORK = cell_network(SIZES)
RANDOM = np.random.default_rng(5)
ROWS = {
    LINES: Batch(*(jnp.asarray(RANDOM.normal(size=shape), jnp.float32) for shape in ((11, 9), (11,))), jnp.ones(11)),
    CELLS: Batch(jnp.asarray(RANDOM.normal(1, size=(7, 9)), jnp.float32), None, jnp.ones(7)),
}
START = Transfer.fresh(NETWORK.init(jax.random.key(2), 9))
CONFIG = FitConfig(epochs=3, batch_size=4, optimizer="adam", curves=False)


def numbers(**weights):
    return Hparams(1e-2, 0.0, 0.0, (0.0,), weights={"ramp": 0.0, "masked": 0.0, "balance": 0.5, **weights}).arrays()


def loss_of(names, params, batches=ROWS, progress=0.5, **weights):
    objective = summed(NETWORK, SIZES, names)
    return jax.jit(objective.loss)(params, batches, numbers(**weights), jax.random.key(0), jnp.float32(progress))


def params_of(names):
    return with_extra(summed(NETWORK, SIZES, names), jax.random.key(4), START).variables["params"]


def test_each_database_is_learned_from_what_it_measured():
    """Against numpy, by heads that are given; a response that was not measured changes nothing, not even as NaN."""
    sizes = SIZES._replace(databases=3)
    network, y = cell_network(sizes), RANDOM.normal(size=(11, 3)).astype(np.float32)
    known = RANDOM.random((11, 3)) < 0.6
    objective = summed(network, sizes, ("supervised", "databases"))
    params = with_extra(objective, jax.random.key(4), START).variables["params"]
    batch = ROWS[LINES]._replace(y=jnp.where(known, y, jnp.nan))
    (total, values), slope = jax.value_and_grad(objective.loss, has_aux=True)(
        params, {LINES: batch}, numbers(), jax.random.key(0), jnp.float32(0)
    )
    seen = network.apply({"params": params}, batch.x)
    kernel, bias = (np.asarray(params["databases"][part]) for part in ("kernel", "bias"))
    others = np.asarray(seen.activations["predictor1"]) @ kernel + bias
    gap = np.square(np.column_stack([seen.prediction, others]) - y)
    np.testing.assert_allclose(values["supervised"], gap[:, 0][known[:, 0]].mean(), rtol=1e-5)
    np.testing.assert_allclose(values["databases"], gap[:, 1:][known[:, 1:]].mean(), rtol=1e-5)
    np.testing.assert_allclose(total, values["supervised"] + values["databases"], rtol=1e-6)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))


def padded(batch):
    """The same rows and two more of weight 0."""
    more = [None if part is None else jnp.concatenate([part, part[:2] * 3]) for part in (batch.x, batch.y)]
    return Batch(*more, jnp.concatenate([batch.w, jnp.zeros(2)]))


REST = ("mmd_median", "dann", "entropy", "cluster", "reconstruction")


@pytest.mark.parametrize("name", ["mmd", "coral", *map(full, REST)])
def test_rows_of_weight_0_change_nothing(name):
    names = ("supervised", name)
    params = params_of(names)
    more = {domain: padded(batch) for domain, batch in ROWS.items()}
    found, expected = loss_of(names, params, more, **{name: 2.0}), loss_of(names, params, **{name: 2.0})
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)


@pytest.mark.parametrize("name", ["coral", *map(full, ("mmd", "entropy", "cluster", "self_training"))])
def test_a_weight_counts_once_the_ramp_is_up(name):
    names = ("supervised", name)
    params = params_of(names)
    value, parts = loss_of(names, params, **{name: 3.0})
    np.testing.assert_allclose(value, parts["supervised"] + 3 * parts[name], rtol=1e-6)
    value, _ = loss_of(names, params, progress=0.25, **{name: 3.0, "ramp": 0.5})
    np.testing.assert_allclose(value, parts["supervised"] + 1.5 * parts[name], rtol=1e-6)


def test_the_adversary_learns_at_full_weight_and_the_encoder_climbs_at_its_own():
    names = ("supervised", "dann")
    params = params_of(names)

    def gradients(weight):
        return flatten(slope(params, weight))

    slope = jax.jit(jax.grad(lambda p, weight: loss_of(names, p, dann=weight)[0]))
    plain = flatten(jax.jit(jax.grad(lambda p: loss_of(("supervised",), p)[0]))(params))
    once, twice = gradients(1.0), gradients(2.0)
    for leaf in once:
        if leaf.startswith("discriminator"):
            np.testing.assert_allclose(once[leaf], twice[leaf], rtol=1e-5, atol=1e-8)
            assert np.abs(once[leaf]).max() > 0
        else:  # what the adversary adds to the encoder doubles
            np.testing.assert_allclose(twice[leaf] - plain[leaf], 2 * (once[leaf] - plain[leaf]), atol=1e-6)
    # Up the discriminator's loss, not down it.
    step = {k: -0.01 * (once[k] - plain[k]) for k in once if k.startswith(("encoder", "bottleneck"))}
    moved = {m: {k: v + step.get(f"{m}/{k}", 0) for k, v in own.items()} for m, own in params.items()}
    assert loss_of(names, moved, dann=1.0)[1]["dann"] > loss_of(names, params, dann=1.0)[1]["dann"]


def test_soft_clusters_against_a_double_loop_and_finite_differences():
    x, member = RANDOM.normal(size=(6, 5)), RANDOM.dirichlet(np.ones(CLUSTERS), size=6)
    unit, total = x / np.linalg.norm(x, axis=1, keepdims=True), 0.0
    for k in range(CLUSTERS):
        n = member[:, k].sum()
        pairs = sum(member[i, k] * member[j, k] * (1 - unit[i] @ unit[j]) for i in range(len(x)) for j in range(len(x)))
        total += pairs / max(2 * n**2 - n, 1)
    with jax.enable_x64(True):
        found = cluster_spread(jnp.asarray(member), jnp.asarray(x))
        np.testing.assert_allclose(found, total, rtol=1e-12)
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params_of(("cluster",)))
        rows = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), ROWS)

        def value(centres):
            own = {**params, "clusters": {"centres": centres}}
            return loss_of(("cluster",), own, rows, cluster=1.0)[0]

        centres, quick = params["clusters"]["centres"], jax.jit(value)
        slope = jax.jit(jax.grad(value))(centres)
        for place in ((0, 0), (3, 2)):
            step = jnp.zeros_like(centres).at[place].set(1e-5)
            numeric = (quick(centres + step) - quick(centres - step)) / 2e-5
            np.testing.assert_allclose(slope[place], numeric, rtol=1e-5, atol=1e-10)


def test_pre_training_hides_genes_and_rebuilds_them():
    params, batch = params_of(("reconstruction",)), ROWS[LINES]
    flat = {name: np.asarray(leaf, np.float64) for name, leaf in flatten(params).items()}

    def layer(name, h):
        return h @ flat[f"{name}/kernel"] + flat[f"{name}/bias"]

    total = 0.0
    for rows in ROWS.values():
        x = np.asarray(rows.x, np.float64)
        z = layer("bottleneck", np.maximum(layer("encoder1", x), 0))
        total += np.square(layer("decoder2", np.maximum(layer("decoder1", z), 0)) - x).mean()
    np.testing.assert_allclose(loss_of(("reconstruction",), params)[0], total, rtol=1e-5)
    assert loss_of(("reconstruction",), params, masked=0.5)[0] != pytest.approx(total, rel=1e-3)
    hidden = loss_of(("reconstruction",), params, {LINES: batch, CELLS: batch}, masked=0.999)[0]
    nothing = layer("bottleneck", np.maximum(layer("encoder1", np.zeros((1, 9))), 0))
    empty = layer("decoder2", np.maximum(layer("decoder1", nothing), 0))
    np.testing.assert_allclose(hidden, 2 * np.square(empty - batch.x).mean(), rtol=0.05)


def test_labels_count_by_class():
    sizes = replace_binary(SIZES)
    network = cell_network(sizes)
    params = network.init(jax.random.key(2), 9)["params"]
    y = jnp.asarray([1.0] * 2 + [0.0] * 9)
    batches = {LINES: ROWS[LINES]._replace(y=y)}
    objective = summed(network, sizes, ("supervised",))
    value, _ = objective.loss(params, batches, numbers(balance=9 / 11), jax.random.key(0), 0.0)
    logit = np.asarray(network.apply({"params": params}, ROWS[LINES].x).prediction, np.float64)
    each = np.log1p(np.exp(logit)) - np.asarray(y) * logit
    np.testing.assert_allclose(value, (each[:2].mean() + each[2:].mean()) / 2, rtol=1e-5)


def replace_binary(sizes):
    return sizes._replace(binary=True)


def test_a_transfer_of_weight_0_trains_as_the_plain_objective():
    options = {"network": NETWORK, "config": CONFIG}
    plain = fit(
        run_key(1), START, ROWS[LINES], None, numbers(), objective=summed(NETWORK, SIZES, ("supervised",)), **options
    )
    own = summed(NETWORK, SIZES, ("supervised", "mmd"))
    none = fit(run_key(1), START, ROWS, None, numbers(mmd=0.0), objective=own, **options)
    some = fit(run_key(1), START, ROWS, None, numbers(mmd=1.0), objective=own, **options)
    for leaf, value in plain.trained.items():
        np.testing.assert_allclose(none.trained[leaf], value, atol=1e-6)
    assert any(np.abs(some.trained[leaf] - value).max() > 1e-4 for leaf, value in plain.trained.items())


def test_frozen_leaves_stay_to_the_bit_under_an_adversary():
    start = replace(START, trainable=tuple(n for n in START.trainable if not n.startswith("encoder1")))
    own = summed(NETWORK, SIZES, ("supervised", "dann"))
    found = fit(run_key(1), start, ROWS, None, numbers(dann=1.0), network=NETWORK, config=CONFIG, objective=own)
    assert not any(name.startswith("encoder1") for name in found.trained)
    assert any(name.startswith("discriminator1") for name in found.trained)


def test_an_unknown_term_is_refused():
    with pytest.raises(InputError, match="no term or distance 'kl'; terms: dann, dann_minmax"):
        get_term("kl")


@pytest.mark.parametrize("precision", [full("float32"), "float64"])
def test_mmd_against_scdeal_s_golden_numbers(golden, precision):
    case = golden("S1_scdeal")
    wide = precision == "float64"
    before = "f64_" if wide else ""
    with jax.enable_x64(wide):
        a, b = (jnp.asarray(case[f"{before}{side}_embedding"], precision) for side in ("source", "target"))
        ones = jnp.ones(len(a), precision)
        found = {
            "mmd_sigma1000": lambda b: get_distance("mmd_1000")(a, ones, b, ones),
            "mmd_sigma9": lambda b: gaussian_mmd(a, ones, b, ones, 9.0),
            "mmd_five_kernel_median": lambda b: get_distance("mmd_median")(a, ones, b, ones),
        }
        for name, function in found.items():
            value, slope = jax.value_and_grad(function)(b)
            expected, gradient = case[f"{before}{name}"], case[f"{before}{name}_gradient_target_embedding"]
            loose = {"rtol": 1e-6} if wide else {"atol": 5e-7 if name == "mmd_sigma1000" else 1e-5}
            np.testing.assert_allclose(value, expected, **loose)
            close = 1e-10 if wide else 3e-10 if name == "mmd_sigma1000" else 1e-6
            np.testing.assert_allclose(slope, gradient, atol=close)


def test_distances_by_columns_are_those_of_all_differences_at_once():
    rows, weight = (jnp.asarray(RANDOM.normal(size=shape), jnp.float32) for shape in ((9, 5), (9, 9)))

    def at_once(rows):
        return jnp.square(rows[:, None] - rows[None, :]).sum(axis=2)

    np.testing.assert_allclose(squared_distances(rows), at_once(rows), rtol=1e-6)
    slopes = [jax.grad(lambda r, of=of: (weight * of(r)).sum())(rows) for of in (squared_distances, at_once)]
    np.testing.assert_allclose(*slopes, rtol=1e-5, atol=1e-5)
