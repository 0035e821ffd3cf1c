"""The whole of one training in sight, in plain flax, optax and jax: `python examples/one_training.py`.

This is what `tl_jax.training.fit.fit` does with the two-step network, layer 1 frozen or none, where no kernel is
penalised (kernel_l2 = 0) and a frozen layer is run in every step. The library draws its dropout noise in a faster way
than `drop` below (tl_jax/models/threefry.py). Given that function in place of `drop`, weights and losses of both agree
bit for bit with layer 1 frozen, and to rounding with all layers trained; tests/training/test_one_training.py checks it.
"""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

EPOCHS, BATCH, RATE, L1, DROPOUT = 20, 8, 1e-3, 1e-4, (0.3, 0.1)


def drop(key, h, rate, layer):
    """A share `rate` of the entries of h (n, units) zeroed, the rest scaled up."""
    kept = jax.random.bernoulli(jax.random.fold_in(key, layer), 1 - rate, h.shape)
    return jnp.where(kept, h / (1 - rate), 0.0)


class Network(nn.Module):
    """genes -> 20 sigmoid -> dropout -> 5 softplus -> dropout -> 1 softplus."""

    @nn.compact
    def __call__(self, x, key=None, rates=DROPOUT):
        first = nn.sigmoid(nn.Dense(20, name="layer1")(x))
        h = first if key is None else drop(key, first, rates[0], layer=1)
        h = nn.softplus(nn.Dense(5, name="layer2")(h))
        h = h if key is None else drop(key, h, rates[1], layer=2)
        return nn.softplus(nn.Dense(1, name="head")(h))[:, 0], first


def loss(trained, frozen, x, y, w, key, rates, l1):
    """Mean squared error over the batch's own rows (w = 1), plus the activity penalty of layer 1."""
    prediction, first = Network().apply({"params": {**trained, **frozen}}, x, key, rates)
    size = jnp.maximum(w.sum(), 1)
    return (w * jnp.square(prediction - y)).sum() / size + l1 * (w * jnp.abs(first).sum(axis=1)).sum() / size


def batches(key, n):
    """(row numbers, weights), each (steps, BATCH): a new order of all rows, the last batch filled up at weight 0."""
    steps = -(-n // BATCH)
    draws = jax.vmap(lambda row: jax.random.uniform(jax.random.fold_in(key, row)))(jnp.arange(n))
    order = jnp.pad(jnp.argsort(draws), (0, steps * BATCH - n))
    return order.reshape(steps, BATCH), (jnp.arange(steps * BATCH) < n).astype(jnp.float32).reshape(steps, BATCH)


@partial(jax.jit, static_argnames="kept")
def train(key, params, x, y, rates=DROPOUT, rate=RATE, l1=L1, kept=("layer1",)):
    """(trained layers, (EPOCHS,) mean loss of each epoch); the layers of `params` that `kept` names are frozen."""
    frozen = {name: params[name] for name in kept}
    trained = {name: params[name] for name in params if name not in kept}
    tx = optax.adam(rate)
    # One stream of the key for each purpose: 1 orders the rows, 2 is dropout.
    shuffle, noise = (jax.random.fold_in(key, purpose) for purpose in (1, 2))

    def step(carry, inputs):
        trained, state = carry
        rows, w, key = inputs
        value, slope = jax.value_and_grad(loss)(trained, frozen, x[rows], y[rows], w, key, rates, l1)
        updates, state = tx.update(slope, state)
        # As the library does: a factor of 1 that waits for the loss, so that wide weights are updated in place.
        trained = jax.tree.map(lambda p, u: p + u * (1 + 0 * value), trained, updates)
        return (trained, state), (value, w.sum())

    def epoch(carry, number):
        rows, w = batches(jax.random.fold_in(shuffle, number), len(x))
        keys = jax.vmap(partial(jax.random.fold_in, jax.random.fold_in(noise, number)))(jnp.arange(len(rows)))
        carry, (value, size) = jax.lax.scan(step, carry, (rows, w, keys))
        return carry, (value * size).sum() / size.sum()

    (trained, _), history = jax.lax.scan(epoch, (trained, tx.init(trained)), jnp.arange(EPOCHS))
    return trained, history


def example():
    """(params, x, y): first weights, 22 samples of 50 genes and their response."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((22, 50), dtype=np.float32)
    y = x[:, :3].sum(axis=1) + 5
    return Network().init(jax.random.key(1), x)["params"], jnp.asarray(x), jnp.asarray(y)


if __name__ == "__main__":
    fitted, history = train(jax.random.key(0), *example())
    print(f"loss of the first epoch {history[0]:.3f}, of the last {history[-1]:.3f}")
