"""The run axis: folds x repeats (x hyper-parameters) as one compiled program over shared data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.config import FitConfig
from tl_jax.keys import purpose
from tl_jax.runtime import accelerator_memory
from tl_jax.training.fit import complete, fit, predict
from tl_jax.trees import split
from tl_jax.types import Batch, Flat, Hparams, Network, Strategy, Variables

# Weights, two Adam moments and the gradient of one run are streamed in every step. On a CPU runs side by
# side gain only while all of that stays in cache; beyond it memory traffic bounds the step.
CPU_BYTES_AT_ONCE = 16 * 2**20
ACCELERATOR_SHARE = 0.5


class Runs(NamedTuple):
    """Everything that differs between runs; every field has the same leading axis (runs, ...).

    Rows of the shared x are named by index, padded with index 0 at weight 0. Held-out rows have a
    centre and scale of their own because the published protocol scales them by themselves.
    """

    key: jax.Array  # typed keys
    train_rows: Any  # (n_train,) int32
    train_w: Any  # (n_train,)
    test_rows: Any  # (n_test,) int32
    test_w: Any  # (n_test,)
    y: Any  # (n,) response of ALL samples on the run's network scale
    center: Any  # (genes,) of the training rows
    scale: Any
    test_center: Any  # (genes,) for the held-out rows
    test_scale: Any
    hparams: Hparams


class RunsResult(NamedTuple):
    """prediction: (runs, n_test) on the network's scale; history: {metric: (runs, epochs)}.

    trained: {leaf: (runs, ...)} or None unless asked for.
    """

    prediction: np.ndarray
    history: dict[str, np.ndarray]
    trained: Flat | None


def one_run(
    run: Runs,
    x: jax.Array,
    source: Variables | None,
    *,
    strategy: Strategy,
    network: Network,
    config: FitConfig,
    keep_trained: bool,
) -> RunsResult:
    """One run of the axis: scale its rows, start as the strategy says, fit, predict its held-out rows."""
    train = Batch(scaled(x[run.train_rows], run.center, run.scale), run.y[run.train_rows], run.train_w)
    test = Batch(scaled(x[run.test_rows], run.test_center, run.test_scale), run.y[run.test_rows], run.test_w)
    fresh = network.init(purpose(run.key, "init"), x.shape[1], x.dtype)
    transfer = strategy(source, fresh)
    result = fit(run.key, transfer, train, test, run.hparams, network=network, config=config)
    prediction = predict(complete(transfer, result.trained), test.x, network)
    return RunsResult(prediction, result.history, result.trained if keep_trained else None)


def scaled(x: jax.Array, center: jax.Array, scale: jax.Array) -> jax.Array:
    """(n, genes) rows by (genes,) centres and scales."""
    return (x - center[None]) / scale[None]


@partial(jax.jit, static_argnames=("strategy", "network", "config", "keep_trained"))
def run_chunk(runs: Runs, x, source, *, strategy, network, config, keep_trained):
    """A chunk of runs side by side. A chunk of one is not vmapped: its matrix products are then plain ones."""
    lane = partial(one_run, strategy=strategy, network=network, config=config, keep_trained=keep_trained)
    if len(runs.train_rows) == 1:
        out = lane(jax.tree.map(lambda leaf: leaf[0], runs), x, source)
        return jax.tree.map(lambda leaf: leaf[None], out)
    return jax.vmap(lane, in_axes=(0, None, None))(runs, x, source)


def fit_runs(
    runs: Runs,
    x,
    source: Variables | None,
    strategy: Strategy,
    *,
    network: Network,
    config: FitConfig,
    at_once: int | None = None,
    keep_trained: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> RunsResult:
    """Execute all runs, `at_once` side by side, in one compiled program called chunk after chunk.

    x: (n, genes), shared. The last chunk is filled up with copies of its first run, so that there
    is one program; the copies are dropped. at_once bounds memory; None chooses it from the bytes of one run.
    progress(k) is called on the host after each chunk of k runs.
    """
    total = len(runs.train_rows)
    if at_once is None:
        at_once = fitting_at_once(runs, x, source, strategy, network)
    at_once = max(1, min(at_once, total))
    x = jnp.asarray(x)
    config = replace(config, skip_empty=has_empty_steps(runs, config.batch_size))
    parts = []
    for start in range(0, total, at_once):
        wanted = np.minimum(np.arange(start, start + at_once), total)
        index = np.where(wanted < total, wanted, start)
        chunk = jax.tree.map(lambda leaf, index=index: leaf[index], runs)
        out = run_chunk(chunk, x, source, strategy=strategy, network=network, config=config, keep_trained=keep_trained)
        real = int((wanted < total).sum())
        parts.append(jax.tree.map(lambda leaf, real=real: np.asarray(leaf[:real]), out))
        progress(real)
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def has_empty_steps(runs: Runs, batch_size: int) -> bool:
    """Whether some run has fewer batches per epoch than the longest one."""
    batches = -(-np.asarray(runs.train_w > 0).sum(axis=1) // batch_size)
    return bool((batches < -(-runs.train_w.shape[1] // batch_size)).any())


def fitting_at_once(runs: Runs, x, source, strategy: Strategy, network: Network) -> int:
    """How many runs may stand in memory side by side on the present device."""
    memory = accelerator_memory()
    budget = CPU_BYTES_AT_ONCE if memory is None else ACCELERATOR_SHARE * memory
    return max(1, int(budget // bytes_per_run(runs, x, source, strategy, network)))


def bytes_per_run(runs: Runs, x, source, strategy: Strategy, network: Network) -> int:
    """Weights, gradient and two moments of the trained leaves, plus the run's own rows of x."""
    genes, itemsize = x.shape[1], np.dtype(x.dtype).itemsize

    def trained_leaves(source):
        transfer = strategy(source, network.init(jax.random.key(0), genes, x.dtype))
        return split(transfer.variables["params"], transfer.trainable)[0]

    trained = sum(leaf.size for leaf in jax.eval_shape(trained_leaves, source).values())
    rows = runs.train_rows.shape[1] + runs.test_rows.shape[1]
    return int(itemsize * (4 * trained + rows * genes))
