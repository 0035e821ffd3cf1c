"""Page: several finished studies of one cohort, each against the first, arm by arm, as the command compare has it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from tl_jax.app.parts import figures, report
from tl_jax.app.parts.address import choose, choose_several
from tl_jax.app.parts.markup import block, put, say
from tl_jax.app.parts.studies import STUDY
from tl_jax.app.parts.visit import known, numbered
from tl_jax.report.blocks import Figure, Report, Section
from tl_jax.report.page.compared_page import compared_report
from tl_jax.report.page.tags import tag
from tl_jax.report.sections.compared import Compared, compared

MOST = 6  # studies held against one


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
    against = choose_several("Held against it", others, "against", names.get, max_selections=MOST)
    if not against:
        say("Choose at least one study to hold against it.")
        return
    chosen = [first, *against]
    made, page = side_by_side(
        tuple((names[key], str(there[key].folder), report.written(there[key].folder)) for key in chosen)
    )
    report.show_top(page)
    for section in page.sections:
        part(section, made, there[first].folder)


@st.cache_resource(max_entries=6, show_spinner="Comparing")
def side_by_side(studies: tuple[tuple[str, str, float], ...]) -> tuple[Compared, Report]:
    """Studies by (name, folder, when it was written). InputError where one is no study of an experiment."""
    names, folders, _ = zip(*studies, strict=True)
    made = compared(folders, names=names)
    return made, compared_report(made)


def part(section: Section, made: Compared, folder: Path) -> None:
    """A section; its forest plots, one for each later study, are drawn of the table below them."""
    put(tag("h2", section.title))
    rows = made.differences[made.differences["folds"] > 0]
    paired = [rows[rows["label"] == label] for label in list(made.studies)[1:]]
    drawn = iter([own for own in paired if len(own)])
    for number, one in enumerate(section.blocks):
        if isinstance(one, Figure):
            own = next(drawn).rename(columns={"p_family": "p_after_looks"})
            put(tag("h3", one.caption))
            title = f"difference of {made.metric}"
            report.chart(figures.forest(own, title), f"{section.id}-{number}", one.label)
        else:
            block(one)
