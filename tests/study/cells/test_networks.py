"""Networks from lines to cells: seeds as lanes, what they may see, what is found again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tl_jax.checkpoint import load_stage
from tl_jax.config import NetworkConfig
from tl_jax.data.cells.modules import correlated, from_gmt
from tl_jax.errors import InputError
from tl_jax.study.cells import networks, published
from tl_jax.study.cells.judge import comparisons
from tl_jax.study.cells.network_rows import rows_of
from tl_jax.study.cells.settings import CellSettings, NetworkSettings, PublishedSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.signs import directions
from tl_jax.study.cells.study import run_cells
from tl_jax.study.core.arms import How
from tl_jax.trees import flatten

OWN = NetworkSettings(seeds=2, transfers=(("none", 1.0), ("coral", 0.5)), genes=60, hidden=(8,), bottleneck=8, epochs=3)
SETTINGS = CellSettings(repeats=2, bootstraps=4, min_genes=100, arms=("ridge",), networks=OWN)


@pytest.fixture(scope="module")
def setup():
    return make_setup(SETTINGS)


@pytest.fixture(scope="module", autouse=True)
def checkpoints(tmp_path_factory):
    """Every study of this file keeps its checkpoints in a folder of its own run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("work"))
        yield


def how(work=None):
    return How(NetworkConfig(), work=work)


def scores_of(*asked):
    return {name: arm.scores for name, arm in networks.network_arms(*asked).items()}


@pytest.fixture(scope="module")
def found(setup):
    return scores_of(setup, SETTINGS, how())


def test_every_stage_is_an_arm(found, setup):
    names = ["pretransfer", "unpretrained", "none", "coral_0.5"]
    assert list(found) == [f"network_{name}" for name in names]
    lines = len(setup.lines) - round(0.8 * len(setup.lines))
    for scores in found.values():
        assert scores.shape == (2, lines + 2 * len(setup.cells))
        assert np.isfinite(scores).all()
        assert scores.std() > 0
        assert np.abs(scores[0] - scores[1]).max() > 0
    pairs = [(a, b) for a in found for b in found if a < b]
    assert all(np.abs(found[a] - found[b]).max() > 0 for a, b in pairs)


@pytest.mark.full
def test_a_seed_among_others_is_the_seed_alone(found, setup):
    alone = scores_of(setup, replace(SETTINGS, networks=replace(OWN, seeds=1)), how())
    for name, scores in alone.items():
        np.testing.assert_array_equal(scores[0], found[name][0])


@pytest.mark.full
@pytest.mark.shipped
def test_that_holds_for_distances_of_pairs_as_users_compile_them(setup):
    """Without the compiler's optimisation their sums run in another order on one device than on two."""
    own = replace(OWN, transfers=(("mmd", 1.0),))
    both, alone = (scores_of(setup, replace(SETTINGS, networks=replace(own, seeds=seeds)), how()) for seeds in (2, 1))
    for name, scores in alone.items():
        np.testing.assert_array_equal(scores[0], both[name][0])


def test_pre_training_sees_no_response(setup, tmp_path):
    found = []
    for number, y in enumerate((setup.y, setup.y[::-1].copy())):
        own = replace(SETTINGS, checkpoint_dir=str(tmp_path / str(number)))
        scores_of(replace(setup, y=y), own, how())
        names = {path.name.split("-")[0]: path for path in (tmp_path / str(number) / "cells").iterdir()}
        found.append({stage: (path.name, flatten(load_stage(path)[0]["params"])) for stage, path in names.items()})
    one, other = found
    assert one["pretraining"][0] == other["pretraining"][0]  # so the second drug finds what the first has trained
    for leaf, values in one["pretraining"][1].items():
        np.testing.assert_array_equal(values, other["pretraining"][1][leaf])
    assert one["predictor"][0] != other["predictor"][0]


def test_a_resumed_study_trains_nothing_twice(setup, found, tmp_path, monkeypatch):
    settings = [replace(SETTINGS, checkpoint_dir=str(tmp_path / name)) for name in ("kept", "empty")]
    first = scores_of(setup, settings[0], how(tmp_path))

    def refuse(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr("tl_jax.training.runs.fitting_program", refuse)
    by_checkpoint, by_parts = (scores_of(setup, own, how(tmp_path)) for own in settings)
    for name, scores in found.items():
        for again in (first, by_checkpoint, by_parts):
            np.testing.assert_array_equal(again[name], scores)
    other = replace(settings[0], networks=replace(OWN, transfers=(("coral", 0.25),)))
    with pytest.raises(AssertionError, match="trained again"):  # of another weight nothing is found
        scores_of(setup, other, how(tmp_path))


@pytest.mark.full
def test_another_seed_or_width_is_another_pre_training(setup, found):
    folder = Path("checkpoints/cells")
    before = len(list(folder.iterdir()))
    scores_of(setup, SETTINGS, how())
    assert len(list(folder.iterdir())) == before
    scores_of(setup, replace(SETTINGS, seed=401, networks=replace(OWN, seeds=1)), how())
    assert len(list(folder.iterdir())) == before + 5


@pytest.mark.full
def test_the_order_of_the_cells_in_their_file_changes_nothing(setup, found):
    order = np.random.default_rng(3).permutation(len(setup.cells))
    moved = replace(setup, cells=setup.cells.rows(order), plain=setup.plain[order], smooth=setup.smooth[order])
    again = scores_of(moved, SETTINGS, how())
    lines = found["network_none"].shape[1] - 2 * len(order)
    for name, scores in found.items():
        expected = scores[:, np.concatenate([np.arange(lines), lines + order, lines + len(order) + order])]
        np.testing.assert_allclose(again[name], expected, atol=1e-6)


def test_scdeal_sees_the_cells_that_passed(setup):
    kept = np.arange(5, 200)
    few = replace(setup, cells=setup.cells.rows(kept), kept=kept)
    _, cells = published.own_genes(SETTINGS, few)
    assert list(cells.samples) == list(few.cells.samples)


@pytest.mark.full
def test_more_seeds_than_draws_vary_over_seeds_and_intervals_stay_possible(setup):
    own = replace(SETTINGS, networks=replace(OWN, seeds=3, transfers=(("none", 1.0),)), arms=("ridge",))
    results = run_cells(own, setup)
    assert results.varies["network_none_smoothed"] == "seeds"
    truth = setup.cells.obs["sensitive"].to_numpy(float)
    table = comparisons(results, truth).set_index(["arm", "reference", "over"])
    assert table.loc[("network_none", "network_pretransfer", "seeds"), "draws"] == 3
    assert table.loc[("network_none", results.main, "lines"), "draws"] == 2  # those that both have, of the same lines
    assert table.loc[("network_none", results.main, "seeds"), "draws"] == 3
    assert table[["ci_low", "ci_high"]].abs().to_numpy().max() <= 1


def test_two_classes_stay_as_they_are(setup):
    """A tenth of the lines is sensitive; a fifth would be all of them."""
    y = np.where(np.argsort(np.argsort(setup.y)) < len(setup.y) // 10, 0.0, 1.0)
    own = replace(setup, y=y)
    rows = rows_of(own, SETTINGS, replace(OWN, binary=True))
    lines = len(y)
    np.testing.assert_array_equal(rows.y[1, lines : 2 * lines], y == 0)
    np.testing.assert_array_equal(published.tables_of(own, SETTINGS, True).y, y == 0)
    assert rows.balance[0] == pytest.approx(1 - (y[rows.train[0][0]] == 0).mean())


def test_an_unknown_transfer_is_refused_before_any_work(setup, monkeypatch):
    monkeypatch.setattr("tl_jax.study.cells.study.arms_of", None)
    with pytest.raises(InputError, match="no term or distance 'kl'"):
        run_cells(replace(SETTINGS, networks=replace(OWN, transfers=(("kl", 1.0),))), setup)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": 0}, "--seeds=0"),
        ({"genes": 0}, "--network_genes=0"),
        ({"dropout": 1.0}, "--dropout=1.0"),
        ({"attention": ("A9",)}, "there are: none, A1, A2, A3"),
        ({"attention": ("A1",), "bottleneck": 20}, "multiple of 32"),
        ({"transfers": (("mmd", -1.0),)}, "must be a number that is not below 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(OWN, **change)


def test_directions_count_draws_that_run_the_score_s_way():
    axis = np.arange(6.0)
    scores = {"main": np.stack([axis, axis + 1]), "turned": np.stack([axis, -axis]), "flat": np.zeros((2, 6))}
    table = directions(scores, "main", np.stack([axis, -axis], axis=1))
    assert table.to_numpy().tolist() == [["main", 1, 1.0], ["turned", 1, 0.5], ["main", 2, 1.0], ["turned", 2, 0.5]]


def test_modules_are_of_genes_that_run_together(tmp_path):
    random = np.random.default_rng(1)
    factors = random.normal(size=(50, 4))
    x = np.repeat(factors, 6, axis=1) + 0.1 * random.normal(size=(50, 24))
    found = correlated(x, 0)
    assert sorted(g for own in found for g in own) == list(range(24))
    for own in found:
        assert len({gene // 6 for gene in own}) == 1
    genes = np.array(["EGFR", "BRAF", "TP53", "MYC", "KRAS", "PTEN", "RB1", "ABL1", "ALK", "KIT", "MET", "ERBB2"])
    file = tmp_path / "own.gmt"
    file.write_text("".join(f"SET{k}\tnone\t" + "\t".join(genes[k * 3 : k * 3 + 3]) + "\n" for k in range(4)))
    assert from_gmt(str(file), genes) == tuple(tuple(range(k * 3, k * 3 + 3)) for k in range(4))
    file.write_text("SET\tnone\tEGFR\tBRAF\tTP53\n")
    with pytest.raises(InputError, match="1 sets hold at least 3"):
        from_gmt(str(file), genes)
    file.write_text("SET only\n")
    with pytest.raises(InputError, match="line 1: a set is a name"):
        from_gmt(str(file), genes)


@pytest.mark.full
def test_the_paper_s_networks_and_its_cluster_term():
    pytest.importorskip("igraph")
    own = PublishedSettings(seeds=2, hidden=(8, 6), bottleneck=4, predictor=(6, 4), epochs=3)
    settings = replace(SETTINGS, networks=None, published=own)
    results = run_cells(settings, make_setup(settings))
    for name in ("paper before", "paper"):
        assert results.scores[name].shape == (2, len(results.setup.cells))
        assert np.abs(np.diff(results.scores[name], axis=0)).max() > 0
    with pytest.raises(InputError, match="--repaired=all: there are: separate_genes"):
        run_cells(replace(settings, published=replace(own, repaired=("all",))), results.setup)


def test_the_quirk_table_reads_both_ends():
    rows = [("paper without one_kernel", "auroc", 0.7, 0.1), ("repaired with one_kernel", "auroc", 0.4, 0.2)]
    arms = pd.DataFrame([*rows, ("paper without one_kernel", "mcc", 9, 9)], columns=["arm", "metric", "mean", "sd"])
    table = published.quirk_table(arms).set_index("quirk")
    assert table.loc["one_kernel"].iloc[1:].tolist() == [0.7, 0.1, 0.4, 0.2]
    assert list(table.index) == list(published.QUIRKS)


def test_the_cluster_term_against_a_double_loop():
    pytest.importorskip("igraph")
    random = np.random.default_rng(2)
    hidden = np.concatenate([random.normal(0, 0.1, size=(15, 3)), random.normal(5, 0.1, size=(15, 3))])
    genes = random.normal(size=(30, 7))
    unit, total = genes / np.linalg.norm(genes, axis=1, keepdims=True), 0.0
    for own in (range(15), range(15, 30)):  # two clusters that no edge joins; Louvain may split them further
        total += sum(1 - unit[i] @ unit[j] for i in own for j in own) / (2 * 15**2 - 15)
    found = published.spread_of(hidden, genes, np.ones(30))
    near = published.nearest(hidden, 11)[:, 1:]
    assert (near[:15] < 15).all()
    assert (near[15:] >= 15).all()
    assert found == pytest.approx(total, rel=0.25)
    more = published.spread_of(np.vstack([hidden, hidden]), np.vstack([genes, genes]), np.repeat([1.0, 0.0], 30))
    assert more == found
