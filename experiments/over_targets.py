"""One arm over the finished studies of several targets: a t-test over independent targets.

python -m experiments.over_targets results/A results/B results/C --arm=shrunken_ridge

Targets that share samples, such as drugs on the same lines, are not independent: there samples are the unit.
"""

from __future__ import annotations

from experiments._command import Script
from experiments._declared import FLAGS, group, text
from tl_jax.errors import InputError

ARMS = group(
    "arms",
    text("arm", None, "the arm that is tested, by name"),
    text("source", None, "where it starts, as the studies' tables name it; default: the only one"),
    text("reference", None, "arm without a source that it is held against; default: ridge, or scratch without it"),
)


def work(paths: list[str]) -> None:
    from tl_jax.report.sections.over_folders import over_folders

    if FLAGS.arm is None:
        raise InputError("--arm is missing: the arm that is tested, such as --arm=shrunken_ridge")
    print(over_folders(paths, FLAGS.arm, FLAGS.source, FLAGS.reference).text())


main = Script(__doc__, (ARMS,), work, takes_paths=True)

if __name__ == "__main__":
    main.run()
