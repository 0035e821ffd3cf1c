"""The network of lines and cells, and its attention, against numpy and against a library."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from selection import full

from tl_jax.models import attention
from tl_jax.models.cell_net import CellNet, cell_network, decoded, decoder, names_of
from tl_jax.trees import flatten

GENES = 14
MODULES = ((0, 3, 5), (1, 2), (4, 6, 7, 8, 9, 10, 11, 12, 13))
ALL = {
    "": CellNet((8,), 32, (5,)),
    "A1": CellNet((8,), 32, (5,), attention="A1"),
    "A2": CellNet((8,), 32, (5,), attention="A2", modules=MODULES),
    "A3": CellNet((8,), 32, (5,), attention="A3", modules=(tuple(range(GENES)),)),
}
X = np.random.default_rng(1).normal(size=(6, GENES)).astype(np.float32)


def variables(sizes):
    return cell_network(sizes).init(jax.random.key(3), GENES)


def test_the_plain_network_is_numpy_s():
    params = {name: np.asarray(leaf) for name, leaf in flatten(variables(ALL[""])["params"]).items()}
    h = X.astype(np.float64)
    for name in ("encoder1", "bottleneck", "predictor1", "head"):
        h = h @ params[f"{name}/kernel"] + params[f"{name}/bias"]
        h = h if name in ("bottleneck", "head") else np.maximum(h, 0)
    found = cell_network(ALL[""]).apply(variables(ALL[""]), X)
    np.testing.assert_allclose(found.prediction, h[:, 0], atol=1e-5)
    assert tuple(variables(ALL[""])["params"]) == names_of(ALL[""])


@pytest.mark.parametrize("name", ["", "A1", *map(full, ("A2", "A3"))])
def test_the_prefix_and_the_rest_are_the_whole(name):
    own, network = variables(ALL[name]), cell_network(ALL[name])
    whole = network.apply(own, X).prediction
    assert whole.shape == (len(X),)
    for stop in range(1, len(network.layers)):
        rest = network.apply(own, network.prefix(own, X, stop).prediction, start=stop).prediction
        np.testing.assert_allclose(rest, whole, atol=1e-6)


@pytest.mark.parametrize("name", ["A1", *map(full, ("", "A2", "A3"))])
def test_a_row_does_not_depend_on_the_others(name):
    own, network = variables(ALL[name]), cell_network(ALL[name])
    np.testing.assert_allclose(network.apply(own, X[2:3]).prediction, network.apply(own, X).prediction[2:3], atol=1e-6)


@pytest.mark.parametrize("name", ["A2", "A3"])
def test_tokens_see_their_own_genes(name):
    """With the genes of one module changed, the tokens of the others stay."""
    from tl_jax.models.cell_net import tokenised

    leaves = variables(ALL[name])["params"]["tokens"]
    other = X.copy()
    other[:, list(MODULES[1])] += 1
    gap = np.abs(tokenised(ALL[name], leaves, jnp.asarray(other)) - tokenised(ALL[name], leaves, jnp.asarray(X)))
    moved = gap.max(axis=(0, 2)) > 0
    expected = [False, False, True, False] if name == "A2" else [False, *(k in MODULES[1] for k in range(GENES))]
    np.testing.assert_array_equal(moved, expected)


def test_the_block_s_attention_is_flax_s():
    leaves = attention.block(jax.random.key(0), 16, jnp.float32)
    tokens = jnp.asarray(np.random.default_rng(2).normal(size=(3, 5, 16)), jnp.float32)
    after, weights = attention.attend(leaves, tokens)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    module = nn.MultiHeadDotProductAttention(num_heads=attention.HEADS, qkv_features=16)
    query, key = jnp.split(leaves["query_key"]["kernel"], 2, axis=1), jnp.split(leaves["query_key"]["bias"], 2)

    def heads(kernel, bias):
        return {"kernel": kernel.reshape(16, 4, 4), "bias": bias.reshape(4, 4)}

    params = {
        "query": heads(query[0], key[0]),
        "key": heads(query[1], key[1]),
        "value": heads(leaves["value"]["kernel"], leaves["value"]["bias"]),
        "out": {"kernel": leaves["out"]["kernel"].reshape(4, 4, 16), "bias": leaves["out"]["bias"]},
    }
    normed = nn.LayerNorm(epsilon=attention.EPSILON).apply({"params": leaves["norm1"]}, tokens)
    mixed = tokens + module.apply({"params": params}, normed)
    h = nn.LayerNorm(epsilon=attention.EPSILON).apply({"params": leaves["norm2"]}, mixed)
    h = jax.nn.gelu(h @ leaves["up"]["kernel"] + leaves["up"]["bias"][None, None])
    expected = mixed + h @ leaves["down"]["kernel"] + leaves["down"]["bias"][None, None]
    np.testing.assert_allclose(after, expected, atol=1e-5)


def test_the_decoder_mirrors_the_encoder():
    sizes = CellNet((9, 8), 4, (5,))
    leaves = decoder(sizes, jax.random.key(1), GENES)
    assert [leaves[f"decoder{k}"]["kernel"].shape for k in (1, 2, 3)] == [(4, 8), (8, 9), (9, GENES)]
    assert decoded(leaves, jnp.ones((2, 4))).shape == (2, GENES)
