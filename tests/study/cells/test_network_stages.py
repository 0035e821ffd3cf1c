"""Stages of networks: what they are told apart by, what they come from, and that none is taken for another."""

from dataclasses import replace

import numpy as np
import pytest

from tl_jax.checkpoint import load_stage
from tl_jax.config import NetworkConfig
from tl_jax.data.cells.simulate import DRUGS
from tl_jax.errors import InputError
from tl_jax.study.cells import networks, stages
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.core.arms import How
from tl_jax.study.core.lineage import lineage_text
from tl_jax.study.weights.exported import export_model

OWN = NetworkSettings(seeds=2, transfers=(("coral", 0.5),), genes=60, hidden=(8,), bottleneck=8, epochs=3)
SETTINGS = CellSettings(repeats=2, bootstraps=4, min_genes=100, arms=("ridge",), networks=OWN)
HOW = How(NetworkConfig())


@pytest.fixture(scope="module")
def setup():
    return make_setup(SETTINGS)


def other_drug(setup):
    """What the same lines and cells are for another drug of the same table."""
    return replace(setup, drug=DRUGS[2], y=setup.lines.y[DRUGS[2]].to_numpy())


def chain(setup, settings, transfer="coral"):
    """Ids of pre-training, predictor and transfer, without training any."""
    nets = next(networks.networks_of(setup, settings, HOW))
    found, before = [], None
    for name, terms in (
        ("pretrained", ("reconstruction",)),
        ("pretrained", ("supervised",)),
        (transfer, ("supervised", transfer)),
    ):
        record = stages.identity(nets, name, terms, settings.networks.transfers[0][1], before)
        before = stages.Trained({}, np.zeros(0), record, None)
        found.append(record["id"])
    return found


def changed(**own):
    return replace(SETTINGS, networks=replace(OWN, **own))


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


def test_other_studies_refuse_networks_of_all_seeds(trained, tmp_path):
    path = trained[1]["network_pretransfer"].path
    for use in (
        lambda: export_model(path, tmp_path / "model.npz"),
        lambda: predict_samples(path, tmp_path / "none.csv"),
    ):
        with pytest.raises(InputError, match="holds networks of single cells, all seeds stacked"):
            use()
    assert not (tmp_path / "model.npz").exists()
