"""A small two-step problem that the training tests share."""

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.config import FitConfig, NetworkConfig
from tl_jax.models import build
from tl_jax.transfer.strategies import STRATEGIES
from tl_jax.types import Batch, Hparams

GENES = 12
NETWORK = build(NetworkConfig(hidden=(6, 4)))
HPARAMS = Hparams(learning_rate=0.01, kernel_l2=1e-3, activity_l1=1e-3, dropout=(0.3, 0.1)).arrays()
CONFIG = FitConfig(epochs=3, batch_size=4)


def rows(n, seed=0, padding=0):
    """n rows of data, then `padding` rows of noise at weight 0."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, GENES)), rng.uniform(0, 10, n)
    junk = np.random.default_rng(seed + 99)
    x = np.concatenate([x, junk.normal(size=(padding, GENES))])
    y = np.concatenate([y, junk.uniform(0, 10, padding)])
    w = np.repeat([1.0, 0.0], [n, padding])
    return Batch(*(jnp.asarray(a, jnp.float32) for a in (x, y, w)))


def start(name):
    source, fresh = (NETWORK.init(jax.random.key(k), GENES) for k in (7, 8))
    if STRATEGIES[name].source_rows:
        source = {**source, "rows": rows(STRATEGIES[name].source_rows, seed=6).x + 1}
    return STRATEGIES[name].function(source, fresh)
