"""Baselines: twins in scikit-learn, no leak from test rows, and tiny or degenerate training sets."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KernelCenterer

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors import baselines, tuned_baselines
from tl_jax.evaluation.predictors.baselines import (
    BASELINES,
    DEFAULT,
    available,
    check_names,
    kernel_ridge,
    marker_gene,
    mean,
    ridge,
)
from tl_jax.evaluation.statistics.metrics import pearson

MARKER = 4


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(tuned_baselines, "TREES", 25)


def data(seed=0, n=30, m=12, genes=50):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n + m, 4))
    x = z @ rng.standard_normal((4, genes)) + rng.standard_normal((n + m, genes))
    y = 0.7 + 0.1 * z[:, 0] + 0.03 * rng.standard_normal(n + m)
    x[:, MARKER] += 6 * z[:, 0]
    return x[:n].astype(np.float32), y[:n], x[n:].astype(np.float32), y[n:]


def pairs(n):
    return np.repeat(np.arange(n), 2)[:n].astype(str)


def call(name, x, y, test, groups=None):
    return BASELINES[name](x, y, test, groups=groups, marker=MARKER, seed=3)


def one_choice(monkeypatch, alpha, gamma=1.0):
    monkeypatch.setattr(baselines, "RELATIVE_ALPHAS", np.array([alpha]))
    monkeypatch.setattr(baselines, "RELATIVE_GAMMAS", (gamma,))


def mean_eigenvalue(kernel):
    return np.trace(KernelCenterer().fit_transform(kernel)) / len(kernel)


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 100.0])
def test_ridge_equals_scikit_learn(monkeypatch, alpha):
    one_choice(monkeypatch, alpha)
    x, y, test, _ = data()
    wide = x.astype(np.float64)
    twin = Ridge(alpha=alpha * mean_eigenvalue(wide @ wide.T)).fit(wide, y)
    np.testing.assert_allclose(ridge(x, y, test), twin.predict(test.astype(np.float64)), rtol=1e-7)


@pytest.mark.parametrize("gamma", [0.3, 3.0])
def test_kernel_ridge_equals_scikit_learn(monkeypatch, gamma):
    one_choice(monkeypatch, 0.1, gamma)
    x, y, test, _ = data()
    x, test = x.astype(np.float64), test.astype(np.float64)
    distance = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    width = gamma / np.median(distance[np.triu_indices(len(x), 1)])
    within, across = np.exp(-width * distance), np.exp(-width * ((test[:, None] - x[None]) ** 2).sum(axis=2))
    alpha = 0.1 * mean_eigenvalue(within)
    twin = make_pipeline(KernelCenterer(), KernelRidge(alpha=alpha, kernel="precomputed")).fit(within, y - y.mean())
    np.testing.assert_allclose(kernel_ridge(x, y, test), y.mean() + twin.predict(across), rtol=1e-7)


def test_marker_gene_equals_least_squares():
    x, y, test, _ = data()
    twin = LinearRegression().fit(x[:, [MARKER]].astype(float), y)
    np.testing.assert_allclose(marker_gene(x, y, test, marker=MARKER), twin.predict(test[:, [MARKER]]), rtol=1e-9)


@pytest.mark.parametrize("groups", [None, pairs(30), np.repeat(["a", "b", "c"], [1, 9, 20])])
def test_left_out_errors_equal_refitting(groups):
    x, y, _, _ = data()
    x = x.astype(np.float64)
    centred = x - x.mean(axis=0)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    alphas = np.array([1.0, 30.0, 1000.0])
    found = baselines.left_out_errors(np.maximum(values, 0), vectors, y, groups, alphas)
    labels = np.arange(30) if groups is None else groups
    for alpha, error in zip(alphas, found, strict=True):
        left_out = cross_val_predict(clone(Ridge(alpha=alpha)), x, y, groups=labels, cv=LeaveOneGroupOut())
        assert error == pytest.approx(np.mean((left_out - y) ** 2), rel=1e-7)


@pytest.mark.parametrize("name", BASELINES)
def test_a_test_row_is_predicted_alone(name):
    """Neither the other test rows nor their order nor their number change a prediction."""
    x, y, test, _ = data()
    together = call(name, x, y, test)
    assert together.shape == (12,)
    changed = test.copy()
    changed[1:] = 1e3
    np.testing.assert_allclose(call(name, x, y, changed)[0], together[0], rtol=1e-9)
    np.testing.assert_allclose(call(name, x, y, test[::-1])[::-1], together, rtol=1e-9)
    np.testing.assert_allclose(call(name, x, y, test[:1]), together[:1], rtol=1e-9)


@pytest.mark.parametrize("name", BASELINES)
def test_inputs_are_left_alone_and_the_answer_repeats(name):
    x, y, test, _ = data()
    copies = x.copy(), y.copy(), test.copy()
    first = call(name, x, y, test, pairs(30))
    np.testing.assert_array_equal(call(name, x, y, test, pairs(30)), first)
    for now, before in zip((x, y, test), copies, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize(
    ("name", "near"), [("mean", 1e-6), ("ridge", 1e-6), ("kernel_ridge", 1e-6), ("elastic_net", 1e-4), ("svr", 1e-4)]
)
@pytest.mark.parametrize("groups", [None, pairs(30)])
def test_order_of_samples_and_genes_does_not_matter(name, near, groups):
    x, y, test, _ = data()
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(30), rng.permutation(50)
    moved = call(name, x[rows][:, columns], y[rows], test[:, columns], None if groups is None else groups[rows])
    np.testing.assert_allclose(moved, call(name, x, y, test, groups), rtol=near)


@pytest.mark.parametrize("name", [name for name in BASELINES if name not in ("mean", "tabpfn")])
def test_signal_is_found(name):
    x, y, test, y_test = data(n=60, m=40)
    assert pearson(y_test, call(name, x, y, test)) > 0.6, name


@pytest.mark.parametrize("name", ["ridge", "kernel_ridge", "elastic_net", "gradient_boosting"])
def test_noise_labels_are_shrunk_towards_the_mean(name):
    x, y, test, _ = data(n=40)
    noise = np.random.default_rng(5).permutation(y)
    assert np.std(call(name, x, noise, test)) < 0.5 * np.std(y)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_tiny_training_sets(name, n):
    x, y, test, _ = data()
    for groups in (None, pairs(n), np.array(["same"] * n)):
        found = call(name, x[:n], y[:n], test, groups)
        assert np.isfinite(found).all()


@pytest.mark.parametrize("name", BASELINES)
def test_constant_response_and_constant_genes(name):
    x, y, test, _ = data()
    np.testing.assert_allclose(call(name, x, np.full(30, 0.4), test), 0.4, rtol=1e-9)
    flat = np.ones_like(x)
    np.testing.assert_allclose(call(name, flat, y, test), y.mean(), rtol=0.05)


def test_related_twins_do_not_weaken_the_penalty():
    """Every row twice with noise labels: leaving out one twin would choose almost no penalty."""
    rng = np.random.default_rng(0)
    x, y = np.repeat(rng.standard_normal((20, 100)), 2, axis=0), np.repeat(rng.standard_normal(20), 2)
    honest = ridge(x, y, x, groups=pairs(40))
    ignored = ridge(x, y, x, groups=None)
    assert np.std(ignored) > 0.9 * np.std(y)
    assert np.std(honest) < 0.5 * np.std(y)


def test_available_and_missing_marker():
    assert available(3) == list(BASELINES)
    assert available(0) == list(BASELINES)
    assert available(None) == [name for name in BASELINES if name != "marker_gene"]
    assert set(DEFAULT) < set(BASELINES)
    check_names(BASELINES)
    with pytest.raises(InputError, match="no baseline 'ridgee'; there are: mean, marker_gene, ridge"):
        check_names(["mean", "ridgee"])
    x, y, test, _ = data()
    with pytest.raises(ValueError, match="marker"):
        marker_gene(x, y, test)
    np.testing.assert_array_equal(mean(x, y, test), y.mean())
