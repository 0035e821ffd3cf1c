"""The run axis: folds x repeats x settings x starts as one compiled program over shared data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from tl_jax.config import FitConfig
from tl_jax.system.cluster import agree, agree_arrays, is_first, whole
from tl_jax.system.parts import Parts
from tl_jax.system.progress import LOGGER
from tl_jax.training.chunk import Runs, RunsResult, at, run_chunk
from tl_jax.training.cost import cost_of_run
from tl_jax.training.objective import Objective
from tl_jax.training.plan import Plan, fits, own_devices, plan_runs, smaller
from tl_jax.types import Batch, Network, Start


def join(axes: Sequence[Runs]) -> Runs:
    """Several run axes as one, in order."""
    keys = jax.tree.map(lambda *parts: jnp.concatenate(parts), *map(keys_of, axes))
    rest = [runs._replace(key=None, init_key=None) for runs in axes]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *rest)._replace(**keys)


def keys_of(runs: Runs) -> dict[str, jax.Array]:
    """The fields that hold typed keys, which numpy knows nothing of."""
    return {name: keys for name in ("key", "init_key") if (keys := getattr(runs, name)) is not None}


def fit_runs(
    runs: Runs,
    x,
    starts: Sequence[Start],
    *,
    network: Network,
    config: FitConfig,
    objective: Objective | None = None,
    domains: Mapping[str, Batch] | None = None,
    at_once: int | None = None,
    keep_trained: bool = False,
    devices: Sequence[jax.Device] | None = None,
    parts: Parts | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> RunsResult:
    """Execute all runs in one compiled program, called chunk after chunk as the planner decides.

    Args:
        runs: all that differs between runs.
        x: (n, genes), shared.
        starts: what `runs.start` counts; all must train the same leaves. With `runs.source` each source is a stack of
            models, (models, ...) in every leaf.
        network: the network.
        config: whatever changes the program.
        objective: what is minimised over the runs' own rows, which are its domain "train"; None: the network's
            supervised loss.
        domains: {name: scaled rows} of the objective's other domains, shared by all runs.
        at_once: runs per call; None lets the planner choose.
        keep_trained: whether the trained leaves come back.
        devices: where to run; None: all there are.
        parts: where each call's results are kept and earlier ones found, so that only the missing runs are executed.
        progress: progress(k) is called on the host after each call of k runs.
    """
    config = replace(config, skip_empty=has_empty_steps(runs, config.batch_size))
    if objective is not None or runs.source is not None:
        # As fit does: an objective may look anywhere in the network. Of stacked models no two runs share a product.
        config = replace(config, cache_prefix=False)
    more = {"objective": objective, "domains": domains}
    total = len(runs.train_rows)
    finished = gathered(parts)
    missing = np.setdiff1d(np.arange(total), [run for part in finished for run in part["run"]])
    progress(total - len(missing))
    if len(missing):
        plan = plan_for(runs, x, starts, network, config, keep_trained, at_once, devices, **more)
        call, plan = fitting_program(plan, runs, x, starts, network, config, keep_trained, **more)
        LOGGER.info(plan.text())
        for index, count in plan.calls(missing):
            kept = [d * plan.lanes + i for d, k in enumerate(count) for i in range(k)]
            result = jax.tree.map(lambda leaf, kept=kept: whole(leaf)[kept], call(index, count))
            finished.append({"run": index.ravel()[kept], **flat(result)})
            if parts is not None and is_first():
                parts.save(int(finished[-1]["run"].min()), finished[-1])
            progress(int(count.sum()))
    order = np.argsort(np.concatenate([part["run"] for part in finished]))
    return unflat({name: np.concatenate([part[name] for part in finished])[order] for name in finished[0]})


def gathered(parts: Parts | None) -> list[dict[str, np.ndarray]]:
    """The finished parts as process 0 finds them, in every process."""
    found = list(parts.saved()) if parts is not None and is_first() else []
    return [agree_arrays(found[k] if found else None) for k in range(agree(len(found)))]


def flat(result: RunsResult) -> dict[str, np.ndarray]:
    """A result as named arrays."""
    groups = {"history": result.history, "trained": result.trained or {}}
    single = {name: getattr(result, name) for name in ("prediction", "features") if getattr(result, name) is not None}
    return single | {f"{g}:{k}": v for g, part in groups.items() for k, v in part.items()}


def unflat(arrays: dict[str, np.ndarray]) -> RunsResult:
    """The inverse of flat()."""
    history, trained = (
        {name.partition(":")[2]: value for name, value in arrays.items() if name.startswith(f"{group}:")}
        for group in ("history", "trained")
    )
    return RunsResult(arrays["prediction"], history, trained or None, arrays.get("features"))


def plan_for(
    runs: Runs, x, starts, network, config, keep_trained=False, at_once=None, devices=None, objective=None, domains=None
) -> Plan:
    """The planner's answer for these runs, before anything is compiled."""
    rows = (runs.train_rows.shape[1], runs.test_rows.shape[1])
    if runs.source is not None:
        starts = [(strategy, at(source, 0)) for strategy, source in starts]
    cost = cost_of_run(rows, x, starts, network, config, keep_trained, objective, domains)
    return plan_runs(len(runs.train_rows), cost, at_once, devices)


def fitting_program(
    plan: Plan, runs: Runs, x, starts, network, config, keep_trained=False, objective=None, domains=None
):
    """(function of run numbers and counts, plan): the compiled program of the largest plan that fits in memory."""
    strategies, sources = (tuple(part) for part in zip(*starts, strict=True))
    runs = jax.tree.map(np.asarray, runs._replace(**jax.tree.map(jax.random.key_data, keys_of(runs))))
    options = {"strategies": strategies, "network": network, "config": config, "keep_trained": keep_trained}
    options |= {"objective": objective}
    common = (x, sources, domains)
    while True:
        everywhere, apart = (NamedSharding(plan.mesh, spec) for spec in (P(), P("runs")))
        shared = jax.tree.map(lambda leaf, s=everywhere: place(leaf, s), common)

        def arguments(index, count, shared=shared, apart=apart):
            chunk = jax.tree.map(lambda leaf: place(leaf[index.ravel()], apart), runs)
            return chunk, place(count, apart), *shared

        example = arguments(*next(plan.calls(np.arange(plan.total))))
        lowered = run_chunk.lower(*example, **options, mesh=plan.mesh, mapped=plan.mapped)
        program = lowered.compile(dict(plan.options))
        plan = replace(plan, predicted=program_bytes(program, plan, common))
        less = smaller(plan) if not fits(plan) else None
        if less is None:
            return (lambda index, count, program=program: program(*arguments(index, count))), plan
        plan = less


def program_bytes(program, plan: Plan, shared) -> int:
    """Bytes that a compiled program takes on this process's devices while it runs: arguments, results and the rest.

    On a CPU the shared arguments are the host's own arrays, which stand in memory before.
    """
    stats = program.memory_analysis()
    one = stats.argument_size_in_bytes + stats.output_size_in_bytes + stats.temp_size_in_bytes
    if plan.mapped:
        one -= sum(leaf.nbytes for leaf in jax.tree.leaves(shared))
    return one * len(own_devices(plan.devices))


def place(leaf, sharding: NamedSharding) -> jax.Array:
    """A host array, the same in every process, on the devices of a sharding."""
    leaf = np.asarray(leaf)
    return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])


def has_empty_steps(runs: Runs, batch_size: int) -> bool:
    """Whether some run has fewer batches per epoch than the longest one."""
    batches = -(-np.asarray(runs.train_w > 0).sum(axis=1) // batch_size)
    return bool((batches < -(-runs.train_w.shape[1] // batch_size)).any())
