"""What a report consists of, without any markup: a page renders these blocks as HTML, an app as it likes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

# Neither HTML nor XML may hold these: control characters, half of a surrogate pair, two non-characters.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(value: str) -> str:
    """Text with every character that no page may hold replaced by U+FFFD."""
    return FORBIDDEN.sub("\ufffd", value)


class Strong(str):
    """Words that stand out."""

    __slots__ = ()


class Code(str):
    """An identifier, shown letter by letter."""

    __slots__ = ()


@dataclass(frozen=True)
class Marked:
    """A word with a look of its own: "bad" or "open"; the word itself says what the colour says."""

    word: str
    look: str


@dataclass(frozen=True)
class Link:
    """A word that leads to a file beside the page."""

    words: str
    href: str

    def __str__(self) -> str:
        return self.words


Piece = str | Marked | Link
Line = tuple[Piece, ...]


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its words, a smaller line under them, and a look ("gain", "loss", "open", "good", "bad")."""

    value: object
    under: str = ""
    look: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.under}".rstrip()


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and whether its cells are numbers (aligned right, never broken)."""

    heading: str
    numeric: bool = False


@dataclass(frozen=True)
class Text:
    """Lines of words. kind: "" for paragraphs, or "note", "lead", "verdict", "bullets", "numbers" (a numbered list)."""

    lines: tuple[Line, ...]
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """Cells as they are to be read, and the frame that they were written from (None where there is none).

    The first `heads` cells of a row name it. A cell is a Cell or anything with a text.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple, ...]
    heads: int = 1
    frame: pd.DataFrame | None = None


@dataclass(frozen=True)
class Figure:
    """A picture: `name` is unique in the report, `draw()` gives a matplotlib figure, `label` says what it shows.

    Call `draw` inside `plots.style.style()`, which raises InputError where matplotlib is not installed.
    """

    name: str
    draw: Callable
    label: str
    caption: str = ""


@dataclass(frozen=True)
class Node:
    """A branch of a tree."""

    lines: tuple[Line, ...]
    children: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Tree:
    """What descends from what."""

    roots: tuple[Node, ...]


@dataclass(frozen=True)
class Part:
    """Blocks under a heading of their own; `folded`: shown on demand, `opened`: on demand, but open at first."""

    title: str
    blocks: tuple[Block, ...]
    folded: bool = False
    opened: bool = False


Block = Text | Table | Figure | Tree | Part
# What a section gives: one block, or several in their order.
Blocks = Block | list[Block]


@dataclass(frozen=True)
class Section:
    """A section: `id` is unique in the report."""

    title: str
    id: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """A whole report: what stands above the first section, the sections, and a line at the end."""

    title: str
    top: tuple[Block, ...]
    sections: tuple[Section, ...]
    footer: str = "Made by tl_jax from the tables of one results folder. Research software."


class Absent(Exception):
    """A section has nothing to show; the text says why in one line."""


def paragraph(*pieces: Piece, kind: str = "") -> Text:
    """One paragraph of pieces that follow each other without a space."""
    return Text((pieces,), kind)


def bullets(items: Iterable[Piece | Line], kind: str = "bullets") -> Text:
    """A list; an item is text, or pieces of it."""
    return Text(tuple(item if isinstance(item, tuple) else (item,) for item in items), kind)


def table(title: str, columns: Iterable[Column], rows: Iterable[Sequence], heads: int = 1, frame=None) -> Table:
    return Table(title, tuple(columns), tuple(tuple(row) for row in rows), heads, frame)


def definitions(title: str, pairs: Iterable[tuple[str, object]]) -> Table:
    """A table of names and values."""
    return table(title, (Column("what"), Column("value")), pairs)


def join(parts: Iterable) -> list[Block]:
    """Blocks and lists of blocks as one list."""
    found = []
    for part in parts:
        found += part if isinstance(part, list) else [part]
    return found
