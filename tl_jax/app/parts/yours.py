"""What a visitor asked for, on the pages where one asks: links to it, and how all of it is deleted."""

from __future__ import annotations

import streamlit as st

from tl_jax.app.parts import jobs, uploads
from tl_jax.app.parts.jobs import Job
from tl_jax.app.parts.markup import put, say
from tl_jax.app.parts.options import options
from tl_jax.app.parts.visit import link, mine, remember
from tl_jax.report.page.tags import tag

# The page of a job by its command; "study" where none is named.
PAGE = {"predict": "compounds", "compounds": "compounds", "cells_predict": "cells"}


def page_of(job: Job) -> str:
    """The page that shows a job."""
    return PAGE.get(next(iter(job.asked.get("argv", [])), ""), "study")


def to(job: Job | None) -> None:
    """Go to a job of this visitor, or to the beginning of the page."""
    if job is None:
        st.query_params.pop("job", None)
    else:
        remember(job.ident)
        st.query_params["job"] = job.ident
    st.rerun()


def yours(shown: Job | None) -> None:
    """This visitor's other studies, and how all of it is deleted."""
    own = [job for ident in mine() if (job := jobs.find(options(), ident))]
    if not own:
        return
    put(tag("h2", "Yours"))
    for job in own:
        if shown is None or job.ident != shown.ident:
            link(page_of(job), f"{job.asked['title']}: {job.state()}", job=job.ident)
    say("Whoever has the link of a study can see it.", "note")
    if st.button("Delete my tables and the studies made from them"):
        count = uploads.forget(options(), [job.ident for job in own])
        mine().clear()
        st.query_params.clear()
        st.toast(f"{count} deleted")
        st.rerun()
