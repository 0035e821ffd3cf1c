"""Page: new compounds by a kept model: how likely each is active, which known compound is nearest, and which atoms."""

from __future__ import annotations

import base64
from pathlib import Path

import pandas as pd
import streamlit as st

from tl_jax.app.parts import compound_figure, jobs, kept, report, uploads, watch
from tl_jax.app.parts.address import choose
from tl_jax.app.parts.jobs import DONE, Job
from tl_jax.app.parts.kept import Model
from tl_jax.app.parts.markup import alert, cards, put, say
from tl_jax.app.parts.options import options
from tl_jax.app.parts.visit import mine, remember
from tl_jax.app.parts.yours import page_of, to, yours
from tl_jax.errors import InputError
from tl_jax.report.blocks import Column, table
from tl_jax.report.page.tags import tag
from tl_jax.report.tables import shorten

ENDINGS = ("csv", "tsv", "csv.gz", "tsv.gz")
SHOWN = 300  # compounds in the table of the page
TEXTS = ("id", "smiles", "nearest", "caution")
NUMBERS = ("probability", "nearest_tanimoto")
WORTH = (
    "A probability ranks compounds: it is too extreme as a number, and means little of a compound that is unlike every "
    "compound that the model was trained on."
)


def show() -> None:
    """The page."""
    job = jobs.find(options(), st.query_params.get("job", ""))
    if job is not None and page_of(job) != "compounds":
        job = None  # of another page, carried along
    if job is not None:
        remember(job.ident)
    if job is not None and kept.is_prediction(job):
        predicted(job)
        if st.button("Other compounds"):
            to(None)
    else:
        begin(job)
    yours(job)


def begin(job: Job | None) -> None:
    """Choose a model and bring compounds; where there is no model, one of simulated compounds can be made."""
    there = kept.models(options(), mine())
    if not there:
        say(
            "There is no kept model of compounds yet. The command tl_jax compounds --final=ARM keeps one, and "
            "tl_jax app --models=FOLDER offers it. One of simulated compounds takes about a minute of one core, and "
            "shows the page."
        )
        if job is not None:
            watch.progress(job)
        elif st.button("Make the example model", type="primary"):
            to(kept.example(options()))
        return
    model = there[choose("Model", list(there), "model", lambda key: there[key].title)]
    held_out(model)
    with st.form("compounds", border=False):
        text = st.text_area("SMILES, one a line, a name behind a blank if there is one", max_chars=200_000, height=160)
        given = st.file_uploader("Or a table with the column smiles, and id if there is one", ENDINGS)
        sent = st.form_submit_button("Predict", type="primary")
    if sent:
        bring(model, text, given)


def held_out(model: Model) -> None:
    """What the model reached on compounds that it had not seen."""
    if model.reached:
        mcc, auroc = (float(model.reached[name]) for name in ("mcc", "auroc"))
        say(f"On compounds that it had not seen: MCC {mcc:.2f}, AUROC {auroc:.2f}.", "note")
    else:
        say("What it reached on held-out compounds stands in the report of its study.", "note")


def bring(model: Model, text: str, given) -> None:
    """Compounds as they were brought become a job."""
    if given is not None and text.strip():
        alert("There are pasted SMILES and a table; take one of both away.")
        return
    try:
        name, content = (given.name, given.getvalue()) if given is not None else ("a.csv", kept.pasted(text))
        path = uploads.keep(options(), name, content)
        job = kept.predict(options(), model, f"compounds.{uploads.ending(name)}", path)
    except InputError as error:
        alert(str(error))
        return
    to(job)


def predicted(job: Job) -> None:
    """A prediction that waits, runs or has ended."""
    put(tag("h2", job.asked["title"]))
    if job.state() != DONE:
        watch.progress(job)
        return
    rows = read(str(job.folder / kept.FOUND), report.written(job.folder))
    for line in job.lines():
        if line.startswith(("warning: ", "note: ")) or (" compounds" in line and "explained" not in line):
            say(line.removesuffix(f": {kept.FOUND}"), "note")
    say(WORTH)
    lost = rows["probability"].isna()
    if not lost.all():
        report.chart(
            compound_figure.reach(rows[~lost]), "reach", f"{(~lost).sum()} compounds, how known and how active"
        )
    cards(listed(rows))
    data = (job.folder / kept.FOUND).read_bytes
    st.download_button("These predictions as a table", data, "predictions.csv", "text/csv", on_click="ignore")
    drawings(job.folder / kept.ATOMS)


@st.cache_data(max_entries=8, show_spinner=False)
def read(path: str, moment: float) -> pd.DataFrame:
    """The predictions: names as text, numbers as numbers."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    return rows.assign(**{name: pd.to_numeric(rows[name], errors="coerce") for name in NUMBERS})


def listed(rows: pd.DataFrame):
    """A line for each compound, in the order of the table."""
    columns = (
        *(Column("compound"), Column("probability", True), Column("similarity to the nearest", True)),
        *(Column("nearest known compound"), Column("caution: why the number means little")),
    )
    cells = [
        (
            shorten(row.id, 60),
            number(row.probability),
            number(row.nearest_tanimoto),
            shorten(row.nearest, 60),
            row.caution,
        )
        for row in rows.head(SHOWN).itertuples()
    ]
    left = f"; the first {SHOWN} of {len(rows):,}, all of them in the table below" if len(rows) > SHOWN else ""
    return table(f"Compounds in the order in which they were brought{left}", columns, cells)


def number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.2f}"


def drawings(folder: Path) -> None:
    """The first compounds with what each atom adds. Each is an image: nothing in it can run."""
    files = sorted(folder.glob("[0-9]*.svg"))
    if not files:
        return
    put(tag("h2", "Which atoms"))
    say(
        "What each atom adds to the logit that the model gives an empty molecule, all drawings on one scale. That "
        "logit is no neutral one: compare atoms with each other.",
        "note",
    )
    names = pd.read_csv(folder / "molecules.csv", dtype=str, keep_default_na=False)["id"]
    images = [
        tag(
            "img",
            src=f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}",
            alt=f"atoms of {name}",
        )
        for path, name in zip(files, names, strict=True)
    ]
    put(tag("div", *images, class_="drawings"))
