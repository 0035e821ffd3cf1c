"""How often the influence test is wrong, and what it finds, column by column of `columns.py`.

python -m benchmarks.calibration.influence --work=results/calibration

Finished parts are kept in --work and found again, so that a run that was stopped goes on. What stands there is summed
up into the key "influence" of calibration.json in --out. Columns that are recorded there and not finished in --work
stay as they are; columns that are neither are named there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from absl import flags
from threadpoolctl import threadpool_limits

from benchmarks.calibration.columns import FIRST_SEED, LAST_SEED, SEEDS, Column, columns, quick, rows_of, studies_of
from benchmarks.calibration.influence_summary import merged, names_of, summarise, table_of_rates
from benchmarks.calibration.jobs import SIGNALS
from experiments._command import run
from tl_jax.errors import InputError
from tl_jax.system.files import check_writable, write_atomic, write_json
from tl_jax.system.progress import Progress, say

FLAGS = flags.FLAGS
flags.DEFINE_string("out", None, "folder of calibration.json; default: docs, or --work with --quick")
flags.DEFINE_string("work", "results/calibration", "folder of the finished parts")
flags.DEFINE_bool("quick", False, "a study or two of each kind: a test of the script, no measurement")
flags.DEFINE_list("only", [], "columns to run, in this order; 'none' sums up what stands in --work")
flags.DEFINE_integer("start", FIRST_SEED, "first seed; another one gives fresh studies, for another --work")
BLOCK = 34  # studies of a part


def main() -> None:
    work = Path(FLAGS.work)
    out = Path(FLAGS.out or (work if FLAGS.quick else "docs"))
    check_writable(work, "--work")
    plan = list(quick() if FLAGS.quick else columns())
    check(plan)
    path = out / "calibration.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    recorded = {} if FLAGS.quick else of_same_seeds(known.get("influence", {}), path)
    todo = [part for part in chosen(plan, FLAGS.only) if not path_of(work, *part).exists()]
    with Progress(len(todo), "calibration", "parts") as progress, threadpool_limits(1):
        for part in todo:
            write_part(path_of(work, *part), *part)
            progress.advance(1)
    found = {one.name: rows for one in plan if (rows := finished(work, plan, one)) is not None}
    lines = merged(recorded, summarise(found), [one.name for one in plan])
    report = {"start": FLAGS.start, "not_run": [one.name for one in plan if one.name not in names_of(lines)], **lines}
    print(table_of_rates(report))
    say(f"results: {write_json(path, {**known, 'influence': report})}")


def check(plan: list[Column]) -> None:
    """Refuse what would draw no fresh studies, or write a test of the script where measurements stand."""
    most = LAST_SEED - SEEDS * len(plan)
    if not FIRST_SEED <= FLAGS.start <= most:
        raise InputError(f"--start={FLAGS.start}: seeds of the studies begin at {FIRST_SEED} to {most}")
    if FLAGS.quick and FLAGS.out:
        raise InputError("--quick measures nothing, so its report stays in --work: leave out --out")


def of_same_seeds(recorded: dict, path: Path) -> dict:
    """A recorded report; InputError where its studies have other seeds, since one table has studies of one start."""
    if recorded and recorded["start"] != FLAGS.start:
        raise InputError(f"{path} holds studies of --start={recorded['start']}: give another --out")
    return recorded


def chosen(plan: list[Column], only: list[str]) -> list[tuple[Column, int, int]]:
    """The parts to run; InputError for a column that is none."""
    every = list(parts(plan))
    names = {one.name for one in plan}
    wrong = [name for name in only if name not in names | {"none"}]
    if wrong:
        raise InputError(f"--only={wrong[0]}: no such column; there are: {', '.join(sorted(names))}")
    return [part for name in only for part in every if part[0].name == name] if only else every


def parts(plan: list[Column]) -> Iterator[tuple[Column, int, int]]:
    """(column, its place, number of the block) of every part; a block holds every signal."""
    for place, column in enumerate(plan):
        for block in range(-(-len(SIGNALS) * studies_of(column) // BLOCK)):
            yield column, place, block


def path_of(work: Path, column: Column, place: int, block: int) -> Path:
    return work / f"{column.name}.{block:03d}.csv"


def write_part(path: Path, column: Column, place: int, block: int) -> None:
    """The rows of one block of studies, whole or not at all."""
    every = [(signal, number) for number in range(studies_of(column)) for signal in SIGNALS]
    rows = []
    for signal, number in every[BLOCK * block : BLOCK * (block + 1)]:
        rows += rows_of(column, place, signal, number, FLAGS.start)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, lambda to: pd.DataFrame(rows).to_csv(to, index=False))


def finished(work: Path, plan: list[Column], column: Column) -> pd.DataFrame | None:
    """All rows of a column; None where a part of it is missing."""
    paths = [path_of(work, *part) for part in parts(plan) if part[0] == column]
    return pd.concat([pd.read_csv(path) for path in paths]) if all(path.exists() for path in paths) else None


if __name__ == "__main__":
    run(main)
