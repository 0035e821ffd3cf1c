"""Intervals of one metric against golden numbers, formulas by hand, and simulated coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from selection import some

from tl_jax.evaluation.statistics.intervals import bca_interval, fisher_interval
from tl_jax.evaluation.statistics.metrics import METRICS, rmse, spearman


def test_bca_golden(golden):
    m2 = golden("M2_statistics")
    options = {"seed": int(m2["bca_seed"]), "resamples": int(m2["bca_n_resamples"])}
    found = bca_interval(m2["bca_x"], m2["bca_y"], spearman, **options)
    np.testing.assert_allclose(found, m2["bca_interval_95"], rtol=1e-9)
    assert found == bca_interval(m2["bca_x"], m2["bca_y"], spearman, **options)
    other = bca_interval(m2["bca_x"], m2["bca_y"], spearman, seed=options["seed"] + 1, resamples=options["resamples"])
    assert other != found
    assert (np.abs(np.subtract(other, found)) <= m2["bca_monte_carlo_tolerance"]).all()


def slow_bca(truth, prediction, metric, seed, resamples, level):
    """Efron 1987, formula by formula."""
    n = len(truth)
    rows = np.random.default_rng(seed).integers(0, n, (resamples, n))
    drawn = np.array([metric(truth[r], prediction[r]) for r in rows])
    observed = metric(truth, prediction)
    z0 = stats.norm.ppf((np.mean(drawn < observed) + np.mean(drawn <= observed)) / 2)
    left = np.array([metric(np.delete(truth, i), np.delete(prediction, i)) for i in range(n)])
    pull = left.mean() - left
    acceleration = np.sum(pull**3) / (6 * np.sum(pull**2) ** 1.5)
    z = z0 + stats.norm.ppf([(1 - level) / 2, (1 + level) / 2])
    return np.quantile(drawn, stats.norm.cdf(z0 + z / (1 - acceleration * z)))


@pytest.mark.parametrize("name", ["spearman", "rmse", "r2"])
def test_bca_is_its_formula(name):
    rng = np.random.default_rng(4)
    truth = rng.standard_normal(21)
    prediction = truth + rng.standard_normal(21)
    found = bca_interval(truth, prediction, METRICS[name], 7, 300, 0.9)
    np.testing.assert_allclose(found, slow_bca(truth, prediction, METRICS[name], 7, 300, 0.9), rtol=1e-9)


def test_fisher_by_hand():
    # atanh(.5) = .5 ln 3; variance (1 + .125) / 25
    half = 1.959963984540054 * np.sqrt(1.125 / 25)
    expected = np.tanh([0.5 * np.log(3) - half, 0.5 * np.log(3) + half])
    np.testing.assert_allclose(fisher_interval(0.5, 28), expected, rtol=1e-12)


@pytest.mark.parametrize("rho", some([0.0, 0.4, 0.7], 0.4))
def test_fisher_covers_as_often_as_it_says(rho):
    rng = np.random.default_rng(int(10 * rho))
    z = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], (3000, 30))
    true = 6 / np.pi * np.arcsin(rho / 2)  # Spearman of a bivariate normal
    inside = [low <= true <= high for low, high in (fisher_interval(spearman(*pair.T), 30) for pair in z)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)  # 3.8 standard errors


@settings(max_examples=100, deadline=None)
@given(rho=st.floats(-0.999, 0.999), n=st.integers(4, 500), level=st.floats(0.5, 0.99))
def test_fisher_holds_its_correlation_and_turns_with_it(rho, n, level):
    low, high = fisher_interval(rho, n, level)
    assert -1 <= low <= rho + 1e-12
    assert rho - 1e-12 <= high <= 1
    np.testing.assert_allclose(fisher_interval(-rho, n, level), (-high, -low), atol=1e-12)
    wider = fisher_interval(rho, n, min(0.995, level + 0.004))
    assert wider[0] <= low
    assert wider[1] >= high


def test_what_cannot_be_said_is_undefined():
    y = np.arange(20.0)
    assert np.isnan(bca_interval(y, np.ones(20), spearman, 0, 50)).all()
    assert np.isnan(bca_interval(y, y, spearman, 0, 50)).all()
    assert np.isnan(bca_interval(y[:3], [1, 3, 2], spearman, 0, 50)).all()
    assert np.isnan(bca_interval(y[:4], [1, 3, 2, 4], spearman, 0, 999)).all()  # some resample is one sample only
    assert np.isnan(bca_interval(y, [np.nan, *y[1:]], rmse, 0, 50)).all()
    assert np.isnan(bca_interval(y, y + 1, rmse, 0, 50)).all()
    for rho, n in ((0.5, 3), (float("nan"), 20), (1.0, 20), (-1.0, 20)):
        assert np.isnan(fisher_interval(rho, n)).all()
