"""Any protein families as source, one as target: which compounds are active, learned from few of them.

python -m experiments.dti_transfer --data=simulated --quick
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments import _command, _compound_flags, _dti_flags, _output
from tl_jax.study.compounds.outputs import dti_identity, write_dti
from tl_jax.study.compounds.settings import NAME, DtiSettings
from tl_jax.study.compounds.study import DtiResults, load_setup, run_dti
from tl_jax.study.compounds.tables import judged, printed
from tl_jax.system import runtime
from tl_jax.system.parts import same_study


def main() -> None:
    chosen = _dti_flags.settings()
    runtime.configure()
    _output.keep(
        NAME,
        partial(study, chosen),
        lambda found, folder: write_dti(*found, folder),
        lambda found: "\n".join([printed(found[0], found[1]["arms"]), *answers(found[1])]),
    )


def study(chosen: DtiSettings, work: Path, tell: Callable[[str], None]) -> tuple[DtiResults, dict]:
    """Read the compounds, run what is missing in `work`, and judge it."""
    setup = load_setup(chosen)
    same_study(work, dti_identity(chosen, setup))
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


if __name__ == "__main__":
    _command.run(main, flags_of=(_compound_flags, _dti_flags, _output))
