"""A job on a page: how far it is, what it said, and what can be done about it. A page never waits for it."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from tl_jax.app.parts.jobs import CUT, DONE, FAILED, OPEN, QUEUED, STOPPED, Job
from tl_jax.app.parts.markup import alert, cards, letters, say
from tl_jax.report.blocks import Column, table
from tl_jax.report.tables import shorten

EVERY = 2.0  # seconds between two looks
SHOWN = 14  # lines of what it said
# The house's own line of progress: "label: 3/30 runs, 41 s, about 2 min left".
DONE_OF = re.compile(r"^(?P<label>.*): (?P<done>\d+)/(?P<total>\d+) \w+")
CORE = re.compile(r"\b(on|of) one core\b")
WORDS = {
    QUEUED: "It waits for its turn.",
    STOPPED: "It was stopped; finished parts are kept.",
    CUT: "It was cut off; finished parts are kept.",
    FAILED: "It ended without a result.",
}


def progress(job: Job) -> None:
    """How far a job is; the page is drawn anew when it ends."""
    moving(job) if job.state() in OPEN else still(job)


@st.fragment(run_every=EVERY)
def moving(job: Job) -> None:
    """A job that waits or runs, looked at again and again."""
    state = job.state()
    if state not in OPEN:
        st.rerun()
    lines = job.lines()
    share, label = reached(lines)
    st.progress(share, "" if state == QUEUED else None)
    say(WORDS.get(state) or label or "It begins: libraries and data are read.", "note")
    provisional(job)
    if st.button("Stop", key=f"stop-{job.ident}"):
        job.cancel()
        say("It stops; that takes a few seconds.", "note")
    said(lines)


def still(job: Job) -> None:
    """A job that has ended."""
    state, lines = job.state(), job.lines()
    if state == DONE:
        return
    if state == FAILED:
        alert(fault(lines))
    else:
        say(WORDS[state])
    provisional(job)
    if st.button("Try again" if state == FAILED else "Go on", key=f"again-{job.ident}"):
        job.again()
        st.rerun()
    said(lines)


def provisional(job: Job) -> None:
    """The arms that are done, as numbers: what is compared and shown stands in the report, after the end."""
    frames = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in job.so_far()]
    if not frames:
        return
    rows = pd.concat(frames, ignore_index=True)
    columns = (Column("method"), Column("source"), Column("protocol"), Column("metric"), Column("mean", True))
    cells = [
        (shorten(row.arm, 60), shorten(row.source, 60), row.protocol, row.metric, value_of(row.value))
        for row in rows.itertuples()
    ]
    done = "1 method is done" if len(rows) == 1 else f"{len(rows)} methods are done"
    cards(table(f"Provisional: {done}, others are not", columns, cells))
    say("Means over repeats, on held-out samples. Nothing is compared and there is no verdict before the end.", "note")


def value_of(text: str) -> str:
    """A number of the table, which may be undefined."""
    return f"{float(text):.3f}" if text else ""


def said(lines: list[str]) -> None:
    """The last lines of a log."""
    if lines:
        with st.expander("What it says"):
            letters(lines[-SHOWN:], "log")


def reached(lines: list[str]) -> tuple[float, str]:
    """(share of the step at hand that is done, its line) of the last line of progress."""
    for line in reversed(lines):
        if found := DONE_OF.match(line):
            return min(int(found["done"]) / max(int(found["total"]), 1), 1.0), line
    return 0.0, lines[-1] if lines else ""


def time_of(lines: list[str]) -> None:
    """How long a planned study takes, as the command says it: out of the box of its lines, which may have to scroll.

    Of several drugs the last such line is of all together.
    """
    found = [line for line in lines if CORE.search(line)]
    if found:
        say(f"{found[-1][:1].upper()}{found[-1][1:]}.")
    say("Nothing is run before you say so.")


def fault(lines: list[str]) -> str:
    """The one line that says what was wrong and what to do."""
    found = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return found[-1] if found else (lines[-1] if lines else "it ended before it said anything; try again")
