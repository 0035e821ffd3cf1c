"""Integrated gradients against captum's numbers, a slow twin in numpy, and what must hold of any attribution."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.tree_util import Partial

from tl_jax.interpret.integrated_gradients import METHODS, _block, integrated_gradients

HIDDEN = {"relu": jax.nn.relu, "softplus": jax.nn.softplus}


def case_network(case, hidden, dtype):
    """Output 1 of the case's network: a hidden layer, two sigmoid outputs."""
    w = {
        name: np.asarray(case[name], dtype) for name in ("layer1_kernel", "layer1_bias", "layer2_kernel", "layer2_bias")
    }

    def f(x):
        z = HIDDEN[hidden](x @ w["layer1_kernel"] + w["layer1_bias"][None])
        return jax.nn.sigmoid(z @ w["layer2_kernel"] + w["layer2_bias"][None])[:, int(case["target_output"])]

    return f


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("method", METHODS)
def test_captums_numbers(golden, hidden, method):
    case = golden("S2_integrated_gradients")
    asked = {"n_steps": int(case["n_steps"]), "method": method}
    found = integrated_gradients(case_network(case, hidden, "f4"), case["x"], case["baseline"], **asked)
    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, case[f"{hidden}_attribution_{method}"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(found.delta, case[f"{hidden}_convergence_delta_{method}"], atol=1e-5, rtol=0)
    with jax.enable_x64(True):
        x = case["x"].astype("f8")
        found = integrated_gradients(case_network(case, hidden, "f8"), x, **asked)  # the baseline is zero
    output = int(case["target_output"])
    for name, values, atol in (
        (f"exact_attribution_{method}", found.values, 1e-11),
        (f"f64_attribution_{method}", found.values, 1e-7),
        (f"f64_convergence_delta_{method}", found.delta, 1e-7),
    ):
        np.testing.assert_allclose(values, case[f"{hidden}_{name}"], atol=atol, rtol=0)
    np.testing.assert_allclose(found.output, case[f"{hidden}_f64_output"][:, output], atol=1e-12)
    np.testing.assert_allclose(found.base_output, case[f"{hidden}_f64_output_at_baseline"][:, output], atol=1e-12)


def smooth(weights, x, xp=jnp):
    """tanh in the middle, a product at the end, in numpy or jax."""
    one, two = weights
    return xp.tanh(x @ one) @ two[:, 0] * (1 + 0.3 * xp.sin(x[:, 0]))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 9, 30]), st.sampled_from(sorted(METHODS)), st.booleans())
def test_a_slow_twin_by_finite_differences(seed, n_steps, method, own_baseline):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(4, 3)) / 2, rng.normal(size=(3, 1))
    x, baseline = rng.normal(size=(3, 4)), rng.normal(size=(3, 4) if own_baseline else 4)
    with jax.enable_x64(True):
        found = integrated_gradients(Partial(smooth, weights), x, baseline, n_steps=n_steps, method=method)
    f = partial(smooth, weights, xp=np)
    places, steps = METHODS[method](n_steps)
    wanted = np.zeros_like(x)
    for i, row in enumerate(x):
        start = baseline[i] if own_baseline else baseline
        for j in range(4):
            nudge = np.eye(4)[j] * 1e-5
            points = [start + place * (row - start) for place in places]
            slopes = [(f((p + nudge)[None])[0] - f((p - nudge)[None])[0]) / 2e-5 for p in points]
            wanted[i, j] = (row - start)[j] * np.dot(steps, slopes)
    np.testing.assert_allclose(found.values, wanted, atol=1e-8)
    difference = f(x) - f(np.broadcast_to(baseline, x.shape))
    np.testing.assert_allclose(found.delta, wanted.sum(axis=1) - difference, atol=1e-7)


def test_more_steps_complete_the_sum():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(6, 5)), rng.normal(size=(5, 1))
    x = 3 * rng.normal(size=(8, 6))
    with jax.enable_x64(True):
        deltas = [np.abs(integrated_gradients(Partial(smooth, weights), x, n_steps=k).delta).max() for k in (3, 10, 60)]
    assert deltas[0] > 1e-3 > 1e-4 > deltas[2]
    assert deltas[0] > deltas[1] > deltas[2]


@pytest.mark.parametrize("method", METHODS)
def test_a_linear_function_is_attributed_exactly(method):
    slope = np.array([2.0, -1.0, 0.0], "f4")
    x = np.array([[1.0, 2.0, 3.0], [0.0, -4.0, 5.0]], "f4")
    found = integrated_gradients(lambda rows: rows @ slope + 7, x, np.float32([1, 1, 1]), n_steps=3, method=method)
    np.testing.assert_allclose(found.values, (x - 1) * slope, atol=1e-6)
    np.testing.assert_allclose(found.delta, 0, atol=1e-5)


def test_blocks_change_nothing():
    rng = np.random.default_rng(3)
    weights = tuple(w.astype("f4") for w in (rng.normal(size=(9, 5)), rng.normal(size=(5, 1))))
    x = rng.normal(size=(11, 9)).astype("f4")
    f = Partial(smooth, weights)
    whole = integrated_gradients(f, x, n_steps=7)
    for rows in (1, 4, 11):
        parts = integrated_gradients(f, x, n_steps=7, block_bytes=rows * 9 * 4)
        for a, b in zip(whole, parts, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
    assert integrated_gradients(f, x[:0]).values.shape == (0, 9)


def test_memory_does_not_grow_with_steps():
    """The program's own working memory, for 1 and for 400 steps."""
    f = Partial(lambda w, rows: jnp.tanh(rows @ w).sum(axis=1), np.ones((500, 8), "f4"))
    x = np.ones((64, 500), "f4")

    def used(steps):
        places = np.ones(steps, "f4")
        return _block.lower(f, x, x, places, places).compile().memory_analysis().temp_size_in_bytes

    assert used(400) <= used(2) + 400 * 100


def test_models_of_one_shape_share_a_program():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(5, 7)).astype("f4")
    before = _block._cache_size()
    for _ in range(3):
        weights = tuple(w.astype("f4") for w in (rng.normal(size=(7, 2)), rng.normal(size=(2, 1))))
        found = integrated_gradients(Partial(smooth, weights), x)
        np.testing.assert_allclose(found.output, smooth(weights, x, np), atol=1e-5)
    assert _block._cache_size() == before + 1


def test_types():
    x = np.ones((2, 3))
    assert integrated_gradients(lambda rows: rows.sum(axis=1), x, 0 * x).values.dtype == np.float32
    with jax.enable_x64(True):
        assert integrated_gradients(lambda rows: rows.sum(axis=1), x).values.dtype == np.float64


def test_whole_numbers_are_taken_as_float32():
    found = integrated_gradients(lambda rows: rows.sum(axis=1), np.array([[1, 0, 1]]))
    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, [[1, 0, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"method": "simpson"}, "method is 'simpson'; it must be one of gausslegendre, riemann_middle"),
        ({"n_steps": 0}, "at least 1 step"),
        ({"baseline": np.zeros(2)}, r"baseline \(2,\)"),
        ({"baseline": np.array([0, np.nan, 0])}, "not finite"),
        ({"x": np.ones(3)}, r"x has shape \(3,\)"),
        ({"f": lambda rows: rows}, r"gives shape \(3, 3\)"),
        ({"f": lambda rows: rows.sum()}, r"gives shape \(\)"),
    ],
)
def test_arguments_that_do_not_fit(more, words):
    asked = {"f": lambda rows: rows.sum(axis=1), "x": np.ones((2, 3), "f4")} | more
    with pytest.raises(ValueError, match=words):
        integrated_gradients(asked.pop("f"), asked.pop("x"), **asked)
