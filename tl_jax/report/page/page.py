"""One page that shows all of a results folder: the blocks of its report as HTML."""

from __future__ import annotations

from pathlib import Path

from tl_jax.report.blocks import Report, Section
from tl_jax.report.page.render import rendered
from tl_jax.report.page.style import CSS
from tl_jax.report.page.tags import Html, join, paragraph, tag
from tl_jax.report.sections.registry import report, report_of
from tl_jax.report.sections.study import Study
from tl_jax.system.files import write_atomic

NAME = "report.html"


def write_report(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write `report.html` into a results folder, or to `out`, by atomic rename; an earlier one is replaced.

    The page needs no other file and no network. The same tables give the same bytes.

    Raises:
        InputError: no folder, none of the tables a report begins with, or a file that cannot be read.
    """
    page = html_of(report_of(folder))
    return write_atomic(
        Path(out) if out else Path(folder) / NAME, lambda path: path.write_text(page, encoding="utf-8", newline="\n")
    )


def report_page(study: Study) -> str:
    """The page of an experiment's tables as text."""
    return html_of(report(study))


def html_of(made: Report) -> str:
    """Any report as one page."""
    body = [
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag("header", tag("h1", made.title), *map(rendered, made.top)),
        navigation(made.sections),
        tag("main", *map(whole, made.sections), id="content"),
        tag("footer", paragraph(made.footer)),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", made.title),
        tag("style", Html(CSS)),
    ]
    return f"<!DOCTYPE html>\n{tag('html', tag('head', *head), tag('body', *body), lang='en')}\n"


def navigation(sections: tuple[Section, ...]) -> Html:
    """Links to the sections."""
    links = [tag("li", tag("a", section.title, href=f"#{section.id}")) for section in sections]
    return tag("nav", tag("ul", *links), aria_label="Contents")


def whole(section: Section) -> Html:
    """A section with its heading."""
    heading = tag("h2", section.title, id=f"{section.id}-title")
    content = join(map(rendered, section.blocks))
    return tag("section", heading, content, id=section.id, aria_labelledby=f"{section.id}-title")
