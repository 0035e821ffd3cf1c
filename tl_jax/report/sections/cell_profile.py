"""Sections of a profile of single cells over many drugs."""

from __future__ import annotations

from tl_jax.report.blocks import Blocks, Strong, Text, paragraph
from tl_jax.report.sections.cells import fixed, frame_table, whole, word
from tl_jax.report.sections.study import Study

GOOD = 0.3  # Spearman over left-out lines beyond which a drug is named in the verdict


def top(study: Study) -> tuple[str, tuple[Text, ...]]:
    """Title, and how many drugs the lines say anything about."""
    rows = study.need("drugs")
    good = int((rows["left_out_spearman"] > GOOD).sum())
    words = (
        f"Of {len(rows):,} drugs, {good:,} are predicted on lines of tissues left out at Spearman above {GOOD}; "
        "of the others a cell's score says little. No score's direction was tried on the cells: a study of one "
        "drug does."
    )
    lead = paragraph("A score per cell for every drug of the table, learned from bulk lines.")
    return "Single cells: all drugs", (lead, paragraph(Strong("Verdict. "), words, kind="verdict"))


def drugs(study: Study) -> Blocks:
    """Every drug: how well lines predict it, and its scores."""
    cells = {
        "drug": word("drug"),
        "lines": whole("lines"),
        "Spearman over lines, tissue left out": fixed("left_out_spearman"),
        "mean score": fixed("mean"),
        "sd over cells": fixed("sd", ".3f"),
    }
    return frame_table("Drugs, the best predicted first (high score: sensitive)", study.need("drugs"), cells)
