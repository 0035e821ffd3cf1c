"""What may be set of networks: samplers, batch norm, pre-training, and the choice of settings on lines alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.config import NetworkConfig
from tl_jax.data.cells import resampling
from tl_jax.errors import InputError
from tl_jax.study.cells import networks
from tl_jax.study.cells.choice import chosen, folds_of
from tl_jax.study.cells.network_rows import rows_of
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import run_cells
from tl_jax.study.core.arms import How

OWN = NetworkSettings(seeds=2, transfers=(("none", 1.0),), genes=60, hidden=(8,), bottleneck=8, epochs=3)
SETTINGS = CellSettings(repeats=2, bootstraps=4, min_genes=100, arms=("ridge",), networks=OWN)
LABELS = replace(OWN, binary=True)


@pytest.fixture(scope="module")
def setup():
    return make_setup(SETTINGS)


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def scores(setup, own):
    return scored(setup, replace(SETTINGS, networks=own))


def scored(setup, settings):
    return {name: arm.scores for name, arm in networks.network_arms(setup, settings, How(NetworkConfig())).items()}


@pytest.mark.parametrize("kind", ["up", "down", "smote"])
def test_a_sampler_makes_classes_alike_of_training_lines_only(setup, kind):
    pytest.importorskip("imblearn")
    rows, plain = (rows_of(setup, SETTINGS, replace(LABELS, sampling=own)) for own in (kind, "none"))
    np.testing.assert_array_equal(rows.x, plain.x)  # what pre-training sees
    for part in ("train", "held"):
        np.testing.assert_array_equal(getattr(rows, part)[0], getattr(plain, part)[0])
    for draw in range(2):
        index, weight = (part[draw] for part in rows.learnt)
        index = index[weight > 0]
        real, new = index[index < len(rows.x)], index[index >= len(rows.x)]
        labels = rows.y[draw, index]
        assert labels.mean() == 0.5
        assert set(real) <= set(plain.train[0][draw])
        rare = plain.train[0][draw][plain.y[draw, plain.train[0][draw]] == 1]
        common = len(plain.train[0][draw]) - len(rare)
        assert len(index) == 2 * (len(rare) if kind == "down" else common)
        if kind == "up":
            assert set(rare) <= set(real)
            assert len(set(real)) < len(real)
        assert (len(new) > 0) == (kind == "smote")
        points = rows.x[rare].astype(np.float64)
        for row in rows.table[new][:5]:  # between two lines of the rare class of this draw
            a, b = np.repeat(np.arange(len(points)), len(points)), np.tile(np.arange(len(points)), len(points))
            gap = (points[b] - points[a]) + 1e-30
            t = ((row - points[a]) * gap).sum(axis=1) / np.square(gap).sum(axis=1)
            off = np.abs(points[a] + t[:, None] * gap - row).max(axis=1)
            assert off.min() < 1e-5
    np.testing.assert_array_equal(rows.balance, 0.5)


def test_what_cannot_be_resampled_is_refused_in_one_line(monkeypatch):
    pytest.importorskip("imblearn")
    x, labels = np.zeros((20, 3), np.float32), np.arange(20) < 4
    with pytest.raises(InputError, match="holds 4 of its rarer class and 6 are needed; use --sampling=up"):
        resampling.resampled("smote", x, labels, 0)
    with pytest.raises(InputError, match="holds 0 of its rarer class"):
        resampling.resampled("up", x, labels & False, 0)
    with pytest.raises(InputError, match="needs two classes: give --binary_labels"):
        replace(OWN, sampling="up")
    monkeypatch.setattr(resampling, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="--sampling=smote needs imbalanced-learn: pip install"):
        replace(LABELS, sampling="smote")


CHANGES = {
    "batch_norm": {"batch_norm": "domain"},
    "shared": {"batch_norm": "shared"},
    "autoencoder": {"pretraining": "autoencoder"},
    "variational": {"pretraining": "variational"},
    "bulk": {"pretrain_on": "bulk"},
    "cells": {"pretrain_on": "cells"},
    "smote": {"sampling": "smote", "binary": True},
    "teacher": {"transfers": (("mean_teacher", 10.0),)},
    "game": {"transfers": (("dann_minmax", 1.0),), "discriminator_rate": 2.0, "discriminator_steps": 2},
}


@pytest.mark.full
@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_changes_the_scores(setup, name):
    if name == "smote":
        pytest.importorskip("imblearn")
    other = replace(LABELS if name == "smote" else OWN, transfers=CHANGES[name].get("transfers", OWN.transfers))
    plain = replace(other, transfers=OWN.transfers)
    found, before = scores(setup, replace(OWN, **CHANGES[name])), scores(setup, plain)
    for arm, value in found.items():
        assert np.isfinite(value).all()
        assert value.std() > 0
        reference = before.get(arm, before["network_none"])
        same = np.array_equal(value, reference)
        # Pre-training is not seen by a network without it, and a transfer not before it.
        untouched = arm == "network_unpretrained" and ("pretrain" in str(CHANGES[name]))
        untouched |= "transfers" in CHANGES[name] and arm in ("network_unpretrained", "network_pretransfer")
        assert same == untouched, arm


@pytest.mark.full
def test_a_choice_reads_lines_of_left_out_tissues_and_no_label(setup):
    tissue = np.array(list("abcdefgh"))[np.arange(len(setup.y)) % 8]
    setup = replace(setup, lines=replace(setup.lines, tissue=tissue))
    for fold in folds_of(setup, SETTINGS):
        held = fold.fold.test[fold.fold.test < len(tissue)]
        assert not set(tissue[held]) & set(tissue[fold.fold.train])
    own = replace(
        OWN,
        transfers=(("none", 1.0), ("coral", 1.0)),
        choose=(("weight", 0.5), ("weight", 5.0), ("rate", 1e-2), ("rate", 1e-4)),
    )
    settings = replace(SETTINGS, networks=own)
    best, table = chosen(setup, settings, How(NetworkConfig()))
    assert len(table) == 2 * (1 + 2)
    assert table["called_sensitive"].between(0, 1).all()
    means = table.groupby(["rate", "transfer"])["spearman"].max().groupby("rate").mean()
    assert best.learning_rate == means.idxmax()
    here = table[table["rate"] == best.learning_rate]
    for name, weight in best.transfers:
        mine = here[here["transfer"] == name].set_index("weight")["spearman"]
        assert mine[weight] == mine.max()
    assert best.hidden == OWN.hidden
    assert table["chosen"].sum() == 2
    obs = setup.cells.obs.assign(sensitive=setup.cells.obs["sensitive"].to_numpy()[::-1])
    other = replace(setup, cells=replace(setup.cells, obs=obs))
    pd.testing.assert_frame_equal(chosen(other, settings, How(NetworkConfig()))[1], table)


@pytest.mark.full
def test_the_chosen_settings_are_those_that_run(setup):
    own = replace(OWN, choose=(("hidden", (6,)), ("hidden", (9, 7))))
    results = run_cells(replace(SETTINGS, networks=own), setup)
    picked = results.choice.query("chosen")["hidden"].item()
    assert "-".join(map(str, results.settings.networks.hidden)) == picked
    assert any("chosen on lines of left-out tissues" in note for note in results.ledger.notes)
    again = scored(setup, results.settings)
    lines = again["network_none"].shape[1] - 2 * len(setup.cells)
    np.testing.assert_array_equal(again["network_none"][:, :lines], results.held["network_none"])
