"""An answer: one study for each drug, written side by side, with an overview where there are several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.errors import InputError
from tl_jax.evaluation.checks.cohort import Checked, check_cohort
from tl_jax.evaluation.checks.parts import BLOCKING, Finding, with_response
from tl_jax.evaluation.checks.parts import Plan as Asked
from tl_jax.evaluation.statistics.verdict import CHOICE
from tl_jax.report.page.check_page import write_check
from tl_jax.report.page.page import write_report
from tl_jax.report.tables import write_csv
from tl_jax.study.answer.plan import Drug
from tl_jax.study.cohort.outputs import write_outputs
from tl_jax.study.cohort.results import Results
from tl_jax.study.cohort.run import run_plan
from tl_jax.system.files import write_json
from tl_jax.system.progress import LOGGER

COHORT = "cohort.toml"
GO = "go with the response"


@dataclass(frozen=True)
class Answer:
    """results, checked: of each drug, in the order asked for. file: the cohort file's text."""

    results: tuple[tuple[str, Results], ...]
    checked: tuple[Checked, ...]
    file: str


def checked(drugs: Sequence[Drug]) -> tuple[Checked, ...]:
    """What the checks say of each drug's cohort."""
    settings, found = drugs[0].plan.settings, []
    asked = Asked(
        {**Asked().folds, "target": settings.folds}, settings.repeats, settings.seed, settings.split, len(drugs)
    )
    for one in drugs:
        found.append(check_cohort(one.plan.cohort, asked, found[0] if found else None))
    return tuple(found)


def findings(found: Sequence[Checked]) -> list[Finding]:
    """What the checks found, once where it holds for several drugs, worst first."""
    every = dict.fromkeys(one for checked in found for one in checked.findings)
    return sorted(every, key=lambda one: one.severity != BLOCKING)


def refuse_blocked(drugs: Sequence[Drug], found: Sequence[Checked]) -> None:
    """InputError where the checks call something blocking; of several drugs it names those that are ready."""
    worst = [one for one in findings(found) if one.severity == BLOCKING]
    if not worst:
        return
    ready = [one.drug for one, checked in zip(drugs, found, strict=True) if not checked.blocking]
    text = f"the tables are not ready: {worst[0].text}; {worst[0].remedy}"
    more = f" ({len(worst)} findings are blocking)" if len(worst) > 1 else ""
    others = f"; --drug={','.join(ready)} leaves out what is not ready" if ready else ""
    raise InputError(f"{text}{more}{others}")


def identity(drugs: Sequence[Drug]) -> dict:
    """What determines the numbers of all."""
    if len(drugs) == 1:
        return drugs[0].plan.identity()
    return {"experiment": "answer", "drugs": {one.drug: one.plan.identity() for one in drugs}}


def run(drugs: Sequence[Drug], found: Sequence[Checked], file: str, work: Path | None) -> Answer:
    """Run every drug's study. work: a folder for finished parts."""
    results, places = [], folders([one.drug for one in drugs])
    # Thousands of fits of some tens of rows: threads that share one would wait for each other.
    with threadpool_limits(1):
        for number, one in enumerate(drugs, 1):
            if len(drugs) > 1:
                LOGGER.info(f"drug {number} of {len(drugs)}: {one.drug}")
            results.append((one.drug, run_plan(one.plan, None if work is None else work / places[one.drug])))
    return Answer(tuple(results), tuple(found), file)


def folders(drugs: Sequence[str]) -> dict[str, str]:
    """{drug: the name of its folder}; of names that differ in signs alone the later ones get a number."""
    found: dict[str, str] = {}
    for drug in drugs:
        plain = "".join(c if c.isalnum() else "_" for c in drug)
        tried = (f"{plain}_{k}" if k > 1 else plain for k in count(1))
        found[drug] = next(name for name in tried if name not in found.values())
    return found


def write(answer: Answer, folder: Path, flags: dict | None = None) -> list[str]:
    """Write the study of one drug into the folder, or of several into one folder each with an overview above them."""
    (folder / COHORT).write_text(answer.file, encoding="utf-8")
    if len(answer.results) == 1:
        left_out = write_check(answer.checked[0], folder)
        return [*left_out, *write_outputs(answer.results[0][1], folder, flags=flags or {})]
    rows, left_out, places = [], [], folders([drug for drug, _ in answer.results])
    for (drug, results), checked in zip(answer.results, answer.checked, strict=True):
        own = folder / places[drug]
        own.mkdir()
        left_out += [*write_check(checked, own), *write_outputs(results, own, flags=flags or {})]
        batches = any(with_response(one.check, one.text) for one in checked.findings)
        rows.append({"drug": drug, "folder": places[drug], **row_of(results), "batches": GO if batches else ""})
    write_csv(folder / "drugs.csv", pd.DataFrame(rows))
    first = answer.results[0][1]
    title = f"{len(rows)} drugs of one table"
    settings = {**first.settings.as_dict(), "drug": None}
    summary = {
        "experiment": "answer",
        "title": title,
        "drugs": [drug for drug, _ in answer.results],
        "flags": flags or {},
    }
    write_json(folder / "summary.json", {**summary, "settings": settings})
    write_report(folder)
    return left_out


def row_of(results: Results) -> dict:
    """A line of the overview: the recommended model and whether it is shown to predict."""
    row = {"arm": "", "source": ""}
    row |= dict.fromkeys(("samples", "value", "honest", "estimate", "low", "high", "p"), float("nan"))
    row["samples"] = len(results.plan.groups[0].problem.domain)
    one = results.recommended
    if one is None:
        return row
    row |= {"arm": one.arm, "source": one.source, "value": one.value, "honest": one.honest}
    metric = results.settings.metric
    columns = {"estimate": metric, "low": "bca_low", "high": "bca_high"}  # of the choice, which saw none of its samples
    for name, arm, source, names in (
        ("intervals", CHOICE, "", columns),
        ("permutations", one.arm, one.source, {"p": "p"}),
    ):
        table = (results.extra.get(name) or [None])[0]
        if table is not None:
            own = table[(table["arm"] == arm) & (table["source"].fillna("") == source)]
            row |= {to: float(own[column].iloc[0]) for to, column in names.items() if len(own)}
    return row
