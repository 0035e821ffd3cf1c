"""HTML from Python values: whatever is not markup already is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Neither HTML nor XML may hold these: control characters, half of a surrogate pair, two non-characters.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
LONG = 30  # characters of a heading from which it needs room
EMPTY = ("br", "img", "meta", "link")  # elements without content, which have no end tag


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


class Column(NamedTuple):
    """A column of a table: its heading, and whether its cells are numbers (aligned right, never broken)."""

    heading: str
    numeric: bool = False


def printable(value: str) -> str:
    """Text with every character that no page may hold replaced by U+FFFD."""
    return FORBIDDEN.sub("\ufffd", value)


def text(value) -> Html:
    """A value as escaped text; markup stays as it is."""
    return value if isinstance(value, Html) else Html(html.escape(printable(str(value))))


def join(children: Iterable) -> Html:
    """Children one after another."""
    return Html("".join(text(child) for child in children))


def tag(name: str, /, *children, **attributes) -> Html:
    """An element. Attribute names: class_ is class, aria_label is aria-label; True has no value, None is left out."""
    parts = [name]
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is not None and value is not False:
            parts.append(key if value is True else f'{key}="{text(value)}"')
    start = f"<{' '.join(parts)}>"
    return Html(start if name in EMPTY else f"{start}{join(children)}</{name}>")


def paragraph(*children, **attributes) -> Html:
    return tag("p", *children, **attributes)


def bullets(items: Iterable) -> Html:
    return tag("ul", *(tag("li", item) for item in items))


def scrolling(content: Html, name: str) -> Html:
    """A box of its own for what is wider than a narrow screen; it takes the focus, so that keys can scroll it."""
    return tag("div", content, class_="scroll", tabindex=0, role="region", aria_label=f"{name} (scrolls sideways)")


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence], heads: int = 1) -> Html:
    """A table with a caption; the first `heads` cells of a row name it. A cell is text, markup, or a whole <td>."""
    head = tag("tr", *(tag("th", c.heading, scope="col", class_=_look(c)) for c in columns))
    body = [
        tag("tr", *(_cell(cell, column, k < heads) for k, (cell, column) in enumerate(zip(row, columns, strict=True))))
        for row in rows
    ]
    whole = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body))
    return scrolling(whole, f"Table: {caption}")


def _look(column: Column) -> str | None:
    """Classes of a heading: numbers to the right, a sentence with room."""
    names = ["n"] * column.numeric + ["long"] * (len(column.heading) > LONG)
    return " ".join(names) or None


def _cell(value, column: Column, head: bool) -> Html:
    """One cell."""
    if isinstance(value, Html) and value.startswith("<td"):
        return value
    look = "n" if column.numeric else None
    return tag("th", value, scope="row", class_=look) if head else tag("td", value, class_=look)


def definitions(caption: str, pairs: Iterable[tuple[str, object]]) -> Html:
    """A table of names and values."""
    return table(caption, (Column("what"), Column("value")), pairs)
