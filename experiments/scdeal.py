"""A sensitivity score for every single cell, learned from bulk lines, with no label of a cell.

python -m experiments.scdeal --embedded --truth=sensitive
python -m experiments.scdeal --embedded --drugs=all
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments._cell_groups import CELL_STUDY
from experiments._command import Script
from experiments._declared import FLAGS


def work() -> None:
    from experiments import _cell_flags, _output
    from tl_jax.study.cells.outputs import printed, write_cells
    from tl_jax.study.cells.settings import NAME
    from tl_jax.system import runtime

    chosen, truth = _cell_flags.settings(), _cell_flags.truth()
    runtime.configure()
    if FLAGS.plan:
        say_plan(chosen)
        return
    if chosen.drugs:
        from tl_jax.study.cells import profile

        _output.keep(profile.NAME, partial(plan_profile, chosen), profile.write_profile, profile.printed)
        return
    _output.keep(NAME, partial(plan, chosen, truth, FLAGS.register), partial(write_cells, truth=truth), printed)


def say_plan(chosen) -> None:
    """Print what would be run; nothing is trained or written."""
    from tl_jax.study.cells.plan import planned, printed
    from tl_jax.study.cells.setup import make_setup

    print(printed(*planned(chosen, make_setup(chosen))))


def plan(chosen, truth=None, registered=None) -> tuple[dict, Callable[[Path | None], object]]:
    """Read lines and cells: (what determines the numbers, how to compute them). registered: the file of a plan."""
    from tl_jax.study.cells.looks import to_register
    from tl_jax.study.cells.outputs import cells_identity
    from tl_jax.study.cells.setup import make_setup
    from tl_jax.study.cells.study import CellResults, run_cells
    from tl_jax.study.cells.truth import check_truth
    from tl_jax.study.core.registration import register

    setup = make_setup(chosen)
    empty = CellResults(chosen, setup)
    if truth:  # a name that is mistyped is found before the work; what is read here goes nowhere
        check_truth(empty, truth)
    held = register(registered, to_register(chosen, setup, empty.main, truth)) if registered else None
    return cells_identity(chosen, setup), partial(run_cells, chosen, setup, registered=held)


def plan_profile(chosen) -> tuple[dict, Callable[[Path | None], object]]:
    """The same for all drugs."""
    from tl_jax.study.cells.profile import profile_identity, run_profile
    from tl_jax.study.cells.setup import make_setup

    setup = make_setup(chosen)
    return profile_identity(chosen, setup), partial(run_profile, chosen, setup)


main = Script(__doc__, CELL_STUDY, work)

if __name__ == "__main__":
    main.run()
