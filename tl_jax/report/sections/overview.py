"""The overview of several drugs: a line for each, with where its own page is."""

from __future__ import annotations

from tl_jax.evaluation.statistics.against import named
from tl_jax.report.blocks import Block, Blocks, Link, Strong, Text, paragraph
from tl_jax.report.sections.cells import between, fixed, frame_table, p_value, whole, word
from tl_jax.report.sections.study import Study

BEYOND = 0.025  # of 95 % intervals, on the side of a gain


def top(study: Study) -> tuple[str, tuple[Block, ...]]:
    """Title, and how many drugs have a model that is shown to predict."""
    rows, judged = study.table("drugs"), study.metric
    count, end = len(rows), rows["low" if judged.sign > 0 else "high"]
    shown = rows[judged.sign * (end - (judged.chance or 0)) > 0]
    text = f"{len(shown)} of {count} drugs have a model that is shown to predict"
    text += f": {', '.join(shown['drug'])}" if len(shown) else ""
    text += f"; with nothing to find, about {BEYOND * count:.1f} of {count} would seem to"
    if "batches" in shown and len(doubted := shown[shown["batches"].fillna("") != ""]):
        text += f". Batches go with the response to {', '.join(doubted['drug'])}: such a model may know the batch alone"
    return study.entry("title") or "Drugs", (paragraph(Strong("Verdict. "), f"{text}.", kind="verdict"),)


def drugs(study: Study) -> Blocks:
    """A line for each drug, and links to the pages."""
    rows, judged = study.table("drugs"), study.metric
    cells = {
        "drug": word("drug"),
        "samples": whole("samples"),
        "recommended model": lambda row: named(row["arm"], row["source"]) if row["arm"] else "none",
        judged.per_fold: fixed("value", judged.spec()),
        "the same of a choice by inner folds": fixed("honest", judged.spec()),
        f"{judged.label} of that choice over samples": fixed("estimate", judged.spec()),
        "95 % interval": between("low", "high", judged.spec(), judged.range),
        "p of the model alone": p_value("p"),
    }
    if "batches" in rows and (rows["batches"].fillna("") != "").any():
        cells["batches"] = word("batches")
    order = rows.sort_values("honest", ascending=judged.sign < 0, kind="stable")
    links = [(Link(row["drug"], f"{row['folder']}/report.html"),) for row in order.to_dict("records")]
    text = (
        "Sorted by what a choice of a model by inner folds reaches on samples that it never saw; its interval decides "
        "what is shown. p is that of the model with shuffled responses, corrected neither for its choice nor for the "
        "number of drugs."
    )
    return [
        paragraph(text),
        frame_table("All drugs", order, cells, words=("recommended model",)),
        Text(tuple(links), "bullets"),
    ]
