"""One page that shows all of a study, made from the tables of its results folder alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tl_jax.report.page import arms as html_arms
from tl_jax.report.page import effect as html_effect
from tl_jax.report.page import genes as html_genes
from tl_jax.report.page import leaks as html_leaks
from tl_jax.report.page import run as html_run
from tl_jax.report.page import sizes as html_sizes
from tl_jax.report.page import sources as html_sources
from tl_jax.report.page.card import card, verdict_box
from tl_jax.report.page.lineage import lineage
from tl_jax.report.page.study import Absent, Study, read_study
from tl_jax.report.page.style import CSS
from tl_jax.report.page.tags import Html, bullets, join, paragraph, tag
from tl_jax.system.files import write_atomic

NAME = "report.html"


class Section(NamedTuple):
    """A part of the page; `make` raises Absent where the folder lacks its tables."""

    anchor: str
    title: str
    make: Callable[[Study], Html]


SECTIONS = (
    Section("gain", "What transfer gained", html_effect.comparison),
    Section("predicts", "Does the model predict at all?", html_effect.predicts),
    Section("gain-map", "Gain by source, strategy and size", html_sizes.gain_map),
    Section("learning-curves", "Learning curves", html_sizes.learning_curves),
    Section("arms", "All arms over folds", html_arms.distributions),
    Section("observed", "Predicted against observed", html_arms.scatter),
    Section("intervals", "Prediction intervals", html_arms.prediction_intervals),
    Section("losses", "Loss by epoch", html_arms.losses),
    Section("sources", "Which source was promising", html_sources.sources),
    Section("spread", "Where the spread comes from", html_sources.variance),
    Section("genes", "Genes", html_genes.genes),
    Section("leaks", "Leak audit", html_leaks.leaks),
    Section("lineage", "Lineage of checkpoints", lineage),
    Section("data", "Data", html_run.data),
    Section("settings", "Settings, versions, device, time", html_run.settings),
    Section("notes", "Notes of the run", html_run.notes),
    Section("card", "Model card", card),
    Section("files", "Tables this page was made of", html_run.tables),
)


def write_report(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write `report.html` into a results folder, or to `out`, by atomic rename; an earlier one is replaced.

    The page needs no other file and no network. The same tables give the same bytes.

    Raises:
        InputError: no folder, no metrics.csv, or a table or JSON file that cannot be read (html_study.py).
    """
    page = report_page(read_study(Path(folder)))
    return write_atomic(
        Path(out) if out else Path(folder) / NAME, lambda path: path.write_text(page, encoding="utf-8", newline="\n")
    )


def report_page(study: Study) -> str:
    """The page as text."""
    title = str(study.entry("experiment") or "Study")
    cohort = study.entry("cohort", "title") or study.entry("cohort", "name")
    heading = f"{title}: {cohort}" if cohort else title
    return whole_page(study, heading, [paragraph(subtitle(study), class_="subtitle"), verdict_box(study)], SECTIONS)


FOOTER = "Made by tl_jax from the tables of one results folder. Research software."


def whole_page(
    study: Study, heading: str, top: Iterable[Html], sections: Iterable[Section], footer: str = FOOTER
) -> str:
    """A page of sections; those that the folder has nothing for are named at its end."""
    shown, left_out = [], []
    for section in sections:
        try:
            shown.append((section, section.make(study)))
        except Absent as reason:
            left_out.append(f"{section.title}: {reason}.")
    body = [
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag("header", tag("h1", heading), *top),
        navigation([section for section, _ in shown], bool(left_out)),
        tag("main", *(whole(section, content) for section, content in shown), absent(left_out), id="content"),
        tag("footer", paragraph(footer)),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", heading),
        tag("style", Html(CSS)),
    ]
    return f"<!DOCTYPE html>\n{tag('html', tag('head', *head), tag('body', *body), lang='en')}\n"


def subtitle(study: Study) -> str:
    """Below the title: the experiment in words, and the protocols."""
    protocols = list(dict.fromkeys(study.metrics["protocol"]))
    several = f"protocols {', '.join(protocols)}" if len(protocols) > 1 else f"protocol {protocols[0]}"
    return "; ".join(str(part) for part in (study.entry("title"), several) if part) + "."


def navigation(sections: list[Section], missing: bool) -> Html:
    """Links to the sections."""
    links = [(section.anchor, section.title) for section in sections] + [("absent", "Left out")] * missing
    return tag("nav", bullets(tag("a", title, href=f"#{anchor}") for anchor, title in links), aria_label="Contents")


def whole(section: Section, content: Html) -> Html:
    """A section with its heading."""
    heading = tag("h2", section.title, id=f"{section.anchor}-title")
    return tag("section", heading, content, id=section.anchor, aria_labelledby=f"{section.anchor}-title")


def absent(lines: list[str]) -> Html:
    """What the page does not show, and why."""
    if not lines:
        return join([])
    return tag("section", tag("h2", "Left out"), bullets(lines), id="absent")
