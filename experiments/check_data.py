"""Look at a cohort before any training: units, overlaps, outliers, responses, folds; ends with what to mend.

python -m experiments.check_data --cohort=my_cohort.toml --data_dir=my_data
"""

from datetime import datetime
from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, choice, group, integer, switch, text
from experiments._groups import COHORT, SPLITS

FOLDS = group(
    "protocol and folds",
    integer("folds", 3, "folds of the target in the study to come", 2),
    integer("repeats", 10, "repeats of cross-validation in the study to come", 1),
    choice("split", "stratified", SPLITS, "how folds are drawn; groups always share a fold"),
    integer("seed", 400, "seed of the partitions", 0, 2**32 - 100_001),
)
OUTPUT = group(
    "output",
    text("out", None, "output folder; default results/check_data/TIME"),
    switch("overwrite", False, "replace an output folder that exists"),
)


def work() -> int:
    """1 where something must be mended, 0 otherwise."""
    from tl_jax.data.cohort.cohort_file import load_cohort
    from tl_jax.data.tables.losses import heard
    from tl_jax.evaluation.checks.cohort import check_cohort
    from tl_jax.evaluation.checks.parts import Plan
    from tl_jax.report.page.check_page import NAME, write_check
    from tl_jax.report.sections.check import printed
    from tl_jax.system.files import folder_atomic, refuse_existing

    out = Path(FLAGS.out or f"results/check_data/{datetime.now():%Y-%m-%d_%H-%M-%S}")
    refuse_existing(out, FLAGS.overwrite, marker=NAME)
    plan = Plan({**Plan().folds, "target": FLAGS.folds}, FLAGS.repeats, FLAGS.seed, FLAGS.split)
    with heard() as lines:
        cohort = load_cohort(FLAGS.cohort, FLAGS.data_dir)
    for line in lines:
        print(f"- {line}")
    checked = check_cohort(cohort, plan)
    with folder_atomic(out, FLAGS.overwrite, marker=NAME) as folder:
        write_check(checked, folder)
    print(printed(checked))
    print(f"page: {out / NAME}")
    return 1 if checked.blocking else 0


main = Script(__doc__, (COHORT, FOLDS, OUTPUT), work)

if __name__ == "__main__":
    main.run()
