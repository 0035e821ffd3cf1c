"""All source drugs as one source, judged on every drug of a target.

python -m experiments.many_targets --cohort=nci60 --targets=nci60_almanac_31drugs.csv
"""

import shutil
from datetime import datetime
from pathlib import Path

from absl import flags

from experiments import _command
from tl_jax import runtime
from tl_jax.data.cohort_file import load_cohort
from tl_jax.data.splits import KINDS
from tl_jax.data.targets import Targets
from tl_jax.errors import InputError
from tl_jax.files import folder_atomic, refuse_existing
from tl_jax.parts import RECORD, TABLES, clear, finished, same_study, workplace
from tl_jax.progress import say
from tl_jax.study.many_outputs import many_identity, write_many
from tl_jax.study.many_tables import over_targets, printed
from tl_jax.study.many_targets import FINE_TUNED, NAME, ManySettings, run_many_targets
from tl_jax.study.settings import PROTOCOLS

FLAGS = flags.FLAGS

flags.DEFINE_string("cohort", "simulated", "simulated, nci60, glioblastoma, or a path to your own .toml")
flags.DEFINE_string("data_dir", None, "folder of the cohort's tables; default: the environment variable TLJAX_DATA")
flags.DEFINE_string(
    "targets",
    None,
    "table in the data folder: samples in its first column, a drug's response in each other; "
    "default: every drug of the cohort's own target",
)
flags.DEFINE_string("unit", "AUC", "unit of the table of targets")
flags.DEFINE_enum("direction", "resistant", ["resistant", "sensitive"], "what a high value in that table means")
flags.DEFINE_list("protocol", ["honest"], f"one or several of: {', '.join(PROTOCOLS)}")
flags.DEFINE_integer("repeats", 10, "repeats of cross-validation")
flags.DEFINE_integer("folds", 3, "folds")
flags.DEFINE_enum("split", "stratified", list(KINDS), "how folds are drawn, for each drug by its own median")
flags.DEFINE_integer("seed", 400, "seed of partitions, initialisation and shuffles; repeat r splits with seed + 100 r")
flags.DEFINE_list("hidden", ["1000", "100"], "widths of the source network's two hidden layers")
flags.DEFINE_integer("min_lines", 100, "leave out source drugs that were measured on fewer source samples")
flags.DEFINE_list(
    "fine_tuned", [], f"also train networks from the source network, which is slow: {', '.join(FINE_TUNED)}"
)
flags.DEFINE_string("out", None, "output folder; default results/many_targets/TIME")
flags.DEFINE_bool("overwrite", False, "replace an output folder that exists, and the parts of a stopped run")
flags.DEFINE_bool("resume", False, "go on with the stopped run of this --out; begins anew where there is none")
flags.DEFINE_bool("quick", False, "a small study: 2 repeats, --hidden=100,20, 1/5 of the epochs, 5 x the rate")


def settings() -> ManySettings:
    """Settings from the parsed flags."""
    plain = ("cohort", "data_dir", "targets", "unit", "direction", "repeats", "folds", "split", "seed", "min_lines")
    try:
        hidden = tuple(int(width) for width in FLAGS.hidden)
    except ValueError as error:
        raise InputError(f"--hidden={','.join(FLAGS.hidden)}: two whole numbers, such as 1000,100") from error
    if FLAGS.targets is None and (FLAGS["unit"].present or FLAGS["direction"].present):
        raise InputError("--unit and --direction describe the table of --targets, which is missing")
    given = ManySettings(
        **{name: FLAGS[name].value for name in plain},
        protocols=tuple(dict.fromkeys(FLAGS.protocol)),
        hidden=hidden,
        fine_tuned=tuple(dict.fromkeys(FLAGS.fine_tuned)),
    )
    if not FLAGS.quick:
        return given
    kept = {"repeats": FLAGS.repeats, "hidden": hidden}
    return given.in_quick_mode(**{name: value for name, value in kept.items() if FLAGS[name].present})


def main() -> None:
    chosen = settings()
    if FLAGS.resume and FLAGS.out is None:
        raise InputError("--resume needs the --out of the stopped run")
    out = Path(FLAGS.out or Path("results") / NAME / datetime.now().strftime("%Y-%m-%d_%H-%M-%S"))
    runtime.configure()
    if FLAGS.resume and finished(out):
        say(f"{out} is complete already")
        clear(out)
        return
    refuse_existing(out, FLAGS.overwrite)
    targets = Targets(chosen.targets, chosen.unit, chosen.direction) if chosen.targets else None
    with workplace(out, resume=FLAGS.resume, overwrite=FLAGS.overwrite) as work:
        cohort = load_cohort(chosen.cohort, chosen.data_dir, targets=targets)
        same_study(work, many_identity(chosen, cohort))
        results = run_many_targets(chosen, cohort, say, work)
        over = over_targets(results)
        with folder_atomic(out, FLAGS.overwrite, staging=work / TABLES) as folder:
            for text in write_many(results, over, folder):
                say(f"note: {text}")
            shutil.copyfile(work / RECORD, folder / RECORD)
    print(printed(over))
    print(f"\ntables and pictures: {out}")


if __name__ == "__main__":
    _command.run(main)
