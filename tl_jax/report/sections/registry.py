"""Which sections a report has: the one place where a section is entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from tl_jax.evaluation.statistics.metrics import JUDGED
from tl_jax.report.blocks import Absent, Block, Blocks, Report, Section, bullets, join, paragraph
from tl_jax.report.sections import (
    answer,
    arms,
    cell_biology,
    cell_networks,
    cell_profile,
    dti,
    dti_examined,
    effect,
    genes,
    leaks,
    many,
    overview,
    run,
    search,
    single_cells,
    sizes,
    source_test,
    sources,
)
from tl_jax.report.sections.card import card, verdict_box
from tl_jax.report.sections.contract import (
    CELL_TABLES,
    DRUG_TABLES,
    FAMILY_TABLES,
    PROFILE_TABLES,
    SEARCH_TABLES,
    TABLES,
    TARGET_TABLES,
    Contract,
)
from tl_jax.report.sections.lineage import OF_DRAWS, lineage
from tl_jax.report.sections.study import Study, read_folder, read_study


class Entry(NamedTuple):
    """A section: `make` gives its blocks, or raises Absent where the folder lacks its tables."""

    anchor: str
    title: str
    make: Callable[[Study], Blocks]


LAST = (
    Entry("settings", "Settings, versions, device, time", run.settings),
    Entry("notes", "Notes of the run", run.notes),
)
FILES = Entry("files", "Tables this page was made of", run.tables)
SECTIONS = (
    Entry("answer", "In short", answer.answer),
    Entry("samples", "Your samples", answer.samples),
    Entry("effects", "Which genes the recommended model reads", answer.effects),
    Entry("gain", "What transfer gained", effect.comparison),
    Entry("predicts", "Does the model predict at all?", effect.predicts),
    Entry("gain-map", "Gain by source, strategy and size", sizes.gain_map),
    Entry("learning-curves", "Learning curves", sizes.learning_curves),
    Entry("arms", "All arms over folds", arms.distributions),
    Entry("observed", "Predicted against observed", arms.scatter),
    Entry("intervals", "Prediction intervals", arms.prediction_intervals),
    Entry("losses", "Loss by epoch", arms.losses),
    Entry("source-test", "Are the source's labels used?", source_test.source_test),
    Entry("sources", "Which source was promising", sources.sources),
    Entry("spread", "Where the spread comes from", sources.variance),
    Entry("genes", "Genes", genes.genes),
    Entry("leaks", "Leak audit", leaks.leaks),
    Entry("lineage", "Lineage of checkpoints", lineage),
    Entry("data", "Data", run.data),
    *LAST,
    Entry("card", "Model card", card),
    FILES,
)
FAMILIES = (
    Entry("curves", "Curves over the training size", dti.curves),
    Entry("gain", "What transfer gained", dti.gains),
    Entry("crossover", "Up to which size transfer helps", dti.crossovers),
    Entry("arms", "All arms", dti.arms),
    Entry("predicts", "Do the models predict at all?", dti_examined.predicts),
    Entry("source-test", "Are the source's labels used?", dti_examined.source_test),
    Entry("nested", "A choice by inner folds", dti_examined.nested),
    Entry("spread", "Where the spread comes from", dti_examined.variance),
    Entry("switches", "What the faults of the published code are worth", dti.switches),
    Entry("calibration", "Calibration", dti.calibration),
    Entry("similarity", "Test compounds and training compounds", dti.compounds),
    Entry("reach", "How far the kept models reach", dti.reach),
    Entry("data", "Data", dti.data),
    *LAST,
    Entry("card", "Model card", dti.card),
    FILES,
)
TARGETS = (
    Entry("ranks", "Ranks over all targets", many.ranks),
    Entry("over-samples", "Gain over ridge, with intervals over samples", many.over_samples),
    Entry("gain", "Gain over a model on the target's own genes", many.gains),
    Entry("targets", "Every target", many.targets),
    Entry("data", "Data", run.data),
    *LAST,
    FILES,
)
SEARCH = (
    Entry("profiles", "Each axis of the grid", search.profiles),
    Entry("points", "The best points", search.points),
    Entry("test", "The chosen point on the test compounds", search.test),
    *LAST,
    FILES,
)
CELLS = (
    Entry("scores", "Scores", single_cells.scores),
    Entry("signs", "Is the direction settled?", single_cells.signs),
    Entry("arms", "All arms against the truth", single_cells.arms),
    Entry("intervals", "Intervals, apart", single_cells.intervals),
    Entry("compared", "Arms against each other", single_cells.compared),
    Entry("graded", "Graded truth", single_cells.graded),
    Entry("nulls", "What it would be of nothing", single_cells.nulls),
    Entry("over-lines", "Lines with measured response", single_cells.over_lines),
    Entry("near", "Nearest bulk lines", single_cells.near),
    Entry("map", "Map of the cells", cell_biology.cell_map),
    Entry("genes", "Genes of the called classes", cell_biology.genes),
    Entry("modules", "Modules of called and true classes", cell_biology.modules),
    Entry("trajectory", "Pseudotime", cell_biology.trajectory),
    Entry("critical", "Genes that move the networks", cell_networks.critical),
    Entry("attention", "What attention is worth", cell_networks.attention),
    Entry("lineage", "Lineage of checkpoints", partial(lineage, words=OF_DRAWS)),
    *LAST,
    FILES,
)


PROFILES = (
    Entry("drugs", "Every drug", cell_profile.drugs),
    Entry("near", "Nearest bulk lines", single_cells.near),
    *LAST,
    FILES,
)


OVERVIEW = (Entry("drugs", "Every drug", overview.drugs), *LAST, FILES)


class Kind(NamedTuple):
    """A kind of results folder: the table that must be there, all tables, what stands on top, the sections.

    judged: the metric where the folder records none.
    """

    first: str
    contracts: Mapping[str, Contract]
    top: Callable[[Study], tuple[str, tuple[Block, ...]]]
    sections: tuple[Entry, ...]
    judged: str = JUDGED


def study_top(study: Study) -> tuple[str, tuple[Block, ...]]:
    """Title, the experiment in words with its protocols, and the verdict."""
    title = str(study.entry("experiment") or "Study")
    cohort = study.entry("cohort", "title") or study.entry("cohort", "name")
    protocols = list(dict.fromkeys(study.metrics["protocol"]))
    several = f"protocols {', '.join(protocols)}" if len(protocols) > 1 else f"protocol {protocols[0]}"
    line = "; ".join(str(part) for part in (study.entry("title"), several) if part) + "."
    stamp = f"{answer.QUICK}: " if answer.is_quick(study) else ""
    title = f"{title}: {cohort}" if cohort else title
    return f"{stamp}{title}", (paragraph(line, kind="lead"), verdict_box(study))


STUDY = Kind("metrics", TABLES, study_top, SECTIONS)
FAMILY = Kind("metrics", FAMILY_TABLES, dti.top, FAMILIES, dti.HEADLINE)
MANY = Kind("blocks", TARGET_TABLES, many.top, TARGETS)
PROFILE = Kind("profiles", PROFILE_TABLES, cell_profile.top, PROFILES)
CELL = Kind("cells", CELL_TABLES, single_cells.top, CELLS)
DRUGS = Kind("drugs", DRUG_TABLES, overview.top, OVERVIEW)
GRID = Kind("grid", SEARCH_TABLES, search.top, SEARCH)


def kind_of(folder: Path) -> Kind:
    """What a folder holds, by its files and their headings; an experiment's where nothing else shows."""
    if (folder / "blocks.csv").is_file():
        return MANY
    if (folder / "profiles.csv").is_file():
        return PROFILE
    if (folder / "drugs.csv").is_file():
        return DRUGS
    if (folder / "signs.csv").is_file():
        return CELL
    if (folder / "grid.csv").is_file():
        return GRID
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
            shown.append(Section(entry.title, entry.anchor, tuple(join([entry.make(study)]))))
        except Absent as reason:
            left_out.append(f"{entry.title}: {reason}.")
    if left_out:
        shown.append(Section("Left out", "absent", (bullets(left_out),)))
    title, top = kind.top(study)
    return Report(title, top, tuple(shown))


def all_of(folder: str | Path) -> list[Section]:
    """The sections of the report of a results folder; errors as in report_of."""
    return list(report_of(folder).sections)


def verdict_words(folder: str | Path) -> str:
    """The verdict on a results folder, as its report says it at the top; errors as in report_of."""
    lines = [line for block in report_of(folder).top if getattr(block, "kind", "") == "verdict" for line in block.lines]
    return " ".join("".join(map(str, line)) for line in lines).removeprefix("Verdict. ")


def answer_words(folder: str | Path) -> list[str]:
    """The lines of "In short" for a terminal; none where the folder recommends nothing. Errors as in report_of."""
    if kind_of(Path(folder)) is not STUDY:
        return []
    study = read_study(Path(folder))
    if not study.entry("recommended", kind=dict):
        return []
    return ["".join(map(str, line)).replace(". ", ": ", 1) for line in answer.lines(study, str(folder))]
