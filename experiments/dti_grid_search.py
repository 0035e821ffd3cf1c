"""The published grid of hyper-parameters on one protein family, chosen on inner folds, judged once on the test set.

python -m experiments.dti_grid_search --data=simulated --subset
"""

from __future__ import annotations

import shutil
import time
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from absl import flags

from experiments import _command, _compound_flags, _grid_flags
from tl_jax import cluster, runtime
from tl_jax.errors import InputError
from tl_jax.files import digest, folder_atomic, refuse_existing
from tl_jax.parts import RECORD, TABLES, Parts, clear, finished, same_study, workplace
from tl_jax.progress import say
from tl_jax.study.dti_grid import Grid, best, judge, load_pool, search_all
from tl_jax.study.dti_grid_adaptive import optuna, search_some
from tl_jax.study.dti_grid_outputs import GridResults, grid_identity, printed, write_grid
from tl_jax.study.dti_grid_plan import plan_text
from tl_jax.study.dti_grid_settings import GRID, GridSettings

FLAGS = flags.FLAGS


def main() -> None:
    chosen = _grid_flags.settings()
    if FLAGS.resume and FLAGS.out is None:
        raise InputError("--resume needs the --out of the stopped run")
    if chosen.adaptive:
        optuna()  # missing: said before hours of work
    out = Path(FLAGS.out or Path("results") / GRID / datetime.now().strftime("%Y-%m-%d_%H-%M-%S"))
    runtime.configure()
    cluster.join(FLAGS.coordinator, FLAGS.processes, FLAGS.process)
    tell = say if cluster.is_first() else lambda text: None
    if FLAGS.plan:
        text = plan_text(load_pool(chosen, tell, keep=False), chosen)
        if cluster.is_first():
            print(text)
        return
    out = Path(cluster.agree(str(out)))
    if FLAGS.resume and cluster.agree(finished(out)):
        if cluster.is_first():
            say(f"{out} is complete already")
            clear(out)
        return
    refuse_existing(out, FLAGS.overwrite)
    # One process holds the folder and writes; the others compute beside it.
    place = workplace(out, resume=FLAGS.resume, overwrite=FLAGS.overwrite) if cluster.is_first() else nullcontext()
    with place as work:
        results = search(chosen, work, tell)
        if cluster.is_first():
            with folder_atomic(out, FLAGS.overwrite, staging=work / TABLES) as folder:
                for text in write_grid(results, folder):
                    say(f"note: {text}")
                shutil.copyfile(work / RECORD, folder / RECORD)
    cluster.barrier("written")
    if cluster.is_first():
        print(printed(results))
        print(f"\ntables and pictures: {out}")


def search(settings: GridSettings, work: Path | None, tell) -> GridResults:
    """Search, choose and judge once; finished parts are kept in `work`, by the process that has one."""
    begin = time.monotonic()
    pool = load_pool(settings, tell)
    if work is not None:
        same_study(work, grid_identity(settings, pool))

    def parts(label: str) -> Parts | None:
        return None if work is None else Parts(work / "parts" / digest(label)[:12], tell)

    grid = Grid(pool, settings, parts, tell)
    loaded = time.monotonic()
    table = search_some(grid) if settings.adaptive else search_all(grid)
    point = best(table, settings.objective)
    searched = time.monotonic()
    probabilities = judge(pool, settings, point, parts(f"chosen {point}"), tell)
    seconds = {"data": loaded - begin, "search": searched - loaded, "chosen point": time.monotonic() - searched}
    seconds = {name: round(value, 2) for name, value in seconds.items()}
    return GridResults(settings, pool, table, point, probabilities, seconds)


if __name__ == "__main__":
    _command.run(main, flags_of=(_compound_flags, _grid_flags))
