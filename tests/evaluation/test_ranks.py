"""Ranks over blocks against golden numbers, scikit-posthocs, published tables, and what must hold."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.paired import holm
from tl_jax.evaluation.statistics.ranks import alike, friedman


def blocks(values):
    rows, columns = np.shape(values)
    return pd.DataFrame(values, [f"drug{i}" for i in range(rows)], [f"method{j}" for j in range(columns)])


def drawn(seed, rows=9, columns=5, ties=False):
    values = np.random.default_rng(seed).standard_normal((rows, columns))
    return blocks(np.round(values, 0 if ties else 6))


@pytest.mark.parametrize("case", ["untied", "ties"])
def test_friedman_golden(golden, case):
    m2 = golden("M2_statistics")
    table = blocks(m2[f"friedman_{case}_score"])
    found = friedman(table)
    np.testing.assert_allclose(found.statistic, m2[f"friedman_{case}_chi2"], rtol=1e-9)
    np.testing.assert_allclose(found.p, m2[f"friedman_{case}_pvalue"], rtol=1e-9)
    np.testing.assert_allclose(found.average[table.columns], m2[f"friedman_{case}_mean_rank"], rtol=1e-9)
    assert found.average.is_monotonic_increasing


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("ties", [False, True])
def test_nemenyi_is_that_of_scikit_posthocs(ties):
    posthocs = pytest.importorskip("scikit_posthocs")
    for seed, columns in ((0, 3), (1, 5)) if ties else ((0, 3), (2, 12)):
        table = drawn(seed, columns=columns, ties=ties)
        expected = posthocs.posthoc_nemenyi_friedman(table)
        for row in friedman(table).pairs.to_dict("records"):
            assert row["p_nemenyi"] == pytest.approx(expected.loc[row["method_a"], row["method_b"]], rel=1e-6, abs=1e-9)


# Demsar 2006, table 5a: q of the Nemenyi test at .05.
@pytest.mark.parametrize(("methods", "q"), [(3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_critical_difference_is_that_of_the_printed_table(methods, q):
    found = friedman(drawn(0, rows=14, columns=methods)).critical_difference
    assert found == pytest.approx(q * np.sqrt(methods * (methods + 1) / (6 * 14)), rel=3e-4)


def test_pairs():
    table = drawn(4)
    pairs = friedman(table).pairs
    assert len(pairs) == 10
    np.testing.assert_array_equal(pairs["p_holm"], holm(pairs["p_wilcoxon"]))
    row = pairs[(pairs.method_a == "method1") & (pairs.method_b == "method3")].iloc[0]
    test = stats.ttest_rel(table["method1"], table["method3"])
    interval = test.confidence_interval()
    np.testing.assert_allclose(row[["ci_low", "ci_high"]].astype(float), [interval.low, interval.high], rtol=1e-9)
    assert row["mean_difference"] == pytest.approx((table["method1"] - table["method3"]).mean())
    assert row["p_wilcoxon"] == pytest.approx(stats.wilcoxon(table["method1"], table["method3"]).pvalue)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 999), ties=st.booleans())
def test_ranks_know_neither_scale_nor_order(seed, ties):
    table = drawn(seed, rows=6, columns=4, ties=ties)
    found, other = friedman(table), friedman((3 * table + 1).iloc[::-1, ::-1])
    assert other.p == pytest.approx(found.p)
    np.testing.assert_allclose(other.average[found.average.index], found.average)
    assert found.average.sum() == pytest.approx(4 * 5 / 2)
    # The critical difference and Nemenyi's p say the same.
    for row in found.pairs.to_dict("records"):
        gap = abs(found.average[row["method_a"]] - found.average[row["method_b"]])
        if abs(row["p_nemenyi"] - 0.05) > 1e-6:
            assert (gap > found.critical_difference) == (row["p_nemenyi"] < 0.05)


def test_runs_that_are_not_told_apart():
    table = blocks([[9, 8, 1, 0]] * 40)
    table.iloc[::2, [0, 1]] = [8, 9]
    table.iloc[::2, [2, 3]] = [0, 1]
    assert alike(friedman(table)) == [(0, 1), (2, 3)]
    # Five blocks: ranks 1.4, 1.6, 3.4, 3.6 and a critical difference of 2.1.
    assert alike(friedman(table.iloc[:5])) == [(0, 2), (1, 3)]
    steps = blocks(np.tile([9.0, 5, 1], (40, 1)))
    assert alike(friedman(steps)) == []


def test_all_methods_alike():
    found = friedman(blocks(np.ones((5, 3))))
    assert (found.statistic, found.p) == (0, 1)
    assert (found.pairs["p_nemenyi"] == 1).all()
    assert (found.pairs["p_wilcoxon"] == 1).all()


def test_faults_are_named():
    table = drawn(0)
    gap = table.copy()
    gap.loc["drug3", "method1"] = np.nan
    faults = {
        "4 cohorts or drugs are too few": table.iloc[:4],
        "2 methods are too few": table.iloc[:, :2],
        "the method method1 is there twice": table[["method0", "method1", "method1"]],
        "the block drug0 is there twice": pd.concat([table, table.iloc[:1]]),
        "method1 has no value for drug3": gap,
    }
    for words, faulty in faults.items():
        with pytest.raises(InputError, match=words):
            friedman(faulty)
