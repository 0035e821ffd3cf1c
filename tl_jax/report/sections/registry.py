"""The report of a results folder: what it holds, its sections in order, and its words for a terminal."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tl_jax.evaluation.predictors.plain_words import words_of
from tl_jax.report.blocks import Absent, Block, Link, Part, Report, Section, Text, bullets, join, paragraph
from tl_jax.report.sections import after as after_study
from tl_jax.report.sections import answer
from tl_jax.report.sections.entries import CELL, DRUGS, FAMILY, GRID, MANY, PROFILE, STUDY, Entry, Kind
from tl_jax.report.sections.glossary import ANCHOR, arms_in, glossary, words_in
from tl_jax.report.sections.study import Study, read_folder, read_study

APART = "How far models lie apart"  # in place of what transfer gained, where there is no source
# A file that only folders of this kind hold.
MARKS = {"blocks.csv": MANY, "profiles.csv": PROFILE, "drugs.csv": DRUGS, "signs.csv": CELL, "grid.csv": GRID}


def kind_of(folder: Path) -> Kind:
    """What a folder holds, by its files and their headings; an experiment's where nothing else shows."""
    for name, kind in MARKS.items():
        if (folder / name).is_file():
            return kind
    try:
        heading = set(pd.read_csv(folder / "metrics.csv", nrows=0))
    except (OSError, ValueError):  # the reader of the folder has a better word on it
        return STUDY
    return FAMILY if {"size", "draw"} <= heading else STUDY


def report_of(folder: str | Path) -> Report:
    """The report of a results folder, in blocks: nothing is trained, drawn or written.

    Raises:
        InputError: no folder, none of the tables a report begins with, or a file that cannot be read (study.py).
    """
    folder = Path(folder)
    kind = kind_of(folder)
    study = read_study(folder) if kind is STUDY else read_folder(folder, kind.contracts, kind.first, kind.judged)
    return report(study, kind)


def report(study: Study, kind: Kind = STUDY) -> Report:
    """Every section that the tables suffice for; the others are named at the end."""
    shown, left_out = [], []
    for entry in kind.sections:
        try:
            shown.append(Section(titled(entry, study), entry.anchor, blocks_of(entry, study)))
        except Absent as reason:
            left_out.append(f"{entry.title}: {reason}.")
    shown += glossary(shown)
    if left_out:
        why = Part("What this page would show with more tables", (bullets(left_out),), folded=True)
        shown.append(Section("Left out", "absent", (why,)))
    title, top = kind.top(study)
    hint = paragraph(f"{names_in(top)}All words are ", Link("explained at the end", f"#{ANCHOR}"), ".", kind="note")
    if not answer.is_quick(study):
        return Report(title, (*top, hint), tuple(shown))
    return Report(f"{answer.QUICK}: {title}", (*map(stamped, top), hint), tuple(shown))


def titled(entry: Entry, study: Study) -> str:
    """The heading of a section; of a cohort of one domain it speaks of no transfer."""
    return APART if study.alone and entry.anchor == "gain" else entry.title


def names_in(top: tuple[Block, ...]) -> str:
    """What the arms are that the top of a report names: most readers know words and no code names."""
    text = "\n".join(told for block in top for told in words_in(block))
    names = "; ".join(f"{arm}: {words_of(arm)}" for arm in arms_in(text))
    return f"{names}. " if names else ""


def blocks_of(entry: Entry, study: Study) -> tuple[Block, ...]:
    """What a section shows."""
    blocks = tuple(join([entry.make(study)]))
    return (Part(f"Show: {entry.title}", blocks, folded=True),) if entry.folded else blocks


def stamped(block: Block) -> Block:
    """A verdict that says that its study was a quick look."""
    if not (isinstance(block, Text) and block.kind == "verdict"):
        return block
    (first, *rest), *more = block.lines
    return Text(((first, f"{answer.QUICK}. ", *rest), *more), block.kind)


def all_of(folder: str | Path) -> list[Section]:
    """The sections of the report of a results folder; errors as in report_of."""
    return list(report_of(folder).sections)


def verdict_words(folder: str | Path) -> str:
    """The verdict on a results folder, as its report says it at the top; errors as in report_of."""
    lines = [line for block in report_of(folder).top if getattr(block, "kind", "") == "verdict" for line in block.lines]
    return " ".join("".join(map(str, line)) for line in lines).removeprefix("Verdict. ")


def answer_words(folder: str | Path) -> list[str]:
    """The lines of "In short" and "What next" for a terminal, commands with the folder's own name; errors as in
    report_of."""
    sections = {section.id: section for section in report_of(folder).sections}
    found = {
        name: [line for block in sections[name].blocks for line in block.lines] if name in sections else []
        for name in ("answer", "next")
    }
    # What "In short" says of a source, "What next" says again; of the model it adds the command.
    said = {str(line[0]) for line in found["answer"]}
    after = [("Predict. ", *line[1:]) if str(line[0]) == after_study.MODEL else line for line in found["next"]]
    after = [line for line in after if str(line[0]) not in said] if said else found["next"]
    told = ["".join(map(str, line)).replace(". ", ": ", 1) for line in (*found["answer"], *after)]
    told = [line.replace(answer.BEING, "") for line in dict.fromkeys(told)]
    return [line.replace(answer.FOLDER, str(folder)) for line in told]
