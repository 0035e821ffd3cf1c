"""Scaling follows scikit-learn, never looks beyond its rows, and the response map is invertible."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import RobustScaler, StandardScaler

from tl_jax.data.scaling.scaling import fit_response_scale, fit_scaler
from tl_jax.errors import InputError

TWINS = {"robust": RobustScaler, "standard": StandardScaler}


def expression(seed, n, genes=40):
    rng = np.random.default_rng(seed)
    x = (7 + 2 * rng.standard_normal((n, genes)) * rng.uniform(0.01, 2, genes)).astype(np.float32)
    x[:, 0] = 3.3  # constant
    x[: n // 2, 1] = 0.0
    x[n // 2 :, 1] = np.arange(n - n // 2)
    return x


@pytest.mark.parametrize("kind", TWINS)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 21, 22])
def test_equals_scikit_learn(kind, n):
    x = expression(n, n)
    twin = TWINS[kind]().fit(x.astype(np.float64))
    scaler = fit_scaler(x, kind)
    assert scaler.center.dtype == scaler.scale.dtype == np.float32
    assert scaler.apply(x).dtype == np.float32
    np.testing.assert_allclose(scaler.scale, twin.scale_, rtol=1e-6)
    new = expression(99, 7)
    np.testing.assert_allclose(scaler.apply(new), twin.transform(new.astype(np.float64)), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("kind", TWINS)
def test_gene_without_spread_is_zero_and_finite(kind):
    x = expression(0, 9)
    scaled = fit_scaler(x, kind).apply(x)
    assert np.isfinite(scaled).all()
    np.testing.assert_array_equal(scaled[:, 0], 0)


@pytest.mark.parametrize("kind", TWINS)
def test_order_of_samples_and_genes_does_not_matter(kind):
    x, rng = expression(1, 15), np.random.default_rng(1)
    rows, columns = rng.permutation(15), rng.permutation(40)
    a, b = fit_scaler(x, kind), fit_scaler(x[rows][:, columns], kind)
    np.testing.assert_allclose(b.center, a.center[columns], rtol=1e-6)
    np.testing.assert_allclose(b.scale, a.scale[columns], rtol=1e-5)


@pytest.mark.parametrize("kind", TWINS)
def test_input_is_left_alone_and_large_tables_are_quick(kind):
    x = np.random.default_rng(0).standard_normal((300, 9000), np.float32)
    before, start = x.copy(), time.perf_counter()
    fit_scaler(x, kind).apply(x)
    assert time.perf_counter() - start < 3
    np.testing.assert_array_equal(x, before)


def test_scaler_errors():
    with pytest.raises(InputError, match="one of: robust, standard, floored, shrunken, none"):
        fit_scaler(np.ones((3, 2)), "minmax")
    with pytest.raises(ValueError, match="shape"):
        fit_scaler(np.ones((0, 2)), "robust")


def test_response_scale_known_values():
    y = np.array([0.535, 0.995, 0.765])
    scale = fit_response_scale(y, "resistant", "AUC")
    np.testing.assert_allclose(scale.to_network(y), [0, 10, 5])
    mirrored = fit_response_scale(y, "sensitive", "AUC")
    np.testing.assert_allclose(mirrored.to_network(y), [10, 0, 5])
    assert (mirrored.low, mirrored.high, mirrored.unit) == (0.535, 0.995, "AUC")
    assert scale.to_network(np.array([1.1]))[0] > 10  # beyond the training range: not clipped


responses = arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e3, 1e3, width=32))


@settings(max_examples=60, deadline=None)
@given(responses, st.sampled_from(["resistant", "sensitive"]))
def test_response_scale_round_trip(y, direction):
    if np.ptp(y) < 1e-6:
        return
    scale = fit_response_scale(y, direction, "AUC")
    v = scale.to_network(y)
    assert v.min() == pytest.approx(0, abs=1e-9)
    assert v.max() == pytest.approx(10)
    np.testing.assert_allclose(scale.from_network(v), y, atol=1e-9)
    high_means_resistant = y if direction == "resistant" else -y
    assert np.all(np.diff(v[np.argsort(high_means_resistant, kind="stable")]) >= 0)


@pytest.mark.parametrize("y", [[0.5, 0.5, 0.5], [0.5], [], [0.1, np.nan], [0.1, np.inf]])
def test_response_scale_refuses(y):
    with pytest.raises(InputError):
        fit_response_scale(np.array(y), "resistant", "AUC")


def test_response_scale_refuses_direction():
    with pytest.raises(InputError, match="direction"):
        fit_response_scale(np.array([0.0, 1.0]), "up", "AUC")
