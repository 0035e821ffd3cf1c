"""Page: two finished studies of one cohort, arm by arm, as the command compare has it."""

from __future__ import annotations

import streamlit as st

from tl_jax.app.parts import report
from tl_jax.app.parts.address import choose
from tl_jax.app.parts.markup import say
from tl_jax.app.parts.studies import STUDY
from tl_jax.app.parts.visit import known, numbered
from tl_jax.report.blocks import Report


def show() -> None:
    """The page."""
    there = known(STUDY)
    if len(there) < 2:
        say("Two finished studies are needed; tl_jax app --results=FOLDER offers all that are below a folder.")
        return
    keys = list(there)
    names = numbered(there)
    first = choose("Study", keys, "study", names.get)
    others = [key for key in keys if key != first]
    other = choose("Held against it", others, "against", names.get)
    folders = [there[key].folder for key in (first, other)]
    made = side_by_side(*(part for folder in folders for part in (str(folder), report.written(folder))))
    report.show_top(made)
    for section in made.sections:
        report.show_section(section, folders[0])


@st.cache_resource(max_entries=6, show_spinner="Comparing")
def side_by_side(first: str, moment: float, other: str, moment_of_other: float) -> Report:
    """The report of a comparison. InputError where one of the two is no study of an experiment."""
    from tl_jax.report.page.compared_page import compared_report
    from tl_jax.report.sections.compared import compared

    return compared_report(compared([first, other]))
