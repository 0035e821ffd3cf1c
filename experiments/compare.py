"""Compare the results folders of several studies of one cohort, arm by arm.

python -m experiments.compare results/A results/B
"""

from datetime import datetime
from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, group, switch, text

COMPARED = group(
    "comparison",
    text("metric", None, "metric per fold, by name; default: the one by which the first study was judged"),
)
OUTPUT = group(
    "output",
    text("out", None, "output folder; default results/compare/TIME"),
    switch("overwrite", False, "replace an output folder that exists"),
)


def work(paths: list[str]) -> None:
    from tl_jax.report.page.compared_page import MARKER, NAME, printed, write_compared
    from tl_jax.report.sections.compared import compared
    from tl_jax.system.files import folder_atomic, refuse_existing

    out = Path(FLAGS.out or f"results/compare/{datetime.now():%Y-%m-%d_%H-%M-%S}")
    refuse_existing(out, FLAGS.overwrite, marker=MARKER)
    made = compared(paths, FLAGS.metric)
    with folder_atomic(out, FLAGS.overwrite, marker=MARKER) as folder:
        write_compared(made, folder)
    print(printed(made))
    print(f"report: {out / NAME}")


main = Script(__doc__, (COMPARED, OUTPUT), work, takes_paths=True)

if __name__ == "__main__":
    main.run()
