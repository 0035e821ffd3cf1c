"""Page: a study of single cells, with the calls of the model itself at any threshold, before and after transfer."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from tl_jax.app.parts import calls, figures, jobs, report, watch
from tl_jax.app.parts.address import choose, slide
from tl_jax.app.parts.calls import LABEL, SCORE, TRUTH, Counts
from tl_jax.app.parts.markup import block, put, say
from tl_jax.app.parts.options import options
from tl_jax.app.parts.studies import CELLS, Known
from tl_jax.app.parts.visit import chosen, remember
from tl_jax.report.blocks import Column, table
from tl_jax.report.page.tags import tag

EXAMPLE = ("cells", "--embedded", "--truth=sensitive", "--out=out", "--resume")
CLASSES = {1: "sensitive", 0: "resistant"}
UNKNOWN = "not known"
TRUTH_MB = 20
APART = ("next", "map", "files", "absent")  # sections that stand elsewhere in the app, or not at all


def show() -> None:
    """The page."""
    study = chosen(CELLS, "cells")
    if study is None:
        nothing()
        return
    made = report.report_of(study.folder)
    report.show_top(made)
    cells = brought(read(str(study.folder), report.written(study.folder)), study)
    there = calls.models(cells)
    ending = choose("Whose scores", list(there), "model", there.get)
    threshold = at_threshold(cells, ending)
    matrix(cells, ending, threshold)
    maps(cells, ending, threshold)
    report.show_more(made, study.folder, APART)


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


def brought(cells: pd.DataFrame, study: Known) -> pd.DataFrame:
    """The cells with a truth: of the study's own map, or of a table that the visitor brings, which is not kept."""
    if TRUTH in cells and cells[TRUTH].notna().any():
        return cells
    say(
        "The files of this study hold no truth of single cells: --biology with --truth writes it into map.csv. A table "
        "with the columns cell and truth (1 sensitive, 0 resistant) does as well; it is not kept.",
        "note",
    )
    given = st.file_uploader("Truth of the cells", "csv", key=f"truth-{study.key}", max_upload_size=TRUTH_MB)
    return calls.with_truth(cells, given.getvalue()) if given else cells


def at_threshold(cells: pd.DataFrame, ending: str) -> float:
    """The threshold, the model's own at first."""
    score, own = cells[f"{SCORE}{ending}"], calls.own_threshold(cells, ending)
    low, high = float(min(score.min(), own)), float(max(score.max(), own))
    step = float(10 ** np.floor(np.log10(max(high - low, 1e-9) / 200)))
    words = "Threshold: a score above it is called sensitive"
    chosen_at = slide(words, low - step, high + step, own, f"threshold{ending}", step, format="%.4g")
    say(
        f"The model's own threshold is {own:.4g}, settled on lines that it had not seen."
        if chosen_at == own
        else f"Not the model's own threshold, which is {own:.4g}: a threshold chosen by the truth is too good.",
        "note",
    )
    return chosen_at


def matrix(cells: pd.DataFrame, ending: str, threshold: float) -> None:
    """Calls against the truth, with what they are worth beside a caller that knows nothing."""
    called = calls.calls(cells[f"{SCORE}{ending}"], threshold)
    put(tag("h2", "What the model calls"))
    if TRUTH in cells and cells[TRUTH].notna().any():
        found = calls.counted(called, cells[TRUTH])
        block(confusion(found))
        for line in worth(found):
            say(line)
    else:
        say(f"{called.mean():.0%} of {len(called):,} cells are called sensitive. Nothing here says how many are right.")
    data = partial(calls.predictions, cells, ending, threshold)  # written when the button is pressed
    st.download_button("These predictions as a table", data, "predictions.csv", "text/csv", on_click="ignore")
    truth = classes(cells[TRUTH]) if TRUTH in cells else None
    label = "histogram of the scores, with the threshold"
    report.chart(figures.histogram(cells[f"{SCORE}{ending}"], truth, threshold), "histogram", label)


def confusion(found: Counts):
    """The four counts as a table."""
    columns = (Column("truth"), Column("called sensitive", True), Column("called resistant", True))
    rows = [
        ("sensitive", f"{found.called_right:,}", f"{found.missed:,}"),
        ("resistant", f"{found.called_wrong:,}", f"{found.left_right:,}"),
    ]
    return table("The model's own calls against the truth, cells counted", columns, rows)


def worth(found: Counts) -> list[str]:
    """Precision, recall and prevalence in words."""
    if found.prevalence is None:
        return ["No cell has a known truth."]
    prevalence = f"{found.prevalence:.0%} of the cells of known truth are sensitive (prevalence)"
    precision = "no cell is called sensitive, so there is no precision"
    if found.precision is not None:
        precision = f"of those called sensitive {found.precision:.0%} are (precision)"
    recall = "no cell is sensitive, so there is no recall"
    if found.recall is not None:
        recall = f"of the sensitive {found.recall:.0%} are called so (recall)"
    return [
        f"{prevalence}; {precision}; {recall}.",
        "Calling every cell sensitive would have the prevalence as its precision, and a recall of 100 %.",
    ]


def classes(values: pd.Series) -> pd.Series:
    """1 and 0 as words."""
    return values.map(CLASSES).fillna(UNKNOWN)


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
