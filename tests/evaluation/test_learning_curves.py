"""Gains per size and what they are worth in samples: known curves, a slow twin, faults."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.splits import partitions
from tl_jax.data.subsample import subsampled
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.learning_curves import extra_samples, gain_map
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.evaluation.statistics.paired import corrected_t, holm

SIZES = (10, 20, 30, 40)
SPREAD = np.array([-0.02, -0.01, 0.0, 0.01, 0.02, 0.0])  # of the folds, mean zero


def long(arms, sizes=SIZES, protocol="honest", n_test=8, spread=0.0):
    """arms: {(arm, source): mean per size}; two repeats of three folds whose values vary by SPREAD."""
    rows = [
        (arm, source, protocol, n, n_test, k // 3, k % 3, mean + extra * (spread if source else 1))
        for (arm, source), means in arms.items()
        for n, mean in zip(sizes, means, strict=True)
        for k, extra in enumerate(SPREAD)
    ]
    return pd.DataFrame(rows, columns=["arm", "source", "protocol", "n_train", "n_test", "repeat", "fold", "value"])


def worth(reference, arm, n, **options):
    """The row of extra_samples at n."""
    curves = long({("scratch", ""): reference, ("copy", "A"): arm}, **options)
    found = extra_samples(curves)
    return found[found.n_train == n].iloc[0]


def test_gain_map_is_the_corrected_test_of_each_cell():
    rng = np.random.default_rng(0)
    arms = [("scratch", ""), ("ridge", ""), ("copy", "A"), ("copy", "B"), ("freeze", "A")]
    curves = pd.concat([long({arm: np.zeros(4) for arm in arms}, protocol=p) for p in ("honest", "as_published")])
    curves["value"] = rng.random(len(curves))
    found = gain_map(curves)
    expected = ["arm", "source", "protocol", "n_train", "gain", "ci_low", "ci_high", "p_corrected", "p_holm"]
    assert list(found.columns) == expected
    assert len(found) == 2 * 3 * 4  # ridge starts from no source
    for row in found.itertuples():
        cell = curves[(curves.protocol == row.protocol) & (curves.n_train == row.n_train)]
        a = cell[(cell.arm == row.arm) & (cell.source == row.source)].sort_values(["repeat", "fold"]).value
        b = cell[cell.arm == "scratch"].sort_values(["repeat", "fold"]).value
        test = corrected_t(a.to_numpy() - b.to_numpy(), 8 / row.n_train)
        np.testing.assert_allclose(row[5:9], (np.mean(a.to_numpy() - b.to_numpy()), test.low, test.high, test.p))
    for _, part in found.groupby("protocol"):
        np.testing.assert_allclose(part.p_holm, holm(part.p_corrected))
    shuffled = gain_map(curves.sample(frac=1, random_state=1))
    keys = ["arm", "source", "protocol", "n_train"]
    pd.testing.assert_frame_equal(
        found.sort_values(keys, ignore_index=True), shuffled.sort_values(keys, ignore_index=True)
    )
    assert (gain_map(curves, reference="ridge").gain != found.gain).all()


def test_an_undefined_fold_counts_for_nothing():
    curves = long({("scratch", ""): [0.1] * 4, ("copy", "A"): [0.2] * 4})
    curves.loc[(curves.arm == "copy") & (curves.n_train == 10) & (curves.fold == 0), "value"] = np.nan
    found = gain_map(curves)
    kept = SPREAD[[1, 2, 4, 5]]
    assert found.gain[0] == pytest.approx(0.1 - kept.mean())
    curves.loc[(curves.arm == "copy") & (curves.n_train == 20), "value"] = np.nan
    assert np.isnan(gain_map(curves).gain[1])
    assert np.isnan(extra_samples(curves).extra[1])
    assert extra_samples(curves).note[1] == ""


def test_extra_samples_on_a_straight_line():
    row = worth([0.1, 0.2, 0.3, 0.4], [0.25, 0.2, 0.25, 0.4], 10, spread=1.0)
    assert row.gain == pytest.approx(0.15)
    assert row.extra == pytest.approx(15)
    assert row.note == ""
    costs = worth([0.1, 0.2, 0.3, 0.4], [0.25, 0.2, 0.25, 0.4], 30)
    assert costs.extra == pytest.approx(-5)
    assert costs.extra_low < -5 < costs.extra_high
    assert worth([0.1, 0.2, 0.3, 0.4], [0.25, 0.2, 0.25, 0.4], 20, spread=1.0).extra == 0


def test_the_interval_is_carried_through_the_curve():
    curves = long({("scratch", ""): [0.1, 0.2, 0.3, 0.4], ("copy", "A"): [0.2, 0.25, 0.3, 0.4]})
    gains, found = gain_map(curves), extra_samples(curves)
    for end in ("low", "high"):
        np.testing.assert_allclose(found[f"extra_{end}"][1], gains[f"ci_{end}"][1] / 0.01)


def test_nothing_is_extrapolated():
    beyond = worth([0.1, 0.2, 0.3, 0.4], [0.9] * 4, 30, spread=1.0)
    assert np.isnan(beyond.extra)
    assert beyond.note == ">= 10"
    below = worth([0.1, 0.2, 0.3, 0.4], [-0.5] * 4, 20, spread=1.0)
    assert np.isnan(below.extra)
    assert below.note == "<= -10"
    end = worth([0.1, 0.2, 0.3, 0.305], [0.3, 0.2, 0.3, 0.3], 10)
    assert end.extra == pytest.approx(20)
    assert np.isnan(end.extra_high)
    assert end.note == "upper end >= 30"


def test_a_dip_is_smoothed_and_flat_parts_are_crossed():
    # Isotonic regression makes .1, .25, .25, .4 of this.
    dip = [0.1, 0.3, 0.2, 0.4]
    row = worth(dip, [0.25, 0.3, 0.2, 0.4], 10, spread=1.0)
    assert row.extra == pytest.approx(10)  # the first size that reaches the level
    row = worth(dip, [0.1, 0.3, 0.2, 0.25], 40, spread=1.0)
    assert row.extra == pytest.approx(-10)  # the last size that is not above it
    row = worth(dip, [0.1, 0.3, 0.275, 0.4], 30, spread=1.0)
    assert row.extra == pytest.approx(5)  # from .25 by .075 of .15 over ten samples


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_extra_is_where_the_curve_has_gained_as_much(seed, sizes):
    rng = np.random.default_rng(seed)
    sizes = np.sort(rng.choice(np.arange(5, 60), sizes, replace=False))
    curves = long({("scratch", ""): rng.random(len(sizes)), ("copy", "A"): rng.random(len(sizes))}, sizes, spread=0.5)
    raw = curves[curves.arm == "scratch"].groupby("n_train").value.mean().to_numpy()
    m = len(raw)
    smooth = [max(min(np.mean(raw[i : j + 1]) for j in range(k, m)) for i in range(k + 1)) for k in range(m)]
    for row in extra_samples(curves).itertuples():
        here = np.interp(row.n_train, sizes, smooth)
        if np.isnan(row.extra):
            reach = smooth[-1] if row.gain > 0 else smooth[0]
            assert abs(row.gain) > abs(reach - here) - 1e-9
            assert row.note == (f">= {sizes[-1] - row.n_train}" if row.gain > 0 else f"<= {sizes[0] - row.n_train}")
        else:
            np.testing.assert_allclose(np.interp(row.n_train + row.extra, sizes, smooth), here + row.gain, atol=1e-9)
            assert np.sign(row.extra) == np.sign(row.gain)
            assert not row.extra_low > row.extra
            assert not row.extra_high < row.extra


def test_faults():
    curves = long({("scratch", ""): [0.1] * 4, ("copy", "A"): [0.2] * 4})
    with pytest.raises(InputError, match="no arm 'other'"):
        gain_map(curves, "other")
    with pytest.raises(InputError, match="no value at 20 training rows"):
        gain_map(curves[(curves.arm == "copy") | (curves.n_train != 20)])
    with pytest.raises(ValueError, match="column 'n_test'"):
        gain_map(curves.drop(columns="n_test"))
    with pytest.raises(ValueError, match="two values"):
        gain_map(pd.concat([curves, curves]))
    with pytest.raises(ValueError, match="several sources"):
        gain_map(long({("scratch", "A"): [0.1] * 4, ("scratch", "B"): [0.1] * 4, ("copy", "A"): [0.1] * 4}))


def test_no_arm_with_a_source_gives_empty_tables():
    curves = long({("scratch", ""): [0.1] * 4, ("ridge", ""): [0.2] * 4})
    assert gain_map(curves).empty
    assert extra_samples(curves).empty


def equal_arms(seed, n=36, sizes=(8, 12, 16, 24), genes=12):
    """Learning curves of two ridges that are equally good: each has its own noisy view of the same truth."""
    rng = np.random.default_rng(seed)
    y, alone = rng.standard_normal(n), np.arange(n)
    views = {a: 0.5 * y[:, None] + 1.5 * rng.standard_normal((n, genes)) for a in (("scratch", ""), ("copy", "A"))}
    folds = partitions(y, alone, folds=3, repeats=5, seed=seed)
    rows = []
    for size, part in subsampled(folds, sizes, y=y, groups=alone, seed=seed).items():
        for fold in part:
            for arm, x in views.items():
                a, b = x[fold.train] - x[fold.train].mean(axis=0), y[fold.train] - y[fold.train].mean()
                weights = np.linalg.solve(a.T @ a + 5 * np.eye(genes), a.T @ b)
                value = spearman(y[fold.test], x[fold.test] @ weights)
                rows.append((*arm, "honest", size, len(fold.test), fold.repeat, fold.fold, value))
    return pd.DataFrame(rows, columns=["arm", "source", "protocol", "n_train", "n_test", "repeat", "fold", "value"])


@pytest.mark.slow
def test_equal_arms_are_seldom_told_apart():
    """Recorded in docs/transferability.md."""
    p = pd.concat(gain_map(equal_arms(seed)) for seed in range(300))
    rejected = p.assign(wrong=p.p_corrected < 0.05).groupby("n_train").wrong.mean()
    assert rejected.max() < 0.07
    assert (p.groupby(np.arange(len(p)) // 4).p_holm.min() < 0.05).mean() < 0.05


def test_gains_of_an_error_are_those_of_its_opposite():
    rng = np.random.default_rng(0)
    rows = [
        (arm, source, "honest", size, 7, repeat, fold, rng.uniform(0.2, 1.0) / size)
        for arm, source in (("scratch", ""), ("copy_layer1", "drug"))
        for size in (5, 10, 15)
        for repeat in range(3)
        for fold in range(3)
    ]
    names = ["arm", "source", "protocol", "n_train", "n_test", "repeat", "fold", "value"]
    error = pd.DataFrame(rows, columns=names)
    for function in (gain_map, extra_samples):
        expected = function(error.assign(value=-error["value"]))
        pd.testing.assert_frame_equal(function(error, metric="rmse"), expected)
    means = error.groupby(["arm", "n_train"])["value"].mean()
    gains = gain_map(error, metric="rmse").set_index("n_train")["gain"]
    np.testing.assert_allclose(gains, means["scratch"] - means["copy_layer1"])
