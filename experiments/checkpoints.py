"""List the stage checkpoints below a folder (sizes, ages, what comes from what), or take old ones away.

python -m experiments.checkpoints checkpoints --older_than=30
"""

from pathlib import Path

from experiments._command import Script
from experiments._declared import FLAGS, group, number, switch

PRUNE = group(
    "what to take away",
    number("older_than", None, "days; list those that --prune would take away", 0.0),
    switch("prune", False, "take away what --older_than names; without it nothing is deleted"),
    switch("ancestors", False, "take away also what younger stages come from; these stay whole without it"),
)


def work(paths: list[str]) -> None:
    from tl_jax.errors import InputError
    from tl_jax.study.core.shelf_list import listed, on_shelf, take_away, to_prune

    if len(paths) > 1:
        raise InputError("name one folder: python -m experiments.checkpoints checkpoints")
    if FLAGS.older_than is None and (FLAGS.prune or FLAGS.ancestors):
        raise InputError("--prune and --ancestors need --older_than=DAYS, which says what may go")
    folder = Path(paths[0] if paths else "checkpoints")
    stages = on_shelf(folder)
    if FLAGS.older_than is None:
        print("\n".join(listed(stages, folder)))
        return
    going, staying = to_prune(stages, FLAGS.older_than, FLAGS.ancestors)
    print("\n".join(listed(going, folder)))
    if staying:
        print(f"{len(staying)} as old stay, since younger stages come from them (--ancestors takes them too)")
    if FLAGS.prune:
        print(f"taken away: {take_away(going) / 1e6:.1f} MB")
    elif going:
        print("nothing is deleted; add --prune to take these away")


main = Script(__doc__, (PRUNE,), work, takes_paths=True)

if __name__ == "__main__":
    main.run()
