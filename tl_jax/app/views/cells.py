"""Page: a study of single cells, with the calls of the model itself at any threshold, before and after transfer."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import streamlit as st

from tl_jax.app.parts import calls, cell_choice, cell_requests, figures, jobs, report, watch
from tl_jax.app.parts.address import choose
from tl_jax.app.parts.calls import LABEL, SCORE, TRUTH
from tl_jax.app.parts.markup import put, say
from tl_jax.app.parts.options import options
from tl_jax.app.parts.visit import remember
from tl_jax.app.parts.yours import yours
from tl_jax.app.views import cells_scored
from tl_jax.app.views.cells_calls import at_threshold, brought, classes, matrix, whose
from tl_jax.report.page.tags import tag

EXAMPLE = ("cells", "--embedded", "--truth=sensitive", "--out=out", "--resume")
APART = ("next", "map", "files", "absent")  # sections that stand elsewhere in the app, or not at all


def show() -> None:
    """The page."""
    job = jobs.find(options(), st.query_params.get("job", ""))
    if job is not None and cell_requests.is_scoring(job):
        remember(job.ident)
        cells_scored.scored(job)
        yours(job)
        return
    study = cell_choice.chosen()
    if study is None:
        nothing()
        return
    made = report.report_of(study.folder)
    report.show_top(made)
    cells = brought(read(str(study.folder), report.written(study.folder)), study.key)
    ending = whose(cells)
    threshold = at_threshold(cells, ending)
    matrix(cells, ending, threshold)
    maps(cells, ending, threshold)
    report.show_more(made, study.folder, APART)
    cells_scored.begin(study)


@st.cache_data(max_entries=4, show_spinner="Reading the cells")
def read(folder: str, moment: float) -> pd.DataFrame:
    return figures.named(calls.read_cells(Path(folder)))


def nothing() -> None:
    """There is no study of cells: the embedded pair of lines and cells can be run."""
    say(
        "There is no finished study of single cells yet. The command tl_jax cells makes one, and tl_jax app "
        "--cells=FOLDER shows it. The embedded pair of simulated lines and cells takes about a minute of one core."
    )
    ident = st.query_params.get("job", "")
    job = jobs.find(options(), ident)
    if job:
        watch.progress(job)
    elif st.button("Run the embedded pair"):
        more = ("--biology",) if all(importlib.util.find_spec(name) for name in ("scanpy", "umap")) else ()
        job = jobs.ask(options(), (*EXAMPLE, *more), "Example: simulated cells")
        remember(job.ident)
        st.query_params["job"] = job.ident
        st.rerun()


def maps(cells: pd.DataFrame, ending: str, threshold: float) -> None:
    """The cells on their map, twice: by what is known and by what was found, or before and after transfer."""
    put(tag("h2", "Map of the cells"))
    if not {"x", "y"} <= set(cells):
        say("This study has no map: tl_jax cells --biology makes one (it needs tl_jax[sc]).")
        return
    places = cells[cells["x"].notna() & cells["y"].notna()]
    offered = views(places, ending, threshold)
    names = list(offered)
    for column, name, first in zip(st.columns(2), ("left", "right"), (0, min(1, len(names) - 1)), strict=True):
        with column:
            by = choose(f"Map, {name}", names, name, default=first)
            label = f"map of {len(places):,} cells by {by}"
            report.chart(figures.cells_map(places, offered[by], by), f"map-{name}", label)
    say("Each dot is a cell; distances between groups mean little. No colour moved a cell.", "note")


def views(places: pd.DataFrame, ending: str, threshold: float) -> dict[str, pd.Series]:
    """{what a map can be coloured by: values}; what the study does not have is not offered."""
    found = {}
    if TRUTH in places and places[TRUTH].notna().any():
        found["truth"] = classes(places[TRUTH])
    found["score"] = places[f"{SCORE}{ending}"]
    found["call at the threshold"] = classes(calls.calls(places[f"{SCORE}{ending}"], threshold))
    for end, when in (("_pretransfer", "before transfer"), ("_transferred", "after transfer")):
        if f"{SCORE}{end}" in places:
            found[f"score {when}"] = places[f"{SCORE}{end}"]
        if f"{LABEL}{end}" in places:
            found[f"own call {when}"] = classes(places[f"{LABEL}{end}"])
    if "cluster" in places:
        found["cluster"] = places["cluster"].map(lambda number: f"cluster {number:.0f}")
    if "pseudotime" in places:
        found["pseudotime"] = places["pseudotime"]
    return found
