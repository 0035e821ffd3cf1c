"""Closed-form transfer: against scikit-learn and explicit priors, and what must hold."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from tl_jax.evaluation.predictors.baselines import ridge
from tl_jax.evaluation.predictors.source_methods import METHODS, TRUST, SourceView, shrunken_ridge, source_coefficients

RNG = np.random.default_rng(0)
N, M, GENES, UNITS = 18, 7, 40, 5
W = RNG.normal(size=GENES)
X = RNG.normal(size=(N + M, GENES)).astype(np.float32)
Y = X @ W + 0.5 * RNG.normal(size=N + M)


READERS = [name for name, method in METHODS.items() if not method.drugs]  # the others: test_profile_gp


def view(seed=0, linear=None):
    rng = np.random.default_rng(seed)
    features = np.maximum(X @ rng.normal(size=(GENES, UNITS)), 0)
    prediction = X @ rng.normal(size=GENES)
    linear = X @ W if linear is None else linear
    return SourceView(*(part for whole in (features, prediction, linear) for part in (whole[:N], whole[N:])))


def run(name, views=None, x=X, y=Y):
    views = views or [view(), view(1)][: 2 if METHODS[name].many else 1]
    return METHODS[name].function(views, x[:N], y[:N], x[N:], groups=np.arange(N))


@pytest.mark.parametrize("name", READERS)
def test_the_order_of_training_rows_is_free(name):
    order = np.random.default_rng(3).permutation(N)
    views = [view(), view(1)][: 2 if METHODS[name].many else 1]
    moved = [SourceView(*(part[order] if k % 2 == 0 else part for k, part in enumerate(one))) for one in views]
    again = METHODS[name].function(moved, X[:N][order], Y[:N][order], X[N:], groups=order)
    np.testing.assert_allclose(again, run(name), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", READERS)
def test_unit_of_the_response_is_carried(name):
    np.testing.assert_allclose(run(name, y=3 * Y + 10), 3 * run(name) + 10, rtol=1e-6, atol=1e-6)


def test_a_source_that_knows_the_truth_helps_and_one_that_knows_nothing_is_left_out():
    truth = Y[N:]

    def error(prediction):
        return np.mean((prediction - truth) ** 2)

    alone = ridge(X[:N], Y[:N], X[N:], groups=np.arange(N))
    assert error(run("shrunken_ridge")) < 0.5 * error(alone)
    constant = view(linear=np.ones(N + M))
    np.testing.assert_allclose(run("shrunken_ridge", [constant]), alone)
    assert TRUST[0] == 0  # so that ridge alone is among the choices


def test_shrunken_ridge_is_the_ridge_with_one_more_weighted_column(monkeypatch):
    """The kernel with the source's direction is that of the genes and one further column of its prior's size."""
    monkeypatch.setattr("tl_jax.evaluation.predictors.source_methods.TRUST", (2.0,))
    one = view()
    center = X[:N].mean(axis=0)
    unit = np.trace((X[:N] - center) @ (X[:N] - center).T) / N
    mean, sd = one.train_linear.mean(), one.train_linear.std()
    columns = [np.sqrt(2.0 * unit) * (part - mean) / sd for part in (one.train_linear, one.test_linear)]
    wide = [np.column_stack([x - center, c]) for x, c in zip((X[:N], X[N:]), columns, strict=True)]
    expected = ridge(wide[0], Y[:N], wide[1], groups=np.arange(N))
    np.testing.assert_allclose(shrunken_ridge([one], X[:N], Y[:N], X[N:], groups=np.arange(N)), expected, rtol=1e-6)


def test_the_average_is_the_mean_of_each_and_stacking_reads_predictions_only():
    each = [METHODS["feature_ridge"].function([v], X[:N], Y[:N], X[N:], groups=np.arange(N)) for v in (view(), view(1))]
    np.testing.assert_allclose(run("average_sources"), np.mean(each, axis=0))
    np.testing.assert_array_equal(run("stack_sources", x=X + 5), run("stack_sources"))


def test_coefficients_lean_on_the_stage_before_as_far_as_it_helps():
    few = slice(0, 8)
    alone = source_coefficients(X[few], Y[few])
    told = source_coefficients(X[few], Y[few], W)

    def error(coefficients):
        return np.linalg.norm(coefficients - W)

    assert error(told) < 0.7 * error(alone)
    np.testing.assert_array_equal(source_coefficients(X[few], Y[few], np.zeros(GENES)), alone)
    np.testing.assert_allclose(source_coefficients(X[few], Y[few], 5 * W), told, rtol=1e-6)


def test_coefficients_are_those_of_a_ridge():
    coefficients = source_coefficients(X, Y)
    penalties = np.logspace(-3, 4, 300) * np.square(X - X.mean(axis=0)).sum() / len(X)
    gaps = [np.abs(Ridge(p).fit(X, Y).coef_ - coefficients).max() for p in penalties]
    assert min(gaps) < 0.05 * np.abs(coefficients).max()
    assert np.corrcoef(coefficients, W)[0, 1] > 0.6
