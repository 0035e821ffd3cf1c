"""The kinds of results folders and their sections: the one place where a section is entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from tl_jax.evaluation.statistics.metrics import JUDGED
from tl_jax.report.blocks import Block, Blocks, paragraph
from tl_jax.report.sections import (
    after,
    after_others,
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
    many_source,
    overview,
    pathways,
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
from tl_jax.report.sections.study import Study


class Entry(NamedTuple):
    """A section: `make` gives its blocks, or raises Absent where the folder lacks its tables; folded: on demand."""

    anchor: str
    title: str
    make: Callable[[Study], Blocks]
    folded: bool = False


LAST = (
    Entry("settings", "Settings, versions, device, time", run.settings),
    Entry("notes", "Notes of the run", run.notes),
)
FILES = Entry("files", "Tables this page was made of", run.tables)
SECTIONS = (
    Entry("answer", "In short", answer.answer),
    Entry("next", "What next", after.next_steps),
    Entry("samples", "Your samples", answer.samples),
    Entry("effects", "Which genes the recommended model reads", answer.effects),
    Entry("pathways", "Which gene sets the recommended model reads", pathways.pathways),
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
    Entry("leaks", "Leak audit", leaks.leaks, folded=True),
    Entry("lineage", "Lineage of checkpoints", lineage, folded=True),
    Entry("data", "Data", run.data),
    *LAST,
    Entry("card", "Model card", card, folded=True),
    FILES,
)
FAMILIES = (
    Entry("next", "What next", after_others.compounds),
    Entry("curves", "Curves over the training size", dti.curves),
    Entry("gain", "What transfer gained", dti.gains),
    Entry("crossover", "Up to which size transfer helps", dti.crossovers),
    Entry("arms", "All arms", dti.arms),
    Entry("predicts", "Do the models predict at all?", dti_examined.predicts),
    Entry("source-test", "Are the source's labels used?", dti_examined.source_test),
    Entry("nested", "A choice by inner folds", dti_examined.nested),
    Entry("spread", "Where the spread comes from", dti_examined.variance),
    Entry("switches", "What the faults of the published code are worth", dti.switches),
    Entry("calibration", "Calibration", dti_examined.calibration),
    Entry("similarity", "Test compounds and training compounds", dti_examined.compounds),
    Entry("reach", "How far the kept models reach", dti_examined.reach),
    Entry("data", "Data", dti.data),
    *LAST,
    Entry("card", "Model card", dti.card, folded=True),
    FILES,
)
TARGETS = (
    Entry("next", "What next", after_others.targets),
    Entry("ranks", "Ranks over all targets", many.ranks),
    Entry(
        "over-samples", "Gain over a model on the target's own genes, with intervals over samples", many.over_samples
    ),
    Entry("gain", "Gain over a model on the target's own genes", many.gains),
    Entry("by-class", "Gain by drug class", many_source.by_class, folded=True),
    Entry("source-test", "Are the source's labels used?", many_source.source_test),
    Entry("targets", "Every target", many.targets),
    Entry("data", "Data", run.data),
    *LAST,
    FILES,
)
SEARCH = (
    Entry("next", "What next", after_others.search),
    Entry("profiles", "Each axis of the grid", search.profiles),
    Entry("points", "The best points", search.points),
    Entry("test", "The chosen point on the test compounds", search.test),
    *LAST,
    FILES,
)
CELLS = (
    Entry("next", "What next", after_others.cells),
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
    Entry("lineage", "Lineage of checkpoints", partial(lineage, words=OF_DRAWS), folded=True),
    *LAST,
    FILES,
)


PROFILES = (
    Entry("next", "What next", after_others.profile),
    Entry("drugs", "Every drug", cell_profile.drugs),
    Entry("near", "Nearest bulk lines", single_cells.near),
    *LAST,
    FILES,
)


OVERVIEW = (
    Entry("drugs", "Every drug", overview.drugs),
    Entry("next", "What next", after_others.drugs),
    *LAST,
    FILES,
)


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
    name = str(study.entry("experiment") or "Study")
    title = study.entry("cohort", "title") or study.entry("cohort", "name") or name
    protocols = list(dict.fromkeys(study.metrics["protocol"]))
    several = f"protocols {', '.join(protocols)}" if len(protocols) > 1 else f"protocol {protocols[0]}"
    line = "; ".join(str(part) for part in (study.entry("title"), f"study {name}", several) if part) + "."
    return str(title), (paragraph(line[0].upper() + line[1:], kind="lead"), verdict_box(study))


STUDY = Kind("metrics", TABLES, study_top, SECTIONS)
FAMILY = Kind("metrics", FAMILY_TABLES, dti.top, FAMILIES, dti.HEADLINE)
MANY = Kind("blocks", TARGET_TABLES, many.top, TARGETS)
PROFILE = Kind("profiles", PROFILE_TABLES, cell_profile.top, PROFILES)
CELL = Kind("cells", CELL_TABLES, single_cells.top, CELLS)
DRUGS = Kind("drugs", DRUG_TABLES, overview.top, OVERVIEW)
GRID = Kind("grid", SEARCH_TABLES, search.top, SEARCH)
