"""Methods over blocks: published numbers, another library, and arithmetic by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tl_jax.evaluation.blocks import gains, rank_methods


def table(blocks=12, methods=4, seed=0, ahead=0.0):
    """Random blocks, the last method ahead of the others."""
    values = np.random.default_rng(seed).normal(size=(blocks, methods))
    values[:, -1] += ahead
    return pd.DataFrame(values, columns=[f"m{i}" for i in range(methods)])


def test_the_critical_difference_of_the_source():
    """Demsar 2006, section 3.2.2: 4 methods, 14 data sets, q = 2.569, CD = 1.25."""
    assert rank_methods(table(14, 4)).difference == pytest.approx(1.25, abs=0.005)


@pytest.mark.parametrize("ahead", [0.0, 1.5])
def test_as_another_library_says(ahead):
    posthocs = pytest.importorskip("scikit_posthocs")
    blocks = table(ahead=ahead)
    found = rank_methods(blocks)
    np.testing.assert_allclose(found.pairs, posthocs.posthoc_nemenyi_friedman(blocks), atol=1e-6)
    assert found.p == pytest.approx(stats.friedmanchisquare(*blocks.to_numpy().T).pvalue)
    assert (found.p < 0.05) == (ahead > 0)


def test_ranks_count_from_the_best_and_ties_share():
    blocks = pd.DataFrame({"a": [3.0] * 5, "b": [1.0] * 5, "c": [3.0, 3.0, 2.0, 2.0, 2.0]})
    average = rank_methods(blocks).average
    assert average.to_dict() == pytest.approx({"a": 1.2, "b": 3.0, "c": 1.8})


@pytest.mark.parametrize(("blocks", "methods"), [(4, 4), (12, 2)])
def test_too_few_blocks_or_methods_are_not_tested(blocks, methods):
    assert rank_methods(table(blocks, methods)) is None


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(8)), st.floats(0.1, 50))
def test_the_order_of_blocks_and_the_unit_do_not_matter(order, unit):
    blocks = table(8, 3)
    found, other = rank_methods(blocks), rank_methods(unit * blocks.iloc[order])
    assert found.statistic == pytest.approx(other.statistic)
    pd.testing.assert_series_equal(found.average, other.average)


def test_gains_by_hand():
    blocks = pd.DataFrame({"r": [0.1, 0.2, 0.3, 0.4], "a": [0.2, 0.2, 0.2, 0.7], "gaps": [np.nan, 0.3, np.nan, np.nan]})
    found = gains(blocks, "r").set_index("method")
    assert list(found.index) == ["a", "gaps"]
    d = np.array([0.1, 0.0, -0.1, 0.3])
    expected = stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert found.loc["a", "gain"] == pytest.approx(d.mean())
    assert (found.loc["a", "ci_low"], found.loc["a", "ci_high"]) == pytest.approx((expected.low, expected.high))
    assert found.loc["a", "won"] == pytest.approx(0.625)
    assert found.loc["gaps", "blocks"] == 1
    assert found.loc["gaps", "gain"] == pytest.approx(0.1)
    assert np.isnan(found.loc["gaps", "ci_low"])


def test_a_method_that_is_never_defined_has_no_gain():
    found = gains(pd.DataFrame({"r": [0.1, 0.2], "mean": [np.nan, np.nan]}), "r").iloc[0]
    assert found.blocks == 0
    assert np.isnan([found.gain, found.ci_low, found.won]).all()
