"""The network of TL4DTI (Bioinformatics 2023, doi 10.1093/bioinformatics/btad234): fully connected, batch normalised.

features -> [Linear -> batch norm -> ReLU -> dropout] once for each hidden layer -> Linear to one logit. Initialisation
and batch norm are PyTorch's: its `fc_n_layer` models load as they are. The running statistics are leaves of their
own ("bn1/mean", "bn1/var"): one that is trainable is live, one that is not makes its layer use what it has stored.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from tl_jax.models.dropout import dropout as drop
from tl_jax.models.dropout import rate_after
from tl_jax.models.registry import network
from tl_jax.types import Flat, Live, Network, Output

EPSILON = 1e-5
MOMENTUM = 0.1  # weight of the batch in the running statistics
STATISTICS = ("mean", "var")


def linear(key, features: int, units: int, dtype) -> dict[str, jax.Array]:
    """torch.nn.Linear's default: kernel (features, units) and bias (units,) uniform within 1 / sqrt(features)."""
    bound = features**-0.5
    kernel, bias = jax.random.split(key)
    return {
        "kernel": jax.random.uniform(kernel, (features, units), dtype, -bound, bound),
        "bias": jax.random.uniform(bias, (units,), dtype, -bound, bound),
    }


def affine(layer: dict[str, jax.Array], h: jax.Array) -> jax.Array:
    return h @ layer["kernel"] + layer["bias"][None]


def normalise(layer: dict[str, jax.Array], z: jax.Array, name: str, live: Live | None) -> tuple[jax.Array, Flat]:
    """(z normalised, the layer's statistics after this batch, {} where they are not live).

    In training by the batch's own mean and biased variance, while the running variance takes the unbiased one, as
    PyTorch does. A batch of one row, whose variance says nothing, is normalised by what is stored (PyTorch raises).
    """
    mean, var, moved = layer["mean"], layer["var"], {}
    if live is not None and f"{name}/mean" in live.leaves:
        n, w = live.w.sum(), live.w[:, None]
        own_mean = (w * z).sum(axis=0) / jnp.maximum(n, 1)
        own_var = (w * jnp.square(z - own_mean[None])).sum(axis=0) / jnp.maximum(n, 1)
        on = jnp.logical_and(live.on, n > 1)
        batch = {"mean": own_mean, "var": own_var * n / jnp.maximum(n - 1, 1)}
        for part, value in batch.items():
            step = jnp.where(on, MOMENTUM, 0)
            moved[f"{name}/{part}"] = jax.lax.stop_gradient((1 - step) * layer[part] + step * value)
        mean, var = jnp.where(on, own_mean, mean), jnp.where(on, own_var, var)
    return (z - mean[None]) * (layer["scale"] / jnp.sqrt(var + EPSILON))[None] + layer["bias"][None], moved


def logistic_loss(logit: jax.Array, y: jax.Array) -> jax.Array:
    """Binary cross-entropy of a logit and a label between 0 and 1."""
    return jax.nn.softplus(logit) - y * logit


def initial(hidden: tuple[int, ...], key, features: int, dtype):
    """Fresh variables."""
    params, keys, width = {}, jax.random.split(key, len(hidden) + 1), features
    for k, units in enumerate(hidden, start=1):
        params[f"layer{k}"] = linear(keys[k - 1], width, units, dtype)
        zero, one = jnp.zeros(units, dtype), jnp.ones(units, dtype)
        params[f"bn{k}"] = {"scale": one, "bias": zero, "mean": zero, "var": one}
        width = units
    return {"params": params | {"head": linear(keys[-1], width, 1, dtype)}}


def forward(names, variables, x, *, key=None, dropout=None, start=0, live=None, stop=None) -> Output:
    """From the output of layer `start` of `names` to the logit, or to the output of layer `stop`."""
    layers, activations, statistics, h = variables["params"], {}, {}, x
    for number, name in enumerate(names, start=1):
        if number < start:
            continue
        if number > start and number % 2:
            h = affine(layers[name], h)
        elif number > start:
            h, moved = normalise(layers[name], h, name, live)
            h, statistics = jax.nn.relu(h), statistics | moved
        activations[name] = h
        if stop == number:
            return Output(h, activations)
        if number % 2 == 0:
            h = drop(key, h, rate_after(dropout, number // 2), layer=number // 2)
    return Output(affine(layers["head"], h)[:, 0], activations, statistics or None)


@network()
def fc_layers(hidden: tuple[int, ...] = (1200, 300)) -> Network:
    """The network as pure functions; layers: layer1, bn1, layer2, bn2, ..., head. Predictions are logits (n,).

    Activations: layer k before its batch norm, and bn k after batch norm and ReLU. prefix(stop) gives the same.
    """
    names = tuple(f"{part}{k}" for k in range(1, len(hidden) + 1) for part in ("layer", "bn"))

    def init(key, features: int, dtype=jnp.float32):
        return initial(hidden, key, features, dtype)

    def apply(variables, x, *, key=None, dropout=None, start=0, live=None) -> Output:
        return forward(names, variables, x, key=key, dropout=dropout, start=start, live=live)

    def prefix(variables, x, stop: int) -> Output:
        return forward(names, variables, x, stop=stop)

    running = tuple(f"{name}/{part}" for name in names[1::2] for part in STATISTICS)
    ways = {"noise_free": 1, "statistics": running, "loss": logistic_loss, "link": jax.nn.sigmoid}
    return Network(init, apply, prefix, (*names, "head"), **ways)
