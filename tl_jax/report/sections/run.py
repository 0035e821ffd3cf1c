"""Sections on the run itself: data, settings, versions, times, remarks, and the tables that the page was made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from tl_jax.report.blocks import Absent, Blocks, Code, Column, Part, Table, bullets, definitions, paragraph, table
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import UNDEFINED

MOST_NOTES = 8
ELSEWHERE, BACK = "\u2026/", "\\"
# A path from the root of a disk, of two parts at the least: "/s" and "5/10" are none.
ABSOLUTE = re.compile(r"(?<![\w./])(?:[A-Za-z]:)?(?:[/\\][^\s/\\,;:'\"()]+){2,}")


def data(study: Study) -> Blocks:
    """Sizes, units and fingerprints of the data."""
    domains = study.entry("data", kind=dict) or {}
    stages = study.entry("stage_data", kind=dict) or {}
    if not domains and not stages:
        raise Absent("summary.json says nothing of the data")
    parts = [_evaluated(domains)] if domains else []
    if stages:
        lines = [(name, Code(print_)) for name, print_ in stages.items()]
        title = "Data of every stage, as domain:drug and fingerprint"
        parts.append(Part(title, (definitions(title, lines),), folded=True))
    genes = study.entry("cohort", "genes")
    if isinstance(genes, int):
        parts.append(paragraph(f"{genes:,} genes{'' if study.alone else ' are shared by all domains'}."))
    return parts


def _evaluated(domains: dict) -> Table:
    """The domains that were cross-validated."""
    keys = ("samples", "genes", "gene_coverage", "unit", "direction", "fingerprint")
    heads = ("samples", "genes", "share of its own genes", "unit", "high response means", "fingerprint")
    lines = []
    for name, one in domains.items():
        one = one if isinstance(one, dict) else {}
        values = [value(one.get(key)) for key in keys]
        values[2] = f"{one['gene_coverage']:.0%}" if isinstance(one.get("gene_coverage"), int | float) else values[2]
        lines.append([name, *values[:-1], Code(values[-1])])
    columns = [Column("domain:drug"), *(Column(head, head in ("samples", "genes")) for head in heads)]
    return table("Evaluated data", columns, lines)


def settings(study: Study) -> Blocks:
    """Settings, seeds, versions, device and wall time."""
    groups = (
        ("Settings, seeds included", study.entry("settings")),
        ("Device", study.entry("device")),
        ("Versions", study.entry("versions")),
        ("Wall time in seconds", study.entry("wall_seconds")),
        ("Code and strategies, by digest", {k: study.record[k] for k in ("code", "strategies") if k in study.record}),
        ("Flags as given", study.entry("flags")),
    )
    found = [(name, content) for name, content in groups if content]
    if not found:
        raise Absent("summary.json names no settings")
    return [
        Part(name, (definitions(name, ((key, short_paths(text)) for key, text in flat(content))),), folded=True)
        for name, content in found
    ]


def flat(content, path: str = "") -> Iterator[tuple[str, str]]:
    """(name, value) of every entry, those inside others by their path."""
    if not isinstance(content, dict):
        yield path or "value", value(content)
        return
    for key, inner in content.items():
        yield from flat(inner, f"{path}: {key}" if path else str(key))


def value(content) -> str:
    """An entry of a JSON file as text."""
    if content is None or content == [] or content == "":
        return UNDEFINED
    if isinstance(content, list):
        return ", ".join(value(one) for one in content)
    if isinstance(content, bool):
        return "yes" if content else "no"
    return f"{content:,}" if isinstance(content, int) and content > 9999 else str(content)


def notes(study: Study) -> Blocks:
    """Remarks and warnings of the run."""
    found = study.entry("notes", kind=list)
    if not found:
        raise Absent("the run left no notes" if found == [] else "summary.json has no notes")
    lines = [short_paths(str(line)) for line in found]
    if len(lines) <= MOST_NOTES:
        return bullets(lines)
    rest = Part(f"The other {len(lines) - MOST_NOTES} of {len(lines)}", (bullets(lines[MOST_NOTES:]),), folded=True)
    return [bullets(lines[:MOST_NOTES]), rest]


def short_paths(text: str) -> str:
    """Text with absolute paths cut to their last part: a page is sent to others, and folders are nobody's business."""
    return ABSOLUTE.sub(lambda found: f"{ELSEWHERE}{PurePath(found[0].replace(BACK, '/')).name}", text)


def tables(study: Study) -> Blocks:
    """The files that this page was made of."""
    lines = [(name, Code(digest)) for name, digest in study.digests.items()]
    title = "Files and their SHA-256; nothing else was read"
    return Part(title, (definitions(title, lines),), folded=True)
