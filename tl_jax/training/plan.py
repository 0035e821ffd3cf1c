"""The planner of the run axis: on which devices, how many runs per call, side by side or one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import jax
import numpy as np
from jax.sharding import Mesh

from tl_jax.system.cluster import agree
from tl_jax.system.runtime import compile_options, free_memory, run_mesh

# A call is the unit that is written down and can be lost: long enough to hide the cost of a call, short to redo.
SECONDS_PER_CALL = 5.0
# What a planned program may take of the memory that is free.
SHARE_OF_MEMORY = 0.8
# Results and arguments of one call on a CPU, where only these grow with the number of runs.
CPU_BYTES_PER_CALL = 256 * 2**20


@dataclass(frozen=True)
class Cost:
    """What one run takes, by counting (training/cost.py).

    working: bytes while it is trained. passing: bytes of its arguments and
    results. shared: bytes of what all runs read, once per device. seconds: a rough time on one CPU core.
    """

    working: int
    passing: int
    shared: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """How the run axis is executed.

    lanes: runs per device and call. mapped: one after another on each device instead of side by side.
    predicted: bytes of the program on all devices of this process together, arguments and results included.
    """

    total: int
    devices: tuple[jax.Device, ...]
    lanes: int
    mapped: bool
    options: tuple[tuple[str, str | int], ...] = ()  # for the compiler
    predicted: int = 0

    @cached_property
    def mesh(self) -> Mesh:
        """The devices as one axis named "runs"."""
        return run_mesh(self.devices)

    def calls(self, todo: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """((devices, lanes) run numbers, (devices,) how many of them are real) per call; each run of `todo` once.

        What is left for the last call is shared out evenly. Unused lanes repeat the call's first run.
        """
        size = len(self.devices) * self.lanes
        for start in range(0, len(todo), size):
            shares = np.array_split(np.asarray(todo[start : start + size]), len(self.devices))
            index = np.full((len(self.devices), self.lanes), todo[start])
            for row, share in zip(index, shares, strict=True):
                row[: len(share)] = share
            yield index, np.asarray([len(share) for share in shares], np.int32)

    def text(self) -> str:
        """One line for people."""
        kind, count = self.devices[0].platform, len(self.devices)
        where = f"{count} {kind} device{'s' if count > 1 else ''}"
        how = "one after another" if self.mapped else "side by side"
        calls = -(-self.total // (count * self.lanes))
        memory = f", about {self.predicted / 2**20:,.0f} MiB" if self.predicted else ""
        return f"plan: {self.total} runs on {where}, {self.lanes} per device {how}, {calls} call(s){memory}"


def plan_runs(total: int, cost: Cost, at_once: int | None = None, devices: Sequence[jax.Device] | None = None) -> Plan:
    """Choose devices and lanes for `total` runs; at_once: runs per call, over all devices, as the user wishes.

    On a CPU each device takes its runs one after another: side by side, the optimizer states of small runs fall out
    of cache and wide ones wait for memory all the same. An accelerator takes as many side by side as fit.
    """
    devices = tuple(jax.devices() if devices is None else devices)
    mapped = devices[0].platform == "cpu"
    wanted = total if at_once is None else max(1, min(at_once, total))
    most = len(devices) if jax.process_count() > 1 else min(len(devices), wanted)
    if mapped:
        # Host devices share one memory: fewer of them where not all fit, and never less than one.
        local = max(1, int(free_memory() * SHARE_OF_MEMORY // (cost.working + cost.shared)))
        devices = devices[: most if jax.process_count() > 1 else max(1, min(most, local))]
        fitting = max(1, CPU_BYTES_PER_CALL // cost.passing)
        lanes = min(fitting, max(1, round(SECONDS_PER_CALL / cost.seconds))) if at_once is None else wanted
    else:
        devices = devices[:most]
        # A process sees the memory of its own devices only, and all must compile the same program.
        room = free_memory(own_devices(devices)[0]) * SHARE_OF_MEMORY - cost.shared
        fitting = agree(max(1, int(room // (cost.working + cost.passing))))
        lanes = fitting
    per_device = -(-total // len(devices)) if at_once is None else wanted // len(devices)
    options = compile_options(devices[0].platform)
    return Plan(total, devices, max(1, min(lanes, fitting, per_device)), mapped, tuple(options.items()))


def fits(plan: Plan) -> bool:
    """Whether the compiled program's bytes leave room, now that its arguments stand in memory already."""
    local = own_devices(plan.devices)
    return agree(not local or plan.predicted <= free_memory(local[0]) * (1 if plan.mapped else len(local)))


def own_devices(devices: Sequence[jax.Device]) -> list[jax.Device]:
    """Those of the devices that belong to this process."""
    return [device for device in devices if device.process_index == jax.process_index()]


def smaller(plan: Plan) -> Plan | None:
    """The next plan to try where a program does not fit: half the lanes or devices; None where one run is left."""
    if not plan.mapped and plan.lanes > 1:
        return replace(plan, lanes=-(-plan.lanes // 2))
    if plan.mapped and len(plan.devices) > 1 and jax.process_count() == 1:
        return replace(plan, devices=plan.devices[: len(plan.devices) // 2])
    return None
