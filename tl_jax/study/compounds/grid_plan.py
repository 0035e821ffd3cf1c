"""What a grid search will take, counted from shapes before anything is trained or compiled."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import pandas as pd

from tl_jax.models import build
from tl_jax.report.tables import fixed_width
from tl_jax.study.compounds.grid import Pool, arms_of, programs
from tl_jax.study.compounds.grid_settings import GridSettings, Point
from tl_jax.system.progress import duration
from tl_jax.training.cost import cost_of_run
from tl_jax.training.plan import Cost, Plan, own_devices, plan_runs

MIB = 2**20


@dataclass(frozen=True)
class Effort:
    """Points, compiled programs and trainings of a grid, and its training epochs.

    epochs: of all trainings together; alone: if each point were trained by itself to its own number of epochs.
    in_turn: that follow one another where all runs of a program are side by side, on an accelerator with room for them.
    """

    points: int
    programs: int
    runs: int
    epochs: int
    alone: int
    in_turn: int


def effort(points: list[Point], longest: int, folds: int, last: int) -> Effort:
    """Counts for points judged on `folds` inner folds, trained to the epoch `last`."""
    shared = programs(points, longest)
    runs = folds * sum(len({(point.rate, point.dropout) for point in own}) for own in shared.values())
    alone = folds * sum(point.epochs for point in points)
    return Effort(len(points), len(shared), runs, runs * last, alone, len(shared) * last)


def plan_table(pool: Pool, settings: GridSettings) -> pd.DataFrame:
    """One row per program: layers, width, batch, runs, calls, bytes and seconds of the whole program, by counting.

    seconds: the cost model's (training/cost.py), for CPU cores, without compilation.
    """
    rows = []
    shape = (pool.longest, max(len(fold.test) for fold in pool.folds))
    for program, points in programs(settings.space.points(), pool.longest).items():
        arms = list(arms_of(program, points, settings).values())
        network = build(settings.at(Point(*program, *points[0][3:])).network)
        starts = [(arms[0].strategy.function, None)]
        cost = cost_of_run(shape, pool.domain.x, starts, network, arms[0].config)
        plan = plan_runs(len(arms) * len(pool.folds), cost, settings.base.at_once)
        calls = -(-plan.total // (len(plan.devices) * plan.lanes))
        seconds = cost.seconds * plan.total / len(plan.devices)
        rows.append((*program, plan.total, calls, counted_bytes(plan, cost), seconds))
    return pd.DataFrame(rows, columns=["layers", "width", "batch", "runs", "calls", "bytes", "seconds"])


def counted_bytes(plan: Plan, cost: Cost) -> int:
    """Bytes of a program on this process's devices. On a CPU what all runs share stands in memory before."""
    at_work = 1 if plan.mapped else plan.lanes
    each = at_work * cost.working + plan.lanes * cost.passing + (0 if plan.mapped else cost.shared)
    return each * len(own_devices(plan.devices))


def plan_text(pool: Pool, settings: GridSettings) -> str:
    """The plan for people: every program, then the totals."""
    table, last = plan_table(pool, settings), settings.space.epochs[-1]
    counts = effort(settings.space.points(), pool.longest, len(pool.folds), last)
    lines = [
        [f"{r.layers} x {r.width}", *map(str, (r.batch, r.runs, r.calls)), f"{r.bytes / MIB:,.0f}", duration(r.seconds)]
        for r in table.itertuples()
    ]
    head = ("layers x width", "batch", "runs", "calls", "MiB", "time")
    return "\n".join([*fixed_width(head, lines), "", *totals(table, counts, settings, len(pool.folds))])


def totals(table: pd.DataFrame, counts: Effort, settings: GridSettings, folds: int) -> list[str]:
    """What the whole search takes, and what the plan does not know."""
    devices = jax.devices()
    where = f"{len(devices)} {devices[0].platform} device{'s' if len(devices) > 1 else ''}"
    found = [
        f"{counts.points:,} points as {counts.programs} programs and {counts.runs:,} runs on {where}",
        f"training epochs: {counts.epochs:,}; one by one the points would take {counts.alone:,}, "
        f"{counts.alone / counts.epochs:.1f} times as many",
        f"memory: at most {table['bytes'].max() / MIB:,.0f} MiB, counted from shapes",
        f"time: about {duration(table['seconds'].sum())}, by the cost model for CPU cores (nothing was measured), "
        "without compilation",
    ]
    if devices[0].platform != "cpu":
        found[-1] += "; it is no forecast for an accelerator"
    if settings.adaptive:
        most = min(settings.adaptive * folds, counts.runs)
        found.append(
            f"--adaptive={settings.adaptive} trains at most {most:,} of these runs, which ones is not known yet"
        )
    return found
