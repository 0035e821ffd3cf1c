"""Page: what a finished study says; at the first start the example is run, in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from tl_jax.app.parts import figures, jobs, report, watch
from tl_jax.app.parts.address import choose
from tl_jax.app.parts.markup import put, say
from tl_jax.app.parts.options import options
from tl_jax.app.parts.studies import STUDY, Known, example
from tl_jax.app.parts.visit import chosen, link
from tl_jax.errors import InputError
from tl_jax.report.blocks import Figure, Report, Section, Table
from tl_jax.report.page.tags import tag

FIRST = ("answer", "next")
SECOND = ("gain", "samples")
BY_SIZE = ("gain-map", "learning-curves")  # where the study has them
OBSERVED = "observed"
UNDER = ", "  # between a method and its protocol
COLUMNS = ["arm", "source", "protocol", "sample_id", "y_true", "y_pred"]
NOT_AGAIN = (*FIRST, *SECOND, *BY_SIZE, OBSERVED, "lineage", "files", "absent")


def show() -> None:
    """The page."""
    study = chosen(STUDY)
    if study is None:
        first_start()
        return
    made = report.report_of(study.folder)
    report.show_top(made)
    for name in (*FIRST, SECOND[0]):
        section(made, name, study)
    observed(study)
    section(made, SECOND[1], study)
    for name in BY_SIZE:
        if drawn(report.find(made, name)):
            section(made, name, study)
    report.show_more(made, study.folder, NOT_AGAIN)
    link("downloads", "The whole report as one file", study=study.key)


def first_start() -> None:
    """The example is run where nothing else is there to be shown."""
    say(
        "There is no finished study yet. The simulated cohort is judged now, on this machine and once: 22 samples, "
        "four methods, 10 repeats of 3 folds. The verdict appears here when it is done."
    )
    watch.progress(example(options()))


def section(made: Report, name: str, study: Known) -> None:
    """A section, where the study has it."""
    if found := report.find(made, name):
        report.show_section(found, study.folder)


def drawn(found: Section | None) -> bool:
    """Whether a section has a picture or a table; one without either says so in a line, which the report keeps."""
    return found is not None and any(isinstance(one, (Figure, Table)) for one in found.blocks)


def observed(study: Known) -> None:
    """Predicted against observed of one arm, each sample with its name."""
    path = study.folder / "predictions.csv"
    if not path.is_file() or not has_columns(path):
        return
    rows = predictions(str(path), report.written(study.folder))
    arms = list(dict.fromkeys(rows["name"]))
    put(tag("h2", "Predicted against observed"))
    best = recommended(study, arms)
    name = choose("Method", arms, "arm", default=best)
    own = rows[rows["name"] == name]
    say(f"{len(own)} samples, each predicted by models that had not seen it: mean over repeats, with their range.")
    report.chart(figures.observed(own, ""), "observed", f"predicted against observed of {len(own)} samples")


def has_columns(path: Path) -> bool:
    """Whether predictions are those of samples: studies of compounds have others."""
    with path.open(encoding="utf-8") as file:
        return set(COLUMNS) <= set(file.readline().strip().split(","))


def recommended(study: Known, arms: list[str]) -> int:
    """The place of the method that the study recommends; the first where it recommends none."""
    found = jobs.read(study.folder / "summary.json").get("recommended") or {}
    name = called(found.get("arm", ""), found.get("source") or "")
    # Of several protocols the study's own comes first.
    return next((k for k, one in enumerate(arms) if one == name or one.startswith(f"{name}{UNDER}")), 0)


def called(arm: str, source: str, protocol: str = "") -> str:
    """A method in words. protocol: where there are several."""
    return f"{arm}{f' from {source}' if source else ''}{f'{UNDER}{protocol}' if protocol else ''}"


@st.cache_data(max_entries=8, show_spinner=False)
def predictions(path: str, moment: float) -> pd.DataFrame:
    """name of the method, sample_id, y_true, y_pred, low, high: mean and range over the repeats of predictions.csv."""
    texts = dict.fromkeys(("arm", "source", "protocol", "sample_id"), str)
    try:
        rows = pd.read_csv(path, dtype=texts, usecols=COLUMNS, keep_default_na=False, na_values={"y_pred": [""]})
        rows = rows.astype({"y_true": float, "y_pred": float})
    except ValueError as error:
        raise InputError(f"predictions.csv cannot be read: {error}; write it with the study's own script") from error
    several = rows["protocol"].nunique() > 1
    keys = zip(rows["arm"], rows["source"], rows["protocol"], strict=True)
    rows["name"] = [called(arm, source, protocol if several else "") for arm, source, protocol in keys]
    groups = rows.groupby(["name", "sample_id"], sort=False)["y_pred"]
    held = groups.agg(y_pred="mean", low="min", high="max").reset_index()
    true = rows.drop_duplicates(["name", "sample_id"])[["name", "sample_id", "y_true"]]
    return held.merge(true, on=["name", "sample_id"])
