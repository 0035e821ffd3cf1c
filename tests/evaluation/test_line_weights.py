"""Weights of genes from lines against refitted ridges of scikit-learn, drug by drug."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS
from tl_jax.evaluation.predictors.line_models import line_ridge
from tl_jax.evaluation.predictors.line_weights import all_ridges, line_weights

RANDOM = np.random.default_rng(9)
X = RANDOM.normal(size=(60, 90)) + 3
ROWS = RANDOM.normal(size=(11, 90))
TISSUE = np.array(["lung", "skin", "bone", "", "brain"])[RANDOM.integers(0, 5, 60)]
Y = X[:, :7] @ RANDOM.normal(size=(7, 5)) + RANDOM.normal(size=(60, 5))


@pytest.mark.parametrize("tissue", [TISSUE, np.full(60, "")])
def test_weights_score_rows_as_the_ridge_does(tissue):
    w, b = line_weights(X, Y[:, 0], tissue)
    np.testing.assert_allclose(ROWS @ w + b, line_ridge(X, Y[:, 0], tissue, ROWS), atol=1e-9)


def test_lines_that_are_all_alike_say_the_mean():
    w, b = line_weights(np.ones((60, 4)), Y[:, 0], TISSUE)
    assert (w == 0).all()
    assert b == pytest.approx(-Y[:, 0].mean())


def test_every_drug_is_the_ridge_of_the_lines_measured_with_it():
    y = np.where(RANDOM.random(Y.shape) < 0.3, np.nan, Y)
    y[:, 3] = Y[:, 3]
    y[:45, 4] = np.nan
    found = all_ridges(X, y, TISSUE)
    for drug in range(5):
        own = np.isfinite(y[:, drug])
        model = Ridge(alpha=found.alpha[drug], tol=1e-12).fit(X[own], y[own, drug])
        np.testing.assert_allclose(ROWS @ found.weights[:, drug] + found.bias[drug], -model.predict(ROWS), atol=1e-8)


def test_without_gaps_every_drug_is_the_single_one():
    found = all_ridges(X, Y, TISSUE)
    for drug in range(5):
        w, b = line_weights(X, Y[:, drug], TISSUE)
        np.testing.assert_allclose(found.weights[:, drug], w, atol=1e-9)
        assert found.bias[drug] == pytest.approx(b)


def test_left_out_predictions_are_of_models_without_the_tissue():
    found = all_ridges(X, Y, TISSUE)
    lung = TISSUE == "lung"
    for drug in range(5):
        model = Ridge(alpha=found.alpha[drug], tol=1e-12).fit(X[~lung], Y[~lung, drug])
        np.testing.assert_allclose(found.left_out[lung, drug], -model.predict(X[lung]), atol=1e-8)


def test_each_drug_has_the_penalty_of_its_own_smallest_error():
    found, values = all_ridges(X, Y, TISSUE), np.linalg.eigvalsh(np.cov(X.T, bias=True) * 60)[-60:]
    alphas = RELATIVE_ALPHAS * np.maximum(values, 0).mean()
    groups = np.where(TISSUE == "", np.arange(60).astype(str), TISSUE)
    for drug in range(5):
        errors = np.zeros(len(alphas))
        for group in np.unique(groups):
            out = groups == group
            for number, alpha in enumerate(alphas):
                model = Ridge(alpha=alpha, tol=1e-12).fit(X[~out], Y[~out, drug])
                errors[number] += ((model.predict(X[out]) - Y[out, drug]) ** 2).sum()
        assert found.alpha[drug] == pytest.approx(alphas[errors.argmin()], rel=1e-6)
