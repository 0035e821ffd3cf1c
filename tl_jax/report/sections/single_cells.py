"""Sections of a study of single cells."""

from __future__ import annotations

import pandas as pd

from tl_jax.report.blocks import Absent, Block, Blocks, Figure, Strong, Text, paragraph
from tl_jax.report.plots.cell_scores import scores_figure
from tl_jax.report.sections.cells import after_looks, between, fixed, frame_table, p_value, share, whole, word
from tl_jax.report.sections.source_test import registered
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import number

SHOWN = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "prevalence": "prevalence",
    "mcc_at_true_share": "MCC at the true share",
    "mcc_at_threshold": "MCC at the threshold",
    "balanced_accuracy_at_threshold": "balanced accuracy at the threshold",
    "f1_at_threshold": "F1 at the threshold",
    "weighted_f1_at_threshold": "F1 weighted by class",
    "ami_at_threshold": "AMI of the calls",
    "ari_at_threshold": "ARI of the calls",
    "recall_sensitive": "recall of sensitive cells",
    "recall_resistant": "recall of resistant cells",
    "called_sensitive": "share called sensitive",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
}
OF_ALL = ("auroc", "average_precision", "mcc_at_true_share")  # what of every arm is shown; of the score's arm, all


def top(study: Study) -> tuple[str, tuple[Text, ...]]:
    """Title; whether the direction is settled comes first, then how many cells are called sensitive."""
    drug, settled = study.entry("drug") or "the drug", study.entry("direction_settled", kind=bool)
    called = study.entry("called_sensitive", kind=float)
    count, arm = study.entry("bootstraps", kind=int), study.entry("arm") or "score"
    first = (
        f"The score is that of {arm}. Its direction is settled: {count or ''} bootstraps of the lines agree which end "
        "means sensitive. That is no proof: they often agree on a response that means nothing."
        if settled
        else f"The direction of the score ({arm}) is NOT settled: sensitive and resistant may be exchanged."
    )
    calls = "" if called is None else f" {called:.0%} of the cells are called sensitive to {drug}."
    depth = study.entry("depth_spearman", kind=float)
    deep = (
        ""
        if depth is None
        else f" The score's rank correlation with a cell's number of counts is {number(depth, '.2f')}."
    )
    line = paragraph(f"One score per cell, learned from bulk lines. {study.entry('caveat') or ''}")
    return f"Single cells: {drug}", (
        line,
        paragraph(Strong("Verdict. "), first + calls + deep + registered(study), kind="verdict"),
    )


def scores(study: Study) -> Blocks:
    """The spread of the score."""
    rows, threshold = study.need("cells"), study.entry("threshold", kind=float)
    line = float("nan") if threshold is None else threshold
    words = f"scores of {len(rows):,} cells, and the threshold"
    return [paragraph(whose(study, rows)), Figure("scores", lambda: scores_figure(rows, line, ""), words)]


def whose(study: Study, rows: pd.DataFrame) -> str:
    """Of which arm the score of cells.csv is, and where those of networks are."""
    both = study.entry("before_and_after", kind=list)
    more = (
        f" Columns that end in _pretransfer and _transferred are of {both[0]} and {both[1]}."
        if both and "sens_score_transferred" in rows
        else ""
    )
    return f"cells.csv and the figure of scores hold the score of {study.entry('arm') or 'the ridge'}.{more}"


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
    blocks = [paragraph(whose(study, study.need("cells")))]
    blocks += against_truth("Arms against the truth", study, study.need("arms"))
    if "counted" in study.tables:
        blocks += against_truth("The same with the excluded cells counted", study, study.need("counted"))
    return blocks


def against_truth(caption: str, study: Study, rows: pd.DataFrame) -> list[Block]:
    """Arms by metric; what is not defined is named once, with the reason."""
    shown = rows["metric"].isin(OF_ALL) | (rows["metric"].isin(SHOWN) & (rows["arm"] == study.entry("arm")))
    rows = rows[shown].assign(metric=rows["metric"].map(SHOWN))
    reasons = rows["reason"].fillna("") if "reason" in rows else pd.Series("", index=rows.index)
    without = rows.assign(reason=reasons)[(reasons != "") & rows["mean"].isna()]
    named = [
        paragraph(f"Not defined here: {', '.join(dict.fromkeys(part['metric']))} ({reason}).")
        for reason, part in without.groupby("reason")
    ]
    cells = {
        "arm": word("arm"),
        "metric": word("metric"),
        "mean over draws": fixed("mean"),
        "sd": fixed("sd"),
        "of the mean score": fixed("of_score"),
        "draws below .5": share("below_half"),
    }
    return [*named, frame_table(caption, rows.drop(without.index), cells, heads=2)]


def intervals(study: Study) -> Blocks:
    """How far each arm's number would move, by what could have been otherwise."""
    rows = study.need("intervals").query("metric == 'auroc'")
    cells = {
        "arm": word("arm"),
        "over": word("over"),
        "number": whole("n"),
        "AUROC": fixed("value"),
        "95 % interval": between("ci_low", "ci_high", ".2f", (0, 1)),
    }
    words = paragraph(
        "Over cells: other cells of the same two classes, the models as they are; over donors, plates or another "
        "column that the study names: other units, all cells of one together. Over lines: other bulk lines, the "
        "cells as they are, with the lines that draws share counted. Seeds are no samples; an interval over them says "
        "how far training is reproducible."
    )
    return [words, frame_table("AUROC with its intervals", rows, cells, heads=2)]


def compared(study: Study) -> Blocks:
    """Each arm against the score's, and each transfer against the same without it."""
    rows = study.need("comparisons")
    cells = {
        "arm": word("arm"),
        "minus": word("reference"),
        "over": word("over"),
        "draws": whole("draws"),
        "difference of AUROC": fixed("difference", "+.2f"),
        "95 % interval": between("ci_low", "ci_high", possible=(-1, 1)),
        "p after Holm": p_value("p_holm"),
        **after_looks(rows),
    }
    words = paragraph(
        "Cells and draws are both counted. Over lines: as it would be with other bulk lines. Over seeds: these lines "
        "given, as it would be trained again."
    )
    return [words, frame_table("Arms against each other, paired by draw", rows, cells, heads=2)]


def graded(study: Study) -> Blocks:
    """The score beside numbers of the cells."""
    cells = {
        "arm": word("arm"),
        "beside": word("against"),
        "cells": whole("cells"),
        "Spearman, mean over draws": fixed("spearman"),
        "sd": fixed("sd"),
        "of the mean score": fixed("of_score"),
    }
    return frame_table("Score beside graded truth and other numbers", study.need("graded"), cells, heads=2)


def nulls(study: Study) -> Blocks:
    """The score beside what it would be of nothing."""
    rows = study.need("against_nulls")
    cells = {
        "null": word("null"),
        "arm": word("arm"),
        "metric": word("metric"),
        "number": whole("n"),
        "mean": fixed("mean"),
        "95 % of them": between("low", "high", ".2f"),
        "observed": fixed("observed"),
        "p": p_value("p"),
    }
    words = paragraph(
        "The same model on responses permuted among the lines of a tissue, and on cells whose genes bear each other's "
        "names. The cells' own axes stay, so a null reaches high and low AUROC easily where one axis separates the "
        "classes. Replicates of one treatment should lie between .45 and .55."
    )
    return [words, frame_table("The score against nulls", rows, cells, heads=3)]


def over_lines(study: Study) -> Blocks:
    """Mean score of each line's cells against its measured response."""
    cells = {"arm": word("arm"), "lines": whole("lines"), "Spearman over lines": fixed("spearman")}
    return frame_table("Mean score by line against measured sensitivity", study.need("over_lines"), cells)
