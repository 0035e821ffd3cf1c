"""Look at a cohort before any training: units, overlaps, outliers, responses, folds; ends with what to mend.

python -m experiments.check_data --cohort=my_cohort.toml --data_dir=my_data
"""

from datetime import datetime
from pathlib import Path

from absl import flags

from experiments import _command
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.splits import KINDS
from tl_jax.evaluation.checks.cohort import check_cohort
from tl_jax.evaluation.checks.parts import Plan
from tl_jax.report.page.check_page import NAME, write_check
from tl_jax.report.sections.check import printed
from tl_jax.system.files import folder_atomic, refuse_existing

FLAGS = flags.FLAGS
PLAN = Plan()

flags.DEFINE_string("cohort", "simulated", "simulated, nci60, glioblastoma, or a path to your own .toml")
flags.DEFINE_string("data_dir", None, "folder of the cohort's tables; default: the environment variable TLJAX_DATA")
flags.DEFINE_integer("folds", PLAN.folds["target"], "folds of the target in the study to come", 2)
flags.DEFINE_integer("repeats", PLAN.repeats, "repeats of cross-validation in the study to come", 1)
flags.DEFINE_integer("seed", PLAN.seed, "seed of the partitions", 0, 2**32 - 100_001)
flags.DEFINE_enum("split", PLAN.kind, list(KINDS), "how folds are drawn; groups always share a fold")
flags.DEFINE_string("out", None, "output folder; default results/check_data/TIME")
flags.DEFINE_bool("overwrite", False, "replace an output folder that exists")


def main() -> int:
    """1 where something must be mended, 0 otherwise."""
    out = Path(FLAGS.out or f"results/check_data/{datetime.now():%Y-%m-%d_%H-%M-%S}")
    refuse_existing(out, FLAGS.overwrite, marker=NAME)
    plan = Plan({**PLAN.folds, "target": FLAGS.folds}, FLAGS.repeats, FLAGS.seed, FLAGS.split)
    checked = check_cohort(load_cohort(FLAGS.cohort, FLAGS.data_dir), plan)
    with folder_atomic(out, FLAGS.overwrite, marker=NAME) as folder:
        write_check(checked, folder)
    print(printed(checked))
    print(f"page: {out / NAME}")
    return 1 if checked.blocking else 0


if __name__ == "__main__":
    _command.run(main)
