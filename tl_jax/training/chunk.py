"""A chunk of the run axis as one compiled program: runs one after another or side by side on each device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from tl_jax.config import FitConfig
from tl_jax.keys import purpose
from tl_jax.training.draws import PLAIN
from tl_jax.training.fit import fit
from tl_jax.training.objective import Objective
from tl_jax.training.prefix import Ahead, advance_together, runs_per_product
from tl_jax.types import Batch, Flat, Hparams, Network, Strategy, Transfer, Variables


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
    y: Any  # (n,) response of ALL samples on the run's network scale; (n, responses) for an objective of several
    center: Any  # (genes,) of the training rows
    scale: Any
    test_center: Any  # (genes,) for the held-out rows; None: the training rows' own
    test_scale: Any
    hparams: Hparams
    start: Any = None  # (runs,) int32, which of the starts a run begins from; None: the only one
    init_key: Any = None  # typed keys of the initialisation alone; None: from key too
    test_y: Any = None  # (n,) what held-out rows are judged by; None: y
    source: Any = None  # (runs,) int32, which of the models stacked in a start's source; None: a source is one model


class RunsResult(NamedTuple):
    """prediction: (runs, reads, n_test) on the network's scale, after each epoch of config.reads, the last one last.

    history: {metric: (runs, epochs)}. trained: {leaf: (runs, ...)} or None unless asked for. features: (runs, features)
    sum of |weights| that each feature has in the first layer at the end; None where that layer is not trained.
    """

    prediction: np.ndarray
    history: dict[str, np.ndarray]
    trained: Flat | None
    features: np.ndarray | None = None


def one_run(
    run: Runs,
    x,
    sources,
    domains: Mapping[str, Batch] | None = None,
    ahead: Ahead | None = None,
    *,
    strategies,
    network: Network,
    config: FitConfig,
    objective: Objective | None = None,
    keep_trained,
) -> RunsResult:
    """One run of the axis: scale its rows, start as the strategy says, fit, predict its held-out rows."""
    (x_train, x_test), key = scaled_rows(run, x), jax.random.wrap_key_data(run.key, impl="threefry2x32")
    train = Batch(x_train, run.y[run.train_rows], run.train_w)
    test = Batch(x_test, (run.y if run.test_y is None else run.test_y)[run.test_rows], run.test_w)
    own = key if run.init_key is None else jax.random.wrap_key_data(run.init_key, impl="threefry2x32")
    if run.source is not None:
        # Behind the barrier a model is the same to the compiler however many are in the stack.
        sources = jax.lax.optimization_barrier(at(sources, run.source))
    fresh = network.init(purpose(own, "init"), x.shape[1], x.dtype)
    transfer = begin(run.start, strategies, sources, fresh)
    options = {"network": network, "config": config, "objective": objective, "ahead": ahead}
    result = fit(key, transfer, {PLAIN: train, **(domains or {})}, test, run.hparams, **options)
    kernel = result.trained.get(f"{network.layers[0]}/kernel")
    features = None if kernel is None else jnp.abs(kernel).sum(axis=1)
    return RunsResult(result.prediction, result.history, result.trained if keep_trained else None, features)


def scaled_rows(run: Runs, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A run's training and held-out rows (n_train, genes), (n_test, genes), each as it is scaled."""
    center, scale = (run.center, run.scale) if run.test_center is None else (run.test_center, run.test_scale)
    return scaled(x[run.train_rows], run.center, run.scale), scaled(x[run.test_rows], center, scale)


def begin(number, strategies: Sequence[Strategy], sources: Sequence[Variables | None], fresh: Variables) -> Transfer:
    """The start of one run. Starts that share a program train the same leaves at the same rates; others raise."""
    if len(strategies) == 1:
        return strategies[0](sources[0], fresh)
    kinds = {}

    def variables_of(strategy, source):
        def branch(fresh):
            transfer = strategy(source, fresh)
            kinds[transfer.kind] = transfer
            return transfer.variables, transfer.anchors

        return branch

    branches = [variables_of(*pair) for pair in zip(strategies, sources, strict=True)]
    variables, anchors = jax.lax.switch(number, branches, fresh)
    if len(kinds) > 1:
        raise ValueError(f"starts of one program must train the same leaves; there are {len(kinds)} kinds")
    return replace(next(iter(kinds.values())), variables=variables, anchors=anchors)


def scaled(x: jax.Array, center: jax.Array, scale: jax.Array) -> jax.Array:
    """(n, genes) rows by (genes,) centres and scales."""
    # Behind the barrier a division stays one: for several devices the compiler would multiply by the reciprocal.
    return (x - center[None]) / jax.lax.optimization_barrier(jnp.broadcast_to(scale, x.shape))


@partial(jax.jit, static_argnames=("strategies", "network", "config", "objective", "keep_trained", "mesh", "mapped"))
def run_chunk(
    runs: Runs,
    count,
    x,
    sources,
    domains=None,
    *,
    strategies,
    network,
    config,
    objective=None,
    keep_trained,
    mesh: Mesh,
    mapped: bool,
):
    """A chunk of runs, spread evenly over the mesh; no device ever waits for another.

    runs: (devices x lanes, ...), each device's own lanes together; count: (devices,) how many of them are real.
    domains: {name: Batch} of rows beside the runs' own, shared by all, for an objective.
    mapped: a device's runs one after another (a CPU core keeps one run's state in cache); else all side by side.
    """
    options = {"strategies": strategies, "network": network, "config": config}
    # Traced once, although its result's shape is asked for first.
    lane = jax.jit(partial(one_run, **options, objective=objective, keep_trained=keep_trained), inline=True)

    def on_one_device(runs, count, x, sources, domains):
        if mapped:
            return one_after_another(lane, runs, count[0], x, sources, domains, **options)
        return jax.vmap(lambda run: lane(run, x, sources, domains))(runs)

    # check_vma=True would sum the gradients of runs that share a source model.
    spread = jax.shard_map(
        on_one_device, mesh=mesh, in_specs=(P("runs"), P("runs"), P(), P(), P()), out_specs=P("runs"), check_vma=False
    )
    return spread(runs, count, x, sources, domains)


def one_after_another(lane, runs: Runs, count, x, sources, domains, *, strategies, network, config) -> RunsResult:
    """The first `count` of a device's runs in turn, a few of them ahead together through their frozen layers.

    The barriers keep what surrounds a run out of its arithmetic, and the number of turns is an argument, so that its
    bits do not depend on lanes or devices.
    """
    lanes, rows = len(runs.train_rows), runs.train_rows.shape[1] + runs.test_rows.shape[1]
    together = runs_per_product(rows, strategies, sources, x.shape[1], x.dtype, network, config)

    @partial(jax.jit, inline=True)
    def look_ahead(first):
        which = jnp.minimum(first + jnp.arange(together), lanes - 1)
        some, x_, sources_ = jax.lax.optimization_barrier((at(runs, which), x, sources))
        both = jax.vmap(lambda run: jnp.concatenate(scaled_rows(run, x_)))(some)
        return advance_together(some.start, both, strategies, sources_, network, config)

    def turn(i, out, ahead=None):
        one = jax.lax.optimization_barrier((at(runs, i), x, sources, domains, ahead))
        result = jax.lax.optimization_barrier(lane(*one))
        return jax.tree.map(lambda whole, part: whole.at[i].set(part), out, result)

    def turns(block, out):
        first = block * together
        ahead = look_ahead(first)
        return jax.lax.fori_loop(
            0, jnp.minimum(together, count - first), lambda j, out: turn(first + j, out, at(ahead, j)), out
        )

    shapes = jax.eval_shape(
        lambda: lane(at(runs, 0), x, sources, domains, at(look_ahead(jnp.int32(0)), 0) if together else None)
    )
    nothing = jax.tree.map(lambda s: jnp.zeros((lanes, *s.shape), s.dtype), shapes)
    if not together:
        return jax.lax.fori_loop(0, count, turn, nothing)
    return jax.lax.fori_loop(0, (count + together - 1) // together, turns, nothing)


def at(tree, index):
    """Every leaf of a tree at an index of its leading axis."""
    return jax.tree.map(lambda leaf: leaf[index], tree)
