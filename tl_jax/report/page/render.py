"""Each kind of block as HTML."""

from __future__ import annotations

from tl_jax.report.blocks import (
    Block,
    Cell,
    Code,
    Column,
    Figure,
    Line,
    Link,
    Marked,
    Node,
    Part,
    Strong,
    Table,
    Text,
    Tree,
)
from tl_jax.report.page.picture import picture
from tl_jax.report.page.tags import Html, join, scrolling, tag

LONG = 30  # characters of a heading from which it needs room
LISTS = {"bullets": "ul", "numbers": "ol"}
CLASSES = {"lead": "subtitle", "verdict": "verdict", "note": "note"}


def rendered(block: Block) -> Html:
    """A block as markup."""
    if isinstance(block, Figure):
        return picture(block.name, block.draw, block.label, block.caption)
    return RENDER[type(block)](block)


def text(block: Text) -> Html:
    """Paragraphs, or a list."""
    if block.kind in LISTS:
        return tag(LISTS[block.kind], *(tag("li", *pieces(line)) for line in block.lines))
    ident = "verdict" if block.kind == "verdict" else None
    return join(tag("p", *pieces(line), class_=CLASSES.get(block.kind), id=ident) for line in block.lines)


def pieces(line: Line) -> list:
    return [piece(one) for one in line]


def piece(value):
    """A word or several with their look."""
    if isinstance(value, Marked):
        return tag("strong", value.word, class_=value.look)
    if isinstance(value, Link):
        return tag("a", value.words, href=value.href)
    if isinstance(value, Strong):
        return tag("strong", value)
    return command(value) if isinstance(value, Code) else value


def command(value: Code) -> Html:
    """An identifier or a command, broken between its words alone: a browser would break after the signs of a flag."""
    words = value.split(" ")
    if len(words) == 1:
        return tag("code", value)
    return tag("code", *[one for word in words for one in (" ", tag("span", word))][1:])


def part(block: Part) -> Html:
    """Blocks below a heading, or folded away."""
    content = map(rendered, block.blocks)
    if block.folded:
        return tag("details", tag("summary", block.title), *content, open=block.opened)
    return join([tag("h3", block.title), *content])


def tree(block: Tree) -> Html:
    return tag("ul", *map(branch, block.roots), class_="tree")


def branch(node: Node) -> Html:
    """A node with what descends from it."""
    lines = [one for line in node.lines for one in (tag("br"), *pieces(line))][1:]
    return tag("li", *lines, *([tag("ul", *map(branch, node.children))] if node.children else []))


def table(block: Table) -> Html:
    """A table with its caption, in a box that scrolls."""
    head = tag("tr", *(tag("th", c.heading, scope="col", class_=_look(c)) for c in block.columns))
    body = [
        tag(
            "tr",
            *(_cell(c, column, k < block.heads) for k, (c, column) in enumerate(zip(row, block.columns, strict=True))),
        )
        for row in block.rows
    ]
    whole = tag("table", tag("caption", block.title), tag("thead", head), tag("tbody", *body))
    return scrolling(whole, f"Table: {block.title}")


def _look(column: Column) -> str | None:
    """Classes of a heading: numbers to the right, a sentence with room."""
    names = ["n"] * column.numeric + ["long"] * (len(column.heading) > LONG)
    return " ".join(names) or None


def _cell(value, column: Column, head: bool) -> Html:
    """One cell."""
    made = value if isinstance(value, Cell) else Cell(value)
    look = " ".join(["n"] * column.numeric + [made.look] * bool(made.look)) or None
    under = [tag("br"), tag("small", made.under)] if made.under else []
    return tag("th" if head else "td", piece(made.value), *under, scope="row" if head else None, class_=look)


RENDER = {Text: text, Table: table, Part: part, Tree: tree}
