"""Where a script's tables go, and how a stopped run goes on: the flags, and the way to a finished folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from experiments._declared import FLAGS
from tl_jax.errors import InputError
from tl_jax.system import cluster
from tl_jax.system.files import folder_atomic, refuse_existing
from tl_jax.system.parts import RECORD, TABLES, clear, finished, workplace
from tl_jax.system.progress import say


def keep(
    name: str,
    compute: Callable[[Path | None, Callable[[str], None]], object],
    write: Callable[[object, Path], list[str]],
    printed: Callable[[object], str],
) -> None:
    """Compute, write the output folder in one step and print; nothing of it where --resume finds all done.

    compute: takes the folder of finished parts (None in all processes but the first) and where to report to, and
    returns results. write: puts them into a folder, and says what could not be written. printed: what the user reads.
    """
    if FLAGS.resume and FLAGS.out is None:
        raise InputError("--resume needs the --out of the stopped run")
    first = cluster.is_first()
    out = Path(cluster.agree(FLAGS.out or f"results/{name}/{datetime.now():%Y-%m-%d_%H-%M-%S}"))
    if FLAGS.resume and cluster.agree(finished(out)):
        if first:
            say(f"{out} is complete already")
            clear(out)
        return
    refuse_existing(out, FLAGS.overwrite)
    # One process holds the folder and writes; the others compute beside it.
    with workplace(out, resume=FLAGS.resume, overwrite=FLAGS.overwrite) if first else nullcontext() as work:
        results = compute(work, say if first else lambda text: None)
        if first:
            with folder_atomic(out, FLAGS.overwrite, staging=work / TABLES) as folder:
                shutil.copyfile(work / RECORD, folder / RECORD)  # first: a report shows it too
                for text in write(results, folder):
                    say(f"note: {text}")
    cluster.barrier("written")
    if first:
        print(printed(results))
        print(f"\ntables and pictures: {out}")
