"""Part of the page of new studies: single cells of a visitor, planned with their time and then scored."""

from __future__ import annotations

import streamlit as st

from tl_jax.app.parts import cell_requests, requests, uploads
from tl_jax.app.parts.jobs import Job
from tl_jax.app.parts.markup import alert, say
from tl_jax.app.parts.options import options
from tl_jax.app.parts.yours import to
from tl_jax.app.views import looked

LABELS = {
    "cells": "Cells without labels, as .h5ad",
    "bulk_expression": "Bulk lines: their expression, log values",
    "bulk_response": "Bulk lines: a row for each line and drug",
    "bulk_annotation": "Bulk lines: their tissue (optional)",
}
NEEDED = ("cells", "bulk_expression", "bulk_response")
VALUES = {"": "found by looking", "counts": "counts", "log": "log values", "zscore": "z-scores", "unit": "0 to 1"}
TEXTS = {
    "drug": ("Drug, as the response table writes it", ""),
    "cell_line": ("Lines that the cells are of, with commas, or none", "such as PC9"),
    "layer": ("Layer of the .h5ad", "X, raw/X or a name"),
    "truth": ("Column with the truth, read after the scores", ""),
    "sensitive": ("Its values that mean sensitive, with commas", ""),
    "line_column": ("Bulk response: column of the line", "cell_id"),
    "drug_column": ("Bulk response: column of the drug", "drug"),
    "value_column": ("Bulk response: column of the value, high is resistant", "AUC"),
    "tissue_column": ("Bulk annotation: column of the tissue", ""),
}
OF_LINES = ("line_column", "drug_column", "value_column", "tissue_column")


def begin() -> None:
    """Bring the cells, and bulk lines where this server has none."""
    lent = bool(cell_requests.public())
    say(
        "Bring cells without labels; a score for each is learned from bulk lines and their response to the drug. "
        + ("The lines are the public ones of this server, or yours." if lent else "Bring the lines too.")
    )
    with st.form("cells", border=False):
        most = options().upload_mb
        given = {
            name: st.file_uploader(label, endings(name), key=f"cells-{name}", max_upload_size=most)
            for name, label in LABELS.items()
        }
        fields = {name: text(name, "") for name in ("drug", "cell_line")}
        sent = st.form_submit_button("Look at the cells", type="primary")
    if sent:
        bring(given, fields, lent)


def endings(name: str) -> tuple[str, ...]:
    return cell_requests.FILES.get(name, uploads.ENDINGS)


def bring(given: dict, fields: dict[str, str], lent: bool) -> None:
    """What was chosen becomes a look."""
    bulk = any(given[name] is not None for name in NEEDED[1:])
    needed = NEEDED[:1] if lent and not bulk else NEEDED
    missing = [LABELS[name] for name in needed if given[name] is None]
    if missing:
        alert(f"A file is missing: {missing[0]}.")
        return
    kept = uploads.keep_all(options(), given, cell_requests.FILES)
    to(cell_requests.look(options(), kept, {**fields, "seeds": "0"}))


def text(name: str, value: str) -> str:
    """A field that bears the name of its flag, since messages speak of it."""
    words, hint = TEXTS[name]
    return st.text_input(f"{words} (--{name})", value, max_chars=500, placeholder=hint)


def looked_at(job: Job) -> None:
    """What was found in the cells, what is asked, and the plan."""
    drug = requests.fields_of(job, cell_requests.FIELDS).get("drug") or "a drug"
    looked.show(job, "What is in the cells", lambda: cell_requests.run(options(), job, f"Single cells: {drug}"), said)


def said(job: Job) -> None:
    """The form of all that the cells and lines leave open."""
    before = requests.fields_of(job, cell_requests.FIELDS)
    with st.form("cells-said", border=False):
        own = [name for name in TEXTS if name not in OF_LINES or not cell_requests.lends(list(job.asked["tables"]))]
        fields = {name: text(name, before.get(name, "")) for name in own}
        keys = list(VALUES)
        values = before.get("values", "")
        place = keys.index(values) if values in keys else 0
        fields["values"] = st.selectbox("What the values are (--values)", keys, place, format_func=VALUES.get)
        networks = st.checkbox("Networks beside the ridges, 10 draws each (--seeds)", before.get("seeds") != "0")
        fields["seeds"] = "" if networks else "0"
        if cell_requests.has_biology():
            asked = st.checkbox("A map, clusters and genes, by scanpy (--biology)", before.get("biology") == "true")
            fields["biology"] = "true" if asked else ""
        sent = st.form_submit_button("Look again")
    if sent:
        to(cell_requests.look(options(), requests.tables_of(job), fields))
