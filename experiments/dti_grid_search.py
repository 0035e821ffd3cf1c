"""The published grid of hyper-parameters on one protein family, chosen on inner folds, judged once on the test set.

python -m experiments.dti_grid_search --data=simulated --subset
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from absl import flags

from experiments import _command, _compound_flags, _grid_flags, _output, _processes
from tl_jax.study.compounds.grid import Grid, best, judge, load_pool, search_all
from tl_jax.study.compounds.grid_adaptive import optuna, search_some
from tl_jax.study.compounds.grid_outputs import GridResults, grid_identity, printed, write_grid
from tl_jax.study.compounds.grid_plan import plan_text
from tl_jax.study.compounds.grid_settings import GRID, GridSettings
from tl_jax.system import cluster, runtime
from tl_jax.system.parts import same_study

FLAGS = flags.FLAGS


def main() -> None:
    chosen = _grid_flags.settings()
    if chosen.adaptive:
        optuna()  # missing: said before hours of work
    runtime.configure()
    _processes.join()
    if not FLAGS.plan:
        _output.keep(GRID, partial(search, chosen), write_grid, printed)
    elif cluster.is_first():
        print(plan_text(load_pool(chosen, keep=False), chosen))


def search(settings: GridSettings, work: Path | None, tell) -> GridResults:
    """Search, choose and judge once; finished parts are kept in `work`, by the process that has one."""
    begin = time.monotonic()
    pool = load_pool(settings)
    if work is not None:
        same_study(work, grid_identity(settings, pool))
    grid = Grid(pool, settings, work)
    loaded = time.monotonic()
    table = search_some(grid) if settings.adaptive else search_all(grid)
    point = best(table, settings.objective)
    searched = time.monotonic()
    probabilities = judge(pool, settings, point, work)
    seconds = {"data": loaded - begin, "search": searched - loaded, "chosen point": time.monotonic() - searched}
    seconds = {name: round(value, 2) for name, value in seconds.items()}
    return GridResults(settings, pool, table, point, probabilities, seconds)


if __name__ == "__main__":
    _command.run(main, flags_of=(_compound_flags, _grid_flags, _output, _processes))
