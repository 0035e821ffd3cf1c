"""Our written-out threefry against jax's own, and what dropout needs of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.extend.random import threefry_2x32

from tl_jax.models.dropout import dropout
from tl_jax.models.threefry import bits16, threefry2x32

WORD = st.integers(0, 2**32 - 1)


@settings(max_examples=50, deadline=None)
@given(key=st.tuples(WORD, WORD), counter=st.tuples(WORD, WORD))
def test_a_block_equals_jax(key, counter):
    key, counter = (jnp.asarray(pair, jnp.uint32) for pair in (key, counter))
    ours = threefry2x32((key[0], key[1]), counter[:1], counter[1:])
    np.testing.assert_array_equal(jnp.concatenate(ours), threefry_2x32(key, counter))


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 7, 100])
def test_noise_is_a_matter_of_place(columns):
    """More rows or padding leave the noise of the rows before them alone; keys and streams differ."""
    key = jax.random.key(5)
    few, many = bits16(key, 3, columns), bits16(key, 9, columns)
    assert few.shape == (3, columns)
    np.testing.assert_array_equal(few, many[:3])
    assert int(many.max()) < 2**16
    for other in (bits16(jax.random.key(6), 9, 100), bits16(key, 9, 100, stream=1)):
        assert (np.asarray(bits16(key, 9, 100)) == np.asarray(other)).mean() < 0.01


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    h = jnp.ones((200, 1000))
    out = np.asarray(dropout(jax.random.key(1), h, jnp.float32(rate)))
    spread = 5 * np.sqrt(max(rate * (1 - rate), 1e-12) / h.size)  # five standard errors
    assert abs((out == 0).mean() - rate) <= spread + 2**-16
    np.testing.assert_allclose(out[out != 0], 1 / (1 - rate), rtol=1e-6)
    kept = out[:, :-1] != 0
    neighbours = np.corrcoef(kept[:, :-1].ravel(), kept[:, 1:].ravel())[0, 1] if rate else 0.0
    assert abs(neighbours) < 0.012
    np.testing.assert_array_equal(dropout(None, h, jnp.float32(rate)), h)


def test_layers_that_share_a_key_draw_apart():
    h = jnp.ones((50, 100))
    one, two = (np.asarray(dropout(jax.random.key(1), h, jnp.float32(0.5), layer)) for layer in (1, 2))
    assert abs((one == two).mean() - 0.5) < 0.05
