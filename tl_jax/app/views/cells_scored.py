"""Part of the page of single cells: new cells, scored by the model that a study keeps."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from tl_jax.app.parts import calls, cell_requests, jobs, report, uploads, watch
from tl_jax.app.parts.calls import LABEL, SCORE
from tl_jax.app.parts.jobs import DONE, Job
from tl_jax.app.parts.markup import alert, cards, put, say
from tl_jax.app.parts.options import options
from tl_jax.app.parts.studies import Known
from tl_jax.app.parts.yours import to
from tl_jax.app.views.cells_calls import CLASSES, at_threshold, brought, matrix, whose
from tl_jax.errors import InputError
from tl_jax.report.blocks import Column, table
from tl_jax.report.page.tags import tag
from tl_jax.report.tables import shorten

SHOWN = 300  # cells in the table of the page
REACH = "in_domain"
UNSETTLED = "The direction of the score is not settled: sensitive and resistant may be exchanged."
FAR = "unlike every line"
OPEN_CALL = "draws disagree on the call"
LOST = "not scored"


def begin(study: Known) -> None:
    """Bring new cells, where the study keeps a model."""
    put(tag("h2", "Score new cells"))
    if not cell_requests.model_of(study):
        say("This study keeps no model; a study that tl_jax cells runs anew keeps one in its folder model/.")
        return
    say(
        "The model of this study scores cells of yours: nothing is trained. Bring cells of the same kind of values and "
        "the same platform, without labels."
    )
    with st.form("score", border=False):
        given = st.file_uploader("New cells, as .h5ad", "h5ad", max_upload_size=options().upload_mb)
        layer = st.text_input("Layer of the .h5ad (--layer)", max_chars=500, placeholder="X, raw/X or a name")
        own = st.checkbox("Scale genes by the new cells, as for another platform (--scale_by=cells)")
        sent = st.form_submit_button("Score these cells")
    if sent:
        bring(study, given, {"layer": layer, "scale_by": "cells" if own else ""})


def bring(study: Known, given, fields: dict[str, str]) -> None:
    """Cells as they were brought become a job."""
    if given is None:
        alert("A file is missing: New cells, as .h5ad.")
        return
    try:
        path = uploads.keep(options(), given.name, given.getvalue(), cell_requests.FILES["cells"])
        job = cell_requests.score(options(), study, path, fields)
    except InputError as error:
        alert(str(error))
        return
    to(job)


def scored(job: Job) -> None:
    """Cells whose scores wait, are counted, or are there."""
    put(tag("h2", job.asked["title"]))
    if job.state() != DONE:
        watch.progress(job)
    else:
        found(job)
    if st.button("Other cells"):
        to(None)


def found(job: Job) -> None:
    """What the model says of the cells, with what makes it mean little."""
    about = jobs.read(job.out / "summary.json")
    if not about.get("model", {}).get("direction_settled"):
        alert(UNSETTLED)
    for line in about.get("notes", ()):
        say(line[:1].upper() + line[1:] + ".", "note")
    rows = read(str(job.out), report.written(job.out))
    cells = rows[rows[SCORE].notna()]
    if cells.empty:
        say("No cell passed, so there is no score.")
        return
    say("One score per cell, learned from bulk lines: high is sensitive. Nothing here was measured on these cells.")
    cells = brought(cells, job.ident, "These cells have no known truth.")
    ending = whose(cells)
    matrix(cells, ending, at_threshold(cells, ending))
    put(tag("h2", "Cell by cell"))
    cards(listed(rows))
    say("There is no map: a study of cells draws one (tl_jax cells --biology), a kept model does not.", "note")


@st.cache_data(max_entries=4, show_spinner="Reading the cells")
def read(folder: str, moment: float) -> pd.DataFrame:
    return calls.read_cells(Path(folder))


def listed(rows: pd.DataFrame):
    """A line for each cell, in the order of the file."""
    columns = (
        *(Column("cell"), Column("score", True), Column("sd over draws", True), Column("called")),
        *(Column("near the lines", True), Column("caution")),
    )
    cells = [
        (
            shorten(row["cell"], 40),
            number(row[SCORE], ".3f"),
            number(row[f"{SCORE}_sd"], ".3f"),
            CLASSES.get(row[LABEL], ""),
            number(row[REACH], ".2f"),
            caution(row),
        )
        for row in rows.head(SHOWN).to_dict("records")
    ]
    left = f"; the first {SHOWN} of {len(rows):,}, all of them in the table to download" if len(rows) > SHOWN else ""
    words = "near the lines: the share of lines that lie at least as far from other lines as the cell does, 0 is far"
    return table(
        f"Cells in the order of their file{left}. Called: at the model's own threshold; {words}", columns, cells
    )


def number(value: float, how: str) -> str:
    return "" if pd.isna(value) else format(value, how)


def caution(row: dict) -> str:
    """Why a cell's score means little."""
    if pd.isna(row[SCORE]):
        return LOST
    words = [FAR] if row[REACH] == 0 else []
    return "; ".join([*words, OPEN_CALL] if row[f"{LABEL}_agreement"] < 1 else words)
