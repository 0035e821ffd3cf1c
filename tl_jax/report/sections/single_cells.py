"""Sections of a study of single cells."""

from __future__ import annotations

from tl_jax.report.blocks import Absent, Blocks, Figure, Strong, Text, paragraph
from tl_jax.report.plots.cell_scores import scores_figure
from tl_jax.report.sections.cells import fixed, frame_table, share, whole, word
from tl_jax.report.sections.study import Study

SHOWN = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "prevalence": "prevalence",
    "mcc_at_true_share": "MCC at the true share",
    "mcc_at_threshold": "MCC at the threshold",
    "balanced_accuracy_at_threshold": "balanced accuracy at the threshold",
    "f1_at_threshold": "F1 at the threshold",
    "recall_sensitive": "recall of sensitive cells",
    "recall_resistant": "recall of resistant cells",
    "called_sensitive": "share called sensitive",
}


def top(study: Study) -> tuple[str, tuple[Text, ...]]:
    """Title; whether the direction is settled comes first, then how many cells are called sensitive."""
    drug, settled = study.entry("drug") or "the drug", study.entry("direction_settled", kind=bool)
    called = study.entry("called_sensitive", kind=float)
    first = (
        "The direction of the score is settled: bootstraps of the lines agree on it."
        if settled
        else "The direction of the score is NOT settled: sensitive and resistant may be exchanged."
    )
    calls = "" if called is None else f" {called:.0%} of the cells are called sensitive to {drug}."
    depth = study.entry("depth_spearman", kind=float)
    deep = "" if depth is None else f" The score runs with a cell's number of counts at Spearman {depth:.2f}."
    line = paragraph(f"One score per cell, learned from bulk lines. {study.entry('caveat') or ''}")
    return f"Single cells: {drug}", (line, paragraph(Strong("Verdict. "), first + calls + deep, kind="verdict"))


def scores(study: Study) -> Blocks:
    """The spread of the score."""
    rows, threshold = study.need("cells"), study.entry("threshold", kind=float)
    line = float("nan") if threshold is None else threshold
    return Figure("scores", lambda: scores_figure(rows, line, ""), f"scores of {len(rows):,} cells, and the threshold")


def signs(study: Study) -> Blocks:
    """What the direction rests on."""
    cells = {
        "component of the cells": whole("component"),
        "share of variance": share("variance"),
        "Spearman with the score": fixed("spearman"),
        "bootstraps that agree on the sign": share("agreement"),
    }
    words = paragraph(
        "The score is read along the cells' own components. Where bootstraps of the lines disagree on the sign along "
        "the first, which most often separates the classes, or along the one that the score follows most, nothing "
        "tells sensitive from resistant. Agreement is no proof: a score can be wrong with confidence."
    )
    return [words, frame_table("Sign of the score", study.need("signs"), cells)]


def near(study: Study) -> Blocks:
    """Bulk lines nearest to the cells."""
    cells = {"line": word("line"), "Spearman with the cells' mean": fixed("spearman", ".3f")}
    return frame_table("Bulk profiles nearest to the cells", study.need("near"), cells)


def arms(study: Study) -> Blocks:
    """How right each arm was."""
    if "arms" not in study.tables:
        raise Absent("no truth was named (--truth), and the scores saw none")
    rows = study.need("arms")
    rows = rows[rows["metric"].isin(SHOWN)].assign(metric=rows["metric"].map(SHOWN))
    cells = {
        "arm": word("arm"),
        "metric": word("metric"),
        "mean over draws": fixed("mean"),
        "sd": fixed("sd"),
        "draws below .5": share("below_half"),
    }
    return frame_table("Arms against the truth", rows, cells, heads=2)


def over_lines(study: Study) -> Blocks:
    """Mean score of each line's cells against its measured response."""
    cells = {"arm": word("arm"), "lines": whole("lines"), "Spearman over lines": fixed("spearman")}
    return frame_table("Mean score by line against measured sensitivity", study.need("over_lines"), cells)
