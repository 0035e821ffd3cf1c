"""Part of the page of new studies: what the command said of tables, what it asks, and the plan with its time."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from tl_jax.app.parts import watch
from tl_jax.app.parts.jobs import DONE, FAILED, OPEN, Job
from tl_jax.app.parts.markup import alert, letters, put, say
from tl_jax.app.parts.yours import to
from tl_jax.report.page.tags import tag


def show(job: Job, heading: str, run: Callable[[], Job], said: Callable[[Job], None]) -> None:
    """A look at tables that waits, runs or has ended. run: the study that it planned. said: draws the form."""
    state = job.state()
    put(tag("h2", heading))
    if state in OPEN:
        watch.progress(job)
        return
    lines = job.lines()
    if state == FAILED:
        alert(watch.fault(lines))
        say("Say it below, or mend the table, and look again.", "note")
    elif state != DONE:
        watch.progress(job)
    told = [line for line in lines if line.strip() and not line.startswith("error: ")]
    if told:
        letters(told, "what was found, and the plan")
    if state == DONE:
        watch.time_of(told)
        if st.button("Run this study", type="primary"):
            to(run())
    with st.expander("Say more, and look again", expanded=state == FAILED):
        said(job)
    if st.button("Other tables"):
        to(None)
