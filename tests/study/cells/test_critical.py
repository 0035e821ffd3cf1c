"""Genes that move networks, attention beside them, and the network that is shown before and after transfer."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest
from jax.tree_util import Partial

from tl_jax.config import NetworkConfig
from tl_jax.models.cell_net import BOTTLENECK, CellNet, cell_network, forward
from tl_jax.study.cells import attention_read, transferred
from tl_jax.study.cells.critical import at_once, critical_genes, importance_and_slope, jaccard, models_of
from tl_jax.study.cells.networks import network_arms
from tl_jax.study.cells.outputs import network_columns
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import CellResults, callings, take
from tl_jax.study.core.arms import How

pytestmark = pytest.mark.full  # a study of their own

OWN = NetworkSettings(
    seeds=2, transfers=(("none", 1.0), ("coral", 1.0)), genes=60, hidden=(8,), bottleneck=8, epochs=3, batch_size=64
)
SETTINGS = CellSettings(repeats=2, bootstraps=4, min_genes=100, arms=("ridge",), networks=OWN)
RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What a study holds after its networks."""
    patch = pytest.MonkeyPatch()
    patch.chdir(tmp_path_factory.mktemp("critical"))
    setup = make_setup(SETTINGS)
    found = CellResults(SETTINGS, setup, networks=network_arms(setup, SETTINGS, How(NetworkConfig())))
    for name, arm in found.networks.items():
        take(found, name, arm.scores)
        if name.endswith(("none", "coral")):
            found.before[name] = "network_pretransfer"
    found.callings = callings(found, setup.problem(SETTINGS))
    yield found
    patch.undo()


def rerun(arm, model, x):
    """The network by plain matrix products."""
    own = model["params"]
    h = np.maximum(x @ own["encoder1"]["kernel"] + own["encoder1"]["bias"], 0)
    z = h @ own["bottleneck"]["kernel"] + own["bottleneck"]["bias"]
    h = np.maximum(z @ own["predictor1"]["kernel"] + own["predictor1"]["bias"], 0)
    return z, (h @ own["head"]["kernel"] + own["head"]["bias"])[:, 0]


def test_attributions_add_up_and_a_ridge_is_its_own_attribution(results):
    setup, genes = results.setup, results.setup.lines.genes
    weights = RANDOM.normal(size=(3, len(genes)))
    tables, both = critical_genes(results.networks, weights, genes, 1)
    listed, overlap = tables["critical_genes"], tables["critical_overlap"].set_index("arm")
    assert list(overlap.index) == ["ridge", *results.networks]
    assert set(listed["arm"]) == set(overlap.index)
    assert (overlap["incomplete"] < 0.02).all()
    assert overlap.loc["network_coral", "runs"] == 2
    # The ridge: w times the gene, so that a mean weight below 0 speaks for resistant.
    own = listed[listed["arm"] == "ridge"].set_index("gene")
    arm = next(iter(results.networks.values()))
    at = np.flatnonzero(np.isin(genes, arm.nets.genes))
    np.testing.assert_allclose(own.loc[genes[at], "slope"], weights[:, at].mean(axis=0), rtol=1e-6)
    x = np.abs(setup.smooth[:, at]).mean(axis=0)
    wanted = (np.abs(weights[:, at]) * x[None]).mean(axis=0)
    drawn = own.loc[genes[at], "importance"] / wanted
    assert drawn.between(0.7, 1.4).all()  # 200 of the 240 cells are drawn
    assert own["rank"].iloc[0] == 1
    assert {arm: table.shape for arm, table in both.items()} == dict.fromkeys(both, (60, 2))


def test_a_linear_network_has_the_slope_of_its_weights():
    x, w = RANDOM.normal(size=(50, 4)), np.array([2.0, -1.0, 0.0, 0.5])
    importance, slope = importance_and_slope(x * w, x)
    np.testing.assert_allclose(slope, w)
    np.testing.assert_allclose(importance, np.abs(w) * np.abs(x).mean(axis=0))


def test_overlap_is_over_pairs():
    sets = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 1]], bool)
    assert jaccard(sets) == pytest.approx((1 / 3 + 0 + 1 / 3) / 3)
    assert np.isnan(jaccard(sets[:1]))


def test_the_models_are_those_whose_scores_are_read(results):
    """Three epochs are read thrice; the last reading is that of the kept weights."""
    arm = results.networks["network_coral"]
    x = results.setup.smooth[:, np.isin(results.setup.lines.genes, arm.nets.genes)]
    for model, prediction in zip(models_of(arm), arm.of_cells, strict=True):
        _, own = rerun(arm, model, x)
        assert np.corrcoef(own, prediction)[0, 1] > 0.9


def test_many_tokens_are_taken_few_rows_at_a_time():
    assert at_once(CellNet()) == 4096
    assert at_once(CellNet(attention="A3", modules=(tuple(range(512)),))) == 7


def test_bottlenecks_are_of_the_first_seed_in_the_order_of_the_cells(results, monkeypatch):
    monkeypatch.setattr(transferred, "at_once", lambda sizes: 100)  # 240 cells in three parts
    assert transferred.shown(results) == ("network_pretransfer", "network_coral")  # "none" is no transfer
    places = transferred.bottlenecks(results)
    assert list(places) == ["X_tl_pretransfer", "X_tl"]
    for name, arm in zip(places, transferred.shown(results), strict=True):
        own = results.networks[arm]
        x = results.setup.smooth[:, np.isin(results.setup.lines.genes, own.nets.genes)]
        np.testing.assert_allclose(places[name], rerun(own, models_of(own)[0], x)[0], atol=1e-4)


def test_columns_before_and_after_transfer_are_the_networks_own(results):
    table = network_columns(results)
    for ending, arm in (("_pretransfer", "network_pretransfer"), ("_transferred", "network_coral")):
        scores = results.scores[f"{arm}_smoothed"]
        np.testing.assert_array_equal(table[f"sens_score{ending}"], scores.mean(axis=0))
        calls = results.callings[f"{arm}_smoothed"].calls(scores.mean(axis=0))
        np.testing.assert_array_equal(table[f"sens_label{ending}"], calls)


def test_groups_of_a_linear_function_move_it_by_their_own_part():
    rows, w = RANDOM.normal(size=(40, 6)).astype("f4"), RANDOM.normal(size=6).astype("f4")
    base, groups = rows[0], [np.array([0, 2]), np.array([1, 3, 4]), np.array([5])]
    summed, changed = attention_read.moved(Partial(lambda w, x: x @ w, w), rows, base, groups, 1)
    order = np.random.default_rng([1, 15]).permutation(40)
    for k, own in enumerate(groups):
        assert summed[k] == pytest.approx(np.abs((rows[:, own] - base[own]) @ w[own]).mean(), rel=1e-4)
        assert changed[k] == pytest.approx(np.abs((rows[order][:, own] - rows[:, own]) @ w[own]).mean(), rel=1e-4)


@pytest.mark.parametrize("attention", ["A1", "A2", "A3"])
def test_attention_is_read_where_the_prediction_is(attention):
    modules = {"A1": (), "A2": ((0, 1), (2, 3, 4), (5,)), "A3": ((1, 4, 7),)}[attention]
    sizes = CellNet((8,), 32, (6,), False, attention, modules)
    model = cell_network(sizes).init(jax.random.key(2), 9)
    x = RANDOM.normal(size=(7, 9)).astype("f4")
    arm = SimpleNamespace(nets=SimpleNamespace(sizes=sizes))
    read, summed, changed = attention_read.measured(arm, model, x, 1)
    seen = forward(sizes, model, x).activations
    weights = np.asarray(seen["weights"])
    count = {"A1": 8, "A2": 3, "A3": 3}[attention]
    wanted = [
        np.mean([w[h, q, k + (attention != "A1")] for w in weights for h in range(4) for q in queries])
        for k in range(count)
        for queries in [range(8) if attention == "A1" else [0]]
    ]
    np.testing.assert_allclose(read, wanted, rtol=1e-5)
    assert len(summed) == len(changed) == count
    assert (changed > 0).all()
    if attention == "A1":  # a piece of the bottleneck that is exchanged by hand
        z = np.array(seen[BOTTLENECK])
        z[:, :4] = z[np.random.default_rng([1, 15]).permutation(7), :4]
        after = cell_network(sizes).apply(model, z, start=2).prediction
        assert changed[0] == pytest.approx(float(np.abs(after - forward(sizes, model, x).prediction).mean()), rel=1e-3)
