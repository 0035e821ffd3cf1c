"""Paired tests against golden numbers of scipy and baycomp, a slow twin, and what must hold of any differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tl_jax.evaluation.statistics.paired import (
    cliffs_delta,
    corrected_t,
    correlated_bayes,
    holm,
    naive_wilcoxon,
    win_rate,
)

DIFFERENCES = arrays(np.float64, st.integers(2, 30), elements=st.floats(-1, 1, width=32))


@pytest.fixture
def m2(golden):
    return golden("M2_statistics")


def scores(m2):
    return m2["ttest_score_a"], m2["ttest_score_b"], m2["ttest_n_test"] / m2["ttest_n_train"]


def test_corrected_t(m2):
    a, b, ratio = scores(m2)
    for key, given_ratio in (("", ratio), ("_kfold", 1 / (m2["ttest_folds"] - 1))):
        found = corrected_t(a - b, given_ratio)
        np.testing.assert_allclose(found.t, m2[f"nadeau_bengio_t{key}"], rtol=1e-9)
        np.testing.assert_allclose(found.p, m2[f"nadeau_bengio_pvalue{key}"], rtol=1e-9)
        assert found.df == m2["ttest_runs"] * m2["ttest_folds"] - 1


def test_correlated_bayes(m2):
    a, b, ratio = scores(m2)
    folds = 1 / (m2["ttest_folds"] - 1)
    for key, given_ratio in (("b_rope_a", folds), ("b_rope_a_given_sizes", ratio)):
        found = correlated_bayes(a - b, given_ratio, float(m2["rope"]))
        np.testing.assert_allclose(found, m2[f"bayes_probability_{key}"], rtol=1e-9)
    np.testing.assert_allclose(
        correlated_bayes(b - a, folds, float(m2["rope"])), m2["bayes_probability_called_with_a_b_rope"], rtol=1e-9
    )
    b_better, nothing, a_better = correlated_bayes(a - b, folds, 0.0)
    np.testing.assert_allclose([b_better, a_better], m2["bayes_probability_b_a_no_rope"], rtol=1e-9)
    assert nothing == pytest.approx(0, abs=1e-12)


def test_holm(m2):
    np.testing.assert_allclose(holm(m2["holm_pvalue"]), m2["holm_adjusted"], rtol=1e-9)


@pytest.mark.parametrize("data", ["untied_small", "untied_large", "ties_medium", "zeros_and_ties_small"])
def test_naive_wilcoxon(m2, data):
    d = m2[f"wilcoxon_{data}_x"] - m2[f"wilcoxon_{data}_y"]
    np.testing.assert_allclose(naive_wilcoxon(d), m2[f"wilcoxon_{data}_wilcox_auto_pvalue"], rtol=1e-9)


@settings(max_examples=200, deadline=None)
@given(d=DIFFERENCES, ratio=st.floats(0, 1), rope=st.floats(0, 0.2))
def test_turning_the_arms_round_turns_the_answer_round(d, ratio, rope):
    one, other = corrected_t(d, ratio), corrected_t(-d, ratio)
    np.testing.assert_allclose([one.t, one.p, one.low, one.high], [-other.t, other.p, -other.high, -other.low])
    worse, same, better = correlated_bayes(d, ratio, rope)
    np.testing.assert_allclose(correlated_bayes(-d, ratio, rope), (better, same, worse), atol=1e-12)
    assert worse + same + better == pytest.approx(1)
    assert win_rate(d) + win_rate(-d) == pytest.approx(1)
    # The interval and the test say the same.
    if not np.isnan(one.p) and abs(one.p - 0.05) > 1e-9:
        assert (one.low <= 0 <= one.high) == (one.p > 0.05)


@settings(max_examples=100, deadline=None)
@given(d=DIFFERENCES)
def test_overlap_never_makes_a_difference_more_certain(d):
    alone, overlapping = corrected_t(d, 0.0), corrected_t(d, 0.5)
    if not np.isnan(alone.p):
        assert overlapping.p >= alone.p - 1e-12


@settings(max_examples=100, deadline=None)
@given(p=arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1)), seed=st.integers(0, 9))
def test_holm_follows_the_p_values_and_not_their_order(p, seed):
    found = holm(p)
    assert (found >= p).all()
    assert (found <= np.minimum(1, p * len(p))).all()
    order = np.random.default_rng(seed).permutation(len(p))
    np.testing.assert_array_equal(holm(p[order]), found[order])
    np.testing.assert_array_equal(holm([*p, np.nan])[:-1], found)


def test_cliffs_delta_counts_pairs():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 7), rng.integers(0, 5, 9)
    slow = np.mean([np.sign(float(x) - float(y)) for x in a for y in b])
    assert cliffs_delta(a, b) == pytest.approx(slow)
    assert cliffs_delta([1, 2, np.nan], [0.5]) == 1


def test_what_cannot_be_said_is_undefined():
    assert corrected_t(np.zeros(5), 0.5)[:3] == (0, 4, 1)
    assert np.isnan(corrected_t([0.1, 0.1, 0.1], 0.5).p)
    assert np.isnan(corrected_t([0.1], 0.5).p)
    assert correlated_bayes([0.1, 0.1], 0.5, 0.01) == (0, 0, 1)
    assert naive_wilcoxon(np.zeros(4)) == 1
    assert np.isnan(win_rate([np.nan]))
    assert corrected_t([0.1, np.nan, 0.3, -0.1], 0.5) == corrected_t([0.1, 0.3, -0.1], 0.5)
