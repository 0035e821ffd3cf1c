"""A small run axis that the tests of the run axis share."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from problems import CONFIG, GENES, HPARAMS, NETWORK

from tl_jax.keys import run_keys
from tl_jax.training.runs import Runs, fit_runs
from tl_jax.transfer.strategies import STRATEGIES

N = 15
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, GENES)).astype(np.float32)
SOURCE = NETWORK.init(jax.random.key(9), GENES)


def five_folds(repeats=1, sizes=(3, 3, 3, 3, 3)):
    """Runs over folds of the given sizes; smaller training sets are padded."""
    starts, rows = np.cumsum((0, *sizes)), []
    for _ in range(repeats):
        order = RNG.permutation(N)
        rows += [(np.delete(order, np.s_[a:b]), order[a:b]) for a, b in pairwise(starts)]
    longest = [max(len(r[i]) for r in rows) for i in (0, 1)]

    def pad(i):
        index, weight = np.zeros((len(rows), longest[i]), np.int32), np.zeros((len(rows), longest[i]), np.float32)
        for k, r in enumerate(rows):
            index[k, : len(r[i])], weight[k, : len(r[i])] = r[i], 1
        return index, weight

    count = len(rows)
    (train_rows, train_w), (test_rows, test_w) = pad(0), pad(1)
    spread = jax.tree.map(lambda v: jnp.broadcast_to(v, (count, *v.shape)), HPARAMS)
    centers = RNG.normal(size=(2, count, GENES)).astype(np.float32)
    scales = RNG.uniform(0.5, 2, size=(2, count, GENES)).astype(np.float32)
    keys = run_keys(400, [(k // 5, k % 5) for k in range(count)])
    y = RNG.uniform(0, 10, size=(count, N)).astype(np.float32)
    return Runs(keys, train_rows, train_w, test_rows, test_w, y, centers[0], scales[0], centers[1], scales[1], spread)


def fitted(runs, name, **options):
    strategy = STRATEGIES[name].function
    source = SOURCE if STRATEGIES[name].needs_source else None
    return fit_runs(runs, X, [(strategy, source)], network=NETWORK, config=CONFIG, keep_trained=True, **options)
