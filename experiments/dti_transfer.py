"""Any protein families as source, one as target: which compounds are active, learned from few of them.

python -m experiments.dti_transfer --data=simulated --quick
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments._command import Script
from experiments._compound_groups import TRANSFER


def work() -> None:
    from experiments import _dti_flags, _output
    from tl_jax.study.compounds.outputs import write_dti
    from tl_jax.study.compounds.settings import NAME
    from tl_jax.study.compounds.tables import printed
    from tl_jax.system import runtime

    chosen = _dti_flags.settings()
    runtime.configure()
    _output.keep(
        NAME,
        partial(plan, chosen),
        lambda found, folder: write_dti(*found, folder),
        lambda found: "\n".join([printed(found[0], found[1]["arms"]), *answers(found[1])]),
    )


def plan(chosen) -> tuple[dict, Callable[[Path | None], tuple]]:
    """Read the compounds: (what determines the numbers, how to compute them and judge)."""
    from tl_jax.study.compounds.outputs import dti_identity
    from tl_jax.study.compounds.study import load_setup

    setup = load_setup(chosen)
    return dti_identity(chosen, setup), partial(study, chosen, setup)


def study(chosen, setup, work: Path | None) -> tuple:
    """Run what is missing in `work`, and judge it: (results, tables)."""
    from tl_jax.study.compounds.study import run_dti
    from tl_jax.study.compounds.tables import judged

    results = run_dti(chosen, setup, work)
    with results.ledger.timed("statistics"):
        tables = judged(results)
    return results, tables


def answers(tables: dict) -> list[str]:
    """Up to which size each arm is ahead of the first reference."""
    if "crossovers" not in tables:
        return []
    rows = tables["crossovers"]
    rows = rows[rows["reference"] == rows["reference"].iloc[0]]
    lines = [f"{r.arm} from {r.source} against {r.reference}: {r.answer}" for r in rows.itertuples() if r.source]
    return ["", *lines] if lines else []


main = Script(__doc__, TRANSFER, work)

if __name__ == "__main__":
    main.run()
