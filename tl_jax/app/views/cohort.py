"""Part of the page of new studies: a shipped cohort, looked at by the check and then studied."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from tl_jax.app.parts import requests, watch
from tl_jax.app.parts.address import choose
from tl_jax.app.parts.jobs import DONE, FAILED, OPEN, Job
from tl_jax.app.parts.markup import alert, letters, put, say
from tl_jax.app.parts.options import options
from tl_jax.report.page.tags import tag

PROTOCOLS = {
    "honest": "honest: held-out samples lend nothing",
    "as_published": "as published: they lend their own scaling",
    "transductive": "transductive: they lend their expression",
}
Go = Callable[[Job | None], None]


def begin(go: Go) -> None:
    """Choose a cohort. go: to a job, or to the beginning."""
    names = requests.cohorts()
    if len(names) == 1:
        say("The other shipped cohorts need a folder of real data on this server (TLJAX_DATA).", "note")
    name = choose("Cohort", names, "cohort")
    if st.button("Look at the cohort", type="primary"):
        go(requests.look_at(options(), name))


def looked_at(job: Job, go: Go) -> None:
    """What the check says of a cohort with the form of a study; or the plan of the study with its time."""
    name = requests.cohort_of(job)
    planned = requests.LOOK in job.asked["argv"]
    put(tag("h2", f"{'The plan for cohort' if planned else 'Cohort'} {name}"))
    state, lines = job.state(), job.lines()
    if state in OPEN or state not in (DONE, FAILED):
        watch.progress(job)
        return
    if state == FAILED and any(line.startswith("error: ") for line in lines):
        alert(watch.fault(lines))
    kept = [line for line in lines if not line.startswith(("error: ", "page: "))]
    letters(kept, "the plan and its time" if planned else "what the check says")
    if planned and state == DONE:
        watch.time_of(kept)
        if st.button("Run this study", type="primary"):
            go(requests.run_cohort(options(), job))
    if planned or state == DONE:
        asked(name, go, planned)
    if st.button("Something else"):
        go(None)


def asked(name: str, go: Go, again: bool) -> None:
    """The form of a study, which is planned next. again: it was planned already."""
    with st.form("cohort", border=False):
        drug = st.text_input("Source drug, several with commas (empty: the cohort's own)", max_chars=500)
        strategy = st.text_input("Strategies, with commas (empty: the study's own)", max_chars=500)
        protocol = st.selectbox("Protocol", list(PROTOCOLS), format_func=PROTOCOLS.get)
        repeats = st.text_input("Repeats of cross-validation (empty: the study's own)", max_chars=6)
        quick = st.checkbox("A quick look with a small network: no result", value=True)
        words = "Plan another study" if again else "Plan this study"
        sent = st.form_submit_button(words, type="secondary" if again else "primary")
    if sent:
        fields = {"source_drug": drug, "strategy": strategy, "protocol": protocol, "repeats": repeats}
        fields |= {"quick": "true" if quick else ""}
        go(requests.plan_cohort(options(), name, fields))
