"""One kernel ridge per drug: the baseline as oracle, and refitting without each group as a slow twin."""

import numpy as np
import pytest

from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.data.splits import partitions
from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS, RELATIVE_GAMMAS, kernel_ridge, ridge
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.study.many_targets.kernel_profile import fit_kernel_profile, squared_distances


def problem(n=26, genes=15, drugs=4, seed=0):
    """Scaled rows, responses of which one drug has no gaps and two have the same, and groups of up to two."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, genes)).astype(np.float32)
    y = np.tanh(x[:, :drugs]) + 0.3 * x[:, [1]] * x[:, [2]] + 0.2 * rng.normal(size=(n, drugs))
    y[rng.random(n) < 0.3, 1] = np.nan
    y[np.isnan(y[:, 1]), 2] = np.nan
    y[:9, 3] = np.nan
    groups = np.array([f"g{min(i, i - i % 2 if i > 20 else i)}" for i in range(n)])
    return x, y, groups


def test_a_drug_without_gaps_is_the_baseline():
    x, y, groups = problem()
    new = np.random.default_rng(1).normal(size=(7, 15)).astype(np.float32)
    found = fit_kernel_profile(x, y, groups).predict(new)
    assert np.isfinite(y[:, 0]).all()
    np.testing.assert_allclose(found[:, 0], kernel_ridge(x, y[:, 0], new, groups=groups), rtol=1e-5, atol=1e-6)


def slow(x, y, groups, new):
    """Every penalty and width refitted without each group, with an intercept from the bordered system."""
    rows = np.flatnonzero(np.isfinite(y))
    distances = squared_distances(x.astype(float), x.astype(float))
    np.fill_diagonal(distances, 0)
    typical = np.median(distances[np.triu_indices(len(x), 1)])

    def solve(kernel, response, alpha):
        n = len(response)
        system = np.block([[kernel + alpha * np.eye(n), np.ones((n, 1))], [np.ones((1, n)), np.zeros((1, 1))]])
        return np.linalg.solve(system, np.append(response, 0))

    best = None
    for width in RELATIVE_GAMMAS:
        gamma = width / typical
        kernel = np.exp(-gamma * distances[np.ix_(rows, rows)])
        centring = np.eye(len(rows)) - 1 / len(rows)
        mean_eigenvalue = np.trace(centring @ kernel @ centring) / len(rows)
        for relative in RELATIVE_ALPHAS:
            errors = np.empty(len(rows))
            for group in np.unique(groups[rows]):
                out = groups[rows] == group
                *dual, constant = solve(kernel[np.ix_(~out, ~out)], y[rows][~out], relative * mean_eigenvalue)
                errors[out] = y[rows][out] - kernel[np.ix_(out, ~out)] @ dual - constant
            if best is None or (errors**2).mean() < best[0] * (1 - 1e-9):
                best = (errors**2).mean(), gamma, kernel, relative * mean_eigenvalue
    _, gamma, kernel, alpha = best
    *dual, constant = solve(kernel, y[rows], alpha)
    return gamma, np.exp(-gamma * squared_distances(new.astype(float), x[rows].astype(float))) @ dual + constant


@pytest.mark.parametrize("drug", [1, 3])
def test_a_drug_with_gaps_is_refitted_without_each_group(drug):
    x, y, groups = problem()
    new = np.random.default_rng(1).normal(size=(7, 15)).astype(np.float32)
    found = fit_kernel_profile(x, y, groups)
    gamma, expected = slow(x, y[:, drug], groups, new)
    assert found.gamma[drug] == pytest.approx(gamma)
    np.testing.assert_allclose(found.predict(new)[:, drug], expected, rtol=1e-5, atol=1e-6)


def test_drugs_do_not_touch_each_other():
    """Also two drugs measured on the same samples, which share their eigendecompositions."""
    x, y, groups = problem()
    found = fit_kernel_profile(x, y, groups).predict(x)
    for drug in range(y.shape[1]):
        alone = fit_kernel_profile(x, y[:, [drug]], groups).predict(x)
        np.testing.assert_allclose(found[:, [drug]], alone, rtol=1e-9, atol=1e-12)


def test_a_sample_that_was_not_measured_has_no_say():
    x, y, groups = problem()
    found = fit_kernel_profile(x, y, groups)
    assert (found.dual[np.isnan(y)] == 0).all()
    assert (found.dual[np.isfinite(y)] != 0).all()


def test_progress_counts_every_drug():
    x, y, groups = problem()
    counts = []
    fit_kernel_profile(x, y, groups, counts.append)
    assert sorted(counts) == [1, 1, 2]


@pytest.mark.parametrize(("relatedness", "helps"), [(0.95, True), (0.0, False)])
def test_a_profile_helps_where_the_source_drugs_are_related(relatedness, helps):
    """On a chain with known truth: a linear ridge on four predicted responses against one on 200 genes."""
    cohort = simulate(
        seed=2, genes=200, n_source=250, n_intermediate=5, n_target=60, relatedness=relatedness, missing=0.3
    )[0]
    source, target = cohort.stage("source"), cohort.stage("target")
    x = fit_scaler(source.x, "standard").apply(source.x)
    model = fit_kernel_profile(x, source.y, source.groups)
    gains = []
    for fold in partitions(target.response, target.groups, folds=3, repeats=2, seed=400):
        rows = fit_scaler(target.x[fold.train], "standard").apply(target.x)
        profile = model.predict(rows) / np.nanstd(source.y, axis=0)
        y = target.response
        own, carried = (
            spearman(y[fold.test], ridge(view[fold.train], y[fold.train], view[fold.test])) for view in (rows, profile)
        )
        gains.append(carried - own)
    assert (np.mean(gains) > 0.1) == helps
