"""The blocks of a report on a page: words and tables as the report writes them, pictures as plotly or as images."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Collection
from pathlib import Path

import streamlit as st

from tl_jax.app.parts import figures
from tl_jax.app.parts.address import choose
from tl_jax.app.parts.markup import alert, block, plain, put
from tl_jax.errors import InputError
from tl_jax.report.blocks import Block, Figure, Part, Report, Section, Table
from tl_jax.report.page.tags import tag

DRAWING = threading.Lock()  # matplotlib's settings are those of the process
SHARP = 130  # dots per inch


@st.cache_resource(max_entries=12, show_spinner="Reading the study")
def _report(folder: str, moment: float) -> Report:
    from tl_jax.report.sections import report_of

    return report_of(folder)


def report_of(folder: Path) -> Report:
    """The report of a finished study, read once. InputError where it cannot be read."""
    return _report(str(folder), written(folder))


def written(folder: Path) -> float:
    """When a study was written: what was read of it earlier holds for that moment."""
    try:
        return max(path.stat().st_mtime for path in (folder, folder / "summary.json") if path.exists())
    except (OSError, ValueError):
        return 0.0


def find(report: Report, ident: str) -> Section | None:
    """A section by its name."""
    return next((section for section in report.sections if section.id == ident), None)


def show_top(report: Report) -> None:
    """The title and what stands above all sections, notes left out."""
    put(tag("h2", report.title))
    for one in report.top:
        if getattr(one, "kind", "") != "note":
            block(one)


def show_more(report: Report, folder: Path, apart: Collection[str]) -> None:
    """One of the other sections, chosen in a list. apart: those that stand elsewhere in the app, or not at all."""
    others = {one.id: one.title for one in report.sections if one.id not in apart}
    if not others:
        return
    put(tag("h2", "More of the report"))
    name = choose("Section", ["", *others], "section", lambda ident: others.get(ident, "choose a section"))
    if name:
        show_section(find(report, name), folder)


def show_section(section: Section, folder: Path, title: bool = True) -> None:
    """A section with its heading."""
    if title:
        put(tag("h2", section.title))
    show_blocks(section.blocks, folder, section.id)


def show_blocks(blocks: tuple[Block, ...], folder: Path, where: str) -> None:
    """Blocks in their order; the forest plot takes the numbers of the table that follows it."""
    for number, one in enumerate(blocks):
        place = f"{where}-{number}"
        if isinstance(one, Part):
            show_part(one, folder, place)
        elif isinstance(one, Figure):
            show_figure(one, blocks[number + 1 :], folder, place)
        else:
            block(one)


def show_part(part: Part, folder: Path, where: str) -> None:
    """Blocks below a heading, or on demand."""
    if part.folded:
        with st.expander(plain(part.title), expanded=part.opened):
            show_blocks(part.blocks, folder, where)
        return
    put(tag("h3", part.title))
    show_blocks(part.blocks, folder, where)


def show_figure(figure: Figure, after: tuple[Block, ...], folder: Path, where: str) -> None:
    """A picture: with words on hover where plotly draws it, else as the report has it."""
    if figure.name == "forest":
        tables = [one for one in after if isinstance(one, Table) and one.frame is not None]
        if tables:
            chart(figures.forest(tables[0].frame, tables[0].title), where, figure.label)
            return
    try:
        image = picture(str(folder), written(folder), figure.name, figure.draw)
    except InputError as error:
        alert(str(error))
        return
    put(tag("figure", tag("img", src=image, alt=figure.label), tag("figcaption", figure.caption)))


@st.cache_data(max_entries=60, show_spinner="Drawing")
def picture(folder: str, moment: float, name: str, _draw) -> str:
    """A picture of matplotlib as data that an image element takes."""
    from tl_jax.report.plots.style import settle, style

    with DRAWING, style():
        figure = _draw()
        settle(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=SHARP, bbox_inches="tight")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def chart(figure, key: str, label: str) -> None:
    """A figure of plotly, with words for who cannot see it."""
    quiet = {"displaylogo": False, "responsive": True, "toImageButtonOptions": {"format": "svg"}}
    st.plotly_chart(figure, key=key, config=quiet, alt=label)
