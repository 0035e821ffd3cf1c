"""CORAL against a dense twin, and what it must do to means and covariances."""

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power

from tl_jax.transfer.alignment import match_covariance, power, spread


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((2, 12, 12))
    return rng.standard_normal((9, 12)) @ mixing[0], rng.standard_normal((30, 12)) @ mixing[1] + 2


def test_equals_dense_matrices(rows):
    target, source = rows
    cov = [np.cov(part.T) + np.eye(12) for part in rows]
    white = (target - target.mean(axis=0)) @ fractional_matrix_power(cov[0], -0.5)
    dense = white @ fractional_matrix_power(cov[1], 0.5) + source.mean(axis=0)
    np.testing.assert_allclose(match_covariance(source)(target)(target), dense, rtol=2e-5, atol=2e-5)


def test_a_domain_aligned_with_itself_stays(rows):
    target, _ = rows
    np.testing.assert_allclose(match_covariance(target)(target)(target), target, atol=1e-4)


def test_held_out_rows_change_nothing(rows):
    target, source = rows
    move = match_covariance(source)(target[:6])
    np.testing.assert_allclose(move(target)[6:], move(target[6:]), atol=1e-5)


def test_the_order_of_genes_and_samples_is_free(rows):
    target, source = rows
    genes, samples = np.random.default_rng(1).permutation(12), np.random.default_rng(2).permutation(9)
    one = match_covariance(source)(target)(target)
    other = match_covariance(source[:, genes])(target[samples][:, genes])(target[:, genes])
    np.testing.assert_allclose(other, one[:, genes], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ridge", [0.05, 1.0, 7.0])
@pytest.mark.parametrize("exponent", [-0.5, 0.5])
def test_a_power_for_any_ridge(rows, ridge, exponent):
    """Directions without variance are stretched too: of 12 genes, 9 rows vary in 8 directions."""
    target, _ = rows
    values, vectors = np.linalg.eigh(np.cov(target.T) + ridge * np.eye(12))
    dense = target @ (vectors * values**exponent) @ vectors.T
    np.testing.assert_allclose(power(target, spread(target), exponent, ridge), dense, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("ridge", [0.05, 7.0])
def test_the_map_has_the_ridge_that_it_is_given(rows, ridge):
    target, source = rows
    cov = [np.cov(part.T) + ridge * np.eye(12) for part in rows]
    white = (target - target.mean(axis=0)) @ fractional_matrix_power(cov[0], -0.5)
    dense = white @ fractional_matrix_power(cov[1], 0.5) + source.mean(axis=0)
    np.testing.assert_allclose(match_covariance(source, ridge)(target)(target), dense, rtol=2e-5, atol=1e-4)


def test_a_ridge_of_one_keeps_its_bits(rows):
    target, _ = rows
    of = spread(target)
    before = target + (target @ of.vectors) * ((of.variances + 1.0) ** -0.5 - 1.0**-0.5) @ of.vectors.T
    np.testing.assert_array_equal(power(target, of, -0.5), before)
