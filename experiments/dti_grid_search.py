"""The published grid of hyper-parameters on one protein family, chosen on inner folds, judged once on the test set.

python -m experiments.dti_grid_search --data=simulated --subset
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from experiments._command import Script
from experiments._compound_groups import GRID
from experiments._declared import FLAGS


def work() -> None:
    from experiments import _grid_flags, _output, _processes
    from tl_jax.study.compounds.grid import load_pool
    from tl_jax.study.compounds.grid_adaptive import optuna
    from tl_jax.study.compounds.grid_outputs import printed, write_grid
    from tl_jax.study.compounds.grid_plan import plan_text
    from tl_jax.study.compounds.grid_settings import GRID as NAME
    from tl_jax.system import cluster, runtime
    from tl_jax.system.progress import say

    chosen = _grid_flags.settings()
    if chosen.adaptive:
        optuna()  # missing: said before hours of work
    runtime.configure()
    _processes.join()
    if not FLAGS.plan:
        _output.keep(NAME, partial(search, chosen), write_grid, printed)
    elif cluster.is_first():
        print(plan_text(load_pool(chosen, say, keep=False), chosen))


def search(settings, work: Path | None, tell):
    """Search, choose and judge once; finished parts are kept in `work`, by the process that has one."""
    from tl_jax.study.compounds.grid import Grid, best, judge, load_pool, search_all
    from tl_jax.study.compounds.grid_adaptive import search_some
    from tl_jax.study.compounds.grid_outputs import GridResults, grid_identity
    from tl_jax.system.parts import parts_of, same_study

    begin = time.monotonic()
    pool = load_pool(settings, tell)
    if work is not None:
        same_study(work, grid_identity(settings, pool))
    parts = partial(parts_of, work, say=tell)
    grid = Grid(pool, settings, parts, tell)
    loaded = time.monotonic()
    table = search_some(grid) if settings.adaptive else search_all(grid)
    point = best(table, settings.objective)
    searched = time.monotonic()
    probabilities = judge(pool, settings, point, parts(f"chosen {point}"), tell)
    seconds = {"data": loaded - begin, "search": searched - loaded, "chosen point": time.monotonic() - searched}
    seconds = {name: round(value, 2) for name, value in seconds.items()}
    return GridResults(settings, pool, table, point, probabilities, seconds)


main = Script(__doc__, GRID, work)

if __name__ == "__main__":
    main.run()
