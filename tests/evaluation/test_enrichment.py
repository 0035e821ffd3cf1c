"""Which sets of genes have larger effects: the rank test against slow twins, and how often it is wrong."""

import itertools

import numpy as np
import pytest
from scipy import stats

from tl_jax.evaluation.statistics.enrichment import benjamini_hochberg, enriched, mean_correlation, rank_variance


def test_without_correlation_it_is_the_rank_sum_test():
    rng = np.random.default_rng(0)
    effects, own = rng.normal(size=200), np.arange(25)
    effects[own] += 0.4
    assert rank_variance(25, 175, 0.0) == pytest.approx(25 * 175 * 201 / 12)
    z = np.kron([[1.0], [-1.0]], np.eye(200))  # columns that share nothing: correlation below 0, taken as 0
    (found,) = enriched(effects, [own], z)
    twin = stats.mannwhitneyu(effects[own], effects[25:], use_continuity=False, method="asymptotic")
    assert found.above == pytest.approx(twin.statistic / (25 * 175))
    t = stats.norm.isf(twin.pvalue / 2)
    assert found.p == pytest.approx(2 * stats.t.sf(t, len(z) - 2))


def test_the_variance_is_that_of_correlated_normal_effects():
    rng, rho = np.random.default_rng(1), 0.4
    inside, outside = 8, 12
    draws = np.sqrt(rho) * rng.normal(size=(20_000, 1)) + np.sqrt(1 - rho) * rng.normal(size=(20_000, inside))
    others = rng.normal(size=(20_000, outside))
    larger = (draws[:, :, None] > others[:, None, :]).sum(axis=(1, 2))
    assert rank_variance(inside, outside, rho) == pytest.approx(larger.var(), rel=0.03)


def test_the_correlation_is_the_mean_over_pairs():
    x = np.random.default_rng(2).normal(size=(30, 1)) + np.random.default_rng(3).normal(size=(30, 5))
    pairs = [np.corrcoef(x[:, a], x[:, b])[0, 1] for a, b in itertools.combinations(range(5), 2)]
    assert mean_correlation(x) == pytest.approx(np.mean(pairs))
    assert mean_correlation(np.column_stack([x, np.ones(30)])) == pytest.approx(np.mean(pairs))
    assert mean_correlation(np.ones((30, 4))) == 0.0


def test_nothing_is_called_something_no_more_often_than_promised():
    """Effects of pure noise on genes in tight modules: the plain test calls nearly half of them, this one few."""
    rng = np.random.default_rng(4)
    genes, modules, size = 600, 12, 40
    called = plain = planted = 0
    for _ in range(60):
        z = rng.normal(size=(30, genes))
        sets = [np.arange(k * size, (k + 1) * size) for k in range(modules)]
        for own in sets:
            z[:, own] += rng.normal(size=(30, 1))
        z = (z - z.mean(axis=0)) / z.std(axis=0)
        noise = rng.normal(size=30)
        found = enriched(z.T @ noise, sets, z)
        called += sum(one.p < 0.05 for one in found)
        plain += sum(stats.mannwhitneyu((z.T @ noise)[own], np.delete(z.T @ noise, own)).pvalue < 0.05 for own in sets)
        planted += enriched(z.T @ z[:, sets[0]].mean(axis=1), sets, z)[0].p < 0.05
    assert called / (60 * modules) < 0.07
    assert plain / (60 * modules) > 0.4
    assert planted > 55


def test_benjamini_hochberg_by_hand():
    assert benjamini_hochberg([0.01, 0.02, 0.03, 0.5]) == pytest.approx([0.04, 0.04, 0.04, 0.5])
    assert benjamini_hochberg([]).size == 0
