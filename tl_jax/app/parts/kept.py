"""Kept models of compounds that this server has, as their own records name them, and predictions by them as jobs."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tl_jax.app.parts import jobs
from tl_jax.app.parts.jobs import Job, read
from tl_jax.app.parts.options import Options
from tl_jax.app.parts.requests import LOOKING
from tl_jax.app.parts.studies import DEPTH
from tl_jax.errors import InputError

RECORD, COMPOUNDS = "stage.json", "compounds.part"  # of a stage checkpoint; beside it where it is one of compounds
FINGERPRINT = "ecfp"  # how the columns of a model begin that takes SMILES; others take vectors of a file
PREDICT, FOUND, ATOMS = "predict", "found.csv", "found_atoms"
DRAWN = 12  # compounds that are drawn
MOST = 2000  # pasted compounds
# Simulated compounds of two families, a quick look: the model of it shows the page and is good for nothing else.
EXAMPLE = (
    *("compounds", "--data=simulated", "--quick", "--source=beta", "--methods=mode1", "--sizes=12", "--repeats=2"),
    *("--final=mode1", "--out=out", "--resume", "--checkpoint_dir=checkpoints"),
)
EXAMPLE_TITLE = "Example: simulated compounds"


@dataclass(frozen=True)
class Model:
    """A kept model: its name in an address, what it is called, its folder, and what it reached on held-out compounds.

    reached: {} where no study of this server says it.
    """

    key: str
    title: str
    folder: Path
    reached: Mapping[str, object]


def models(given: Options, own: Iterable[str] = ()) -> dict[str, Model]:
    """{key: model of compounds} that this visitor may use. own: jobs that he asked for or whose address he has."""
    found, mine = {}, set(own)
    if given.models:
        found |= {one.key: one for one in below(Path(given.models), {})}
    for job in jobs.all_jobs(given):
        if job.asked.get("private") and job.ident not in mine:
            continue
        summary = read(job.out / "summary.json")
        if summary.get("final_models"):
            reached = {Path(str(one["path"])).name: one for one in summary["final_models"]}
            found |= {one.key: one for one in below(job.folder / "checkpoints", reached) if one.key in reached}
    return found


def below(root: Path, reached: Mapping[str, Mapping[str, object]]) -> Iterator[Model]:
    """Models of compounds below a folder; links are not followed."""
    for place, folders, files in os.walk(root):
        folder = Path(place)
        folders[:] = sorted(folders) if len(folder.relative_to(root).parts) < DEPTH else []
        if {RECORD, COMPOUNDS} <= set(files):
            folders[:] = []
            record = read(folder / RECORD)
            if str(next(iter(record.get("genes") or ()), "")).startswith(FINGERPRINT):
                yield Model(folder.name, title_of(record), folder, reached.get(folder.name, {}))


def title_of(record: Mapping) -> str:
    """A model in words."""
    source = next((one.get("domain") for one in reversed(record.get("ancestors") or [])), "")
    came = f" from {source}" if source else ""
    return f"{record.get('domain')}: {record.get('strategy')}{came}, {record.get('samples'):,} compounds"


def example(given: Options) -> Job:
    """The job that makes a model of simulated compounds: found, or begun."""
    return jobs.ask(given, EXAMPLE, EXAMPLE_TITLE)


def pasted(text: str) -> bytes:
    """Lines of SMILES, each with a name behind a blank or without one, as a table.

    Raises:
        InputError: nothing, or too many.
    """
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError("there is no compound; paste SMILES, one a line, or choose a table with the column smiles")
    if len(lines) > MOST:
        raise InputError(f"{len(lines):,} compounds were pasted, the limit is {MOST:,}; bring them as a table")
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(("id", "smiles"))
    writer.writerows((" ".join(name) or smiles, smiles) for smiles, *name in lines)
    return rows.getvalue().encode("utf-8", "replace")


def predict(given: Options, model: Model, name: str, path: Path) -> Job:
    """The job that predicts a table of compounds and draws the first of them. name: of the table, with its ending."""
    argv = [PREDICT, f"--checkpoint=tables/{model.folder.name}", f"--compounds=tables/{name}", f"--out={FOUND}"]
    argv += [f"--explain={DRAWN}", "--explain_order=table", "--overwrite"]
    return jobs.ask(given, argv, f"Compounds, by {model.title}", {name: path}, LOOKING, [model.folder.absolute()])


def is_prediction(job: Job) -> bool:
    """Whether a job predicts compounds."""
    return job.asked.get("argv", [])[:1] == [PREDICT]
