"""A checked cohort as text for the terminal and as a report."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tl_jax.evaluation.checks.cohort import Checked, verdict_of
from tl_jax.evaluation.checks.parts import BLOCKING, Finding, Part, stages
from tl_jax.report.blocks import Block, Column, Figure, Marked, Report, Section, Strong, Text, bullets, paragraph, table
from tl_jax.report.plots.check import MOST_PANELS, map_figure, response_figure
from tl_jax.report.sections.cells import p_text
from tl_jax.report.tables import UNDEFINED, WIDTH, number, shorten

FOOTER = "Made by tl_jax from one cohort, before any training. Research software."
PERCENT = ("used of own", "samples alike", "whole numbers", "negative", "zero", "tied", "share")
LONGEST = 40  # characters of a cell in the terminal


def cell(name: str, value) -> str:
    """A value of a table as text; a dash where it is missing."""
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return UNDEFINED
    if isinstance(value, str):
        return value or UNDEFINED
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if name in PERCENT:
        return "under 1%" if 0 < value < 0.01 else f"{int(value * 100)}%" if 0.99 < value < 1 else f"{value:.0%}"
    if name == "p" or name.startswith("p ("):
        return p_text(float(value))
    return f"{value:,.0f}" if abs(value) >= 10_000 else number(value, ".3g")


def cells(frame: pd.DataFrame) -> list[list[str]]:
    """Rows of a frame as text; a column of counts with gaps stays one of counts."""
    columns = {name: frame[name].astype(object).where(frame[name].notna(), None) for name in frame}
    counts = [name for name in frame if frame[name].dtype.kind == "f" and (frame[name].dropna() % 1 == 0).all()]
    values = {
        name: [cell(name, int(v) if name in counts and v is not None and name not in PERCENT else v) for v in column]
        for name, column in columns.items()
    }
    return [list(row) for row in zip(*values.values(), strict=True)]


def printed(checked: Checked) -> str:
    """All of it as text of at most 100 columns; what is to do stands at the end."""
    blocks = [shorten(f"{checked.cohort.name}: {checked.cohort.title}", WIDTH)]
    for part in checked.parts:
        blocks.append(f"== {part.title}")
        blocks += [_wrapped(line) for line in part.lines]
        blocks += ["\n".join(text_table(frame)) for _, frame in part.tables]
    return "\n\n".join([*blocks, "== What to do", findings_text(checked)])


def findings_text(checked: Checked) -> str:
    """The findings, numbered, each with its remedy, and the verdict last."""
    return "\n".join(findings_lines(checked.findings))


def findings_lines(findings: Sequence[Finding]) -> list[str]:
    """Findings, numbered, each with its remedy, and the verdict last."""
    told = [_wrapped(f"{place}. [{f.severity}] {f.text}: {f.remedy}.", "   ") for place, f in enumerate(findings, 1)]
    return [*told, verdict_of(findings)]


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def text_table(frame: pd.DataFrame) -> list[str]:
    """Lines of a table; of a few rows and many columns turned round, else in blocks that repeat the first column."""
    head, rows = [str(name) for name in frame], cells(frame)
    rows = [[shorten(value, LONGEST) for value in row] for row in rows]
    if len(rows) <= 3 and sum(max(len(row[k]) for row in [head, *rows]) + 2 for k in range(len(head))) > WIDTH:
        head, *rows = [list(line) for line in zip(head, *rows, strict=True)]
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    lines, start = [], 1
    while start < len(head):
        end, room = start + 1, widths[0] + widths[start] + 2
        while end < len(head) and room + widths[end] + 2 <= WIDTH:
            room, end = room + widths[end] + 2, end + 1
        shown = range(start, end)
        lines += [""] * bool(lines)
        for row in [head, *rows]:
            lines.append("  ".join([row[0].ljust(widths[0]), *(row[k].rjust(widths[k]) for k in shown)]).rstrip())
        start = end
    return lines


def check_report(checked: Checked) -> Report:
    """All of it as a report."""
    top = (
        paragraph(f"{checked.cohort.title}. Checked before any training.", kind="lead"),
        paragraph(Strong(checked.verdict[0].upper() + checked.verdict[1:] + "."), kind="verdict"),
    )
    sections = [Section("What to do", "todo", (to_do(checked),))]
    if checked.maps:
        sections.append(Section("Map of all samples", "map", (sample_map(checked),)))
    sections += [Section(part.title, part.anchor, tuple(_part(part, checked))) for part in checked.parts]
    return Report(f"Check of {checked.cohort.name}", top, tuple(sections), FOOTER)


def to_do(checked: Checked) -> Text:
    """Findings with their remedies."""
    if not checked.findings:
        return paragraph("Nothing was found. That is no proof: the checks below are the ones that were made.")
    items = []
    for f in checked.findings:
        grave = Marked(f.severity, "bad" if f.severity == BLOCKING else "open")
        items.append((grave, f" {f.text}: {f.remedy}."))
    return bullets(items, kind="numbers")


def sample_map(checked: Checked) -> Figure:
    """The picture of all samples."""
    domains = checked.cohort.domains
    names = ", ".join(d.name for d in domains)
    label = f"samples of {names} on two principal components, {', '.join(m.title for m in checked.maps)}"
    text = (
        "Domains that lie apart as read and together once scaled differ by platform; what still lies apart differs in "
        "biology or in batch."
    )
    return Figure("map", lambda: map_figure(checked.maps, domains), label, text)


def _part(part: Part, checked: Checked) -> list[Block]:
    """One part: its sentences, its pictures, its tables."""
    content = [paragraph(line) for line in part.lines]
    if part.anchor == "responses":
        content += _responses(checked)
    for caption, frame in part.tables:
        numeric = [frame[name].dtype.kind in "iuf" for name in frame]
        columns = [Column(str(name), bool(k and n)) for k, (name, n) in enumerate(zip(frame, numeric, strict=True))]
        content.append(table(caption, columns, cells(frame), frame=frame))
    return content


def _responses(checked: Checked) -> list[Block]:
    """Histograms: the target first, then upwards."""
    shown = [
        (s.domain, drug)
        for s in reversed(stages(checked.cohort))
        for drug in s.drugs
        if np.isfinite(s.domain.y[:, s.domain.column(drug)]).any()
    ]
    if not shown:
        return []
    named = "; ".join(f"{drug} in {domain.name}" for domain, drug in shown[:MOST_PANELS])
    label = f"histograms of the response: {named}"
    return [Figure("responses", lambda: response_figure(shown), label, "Responses.")]
