"""log2 restored from standardised values: exact where a line's highest values are the assumed ones, close elsewhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.formats.rma_scale import FILL, TOP, TOP_MEAN, fill_columns, restored
from tl_jax.errors import InputError


def lines(seed: int, n=6, genes=80, filled=7, top_spread=0.0) -> tuple[np.ndarray, np.ndarray]:
    """log2 values (n, genes + filled) whose highest have the assumed mean up to `top_spread`, and which are filled."""
    random = np.random.default_rng(seed)
    x = random.uniform(2.1, 11, (n, genes + filled))
    top = random.uniform(12, 13, (n, TOP))
    x[:, :TOP] = top - top.mean(1, keepdims=True) + TOP_MEAN + top_spread * random.normal(size=(n, 1))
    mask = random.permutation(np.arange(genes + filled) >= genes)
    x[:, ~mask] = random.permuted(np.delete(x, np.arange(genes, genes + filled), axis=1), axis=1)
    x[:, mask] = FILL
    return x, mask


def standardised(x: np.ndarray) -> np.ndarray:
    return ((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)).astype("f4")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_lines_with_the_assumed_highest_values_come_back(seed):
    x, mask = lines(seed)
    z = standardised(x)
    filled = fill_columns(z)
    assert (filled == mask).all()
    np.testing.assert_allclose(restored(z, filled), x[:, ~mask], atol=2e-5)


def test_other_highest_values_change_a_line_by_one_factor_above_the_constant():
    x, mask = lines(1, top_spread=0.1)
    found = restored(standardised(x), mask)
    factor = (found - FILL) / (x[:, ~mask] - FILL)
    np.testing.assert_allclose(factor, factor[:, :1] * np.ones_like(factor), rtol=1e-5)
    assert 0.001 < np.abs(factor[:, 0] - 1).max() < 0.05


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 20), st.floats(-5, 5))
def test_the_wheels_own_centre_and_scale_change_nothing(seed, scale, shift):
    x, mask = lines(seed, n=3)
    z = standardised(x).astype(float)
    moved = z.copy()
    moved[1] = moved[1] * scale + shift
    np.testing.assert_allclose(restored(moved, mask), restored(z, mask), atol=1e-9)
    assert (fill_columns(moved) == mask).all()


def test_the_order_within_a_line_is_kept():
    x, mask = lines(3, top_spread=0.3)
    assert (np.argsort(restored(standardised(x), mask), axis=1) == np.argsort(x[:, ~mask], axis=1)).all()


def test_without_one_filled_constant_nothing_is_guessed():
    x, mask = lines(0)
    with pytest.raises(InputError, match="no one constant"):
        fill_columns(standardised(x)[:, ~mask])
    z = standardised(x)
    twins = np.hstack([z, np.repeat(z[:, ~mask][:, :1], mask.sum() - 1, axis=1)])  # as many of another column
    with pytest.raises(InputError, match="no one constant"):
        fill_columns(twins)


def test_values_below_the_constant_and_too_few_genes_are_refused():
    x, mask = lines(0)
    z = standardised(x)
    z[2, np.flatnonzero(~mask)[4]] = z[2, mask].min() - 0.1
    with pytest.raises(InputError, match="at or below the constant"):
        restored(z, mask)
    few = np.concatenate([np.flatnonzero(~mask)[:49], np.flatnonzero(mask)])
    with pytest.raises(InputError, match="49 genes are left"):
        restored(standardised(x)[:, few], mask[few])
