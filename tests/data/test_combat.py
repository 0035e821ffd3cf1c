"""ComBat with a reference batch: a slow twin, neuroCombat, simulated shifts on unseen samples, and refusals."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.preprocessing.preprocess import Preprocess, fit
from tl_jax.errors import InputError

GENES = 60


def batches(seed=0, sizes=(14, 9, 6), effect=1.0):
    """(rows, batch, the same rows without any batch effect)."""
    rng = np.random.default_rng(seed)
    batch = np.repeat(list("ABC")[: len(sizes)], sizes)
    clean = rng.normal(6, 1.5, GENES) + rng.gamma(2, 0.5, GENES) * rng.normal(size=(len(batch), GENES))
    x = clean.copy()
    for name in "BC":
        rows = batch == name
        shift, spread = rng.normal(1, 1.5, GENES), np.sqrt(1 / rng.gamma(8, 1 / 8, GENES))
        middle = clean.mean(axis=0)
        x[rows] = middle + effect * shift + (clean[rows] - middle) * spread**effect
    return x, batch, clean


def what(**others):
    return Preprocess(("combat",), combat_reference="A", **others)


def slow_combat(x, batch, reference, new, new_batch):
    """Johnson et al. 2007, gene after gene and number after number."""
    center = [np.mean(x[batch == reference, g]) for g in range(GENES)]
    unit = [np.sqrt(np.mean((x[batch == reference, g] - center[g]) ** 2)) for g in range(GENES)]
    out = np.array(new)
    for name in set(batch) - {reference}:
        z = [(x[batch == name, g] - center[g]) / unit[g] for g in range(GENES)]
        n = len(z[0])
        means, variances = [np.mean(v) for v in z], [np.var(v, ddof=1) for v in z]
        bar, tau2, m, s2 = np.mean(means), np.var(means, ddof=1), np.mean(variances), np.var(variances, ddof=1)
        shape, rate = m**2 / s2 + 2, m**3 / s2 + m
        for g in range(GENES):
            location, scale = means[g], variances[g]
            for _ in range(500):
                location = (n * tau2 * means[g] + scale * bar) / (n * tau2 + scale)
                scale = (rate + 0.5 * sum((v - location) ** 2 for v in z[g])) / (n / 2 + shape - 1)
            for row in np.flatnonzero(new_batch == name):
                out[row, g] = center[g] + unit[g] * ((new[row, g] - center[g]) / unit[g] - location) / np.sqrt(scale)
    return out


def test_a_slow_twin_agrees_on_training_and_unseen_rows():
    x, batch, _ = batches()
    train = np.arange(len(x)) % 4 != 0
    found = fit(what(), x[train], batch[train]).apply(x, batch)
    np.testing.assert_allclose(found, slow_combat(x[train], batch[train], "A", x, batch), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_neurocombat_agrees_on_its_own_rows(monkeypatch, capsys):
    combat = pytest.importorskip("neuroCombat").neuroCombat
    monkeypatch.setattr(np, "int", int, raising=False)  # it asks numpy for a name that is gone
    x, batch, _ = batches(1)
    theirs = combat(x.T, pd.DataFrame({"batch": batch}), "batch", ref_batch="A")["data"].T
    # It stops where a round changes its parameters by less than 1e-4.
    np.testing.assert_allclose(fit(what(), x, batch).apply(x, batch), theirs, rtol=1e-3, atol=1e-3)


def test_the_reference_batch_is_not_touched():
    x, batch, _ = batches()
    x = x.astype(np.float32)
    rows = batch == "A"
    np.testing.assert_array_equal(fit(what(), x, batch).apply(x, batch)[rows], x[rows])


def test_a_known_shift_is_removed_from_unseen_samples():
    """Distance to the rows as they were before the batch effect, on rows that were not fitted."""
    x, batch, clean = batches(2, (40, 30, 20))
    train = np.arange(len(x)) % 3 != 0
    found = fit(what(), x[train], batch[train]).apply(x, batch)
    unseen = ~train & (batch != "A")
    before = np.sqrt(np.mean((x - clean)[unseen] ** 2))
    after = np.sqrt(np.mean((found - clean)[unseen] ** 2))
    assert after < 0.25 * before


def test_without_a_batch_effect_little_is_done():
    x, batch, _ = batches(3, (40, 30, 20), effect=0.0)
    found = fit(what(), x, batch).apply(x, batch)
    assert np.sqrt(np.mean((found - x) ** 2)) < 0.2 * x.std(axis=0).mean()


def test_shrinkage_takes_genes_towards_their_common_shift():
    """With three samples the correction is nearer to the true common shift than the plain difference of means."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(43, GENES))
    batch = np.repeat(["A", "B"], [40, 3])
    x[batch == "B"] += 2
    state = fit(what(), x, batch).states[0]
    plain = x[batch == "B"].mean(axis=0) - x[batch == "A"].mean(axis=0)
    assert np.abs(state["shift"][1] - 2).mean() < 0.7 * np.abs(plain - 2).mean()


def test_a_batch_of_one_sample_is_shifted_and_not_rescaled():
    x, batch, _ = batches(4, (14, 9, 1))
    state = fit(what(), x, batch).states[0]
    np.testing.assert_array_equal(state["spread"][2], 1)
    assert np.abs(state["shift"][2]).max() > 0.5


def test_constant_genes_stay_as_they_are():
    x, batch, _ = batches()
    x[batch == "A", 0], x[batch == "C", 1], x[:, 2] = 3.0, 0.0, 5.0
    found = fit(what(), x, batch).apply(x, batch)
    np.testing.assert_allclose(found[:, :3], x[:, :3], rtol=1e-6)
    assert np.abs(found - x)[:, 3:].max() > 1


@pytest.mark.parametrize("genes", [1, 2, 3])
def test_few_genes_give_finite_numbers(genes):
    x, batch, _ = batches()
    assert np.isfinite(fit(what(), x[:, :genes], batch).apply(x[:, :genes], batch)).all()


def test_equal_variances_give_finite_numbers():
    """The prior of the variances has no spread of its own here."""
    base = np.array([1.0, 2, 3, 4])[:, None]
    x = np.concatenate([np.repeat(base, 5, axis=1), np.repeat(base * 2 + 1, 5, axis=1)])
    batch = np.repeat(["A", "B"], 4)
    moved = fit(what(), x, batch).apply(x, batch)
    np.testing.assert_allclose(moved[4:].mean(axis=0), 2.5, rtol=1e-6)
    assert np.isfinite(moved).all()


def test_unknown_batches_are_refused():
    x, batch, _ = batches()
    found = fit(what(), x, batch)
    with pytest.raises(InputError, match=r"batch 'D' \(2 samples\) has no training sample; known are A, B, C"):
        found.apply(x[:3], np.array(["A", "D", "D"]))
    with pytest.raises(InputError, match=r"1 samples have no batch; name it \(batch_column, or --batch\)"):
        found.apply(x[:2], np.array(["A", ""]))
    with pytest.raises(InputError, match="1 samples have no batch"):
        fit(what(), x, np.array(["", *batch[1:]]))


def test_pooled_takes_unknown_batches_as_average_ones():
    x, batch, _ = batches()
    found = fit(what(combat_unknown="pooled"), x, batch)
    state = found.states[0]
    weights = [(batch == name).mean() for name in "ABC"]
    np.testing.assert_allclose(state["shift"][3], weights @ state["shift"][:3])
    one, two, none = (found.apply(x[:3], np.full(3, name)) for name in ("D", "E", ""))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, none)
    assert found.batches == ("A", "B", "C", "")
    # Samples without a batch shape nothing.
    more = fit(what(combat_unknown="pooled"), np.concatenate([x, x[:4] + 9]), np.append(batch, [""] * 4))
    np.testing.assert_array_equal(more.states[0]["shift"], state["shift"])


def test_a_reference_without_two_training_samples_is_refused():
    x, batch, _ = batches()
    rows = np.flatnonzero((batch != "A") | (np.arange(len(x)) == 0))
    message = r"reference batch 'A' has 1 training samples and needs 2; there are: A \(1\), B \(9\), C \(6\)"
    with pytest.raises(InputError, match=message):
        fit(what(), x[rows], batch[rows])


def test_one_batch_only_is_left_as_it_is():
    x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    np.testing.assert_array_equal(fit(what(), x, np.full(6, "A")).apply(x, np.full(6, "A")), x)
