"""masked(tx, trainable) in a loop of one's own: the split's bits, no state for frozen leaves, nothing moved."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from problems import NETWORK, rows, start

from tl_jax.training.optimizer import masked
from tl_jax.trees import flatten, split

TRANSFER, ROWS = start("freeze_layer1"), rows(10)
PARAMS = TRANSFER.variables["params"]
# Minus nought is a value that adding nought would change.
PARAMS = {**PARAMS, "layer1": {**PARAMS["layer1"], "bias": jnp.full(6, -0.0)}}


def loss(params):
    return jnp.square(NETWORK.apply({"params": params}, ROWS.x).prediction - ROWS.y).mean()


def bits(leaf):
    return np.asarray(leaf).view(np.uint32)


@pytest.mark.parametrize("tx", [optax.adamw(0.01, weight_decay=0.1), optax.sgd(0.01, momentum=0.9)])
def test_equals_the_split_and_leaves_the_rest(tx):
    own = masked(tx, TRANSFER.trainable)
    trained, frozen = split(PARAMS, TRANSFER.trainable)

    # The same gradients for both: a compiler may round a gradient otherwise where less of it is asked for.
    slope = jax.jit(jax.grad(loss))
    params, state, other = PARAMS, own.init(PARAMS), tx.init(trained)
    for _ in range(5):
        gradients = slope(params)
        updates, state = own.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        updates, other = tx.update(split(gradients, TRANSFER.trainable)[0], other, trained)
        trained = optax.apply_updates(trained, updates)
    after = flatten(params)
    for leaf, value in {**frozen, **trained}.items():
        np.testing.assert_array_equal(bits(value), bits(after[leaf]), err_msg=leaf)
    assert not np.array_equal(after["head/kernel"], PARAMS["head"]["kernel"])
    jax.tree.map(np.testing.assert_array_equal, jax.tree.leaves(state), jax.tree.leaves(other))
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    assert held == sum(leaf.nbytes for leaf in jax.tree.leaves(other))
    assert held <= 2 * sum(leaf.nbytes for leaf in trained.values()) + 8


def test_no_gradient_of_a_frozen_leaf_is_computed():
    own = masked(optax.adam(0.01), ["head/*"])
    step = jax.jit(lambda p, s: optax.apply_updates(p, own.update(jax.grad(loss)(p), s, p)[0]))
    text = step.lower(PARAMS, own.init(PARAMS)).compile().as_text()
    # A gradient of layer 1 would be a product of the rows' transpose, of the kernel's shape.
    assert "f32[12,6]{1,0} dot(" not in text


def test_wrong_use_is_refused():
    with pytest.raises(TypeError, match=r"\['head/\*'\]"):
        masked(optax.adam(0.01), "head/*")
    with pytest.raises(ValueError, match="matches no parameter"):
        masked(optax.adam(0.01), ["heads/*"]).init(PARAMS)
    own = masked(optax.adam(0.01), ["head/*"])
    with pytest.raises(ValueError, match="needs params"):
        own.update(PARAMS, own.init(PARAMS))
