"""Stages of networks: what they are told apart by, what they come from, and that none is taken for another."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.checkpoint import load_stage
from tl_jax.config import NetworkConfig
from tl_jax.data.cells.simulate import DRUGS
from tl_jax.errors import InputError
from tl_jax.models.cell_net import names_of
from tl_jax.study.cells import networks, stages
from tl_jax.study.cells.critical import critical_genes, looked_at, models_of, predicted
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.transferred import bottleneck
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.core.arms import How
from tl_jax.study.core.lineage import lineage_text
from tl_jax.study.weights.exported import export_model

pytestmark = pytest.mark.full  # a study of their own

OWN = NetworkSettings(seeds=2, transfers=(("coral", 0.5),), genes=60, hidden=(8,), bottleneck=8, epochs=3)
SETTINGS = CellSettings(repeats=2, bootstraps=4, min_genes=100, arms=("ridge",), networks=OWN)
HOW = How(NetworkConfig())


@pytest.fixture(scope="module")
def setup():
    return make_setup(SETTINGS)


def other_drug(setup):
    """What the same lines and cells are for another drug of the same table."""
    return replace(setup, drug=DRUGS[2], y=setup.lines.y[DRUGS[2]].to_numpy())


def chain(setup, settings, transfer=""):
    """Ids of pre-training, predictor and transfer, without training any."""
    transfer = transfer or settings.networks.transfers[0][0]
    nets = next(networks.networks_of(setup, settings, HOW))
    found, before = [], None
    for name, terms in (
        ("pretrained", settings.networks.rebuilding),
        ("pretrained", ("supervised",)),
        (transfer, ("supervised", transfer)),
    ):
        lanes = nets.seeds(settings.networks.transfers[0][1] if name == transfer else 1.0)
        record = stages.identity(nets, name, terms, lanes, before)
        before = stages.Trained({}, np.zeros(0), record, None)
        found.append(record["id"])
    return found


def changed(**own):
    return replace(SETTINGS, networks=replace(OWN, **own))


GAME = changed(transfers=(("dann_minmax", 0.5),))


# What changes, and the first stage that it makes another: 0 pre-training, 1 predictor, 2 transfer.
CHANGES = {
    "weight": (2, changed(transfers=(("coral", 0.25),))),
    "ramp": (2, changed(ramp=0.3)),
    "dropout": (1, changed(dropout=0.2)),
    "masked": (0, changed(masked=0.3)),
    "seeds": (0, changed(seeds=3)),
    "seed": (0, replace(SETTINGS, seed=401)),
    "epochs": (0, changed(epochs=4)),
    "rate": (0, changed(learning_rate=2e-3)),
    "batches": (0, changed(batch_size=64)),
    "width": (0, changed(hidden=(9,))),
    "bottleneck": (0, changed(bottleneck=9)),
    "predictor": (0, changed(predictor=(9,))),
    "labels": (0, changed(binary=True)),
    "genes": (0, changed(genes=61)),
    "attention": (0, changed(attention=("A2",))),
    "smoothing": (0, replace(SETTINGS, smooth=5)),
    "none smoothed": (0, replace(SETTINGS, smooth=0)),
    "scaler": (0, replace(SETTINGS, scaler="rank")),
    "draws": (0, replace(SETTINGS, repeats=3)),
    "share": (0, replace(SETTINGS, share=0.7)),
    "response": (1, replace(SETTINGS, response="quantile:0.3")),
    "batch norm": (0, changed(batch_norm="domain")),
    "shared batch norm": (0, changed(batch_norm="shared")),
    "autoencoder": (0, changed(pretraining="autoencoder")),
    "variational": (0, changed(pretraining="variational")),
    "bulk": (0, changed(pretrain_on="bulk")),
    "cells": (0, changed(pretrain_on="cells")),
    "teacher": (2, changed(transfers=(("mean_teacher", 0.5),))),
    "game": (2, GAME),
    "rate of the discriminator": (2, replace(GAME, networks=replace(GAME.networks, discriminator_rate=2.0))),
    "its steps": (2, replace(GAME, networks=replace(GAME.networks, discriminator_steps=2))),
}


def test_whatever_determines_the_weights_makes_another_stage(setup):
    first, seen = chain(setup, SETTINGS), {}
    assert chain(make_setup(SETTINGS), SETTINGS) == first
    for name, (since, settings) in CHANGES.items():
        same = replace(settings, networks=OWN, seed=SETTINGS.seed) == SETTINGS
        found = chain(setup if same else make_setup(settings), settings)
        assert [a == b for a, b in zip(found, first, strict=True)] == [k < since for k in range(3)], name
        seen[name] = found[2]
    seen["drug"] = chain(other_drug(setup), SETTINGS)[2]
    seen["transfer"] = chain(setup, SETTINGS, "mmd")[2]
    assert chain(other_drug(setup), SETTINGS)[0] == first[0]
    renamed = replace(setup, cells=replace(setup.cells, samples=setup.cells.samples[::-1]))
    seen["order of names, by which batches are drawn"] = chain(renamed, SETTINGS)[2]
    assert chain(renamed, SETTINGS)[0] != first[0]
    assert len({first[2], *seen.values()}) == 1 + len(seen)


@pytest.fixture(scope="module")
def trained(setup, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stages")
    return folder, networks.network_arms(setup, replace(SETTINGS, checkpoint_dir=str(folder)), HOW)


def test_a_head_for_each_database_is_dropped_and_sees_training_lines_alone(setup, trained, tmp_path):
    drug, lines = setup.drug, setup.lines
    first, second = lines.y[[drug]].copy(), 2 * lines.y[[drug]] + 1
    first.iloc[::4], second.iloc[1::4] = np.nan, np.nan
    own = changed(database_head=True)
    two = replace(setup, lines=replace(lines, databases=(first, second)))
    arms = networks.network_arms(two, replace(own, checkpoint_dir=str(tmp_path)), HOW)
    before, plain = arms["network_pretransfer"], trained[1]["network_pretransfer"]
    assert before.record["ancestors"] == plain.record["ancestors"]
    more = set(load_stage(before.path)[0]["params"]) - set(load_stage(plain.path)[0]["params"])
    assert more == {"databases"}  # beside the network in its checkpoint, as a decoder is
    assert np.abs(before.scores - plain.scores).max() > 1e-4
    rows = before.nets.rows
    n, trains = len(lines), rows.train[0][0]
    values = np.nan_to_num(-rows.measured[0, :n])
    assert np.corrcoef(values[::2].sum(axis=1), np.nan_to_num(lines.y[drug].to_numpy()[::2]))[0, 1] > 0.5
    known = rows.measured[0, trains]
    np.testing.assert_allclose(np.nanmean(known, axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.nanstd(known, axis=0), 1, atol=1e-5)
    for wrong in ((), (first,), (first, second.iloc[:5])):
        with pytest.raises(InputError, match="--database_head needs --databases"):
            networks.check_networks(own.networks, replace(setup, lines=replace(lines, databases=wrong)))


def test_the_lineage_is_a_tree_that_is_kept(trained):
    folder, arms = trained
    own = arms["network_coral_0.5"]
    text = lineage_text(own.path)
    assert [line.strip(" └─").split(":")[0] for line in text.splitlines() if "lines_and_cells" in line] == [
        "pretraining",
        "predictor",
        "transfer",
    ]
    assert "2 seeds, stacked" in text
    assert "high = sensitive" in text
    assert own.record["ancestors"][1]["id"] == arms["network_pretransfer"].record["id"]
    assert arms["network_unpretrained"].record["ancestors"] == []
    assert len(list((folder / "cells").iterdir())) == 4
    assert all(load_stage(arm.path)[1]["id"] == arm.record["id"] for arm in arms.values())


@pytest.mark.full
def test_a_shared_folder_never_mixes_drugs_or_smoothing(setup, trained, tmp_path):
    folder, first = trained
    cases = [(other_drug(setup), SETTINGS)]
    cases.append((make_setup(replace(SETTINGS, smooth=0)), replace(SETTINGS, smooth=0)))
    for own, settings in cases:
        shared = networks.network_arms(own, replace(settings, checkpoint_dir=str(folder)), HOW)
        alone = networks.network_arms(own, replace(settings, checkpoint_dir=str(tmp_path / own.drug)), HOW)
        for arm in first:
            np.testing.assert_array_equal(shared[arm].scores, alone[arm].scores)
            assert np.abs(shared[arm].scores - first[arm].scores).max() > 0
    again = networks.network_arms(setup, replace(SETTINGS, checkpoint_dir=str(folder)), HOW)
    for arm in first:
        np.testing.assert_array_equal(again[arm].scores, first[arm].scores)


def test_a_stage_whose_predictions_are_lost_is_trained_again(setup, trained, monkeypatch):
    folder, first = trained
    (first["network_pretransfer"].path / stages.SEEN).unlink()
    made = []
    train = stages.train
    monkeypatch.setattr(stages, "train", lambda nets, name, *more: made.append(name) or train(nets, name, *more))
    again = networks.network_arms(setup, replace(SETTINGS, checkpoint_dir=str(folder)), HOW)
    assert made == ["pretrained"]
    for arm in first:
        np.testing.assert_array_equal(again[arm].scores, first[arm].scores)


@pytest.mark.parametrize("kind", ["up", "smote"])
def test_a_sampler_makes_another_predictor_of_the_same_pretraining(setup, kind):
    pytest.importorskip("imblearn")
    plain, other = (chain(setup, changed(binary=True, sampling=own)) for own in ("none", kind))
    assert [a == b for a, b in zip(plain, other, strict=True)] == [True, False, False]


def test_a_lane_that_differs_makes_another_stage(setup):
    nets = next(networks.networks_of(setup, SETTINGS, HOW))
    lanes, ids = nets.seeds(), set()
    for own in (lanes, *(lanes._replace(**{part: getattr(lanes, part)[::-1] * 2}) for part in lanes._fields)):
        ids.add(stages.identity(nets, "pretrained", ("supervised",), own, None)["id"])
    assert len(ids) == 1 + len(lanes._fields)


@pytest.mark.full
@pytest.mark.parametrize("own", [{"batch_norm": "domain"}, {"pretraining": "variational"}])
def test_settings_of_networks_find_their_own_stages_and_no_others(setup, tmp_path, monkeypatch, own):
    made, train = [], stages.train
    monkeypatch.setattr(stages, "train", lambda nets, name, *more: made.append(name) or train(nets, name, *more))

    def tables(settings):
        made.clear()
        arms = networks.network_arms(setup, replace(settings, checkpoint_dir=str(tmp_path)), HOW)
        found, both = critical_genes(arms, np.ones((2, len(setup.lines.genes))), setup.lines.genes, 0)
        x_tl = {name: bottleneck(arm) for name, arm in arms.items()}
        return {name: arm.scores for name, arm in arms.items()}, found, both, x_tl

    first = tables(changed(**own))
    assert len(made) == 4
    again = tables(changed(**own))
    assert made == []
    for name in first[0]:
        for one, other in ((first[part][name], again[part][name]) for part in (0, 2, 3)):
            assert np.isfinite(one).all()
            np.testing.assert_array_equal(one, other)
    for name, table in first[1].items():
        pd.testing.assert_frame_equal(table, again[1][name], check_exact=True)
    tables(changed(batch_norm="shared"))
    assert len(made) == 4


@pytest.mark.parametrize("kind", ["domain", pytest.param("shared", marks=pytest.mark.full)])
def test_networks_at_their_end_are_asked_as_cells(setup, tmp_path, kind):
    arms = networks.network_arms(setup, replace(changed(batch_norm=kind), checkpoint_dir=str(tmp_path)), HOW)
    for arm in arms.values():
        stacked = load_stage(arm.path)[0]["params"]
        x = arm.nets.cells.x[:5]
        for k, model in enumerate(models_of(arm)):
            h = x
            for name in names_of(arm.nets.sizes):
                own = {part: np.asarray(leaf[k]) for part, leaf in stacked[name].items()}
                if name.startswith("bn"):
                    if kind == "domain":
                        own |= {part: np.asarray(leaf[k]) for part, leaf in stacked[f"{name}@cells"].items()}
                    h = (h - own["mean"]) / np.sqrt(own["var"] + 1e-5) * own["scale"] + own["bias"]
                else:
                    h = h @ own["kernel"] + own["bias"]
                if name == "bottleneck":
                    np.testing.assert_allclose(looked_at(arm.nets.sizes)(model, x)[0], h, rtol=1e-4, atol=1e-5)
                h = np.maximum(h, 0) if name.startswith(("bn", "predictor")) else h
            np.testing.assert_allclose(predicted(arm.nets.sizes)(model, x), h[:, 0], rtol=1e-4, atol=1e-5)


def test_other_studies_refuse_networks_of_all_seeds(trained, tmp_path):
    path = trained[1]["network_pretransfer"].path
    for use in (
        lambda: export_model(path, tmp_path / "model.npz"),
        lambda: predict_samples(path, tmp_path / "none.csv"),
    ):
        with pytest.raises(InputError, match="holds networks of single cells, all seeds stacked"):
            use()
    assert not (tmp_path / "model.npz").exists()
