"""Ridges for many responses with gaps against one ridge fitted on the lines of each."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from tl_jax.evaluation.predictors.baselines import centred_kernels, left_out_errors
from tl_jax.evaluation.predictors.line_models import kernels, tissue_groups
from tl_jax.evaluation.predictors.many_ridges import many_ridges

RANDOM = np.random.default_rng(6)
X, ROWS = RANDOM.normal(size=(60, 90)), RANDOM.normal(size=(7, 90))
TISSUE = np.array(["a", "b", "c", "d", ""])[RANDOM.integers(0, 5, 60)]
Y = X[:, :4] @ RANDOM.normal(size=(4, 6)) + RANDOM.normal(size=(60, 6))
Y[RANDOM.random(60) < 0.2, :2] = np.nan
Y[RANDOM.random(60) < 0.5, 3] = np.nan
Y[:, 5] = RANDOM.normal(size=60)


@pytest.mark.parametrize("tissue", [TISSUE, np.full(60, "")])
def test_each_response_has_the_ridge_of_its_own_lines_and_penalty(tissue):
    within, across = kernels(X, ROWS)
    alphas = np.array([1e4, 300.0, 30.0, 3.0])
    dual, mean, chosen, left_out = many_ridges(within, Y, tissue, alphas)
    for k, y in enumerate(Y.T):
        known = np.isfinite(y)
        own = centred_kernels(within[np.ix_(known, known)], across[:, known])[0]
        values, vectors = np.linalg.eigh(own)
        errors = left_out_errors(np.maximum(values, 0), vectors, y[known], tissue_groups(tissue[known]), alphas)
        assert chosen[k] == alphas[errors.argmin()]
        expected = Ridge(alpha=chosen[k]).fit(X[known], y[known]).predict(ROWS)
        np.testing.assert_allclose(across @ dual[:, k] + mean[k], expected, atol=1e-8)
        out = known & (tissue == "a") if (tissue != "").any() else np.arange(60) == np.flatnonzero(known)[0]
        without = Ridge(alpha=chosen[k]).fit(X[known & ~out], y[known & ~out]).predict(X[out])
        np.testing.assert_allclose(left_out[out, k], without, atol=1e-8)
    assert len(set(chosen)) > 1
    np.testing.assert_allclose(dual.sum(axis=0), 0, atol=1e-10)
