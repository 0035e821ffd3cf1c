"""What a visitor asks of single cells of his own, as the command's arguments: looked at and planned, run afterwards."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

from tl_jax.app.parts import jobs
from tl_jax.app.parts.jobs import Job
from tl_jax.app.parts.options import Options
from tl_jax.app.parts.requests import LONGEST, LOOKING, PLANS, flags, planned, tables_of
from tl_jax.app.parts.studies import Known

CELLS, PLAN, SCORE = "cells", PLANS[1], "cells_predict"
MODEL = ("model.json", "model.npz")  # what a study keeps in its folder model/
OF_SCORING = ("layer", "scale_by")
TABLES = ("cells", "bulk_expression", "bulk_response", "bulk_annotation")
FILES = {"cells": ("h5ad",)}  # endings of a table that are not those of all
# Fields of the form, as the flags of the command; "" says nothing.
FIELDS = (
    *("drug", "values", "layer", "cell_line", "truth", "sensitive"),
    *("line_column", "drug_column", "value_column", "tissue_column", "seeds", "biology"),
)
# Lines of the public screens as tl_jax fetch gdsc writes them, and what is to be said of their columns.
PUBLIC = {
    "bulk_expression": "gdsc_wheel_expression.csv.gz",
    "bulk_response": "gdsc_wheel_response.csv.gz",
    "bulk_annotation": "gdsc_wheel_lines.csv",
}
OF_PUBLIC = ("--database_column=dataset", "--databases=GDSC2,GDSC1", "--tissue_column=tissue")


def public() -> dict[str, Path]:
    """{table: place} of public lines on this server; {} where they are not all there."""
    if not os.environ.get("TLJAX_DATA"):
        return {}
    folder = Path(os.environ["TLJAX_DATA"]).absolute()
    found = {table: folder / name for table, name in PUBLIC.items()}
    return found if all(path.is_file() for path in found.values()) else {}


def has_biology() -> bool:
    """Whether this server can draw a map of cells."""
    return all(importlib.util.find_spec(name) for name in ("scanpy", "umap"))


def arguments(names: list[str], fields: Mapping[str, str]) -> list[str]:
    """Of the command `cells`. names: files in the job's folder tables/; without bulk tables the public ones count."""
    own = [f"--{name.split('.')[0]}=tables/{name}" for name in names]
    if not lends(names):
        return [CELLS, *own, *flags(FIELDS, fields)]
    lent = [f"--{table}=tables/{name}" for table, name in PUBLIC.items()]
    return [CELLS, *own, *lent, *OF_PUBLIC, *flags([name for name in FIELDS if name != "tissue_column"], fields)]


def lends(names: list[str]) -> bool:
    """Whether the lines are the public ones, since none were brought."""
    return not any(name.startswith("bulk_") for name in names)


def look(given: Options, tables: Mapping[str, Path], fields: Mapping[str, str]) -> Job:
    """The job that reads cells and lines and says the plan with its time. tables: {name: place}."""
    names = sorted(tables)
    links = list(public().values()) if lends(names) else []
    return jobs.ask(given, [*arguments(names, fields), PLAN], "A look at single cells", tables, LOOKING, links)


def run(given: Options, looked: Job, title: str) -> Job:
    """The study that a job planned."""
    argv = [*planned(looked), "--checkpoint_dir=checkpoints"]
    tables = tables_of(looked)
    links = list(public().values()) if lends(list(tables)) else []
    return jobs.ask(given, argv, title, tables, LONGEST, links)


def is_look(job: Job) -> bool:
    """Whether a job looks at single cells."""
    argv = job.asked.get("argv", [])
    return argv[:1] == [CELLS] and PLAN in argv


def model_of(study: Known) -> dict[str, Path]:
    """{name: place} of the files of the model that a study keeps; {} where it keeps none."""
    found = {name: study.folder / "model" / name for name in MODEL}
    return found if all(path.is_file() for path in found.values()) else {}


def score(given: Options, study: Known, cells: Path, fields: Mapping[str, str]) -> Job:
    """The job that scores cells by a study's model. The model is copied: it may be another one tomorrow."""
    argv = [
        SCORE,
        "--model=tables",
        "--cells=tables/cells.h5ad",
        *flags(OF_SCORING, fields),
        "--out=out",
        "--overwrite",
    ]
    tables = {"cells.h5ad": cells, **model_of(study)}
    drug = jobs.read(study.folder / "summary.json").get("drug") or "a drug"
    return jobs.ask(given, argv, f"New cells and {drug}, by {study.title}", tables, LOOKING)


def is_scoring(job: Job) -> bool:
    """Whether a job scores cells by a kept model."""
    return job.asked.get("argv", [])[:1] == [SCORE]
