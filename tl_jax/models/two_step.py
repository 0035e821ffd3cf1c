"""The network of the two-step study (Ju et al. 2025, doi 10.1177/11779322241301507).

genes -> Dense 1000 sigmoid -> Dropout .3 -> Dense 100 softplus -> Dropout .1 -> Dense 1 softplus;
kernels uniform in (-.05, .05), biases zero; kernel L2 and activity L1 on layer 1.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from tl_jax.models.dropout import dropout as drop
from tl_jax.models.dropout import rate_after
from tl_jax.models.registry import network
from tl_jax.types import Network, Output


def uniform_005(key, shape, dtype=jnp.float32):
    """Keras' RandomUniform(-0.05, 0.05)."""
    return jax.random.uniform(key, shape, dtype, -0.05, 0.05)


def dense(units: int, name: str, dtype) -> nn.Dense:
    return nn.Dense(units, name=name, kernel_init=uniform_005, dtype=dtype, param_dtype=dtype)


class TwoStep(nn.Module):
    """hidden: units of the hidden layers; the first is a sigmoid layer, later ones softplus."""

    hidden: tuple[int, ...]
    outputs: int = 1

    @nn.compact
    def __call__(self, x, key=None, dropout=None, start: int = 0, stop: int | None = None):
        activations, h = {}, x
        for i, units in enumerate(self.hidden, start=1):
            if i > start:
                z = dense(units, f"layer{i}", x.dtype)(h)
                h = nn.sigmoid(z) if i == 1 else nn.softplus(z)
            if i >= start:
                activations[f"layer{i}"] = h
                if stop == i:
                    return h, activations
                h = drop(key, h, rate_after(dropout, i), layer=i)
        prediction = nn.softplus(dense(self.outputs, "head", x.dtype)(h))
        return prediction[:, 0] if self.outputs == 1 else prediction, activations


@network()
def two_step(hidden: tuple[int, ...] = (1000, 100), outputs: int = 1) -> Network:
    """The network as pure functions; layers: layer1, layer2, ..., head (outputs columns).

    Predictions are (n,) for one output, as in the published network, else (n, outputs).
    """
    module = TwoStep(tuple(hidden), outputs)

    def init(key, features: int, dtype=jnp.float32):
        return module.init(key, jnp.zeros((1, features), dtype))

    def apply(variables, x, *, key=None, dropout=None, start=0) -> Output:
        return Output(*module.apply(variables, x, key=key, dropout=dropout, start=start))

    def prefix(variables, x, stop: int) -> Output:
        return Output(*module.apply(variables, x, stop=stop))

    layers = (*(f"layer{i}" for i in range(1, len(hidden) + 1)), "head")
    return Network(init, apply, prefix, layers, regularised=("layer1",), noise_free=1)
