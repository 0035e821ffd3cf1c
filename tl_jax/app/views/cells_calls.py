"""Part of the page of single cells: what a model calls at a threshold, against the truth where one is known."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from tl_jax.app.parts import calls, figures, report
from tl_jax.app.parts.address import choose, slide
from tl_jax.app.parts.calls import SCORE, TRUTH, Counts
from tl_jax.app.parts.markup import block, put, say
from tl_jax.report.blocks import Column, table
from tl_jax.report.page.tags import tag

CLASSES = {1: "sensitive", 0: "resistant"}
UNKNOWN = "not known"
TRUTH_MB = 20
OF_STUDY = "The files of this study hold no truth of single cells: --biology with --truth writes it into map.csv."


def brought(cells: pd.DataFrame, key: str, without: str = OF_STUDY) -> pd.DataFrame:
    """The cells with a truth: of the study's own map, or of a table that the visitor brings, which is not kept.

    without: what is said where there is none.
    """
    if TRUTH in cells and cells[TRUTH].notna().any():
        return cells
    table_of = "A table with the columns cell and truth (1 sensitive, 0 resistant) says how right the calls are"
    say(f"{without} {table_of}; it is not kept.", "note")
    given = st.file_uploader("Truth of the cells", "csv", key=f"truth-{key}", max_upload_size=TRUTH_MB)
    return calls.with_truth(cells, given.getvalue()) if given else cells


def whose(cells: pd.DataFrame) -> str:
    """The ending of the columns of the model whose scores are shown."""
    there = calls.models(cells)
    return choose("Whose scores", list(there), "model", there.get)


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
