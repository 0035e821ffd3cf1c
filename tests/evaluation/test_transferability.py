"""Scores of a source against slow twins from their definitions, what must not change them, and undefined cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import ortho_group, pearsonr, spearmanr
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import LinearRegression

from tl_jax.data.domain import Domain
from tl_jax.evaluation.checks.reliability import label_quality
from tl_jax.evaluation.sources.transferability import (
    SCORES,
    cka,
    h_score,
    logme,
    scores_with_labels,
    scores_without_labels,
)

NOTHING = -(np.log(2 * np.pi) + 1) / 2
CASES = [(12, 1, 1.0), (20, 3, 1.0), (20, 3, 0.0), (15, 40, 1.0), (39, 10, 0.5), (25, 24, 2.0)]


def problem(n, d, signal, seed=0):
    rng = np.random.default_rng(seed)
    f = rng.standard_normal((n, d)) * np.exp(rng.standard_normal(d)) + 5 * rng.standard_normal(d)
    return f, 70 + 13 * (signal * f @ rng.standard_normal(d) / np.sqrt(d) + rng.standard_normal(n))


def contrasts(n):
    """(n - 1, n) orthonormal rows that the mean does not reach."""
    return np.linalg.svd(np.eye(n) - 1 / n)[2][: n - 1]


def dense_logme(f, y):
    """log N(y; 0, I/beta + F F'/alpha) per contrast, from the full covariance, climbed from many starts."""
    q = contrasts(len(y))
    f, y = q @ f, q @ y / np.std(y, ddof=1)

    def loss(log_both):
        alpha, beta = np.exp(log_both)
        covariance = np.eye(len(y)) / beta + f @ f.T / alpha
        try:
            root = np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:  # singular in float64, where no evidence is large
            return 1e6
        fit = np.sum(np.linalg.solve(root, y) ** 2) + 2 * np.log(np.diag(root)).sum()
        return (fit / len(y) + np.log(2 * np.pi)) / 2

    scale = np.log((f**2).sum() / len(y))
    starts = [(scale + a, b) for a in (-4, 0, 4, 12) for b in (0.0, 3.0)]
    bounds = [(scale - 25, scale + 25), (-5, 12)]
    return -min(minimize(loss, start, bounds=bounds, method="L-BFGS-B").fun for start in starts)


def published_logme(f, y, steps):
    """Algorithm 1 of You et al. 2021 on contrasts in units of y's sd, by inverting the full matrices."""
    q = contrasts(len(y))
    f, y = q @ f, q @ y / np.std(y, ddof=1)
    n, d = f.shape
    alpha = beta = 1.0
    for _ in range(steps):
        a = alpha * np.eye(d) + beta * f.T @ f
        m = beta * np.linalg.solve(a, f.T @ y)
        gamma = d - alpha * np.trace(np.linalg.inv(a))
        alpha, beta = gamma / (m @ m), (n - gamma) / np.sum((f @ m - y) ** 2)
    a = alpha * np.eye(d) + beta * f.T @ f
    m = beta * np.linalg.solve(a, f.T @ y)
    fit = -beta / 2 * np.sum((f @ m - y) ** 2) - alpha / 2 * m @ m
    sizes = n / 2 * np.log(beta) + d / 2 * np.log(alpha) - n / 2 * np.log(2 * np.pi)
    return (sizes + fit - np.linalg.slogdet(a)[1] / 2) / n


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES)
def test_logme_is_the_largest_evidence(case, seed):
    f, y = problem(*case, seed=seed)
    np.testing.assert_allclose(logme(f, y), dense_logme(f, y), atol=2e-6)


@pytest.mark.parametrize("case", [(20, 3, 1.0), (39, 10, 0.5), (60, 5, 2.0)])
def test_logme_is_where_the_published_fixed_point_goes(case):
    f, y = problem(*case)
    f = f / f.std()
    np.testing.assert_allclose(logme(f, y), published_logme(f, y, 500), atol=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_h_score_is_explicit_regression(case):
    f, y = problem(*case)
    c = (f - f.mean(axis=0)).T @ (y - y.mean()) / len(y)
    shrunk, r = ledoit_wolf(f)
    slow = (1 - r) * c @ np.linalg.solve(shrunk, c) / np.var(y)
    np.testing.assert_allclose(h_score(f, y), slow, rtol=1e-8)
    if case[1] == 1:
        np.testing.assert_allclose(h_score(f, y), LinearRegression().fit(f, y).score(f, y))


@pytest.mark.parametrize("case", CASES)
def test_cka_is_its_definition(case):
    f, y = problem(*case)
    h = np.eye(len(y)) - 1 / len(y)
    k, labels = h @ f @ f.T @ h, h @ np.outer(y, y) @ h
    slow = np.trace(k @ labels) / np.sqrt(np.trace(k @ k) * np.trace(labels @ labels))
    np.testing.assert_allclose(cka(f, y), slow, rtol=1e-9)


def test_one_feature_is_pearson():
    f, y = problem(30, 1, 0.3)
    squared = pearsonr(f[:, 0], y)[0] ** 2
    np.testing.assert_allclose([cka(f[:, 0], y), h_score(f[:, 0], y)], squared)
    others = [problem(30, 1, signal, seed) for seed, signal in enumerate((0.1, 0.5, 1.0, 2.0, 0.7), 1)]
    pairs = [(pearsonr(f[:, 0], y)[0] ** 2, logme(f, y)) for f, y in others]
    assert spearmanr(pairs)[0] == pytest.approx(1)


def test_zero_shot_is_spearman():
    f, y = problem(30, 1, 0.3)
    assert scores_with_labels(f, f[:, 0], y)["zero_shot"] == pytest.approx(spearmanr(f[:, 0], y)[0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 25), st.integers(2, 30), st.floats(-50, 50), st.floats(0.01, 100))
def test_what_changes_no_score(seed, n, d, shift, scale):
    f, y = problem(n, d, 1.0, seed)
    rng = np.random.default_rng(seed)
    rows, turned = rng.permutation(n), f @ ortho_group.rvs(d, random_state=rng)
    for score in (logme, h_score, cka):
        value = score(f, y)
        options = {"rtol": 1e-5, "atol": 1e-5, "err_msg": score.__name__}
        np.testing.assert_allclose(score(turned, y), value, **options)
        np.testing.assert_allclose(score(f[rows], y[rows]), value, **options)
        np.testing.assert_allclose(score(f, shift - scale * y), value, **options)
        np.testing.assert_allclose(score(shift + scale * f, y), value, **options)
    assert logme(f, y) >= NOTHING
    assert 0 <= h_score(f, y) <= 1 + 1e-12
    assert 0 <= cka(f, y) <= 1 + 1e-12


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_signal_raises_every_score(seed):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(40)
    noise = rng.standard_normal((40, 6))
    informed = noise + 3 * y[:, None]
    for score in (logme, h_score, cka):
        assert score(informed, y) > score(noise, y)


def test_features_that_say_nothing_or_all():
    rng = np.random.default_rng(1)
    y = rng.standard_normal(20)
    constant = np.full((20, 2), 0.1)
    assert logme(constant, y) == pytest.approx(NOTHING)
    assert (h_score(constant, y), cka(constant, y)) == (0, 0)
    assert logme(y, y) == np.inf
    assert h_score(y, y) == pytest.approx(1)
    assert cka(y, y) == pytest.approx(1)


def test_undefined_is_nan():
    rng = np.random.default_rng(1)
    f, y = rng.standard_normal((10, 3)), rng.standard_normal(10)
    for score in (logme, h_score, cka):
        assert np.isnan(score(f, np.ones(10)))
        assert np.isnan(score(f[:2], y[:2]))
        assert np.isnan(score(np.where(f == f[0, 0], np.nan, f), y))
        with pytest.raises(ValueError, match="expected"):
            score(f, y[:5])


def source_domain(rng, n=15, genes=6):
    names = np.array([f"S{i:02d}" for i in range(n)])
    x, y = rng.standard_normal((n, genes)).astype(np.float32), rng.random((n, 1))
    labels = np.array([f"G{i}" for i in range(genes)])
    second = y + 0.1 * rng.random((n, 1))
    return Domain("source", x, y, names, labels, ("Drug",), names, names, replicate=second)


def test_the_two_tables_hold_every_score_and_say_who_sees_labels():
    rng = np.random.default_rng(2)
    f, y = problem(20, 4, 1.0)
    with_labels = scores_with_labels(f, f[:, 0], y)
    source = source_domain(rng)
    without = scores_without_labels(source, "Drug", source.x, rng.standard_normal((8, 6)))
    assert {k for k, s in SCORES.items() if s.target_labels} == set(with_labels)
    assert {k for k, s in SCORES.items() if not s.target_labels} == set(without)
    assert np.isfinite(list((with_labels | without).values())).all()
    quality = label_quality(source, "Drug")
    assert without["label_repeatability"] == quality["replicate_spearman"]
    assert without["label_range"] == quality["dynamic_range"]
    assert {k for k, s in SCORES.items() if not s.higher_is_better} == {"mmd", "coral"}
