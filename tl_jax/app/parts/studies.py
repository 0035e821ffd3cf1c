"""Which finished studies there are, and which of them an address may name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tl_jax.app.parts import jobs
from tl_jax.app.parts.options import Options

STUDY, CELLS = "study", "cells"
DEPTH = 3  # folders below --results that are looked into
MOST = 500  # studies that are offered
JOB = "job-"
# The simulated cohort, judged in full: a linear model pulled towards a source's beside three without one. No network
# is trained, so that a first start takes seconds; nothing of it is shipped, so that what is shown was computed by the
# version that shows it.
EXAMPLE = (
    "exp6",
    "--cohort=simulated",
    "--source_drug=oxaliplatin",
    "--strategy=shrunken_ridge",
    "--baselines=mean,ridge,repaired_ridge",
    "--out=out",
    "--resume",
)
EXAMPLE_TITLE = "Example: the simulated cohort"


@dataclass(frozen=True)
class Known:
    """A finished study: its name in an address, what it is called, its folder, and STUDY or CELLS."""

    key: str
    title: str
    folder: Path
    kind: str


def kind_of(folder: Path) -> str | None:
    """What a folder holds; None for anything but a finished study."""
    if not (folder / "summary.json").is_file():
        return None
    if not (folder / "cells.csv").is_file():
        return STUDY
    return CELLS if (folder / "signs.csv").is_file() else None  # scores of a kept model are no study


def example(given: Options) -> jobs.Job:
    """The job of the example: found, or begun."""
    return jobs.ask(given, EXAMPLE, EXAMPLE_TITLE)


def known(given: Options, own: Iterable[str] = ()) -> dict[str, Known]:
    """{key: finished study} that this visitor may see.

    own: jobs that he asked for or whose address he has. Those of shipped cohorts are everybody's.
    """
    found = [*named(given), *of_jobs(given, set(own)), *below(given)]
    return {one.key: one for one in found}


def named(given: Options) -> Iterator[Known]:
    """The folders that the command was given."""
    for key, folder in (("given", given.study), ("given-cells", given.cells)):
        if folder and (kind := kind_of(Path(folder))):
            yield Known(key, Path(folder).name, Path(folder), kind)


def of_jobs(given: Options, own: set[str]) -> Iterator[Known]:
    """What the app itself ran."""
    for job in jobs.all_jobs(given):
        asked = job.asked
        if asked.get("private") and job.ident not in own:
            continue
        if kind := kind_of(job.out):
            yield Known(f"{JOB}{job.ident}", asked["title"], job.out, kind)


def below(given: Options) -> Iterator[Known]:
    """Finished studies below --results; links are not followed, and a study is not looked into."""
    if not given.results:
        return
    root, count = Path(given.results), 0
    for place, folders, _ in os.walk(root):
        folder = Path(place)
        depth = len(folder.relative_to(root).parts)
        if kind := kind_of(folder):
            count += 1
            yield Known(f"results-{folder.relative_to(root).as_posix()}", folder.name, folder, kind)
        hidden = [name for name in folders if name.startswith(".")]
        whole = kind and not (folder / "drugs.csv").is_file()  # an answer for several drugs holds a study of each
        ends = whole or depth >= DEPTH or count >= MOST
        folders[:] = [] if ends else sorted(set(folders) - set(hidden))
