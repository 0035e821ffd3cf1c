"""Text on a page: whatever comes from a file or a visitor is escaped by the report's own renderer."""

from __future__ import annotations

import re

import streamlit as st

from tl_jax.report.blocks import Block, Link, Table, Text, printable
from tl_jax.report.page.render import rendered
from tl_jax.report.page.tags import Html, scrolling, tag

SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|$~:<>&^=\"'])")
# Colours come from the theme of the page, light or dark: shades of the text's own colour.
CSS = """
.tl { overflow-wrap: anywhere; line-height: 1.5; }
.tl p, .tl li { max-width: 46rem; margin-bottom: .5rem; }
.tl h1 { padding: 0; font-size: 1.7rem; }
.tl h2 { padding: .6rem 0 0; font-size: 1.3rem; }
.tl h3 { padding: .3rem 0 0; font-size: 1.05rem; }
.tl a { color: inherit; }
.tl .subtitle, .tl .note, .tl figcaption, .tl caption { opacity: .8; font-size: .88rem; }
.tl .verdict { border-left: 5px solid #0072B2; background: color-mix(in srgb, #0072B2 12%, transparent);
 padding: .8rem 1rem; margin: .4rem 0; font-size: 1.1rem; max-width: none; }
.tl .scroll { overflow: auto; max-height: 36rem; margin: .4rem 0; }
.tl table { border-collapse: separate; border-spacing: 0; font-size: .88rem; font-variant-numeric: tabular-nums;
 line-height: 1.35; overflow-wrap: normal; }
.tl caption { text-align: left; padding: .2rem 0 .4rem; position: sticky; left: 0; max-width: min(46rem, 85vw); }
.tl th, .tl td { padding: .25rem .5rem; text-align: left; vertical-align: top;
 border: 0; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
.tl .n { text-align: right; white-space: nowrap; }
.tl thead .n { white-space: normal; }
.tl thead .long { min-width: 11rem; }
.tl tbody td:not(.n) { min-width: 7rem; }
.tl code { overflow-wrap: anywhere; }
.tl code span { display: inline-block; max-width: 100%; }
.tl .tree, .tl .tree ul { list-style: none; padding-left: 1.2rem;
 border-left: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
.tl .gain, .tl .good { background: color-mix(in srgb, #0072B2 22%, transparent); }
.tl .loss, .tl .bad { background: color-mix(in srgb, #D55E00 25%, transparent); }
.tl .open { background: color-mix(in srgb, currentColor 8%, transparent); }
.tl .alert { border-left: 5px solid #D55E00; background: color-mix(in srgb, #D55E00 14%, transparent);
 padding: .6rem 1rem; }
.tl pre { white-space: pre-wrap; overflow: auto; max-height: 24rem; padding: .6rem; font-size: .82rem;
 background: color-mix(in srgb, currentColor 6%, transparent); }
.tl img { max-width: 100%; height: auto; background: #fff; }
.tl .drawings { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: .8rem; }
.tl .drawings img { width: 100%; }
[data-testid^=stBaseButton-primary], [data-testid^=stBaseButton-primary]:hover { background: #0072B2; color: #fff; }
@media (max-width: 640px) {
 .tl pre { font-size: .68rem; }
 .tl .cards caption { display: block; position: static; }
 .tl .cards thead { position: absolute; clip-path: inset(50%); }
 .tl .cards :is(table, tbody, tr, th, td) { display: block; }
 .tl .cards tbody :is(th, td) { border: 0; padding: .1rem .2rem; text-align: left; white-space: normal;
  overflow-wrap: anywhere; }
 .tl .cards tbody td:empty { display: none; }
 .tl .cards td::before { content: attr(data-label) ": "; opacity: .8; }
 .tl .cards tr { padding: .4rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
}
.tl :focus-visible { outline: 3px solid #0072B2; outline-offset: 2px; }
"""


def put(*content: Html) -> None:
    """Markup on the page."""
    st.html(str(tag("div", *content, class_="tl")))


def sheet() -> None:
    """The look of what `put` shows."""
    st.html(f"<style>{CSS}</style>")


def say(words: str, kind: str = "") -> None:
    """A paragraph of any text. kind: a class of the style sheet, such as "note" or "verdict"."""
    put(tag("p", words, class_=kind or None))


def alert(words: str) -> None:
    """What went wrong and the remedy, read aloud at once by a screen reader."""
    put(tag("p", words, class_="alert", role="alert"))


def letters(lines: list[str], name: str) -> None:
    """Lines as a terminal shows them."""
    put(tag("pre", "\n".join(lines), tabindex=0, role="region", aria_label=name))


def block(one: Block) -> None:
    """A block of a report that is neither a picture nor a part."""
    put(rendered(without_anchors(one)))


def cards(one: Table) -> None:
    """A table of plain words whose rows become cards on a phone, so that no column lies beyond its edge."""
    looks = ["n" if column.numeric else None for column in one.columns]
    names = [column.heading for column in one.columns]
    columns = zip(names, looks, strict=True)
    head = [tag("th", name, scope="col", class_=look, role="columnheader") for name, look in columns]
    lines = []
    for row in one.rows:
        first, *others = zip(row, names, looks, strict=True)
        cells = [tag("td", value, class_=look, data_label=name, role="cell") for value, name, look in others]
        lines.append(tag("tr", tag("th", first[0], scope="row", role="rowheader"), *cells, role="row"))
    whole = tag(
        "table",
        tag("caption", one.title),
        # What is laid out as blocks is a table to a screen reader by these roles alone.
        tag("thead", tag("tr", *head, role="row"), role="rowgroup"),
        tag("tbody", *lines, role="rowgroup"),
        role="table",
    )
    put(scrolling(whole, f"Table: {one.title}", "cards"))


def without_anchors(one: Block) -> Block:
    """Links to another place of the report's page lead nowhere here: their words stay."""
    if not isinstance(one, Text):
        return one
    lines = tuple(tuple(words(piece) for piece in line) for line in one.lines)
    return Text(lines, one.kind)


def words(piece):
    return piece.words if isinstance(piece, Link) and piece.href.startswith("#") else piece


def plain(text: str) -> str:
    """Text for a label, where Streamlit reads Markdown: every sign of it is escaped."""
    return SPECIAL.sub(r"\\\1", printable(" ".join(str(text).split())))
