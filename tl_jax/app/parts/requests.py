"""What a visitor asks of two tables, as the command's arguments: looked at and planned first, run afterwards."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import tl_jax as tl
from tl_jax.app.parts import jobs
from tl_jax.app.parts.jobs import Job
from tl_jax.app.parts.options import Options

TABLES = ("expression", "response", "annotation")
LOOK = "--plan_only"
PLANS = (LOOK, "--plan")  # the flags by which commands plan and run nothing
LOOKING = jobs.SHORT  # seconds that reading, checking and planning may take
LONGEST = 24 * 3600.0  # seconds that a study may take
# Fields of the form, as the flags of the command; "" says nothing.
FIELDS = ("drug", "value", "direction", "response_keys", "expression_keys", "source", "repeats", "quick")
OF_COHORT = ("source_drug", "strategy", "protocol", "repeats", "quick")
CHECK, SIMULATED = "check", "simulated"
PUBLIC = "gdsc_wheel_*"  # tables of public cell lines, as tl_jax fetch gdsc writes them


def arguments(names: list[str], fields: Mapping[str, str]) -> list[str]:
    """Of the command `answer`. names: files in the job's folder tables/."""
    return ["answer", *(f"--{name.split('.')[0]}=tables/{name}" for name in names), *flags(FIELDS, fields)]


def flags(names: Sequence[str], fields: Mapping[str, str]) -> list[str]:
    """Fields of a form as flags; an empty one says nothing."""
    values = {name: " ".join(str(fields.get(name, "")).split()) for name in names}
    return [f"--{name}={value}" for name, value in values.items() if value]


def look(given: Options, tables: Mapping[str, Path], fields: Mapping[str, str]) -> Job:
    """The job that says what is in the tables, what is open, and the plan with its time. tables: {name: place}."""
    argv = [*arguments(sorted(tables), fields), LOOK]
    return jobs.ask(given, argv, "A look at two tables", tables, LOOKING, public(fields))


def run(given: Options, looked: Job, title: str) -> Job:
    """The study that a job planned."""
    argv = [*planned(looked), "--checkpoint_dir=checkpoints"]
    return jobs.ask(given, argv, title, tables_of(looked), LONGEST, public(fields_of(looked)))


def planned(looked: Job) -> list[str]:
    """The arguments of the study that a job planned."""
    return [*(word for word in looked.asked["argv"] if word not in PLANS), "--out=out", "--resume"]


def tables_of(job: Job) -> dict[str, Path]:
    """{file name: place} of the tables that a job was asked about."""
    return {name: job.folder / "tables" / name for name in job.asked.get("tables", {})}


def fields_of(job: Job, fields: Sequence[str] = FIELDS) -> dict[str, str]:
    """What a form of some fields said when a job was asked."""
    pairs = (word.removeprefix("--").partition("=") for word in job.asked.get("argv", []) if word.startswith("--"))
    return {name: value for name, _, value in pairs if name in fields}


def public(fields: Mapping[str, str]) -> list[Path]:
    """Tables of public cell lines on this server, to learn from; none where the visitor does without."""
    if fields.get("source") == "none" or not os.environ.get("TLJAX_DATA"):
        return []
    return sorted(Path(os.environ["TLJAX_DATA"]).absolute().glob(PUBLIC))


def is_study(job: Job) -> bool:
    """Whether a job is a study, and not a look at tables or at a cohort."""
    argv = job.asked.get("argv", [])
    return not set(PLANS) & set(argv) and argv[:1] != [CHECK]


def cohorts() -> list[str]:
    """Shipped cohorts that this server can read: all where it has a folder of real data."""
    shipped = sorted(path.stem for path in (Path(tl.__file__).parent / "cohorts").glob("*.toml"))
    others = [name for name in shipped if name != SIMULATED] if os.environ.get("TLJAX_DATA") else []
    return [SIMULATED, *others]


def look_at(given: Options, name: str) -> Job:
    """The job that checks a cohort before any training."""
    return jobs.ask(given, [CHECK, f"--cohort={name}", "--out=out"], f"A look at cohort {name}", limit=LOOKING)


def cohort_of(job: Job) -> str:
    """The cohort that a job is about; "" for tables of a visitor."""
    return next((word.partition("=")[2] for word in job.asked.get("argv", []) if word.startswith("--cohort=")), "")


def plan_cohort(given: Options, name: str, fields: Mapping[str, str]) -> Job:
    """The job that plans a study of a cohort, every way to its target, and says how long it takes."""
    argv = ["study", f"--cohort={name}", "--beside=none", *flags(OF_COHORT, fields), LOOK]
    return jobs.ask(given, argv, f"The plan of a study of cohort {name}", limit=LOOKING)


def run_cohort(given: Options, looked: Job) -> Job:
    """The study of a cohort that a job planned."""
    return jobs.ask(given, planned(looked), f"Study of {cohort_of(looked)}", limit=LONGEST)


def example_tables() -> dict[str, bytes]:
    """Two tables of the simulated cohort, as a laboratory would have them."""
    import pandas as pd

    cohort = tl.load_cohort("simulated")
    target = cohort["target"].for_drug(cohort.drug)
    genes = pd.DataFrame(target.x.T, index=cohort.genes, columns=target.samples).round(4)
    response = pd.DataFrame({"sample": target.samples, target.unit: target.y[:, 0].round(4)})
    return {
        "expression.csv": genes.to_csv(index_label="gene").encode(),
        "response.csv": response.to_csv(index=False).encode(),
    }
