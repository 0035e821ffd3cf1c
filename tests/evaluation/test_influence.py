"""The test by influences of samples: numbers worked out apart, a slow twin, and what may not matter."""

import numpy as np
import pytest
from scipy import stats

from tl_jax.evaluation.statistics.influence import (
    influence,
    influence_test,
    max_t,
    parts_of,
    variance_of,
)


def folds(n, repeats):
    i, r = np.arange(n), np.arange(repeats)[:, None]
    return (i + r * (i // 3)) % 3


def worked():
    """15 samples, 5 repeats, 3 folds."""
    i, r = np.arange(15.0), np.arange(5.0)[:, None]
    y = np.sin(1.7 * i)
    a = y + 0.8 * np.cos(2.3 * i) + 0.1 * np.cos(3 * i + r)
    b = y + 1.5 * np.cos(4.1 * i) + 0.1 * np.cos(5 * i + 2 * r)
    return y, a, b, folds(15, 5)


def of(y, a, b, fold, unit=None):
    return influence_test(influence(y, a, fold, unit), influence(y, b, fold, unit))


def test_numbers_worked_out_apart():
    found = of(*worked())
    assert found.difference == pytest.approx(0.186667, abs=1e-6)
    assert found.t == pytest.approx(0.614440, abs=1e-6)
    parts = parts_of(influence(*worked()[:2], worked()[3]), influence(worked()[0], *worked()[2:]))
    assert tuple(parts[1:5]) == pytest.approx((0.038243, 0.023844, 0.156940, 0.683571), abs=1e-6)
    assert variance_of(parts) == pytest.approx(0.092294, abs=1e-6)
    assert found.df == pytest.approx(9.8)
    assert found.p == pytest.approx(0.552921, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((-0.492118, 0.865452), abs=1e-6)
    np.testing.assert_allclose(found.psi[:3], [0.0062, 0.8462, 0.7529], atol=1e-4)


def test_numbers_worked_out_apart_where_the_floor_holds():
    i, r = np.arange(12.0), np.arange(4.0)[:, None]
    y = np.sin(i)
    a, b = y + 0.6 * np.cos(3 * i + r), y + 0.9 * np.cos(5 * i + 2 * r)
    found = of(y, a, b, folds(12, 4))
    assert found.difference == pytest.approx(0.016667, abs=1e-6)
    assert (found.difference / found.t) ** 2 == pytest.approx(0.017747, abs=1e-6)
    assert found.p == pytest.approx(0.903643, abs=1e-6)


def test_a_slow_twin():
    y, a, b, fold = worked()
    n, repeats, count = 15, 5, 3

    def rho(p, rows):
        return stats.spearmanr(y[rows], p[rows]).statistic

    d, e = np.zeros((repeats, count)), np.zeros((repeats, n))
    for r in range(repeats):
        for k in range(count):
            rows = [i for i in range(n) if fold[r, i] == k]
            d[r, k] = rho(a[r], rows) - rho(b[r], rows)
            for i in rows:
                left = [j for j in rows if j != i]
                e[r, i] = (rho(a[r], left) - rho(b[r], left) - d[r, k]) / count
    mean = e.mean(axis=0)
    held = (n - 1) / n * ((mean - mean.mean()) ** 2).sum() - ((n - 1) / n) ** 2 * e.var(axis=0, ddof=1).sum() / repeats
    alike = np.mean([stats.spearmanr(a[r], b[r]).statistic for r in range(repeats)])
    variance = (1.6 + 0.6 * (1 - alike)) * held + d.mean(axis=1).var(ddof=1) / repeats
    assert of(*worked()).t == pytest.approx(d.mean() / np.sqrt(variance))


def test_exchanged_arms_change_the_sign_alone():
    y, a, b, fold = worked()
    one, other = of(y, a, b, fold), of(y, b, a, fold)
    assert other.t == pytest.approx(-one.t)
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))


def test_the_order_of_samples_repeats_and_folds_does_not_matter():
    y, a, b, fold = worked()
    order, turn = np.random.default_rng(1).permutation(15), [4, 2, 0, 1, 3]
    assert of(y[order], a[:, order], b[:, order], fold[:, order]).t == pytest.approx(of(y, a, b, fold).t)
    assert of(y, a[turn], b[turn], (2 - fold)[turn]).t == pytest.approx(of(y, a, b, fold).t)


def test_units_of_one_sample_are_samples_and_copies_are_one_unit():
    y, a, b, fold = worked()
    assert of(y, a, b, fold, [f"s{i:02d}" for i in range(15)]).t == pytest.approx(of(y, a, b, fold).t)
    twice = [np.repeat(one, 2, axis=-1) for one in (y, a, b, fold)]
    grouped = of(*twice, np.repeat(np.arange(15), 2))
    assert grouped.df == pytest.approx(9.8)
    assert of(*twice).df == pytest.approx(0.7 * 29)
    assert len(grouped.psi) == 15


def test_the_same_predictions_differ_in_nothing():
    y, a, _, fold = worked()
    found = of(y, a, a, fold)
    assert (found.difference, found.p, found.low, found.high) == (0, 1, 0, 0)


def test_constant_predictions_rank_nothing():
    y, a, _, fold = worked()
    found = of(y, a, np.zeros_like(a), fold)
    assert found.difference == pytest.approx(influence(y, a, fold).score.mean())
    assert np.isfinite(found.p)


def test_one_repeat_is_enough_for_a_number():
    y, a, b, fold = worked()
    assert 0 < of(y, a[:1], b[:1], fold[:1]).p < 1


def test_the_wide_interval_is_never_narrower():
    found = of(*worked())
    assert found.wide_low <= found.low < found.high <= found.wide_high
    reach = np.sqrt(0.156940) * stats.t.ppf(0.975, 9.8)
    assert (found.wide_low, found.wide_high) == pytest.approx((0.186667 - reach, 0.186667 + reach), abs=1e-5)


def test_a_constant_first_arm_agrees_with_nothing():
    y, a, _, fold = worked()
    one, other = of(y, np.zeros_like(a), a, fold), of(y, a, np.zeros_like(a), fold)
    assert one.t == pytest.approx(-other.t)
    assert np.isfinite(one.p)


def test_a_fold_of_equal_observed_values_is_left_out():
    y, a, b, fold = worked()
    y = y.copy()
    y[fold[0] == 0] = 0.5  # ranks nothing in the first fold of the first repeat
    found = influence(y, a, fold)
    assert np.isnan(found.score[0, 0])
    assert not found.moved[0, fold[0] == 0].any()
    assert np.isfinite(of(y, a, b, fold).p)
    assert of(y, a, b, fold).difference == pytest.approx(np.nanmean(found.score - influence(y, b, fold).score))
    assert np.isnan(of(np.zeros(15), a, b, fold).p)


def test_large_folds_are_ranked_in_blocks_alike(monkeypatch):
    y, a, b, fold = worked()
    whole = of(y, a, b, fold, np.arange(15) // 2 * 2)
    monkeypatch.setattr("tl_jax.evaluation.statistics.influence.AT_ONCE", 6)
    assert of(y, a, b, fold, np.arange(15) // 2 * 2).t == pytest.approx(whole.t)


def test_many_arms_cost_between_one_and_their_number():
    rng = np.random.default_rng(0)
    y, _, b, fold = worked()
    base = influence(y, b, fold)
    tests = [influence_test(influence(y, y + rng.normal(0, 0.5, b.shape), fold), base) for _ in range(6)]
    p = np.array([one.p for one in tests])
    joint = max_t(tests)
    assert (joint >= p - 0.02).all()
    assert (joint <= np.minimum(1, 6 * p) + 0.02).all()
    alone = max_t(tests[:1])[0]
    assert alone == pytest.approx(p[0], abs=0.05)
    np.testing.assert_array_equal(max_t(tests), joint)
    # The very same arm six times is one arm.
    assert max_t([tests[0]] * 6)[0] == pytest.approx(alone, abs=1e-12)
    assert np.isnan(max_t([tests[0]._replace(t=np.nan, p=np.nan)]))[0]
