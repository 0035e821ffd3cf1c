"""Where a script's tables go, and how a stopped run goes on: the flags, and the way to a finished folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from experiments._declared import FLAGS
from tl_jax.errors import InputError
from tl_jax.report import exports
from tl_jax.report.page.page import NAME
from tl_jax.report.sections import answer_words, verdict_words
from tl_jax.system import cluster
from tl_jax.system.files import folder_atomic, refuse_existing
from tl_jax.system.parts import (
    RECORD,
    TABLES,
    any_parts,
    clear,
    finished,
    same_study,
    unfinished,
    unlike,
    workplace,
)
from tl_jax.system.progress import LOGGER, spoken

Compute = Callable[[Path | None], object]


def keep(
    name: str,
    plan: Callable[[], tuple[dict, Compute]],
    write: Callable[[object, Path], list[str]],
    printed: Callable[[object], str],
) -> None:
    """Compute, write the output folder in one step and print; nothing of it where --resume finds all done.

    plan: reads what is needed and returns what determines the numbers, to be compared before a run goes on or counts
    as complete, and a function that takes the folder of finished parts (None in all processes but the first) and
    returns results. write: puts them into a folder, and says what could not be written. printed: what the user reads.
    """
    if FLAGS.resume and FLAGS.out is None:
        raise InputError("--resume needs the --out of the stopped run")
    first = cluster.is_first()
    out = Path(cluster.agree(FLAGS.out or f"results/{name}/{datetime.now():%Y-%m-%d_%H-%M-%S}"))
    refuse_late_plan(out)
    if FLAGS.resume and cluster.agree(finished(out)):
        complete(out, plan)
        return
    refuse_existing(out, FLAGS.overwrite)
    exports.check(FLAGS.parquet, FLAGS.track)
    # One process holds the folder, writes and speaks; the others compute beside it.
    held = workplace(out, resume=FLAGS.resume, overwrite=FLAGS.overwrite) if first else nullcontext()
    with spoken(first), held as work:
        record, compute = plan()
        if first:
            same_study(work, record)
        results = compute(work)
        if first:
            with folder_atomic(out, FLAGS.overwrite, staging=work / TABLES) as folder:
                shutil.copyfile(work / RECORD, folder / RECORD)  # first: a report shows it too
                for text in write(results, folder):
                    LOGGER.info(f"note: {text}")
                if FLAGS.parquet:
                    exports.write_parquet(folder)
    cluster.barrier("written")
    if first:
        print(printed(results))
        print(f"\n{ended(out)}")
        if FLAGS.track:
            print(exports.tracked(out, FLAGS.track))


def refuse_late_plan(out: Path) -> None:
    """InputError for a plan that would be written after some of the run was done, which is no registration."""
    plan = FLAGS.register if "register" in FLAGS else None
    done = FLAGS.resume and (finished(out) or any_parts(unfinished(out)))
    if cluster.agree(bool(plan and done and not Path(plan).exists())):
        raise InputError(
            f"--register={plan}: there is no such plan, and parts of this run are done already, so that it cannot be "
            "registered before them; leave out --register, or begin anew with --overwrite in place of --resume"
        )


def complete(out: Path, plan: Callable[[], tuple[dict, Compute]]) -> None:
    """Say that a study is complete, if it is the one that these flags ask for."""
    with spoken(False):
        record, _ = plan()
    changes = cluster.agree(unlike(out / RECORD, record))
    if changes:
        raise InputError(
            f"{out} is complete, but of other settings ({'; '.join(changes)}); go back to those, choose another --out, "
            "or add --overwrite instead of --resume to begin anew"
        )
    if cluster.is_first():
        with spoken():
            LOGGER.info(f"{out} is complete already")
        clear(out)


def ended(out: Path) -> str:
    """The last lines of a study: its verdict in words, and where its page and tables are."""
    page = out / NAME
    try:
        lines = [f"verdict: {verdict_words(out)}", *answer_words(out)]
    except Exception as error:  # the tables stand; words on them must not fail a study of hours
        lines = [f"no verdict: {type(error).__name__}: {error}"]
    return "\n".join([*lines, f"tables and pictures: {out}", *([f"report: {page}"] if page.is_file() else [])])
