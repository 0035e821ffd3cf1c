"""Page: a study of one's own, from two tables: looked at, planned with its time, run, and found again."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from tl_jax.app.parts import cell_requests, jobs, requests, uploads, watch
from tl_jax.app.parts.address import choose
from tl_jax.app.parts.jobs import DONE, Job
from tl_jax.app.parts.markup import alert, put, say
from tl_jax.app.parts.options import options
from tl_jax.app.parts.studies import CELLS, JOB, STUDY, kind_of
from tl_jax.app.parts.visit import link, remember
from tl_jax.app.parts.yours import page_of, to, yours
from tl_jax.app.views import cells_study, cohort, looked
from tl_jax.report.page.tags import tag

DIRECTIONS = {
    "": "as the table says",
    "resistant": "a high value means resistant",
    "sensitive": "a high value means sensitive",
}
SOURCES = {"auto": "public cell lines, where this server has them", "none": "these samples alone"}
OF = {
    "tables": "two tables of your own",
    "cells": "single cells of your own",
    "cohort": "a cohort that comes with tl_jax",
}
ASKED = {
    "drug": ("Drug, several with commas, or all", ""),
    "value": ("Column of the response", ""),
    "response_keys": ("How the response is read", "such as missing = ['ND']"),
    "expression_keys": ("How the expression is read", "such as decimal = ','"),
    "repeats": ("Repeats of cross-validation", "10"),
}
NEEDED = {"expression": "Expression: samples and genes, either way round", "response": "Response to the drug"}
OPTIONAL = {"annotation": "Tissue, patient or batch of each sample (optional)"}


def show() -> None:
    """The page."""
    job = jobs.find(options(), st.query_params.get("job", ""))
    if job is not None and page_of(job) != "study":
        job = None  # of another page, carried along
    if job is None:
        begin()
    else:
        remember(job.ident)
        if requests.is_study(job):
            running(job)
        elif cell_requests.is_look(job):
            cells_study.looked_at(job)
        else:
            cohort.looked_at(job, to) if requests.cohort_of(job) else looked_at(job)
    yours(job)


def begin() -> None:
    """Choose what the study is of."""
    of = choose("What the study is of", list(OF), "from", OF.get)
    if of == "cohort":
        cohort.begin(to)
    elif of == "cells":
        cells_study.begin()
    else:
        tables()


def tables() -> None:
    """Choose two tables, or those of the example."""
    say(
        "Bring two tables: expression of your samples, and their response to a drug. They are read on this server, "
        "kept apart from those of others, and deleted after a day or when you say so."
    )
    with st.form("tables", border=False):
        most = options().upload_mb
        given = {
            name: st.file_uploader(label, uploads.ENDINGS, key=f"table-{name}", max_upload_size=most)
            for name, label in (NEEDED | OPTIONAL).items()
        }
        drug = st.text_input("Drug (empty: the table says it)", max_chars=500)
        quick = st.checkbox("A quick look with a small network: no result")
        sent = st.form_submit_button("Look at the tables", type="primary")
    example = st.button("Look at example tables")
    if example:
        kept = {name: uploads.keep(options(), name, content) for name, content in requests.example_tables().items()}
        to(requests.look(options(), kept, {"drug": "Temozolomide", "quick": "true", "source": "none"}))
    if sent:
        missing = [NEEDED[name] for name in NEEDED if given[name] is None]
        if missing:
            alert(f"One table is missing: {missing[0]}.")
            return
        kept = uploads.keep_all(options(), given)
        to(requests.look(options(), kept, {"drug": drug, "quick": "true" if quick else ""}))


def looked_at(job: Job) -> None:
    """What was found in the tables, what is asked, and the plan."""
    drug = requests.fields_of(job).get("drug") or "own tables"
    looked.show(job, "What is in the tables", lambda: requests.run(options(), job, f"Study of {drug}"), said)


def said(job: Job) -> None:
    """The form of all that the tables leave open."""
    before = requests.fields_of(job)
    with st.form("said", border=False):
        texts = {name: st.text_input(*asked, **more) for name, (asked, more) in open_questions(before).items()}
        direction = picked("What a high value means (--direction)", DIRECTIONS, before.get("direction", ""))
        source = picked("What to learn from beside these samples (--source)", SOURCES, before.get("source", "auto"))
        quick = st.checkbox("A quick look with a small network: no result (--quick)", before.get("quick") == "true")
        sent = st.form_submit_button("Look again")
    if sent:
        fields = {**texts, "direction": direction, "source": source, "quick": "true" if quick else ""}
        to(requests.look(options(), requests.tables_of(job), fields))


def open_questions(before: Mapping[str, str]) -> dict[str, tuple]:
    """{flag: what its field says and how}: the names of the flags stand there, since messages speak of them."""
    return {
        name: ((f"{words} (--{name})", before.get(name, "")), {"max_chars": 500, "placeholder": hint})
        for name, (words, hint) in ASKED.items()
    }


def picked(label: str, names: dict[str, str], value: str) -> str:
    """One of a few choices."""
    keys = list(names)
    return st.selectbox(label, keys, keys.index(value) if value in keys else 0, format_func=names.get)


def running(job: Job) -> None:
    """A study that waits, runs or has ended."""
    put(tag("h2", job.asked["title"]))
    watch.progress(job)
    if job.state() == DONE:
        say("The study is done.")
        name = CELLS if kind_of(job.out) == CELLS else STUDY
        link("cells" if name == CELLS else "results", "Its results", **{name: f"{JOB}{job.ident}"})
        link("downloads", "Its files", study=f"{JOB}{job.ident}")
    if st.button("Another study"):
        to(None)
