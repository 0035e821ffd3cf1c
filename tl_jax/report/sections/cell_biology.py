"""Sections on what the called classes of cells are made of."""

from __future__ import annotations

from tl_jax.report.blocks import Blocks, Figure, paragraph
from tl_jax.report.plots.cell_map import map_figure, transfer_figure
from tl_jax.report.sections.cells import fixed, frame_table, p_value, whole, word
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import UNDEFINED, number

SHOWN = 15  # genes of a class on the page


def cell_map(study: Study) -> Blocks:
    """The cells by score, call, truth, cluster and pseudotime."""
    rows, paths = study.need("map"), study.table("paga")
    words = f"map of {len(rows):,} cells by score, class, cluster and time"
    figures = [Figure("map", lambda: map_figure(rows, "", paths), words)]
    if {"score_pretransfer", "score_transferred"} <= set(rows):
        again = "the same cells by a network's score before and after transfer"
        figures.append(Figure("map_transfer", lambda: transfer_figure(rows, ""), again))
    return figures


def genes(study: Study) -> Blocks:
    """The genes that tell the called classes apart."""
    rows = study.need("genes").groupby("class", sort=False).head(SHOWN)
    cells = {
        "called class": word("class"),
        "gene": word("gene"),
        "Wilcoxon score": fixed("score", ".1f"),
        "log2 fold change": fixed("log_fold", ".1f"),
        "adjusted p": p_value("p_adjusted"),
    }
    words = paragraph(
        "The classes were made from these very genes, so that p-values are no evidence that the classes exist; "
        "genes.csv has more."
    )
    return [words, frame_table(f"The first {SHOWN} genes of each called class", rows, cells, heads=2)]


def modules(study: Study) -> Blocks:
    """Modules of called against true classes, with what any classifier as accurate gets."""
    rows = study.need("modules")
    cells = {
        "compared": word("compared"),
        "class": word("class"),
        "Pearson": fixed("pearson", ".3f"),
        "middle 95 % of draws": lambda row: _between(row["low"], row["high"]),
        "draws": whole("draws"),
    }
    words = paragraph(
        "Over cells: the score of the 50 genes that stand out in a called class against that of the true class. Both "
        "come from one matrix, so that it rises with accuracy by itself: compare with random calls of equal accuracy, "
        "not with 0. Published numbers are of other cells."
    )
    return [words, frame_table("Module scores", rows, cells, heads=2)]


def _between(low: float, high: float) -> str:
    ends = number(low, ".3f"), number(high, ".3f")
    return UNDEFINED if UNDEFINED in ends else " to ".join(ends)


def trajectory(study: Study) -> Blocks:
    """Whether the score runs along the cells' own path."""
    cells = {
        "root": word("root"),
        "cells with a time": whole("cells"),
        "Spearman of score and pseudotime": fixed("spearman"),
        "95 % of permuted scores stay below": fixed("null_95"),
        "p": p_value("p"),
    }
    words = paragraph(
        "Diffusion pseudotime from the root. Where no root was named it is the most sensitive cell, and permuted "
        "scores choose theirs likewise. Neighbouring cells share their scores, which permuted ones do not: "
        "p is too small."
    )
    return [words, frame_table("Pseudotime", study.need("trajectory"), cells)]
