"""The published grid of hyper-parameters on one protein family, chosen on inner folds, judged once on the test set.

python -m experiments.dti_grid_search --data=simulated --subset
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments._command import Script
from experiments._compound_groups import GRID
from experiments._declared import FLAGS


def work() -> None:
    from experiments import _grid_flags, _output
    from tl_jax.study.compounds.grid import load_pool
    from tl_jax.study.compounds.grid_adaptive import optuna
    from tl_jax.study.compounds.grid_outputs import printed, write_grid
    from tl_jax.study.compounds.grid_plan import plan_text
    from tl_jax.study.compounds.grid_settings import GRID as NAME
    from tl_jax.system import cluster, runtime
    from tl_jax.system.progress import spoken

    chosen = _grid_flags.settings()
    if chosen.adaptive:
        optuna()  # missing: said before hours of work
    runtime.configure()
    cluster.join(FLAGS.coordinator, FLAGS.processes, FLAGS.process)  # before any array exists
    if not FLAGS.plan:
        _output.keep(NAME, partial(plan, chosen), write_grid, printed)
    elif cluster.is_first():
        with spoken():
            print(plan_text(load_pool(chosen, keep=False), chosen))


def plan(settings) -> tuple[dict, Callable[[Path | None], object]]:
    """Read the family: (what determines the numbers, how to compute them)."""
    from tl_jax.study.compounds.grid import load_pool
    from tl_jax.study.compounds.grid_outputs import grid_identity
    from tl_jax.study.core.ledger import Ledger

    ledger = Ledger()
    with ledger.timed("data"):
        pool = load_pool(settings)
    return grid_identity(settings, pool), partial(search, settings, pool, ledger)


def search(settings, pool, ledger, work: Path | None):
    """Search, choose and judge once; finished parts are kept in `work`, by the process that has one."""
    from tl_jax.study.compounds.grid import Grid, best, judge, search_all
    from tl_jax.study.compounds.grid_adaptive import search_some
    from tl_jax.study.compounds.grid_outputs import GridResults

    with ledger.timed("search"):
        grid = Grid(pool, settings, work)
        table = search_some(grid) if settings.adaptive else search_all(grid)
        point = best(table, settings.objective)
    with ledger.timed("chosen point"):
        probabilities = judge(pool, settings, point, work)
    return GridResults(settings, pool, table, point, probabilities, ledger)


main = Script(__doc__, GRID, work)

if __name__ == "__main__":
    main.run()
