"""A part of the published grid three ways: together, each point by itself, each point in a process of its own.

python -m benchmarks.dti_grid
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable

import jax
import numpy as np
from absl import flags

from benchmarks.common import machine, number, out_folder, repeats, table
from experiments import _command
from tl_jax.study.compounds.grid import Grid, Pool, load_pool, measured, programs
from tl_jax.study.compounds.grid_plan import effort
from tl_jax.study.compounds.grid_settings import GridSettings, Point, Space
from tl_jax.study.compounds.settings import DtiSettings
from tl_jax.study.core.arms import Arm, How, train_arms
from tl_jax.system import runtime
from tl_jax.system.files import write_json
from tl_jax.system.progress import say
from tl_jax.transfer import strategies

FLAGS = flags.FLAGS
AXES = {"batches": (256,), "rates": (0.001,), "dropouts": (0.1, 0.3), "epochs": (20, 40, 50, 80, 100)}
CASES = {"narrow": Space(layers=(1,), widths=(64,), **AXES), "wide": Space(layers=(2,), widths=(512,), **AXES)}
SMALL = {**AXES, "dropouts": (0.1,), "epochs": (1, 2)}
QUICK = {"narrow": Space(layers=(1,), widths=(8,), **SMALL)}


def fitted(pool: Pool, settings: GridSettings, point: Point) -> np.ndarray:
    """(folds,) MCC of one point, trained to its own number of epochs on all inner folds."""
    grid, own = Grid(pool, settings), settings.at(point)
    config = own.recipe.fit_config(curves=False)
    arm = Arm("", "", strategies.get("scratch"), None, own.recipe, config)
    (found,) = train_arms(grid.problem, [arm], How(own.network, own.seed))
    return measured(grid.problem.folds, np.asarray(found.prediction, np.float64))["mcc"][:, -1]


def together(pool: Pool, settings: GridSettings) -> dict[Point, np.ndarray]:
    """As the grid search does it."""
    grid, points = Grid(pool, settings), settings.space.points()
    for program, own in programs(points, pool.longest).items():
        grid.ask(program, own, "together")
    return {point: grid.scores(point)["mcc"] for point in points}


def one_by_one(pool: Pool, settings: GridSettings) -> dict[Point, np.ndarray]:
    """Each point for itself, in one process that keeps its programs: rates and dropouts are arguments of them."""
    return {point: fitted(pool, settings, point) for point in settings.space.points()}


def alone(pool: Pool, settings: GridSettings) -> dict[Point, np.ndarray]:
    """Each point compiled for itself too, as a process of its own would, but without that process's start."""
    found = {}
    for point in settings.space.points():
        jax.clear_caches()
        found[point] = fitted(pool, settings, point)
    return found


SIDES: dict[str, Callable] = {"together": together, "one_by_one": one_by_one, "alone": alone}


def measure(pool: Pool, settings: GridSettings, rounds: int) -> dict:
    """Seconds of each side in every round, in turn; how far their numbers are apart."""
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    values = {}
    for k in range(rounds):
        for name, side in SIDES.items():
            jax.clear_caches()  # every side pays for its own compilations
            begin = time.monotonic()
            values[name] = side(pool, settings)
            seconds[name].append(time.monotonic() - begin)
            say(f"round {k + 1}: {name} {seconds[name][-1]:.1f} s")
    apart = max(float(np.abs(values["together"][p] - values[name][p]).max()) for name in SIDES for p in values[name])
    counts = effort(settings.space.points(), pool.longest, len(pool.folds), settings.space.epochs[-1])
    medians = {name: float(np.median(own)) for name, own in seconds.items()}
    return {
        "space": vars(settings.space),
        "epochs": {"together": counts.epochs, "alone": counts.alone},
        "seconds": seconds,
        "median": medians,
        "ratio_of_medians": {name: medians[name] / medians["together"] for name in SIDES},
        "largest_difference_of_mcc": apart,
    }


def main() -> None:
    folder, rounds = out_folder(), repeats()
    runtime.configure(cache_dir="off")
    report = {"machine": machine("dti_grid"), "rounds": rounds, "cases": {}}
    with tempfile.TemporaryDirectory() as kept:
        base = DtiSettings(methods=("scratch",), checkpoint_dir=kept)
        for name, space in (QUICK if FLAGS.quick else CASES).items():
            settings = GridSettings(base, space)
            report["cases"][name] = measure(load_pool(settings), settings, rounds)
    rows = [("points compiled and trained", "narrow, s", "x", "wide, s", "x")[: 1 + 2 * len(report["cases"])]]
    for side in SIDES:
        cells = []
        for case in report["cases"].values():
            cells += [number(case["median"][side]), number(case["ratio_of_medians"][side])]
        rows.append((side, *cells))
    print(table(rows))
    say(f"results: {write_json(folder / 'dti_grid.json', report)}")


if __name__ == "__main__":
    _command.run(main)
