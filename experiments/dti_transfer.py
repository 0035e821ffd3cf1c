"""Any protein families as source, one as target: which compounds are active, learned from few of them.

python -m experiments.dti_transfer --data=simulated --quick
"""

import shutil
from datetime import datetime
from pathlib import Path

from absl import flags

from experiments import _command, _compound_flags, _dti_flags
from tl_jax import runtime
from tl_jax.errors import InputError
from tl_jax.files import folder_atomic, refuse_existing
from tl_jax.parts import RECORD, TABLES, clear, finished, same_study, workplace
from tl_jax.progress import say
from tl_jax.study.dti_outputs import dti_identity, write_dti
from tl_jax.study.dti_settings import NAME
from tl_jax.study.dti_study import load_problem, run_dti
from tl_jax.study.dti_tables import judged, printed

FLAGS = flags.FLAGS


def main() -> None:
    chosen = _dti_flags.settings()
    if FLAGS.resume and FLAGS.out is None:
        raise InputError("--resume needs the --out of the stopped run")
    out = Path(FLAGS.out or Path("results") / NAME / datetime.now().strftime("%Y-%m-%d_%H-%M-%S"))
    runtime.configure()
    if FLAGS.resume and finished(out):
        say(f"{out} is complete already")
        clear(out)
        return
    refuse_existing(out, FLAGS.overwrite)
    with workplace(out, resume=FLAGS.resume, overwrite=FLAGS.overwrite) as work:
        problem = load_problem(chosen, say)
        same_study(work, dti_identity(chosen, problem))
        results = run_dti(chosen, problem, say, work)
        with results.timed("statistics"):
            tables = judged(results)
        with folder_atomic(out, FLAGS.overwrite, staging=work / TABLES) as folder:
            for text in write_dti(results, tables, folder):
                say(f"note: {text}")
            shutil.copyfile(work / RECORD, folder / RECORD)
    print(printed(results, tables["arms"]))
    for answer in answers(tables):
        print(answer)
    print(f"\ntables and pictures: {out}")


def answers(tables) -> list[str]:
    """Up to which size each arm is ahead of the first reference."""
    if "crossovers" not in tables:
        return []
    rows = tables["crossovers"]
    rows = rows[rows["reference"] == rows["reference"].iloc[0]]
    lines = [f"{r.arm} from {r.source} against {r.reference}: {r.answer}" for r in rows.itertuples() if r.source]
    return ["", *lines] if lines else []


if __name__ == "__main__":
    _command.run(main, flags_of=(_compound_flags, _dti_flags))
