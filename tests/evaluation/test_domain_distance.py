"""Distances of domains against double loops, what must not change them, and what they must notice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.evaluation.sources.domain_distance import coral, mmd


def two(seed, n=9, m=7, genes=5, shift=0.0, spread=1.0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, genes)), shift + spread * rng.standard_normal((m, genes))


def loop_mmd(a, b):
    both = [*a, *b]
    pairs = [np.sum((both[i] - both[j]) ** 2) for i in range(len(both)) for j in range(i)]
    typical = np.median(pairs)

    def k(x, y):
        return np.exp(-np.sum((x - y) ** 2) / (2 * typical))

    def within(rows):
        return np.mean([k(rows[i], rows[j]) for i in range(len(rows)) for j in range(len(rows)) if i != j])

    return within(a) + within(b) - 2 * np.mean([k(x, y) for x in a for y in b])


@pytest.mark.parametrize(("seed", "shift"), [(0, 0.0), (1, 0.5), (2, 50.0)])
def test_mmd_is_its_double_loop(seed, shift):
    a, b = two(seed, shift=shift)
    np.testing.assert_allclose(mmd(a, b), loop_mmd(a, b), rtol=1e-9)


@pytest.mark.parametrize("sizes", [(9, 7, 5), (4, 6, 30)])
def test_coral_is_the_distance_of_covariances(sizes):
    a, b = two(3, *sizes, shift=2.0, spread=1.5)
    slow = np.sum((np.cov(a.T) - np.cov(b.T)) ** 2) / (4 * sizes[2] ** 2)
    np.testing.assert_allclose(coral(a, b), slow, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-20, 20), st.integers(2, 12), st.integers(2, 12))
def test_symmetric_and_blind_to_order_and_common_shift(seed, shift, n, m):
    a, b = two(seed, n, m, spread=2.0)
    order = np.random.default_rng(seed).permutation(n)
    for distance in (mmd, coral):
        value = distance(a, b)
        np.testing.assert_allclose(distance(b, a), value, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(distance(a[order], b), value, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(distance(a + shift, b + shift), value, rtol=1e-6, atol=1e-8)
    assert coral(a, b) >= 0
    np.testing.assert_allclose(mmd(3 * a, 3 * b), mmd(a, b), rtol=1e-7, atol=1e-9)  # the width follows the data


def test_mmd_is_unbiased_and_sees_shift_and_spread():
    same = [mmd(*two(seed, 20, 15, 4)) for seed in range(200)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(200)
    assert min(same) < 0
    for change in ({"shift": 1.0}, {"spread": 3.0}):
        other = [mmd(*two(seed, 20, 15, 4, **change)) for seed in range(20)]
        assert min(other) > np.quantile(same, 0.9)


def test_coral_sees_spread_and_not_shift():
    a, b = two(0, 200, 200)
    assert coral(a, b + 9) == pytest.approx(coral(a, b))
    assert coral(a, 3 * b) > 10 * coral(a, b)
    assert coral(a, a) == pytest.approx(0, abs=1e-15)


def test_undefined_and_wrong_shapes():
    a, b = two(0)
    assert np.isnan(mmd(np.ones((3, 2)), np.ones((3, 2))))
    for distance in (mmd, coral):
        assert np.isnan(distance(a, np.full_like(b, np.nan)))
        for wrong in (b[:, :2], b[:1], b[0]):
            with pytest.raises(ValueError, match="expected"):
                distance(a, wrong)
