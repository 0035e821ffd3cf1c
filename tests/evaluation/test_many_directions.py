"""Many source ridges at once: against the one by one that they stand for."""

import numpy as np
import pytest

from tl_jax.evaluation.predictors.many_directions import (
    many_coefficients,
    many_shrunk_coefficients,
    many_shrunken_ridge,
)
from tl_jax.evaluation.predictors.source_methods import SourceView, shrunken_ridge, source_coefficients

RNG = np.random.default_rng(0)
GENES, N, M = 60, 20, 7
X, Z, T = RNG.normal(size=(50, GENES)), RNG.normal(size=(N, GENES)), RNG.normal(size=(M, GENES))
YS = np.column_stack([X[:, :4].sum(axis=1) * s + RNG.normal(size=50) for s in (0, 0.3, 1, 3)])
Y = Z[:, :4].sum(axis=1) + RNG.normal(size=N)
SOURCES = np.column_stack([source_coefficients(X, y) for y in YS.T] + [np.zeros(GENES)])


def test_each_source_ridge_is_the_one_by_itself():
    np.testing.assert_allclose(many_coefficients(X, YS), SOURCES[:, :-1], atol=1e-12)


def test_each_ridge_after_a_source_is_the_one_by_itself():
    """The last source says nothing of any row, and leaves the plain ridge."""
    alone = np.column_stack([source_coefficients(Z, Y, before) for before in SOURCES.T])
    np.testing.assert_allclose(many_shrunk_coefficients(Z, Y, SOURCES), alone, atol=1e-12)


GROUPS = {
    "none": None,
    "pairs": np.array([f"g{i // 2}" if i < 8 else f"s{i}" for i in range(N)]),
    "one": np.array(["a"] * N),
}


@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS)
def test_each_prediction_is_that_of_shrunken_ridge(groups):
    told, held = Z @ SOURCES, T @ SOURCES
    alone = [
        shrunken_ridge([SourceView(*[None] * 4, a, b)], Z, Y, T, groups=groups)
        for a, b in zip(told.T, held.T, strict=True)
    ]
    np.testing.assert_allclose(
        many_shrunken_ridge(Z, Y, T, told, held, groups=groups), np.stack(alone, axis=1), atol=1e-11
    )


def test_rows_that_are_all_the_same_predict_their_mean():
    found = many_shrunken_ridge(np.ones((N, GENES)), Y, T, np.ones((N, 2)), np.ones((M, 2)))
    np.testing.assert_array_equal(found, np.full((M, 2), Y.mean()))
