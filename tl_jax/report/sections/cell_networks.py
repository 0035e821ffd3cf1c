"""Sections on the networks of a study of cells: the genes that move them, and what their attention is worth."""

from __future__ import annotations

from tl_jax.report.blocks import Blocks, Figure, paragraph
from tl_jax.report.plots.critical import critical_figure
from tl_jax.report.sections.cells import fixed, frame_table, share, whole, word
from tl_jax.report.sections.study import Study


def critical(study: Study) -> Blocks:
    """The genes with the largest integrated gradients, and how far seeds and the ridge agree on them."""
    rows, overlap = study.need("critical_genes"), study.need("critical_overlap")
    words = paragraph(
        "Integrated gradients of the networks over the cells, from the mean cell, and mean over cells and seeds; the "
        "ridge's are its weights times the gene. Where seeds share few genes, or networks and ridge disagree on the "
        "direction, no single gene means anything. Networks are taken at the end of their training; the last "
        "column but one is the Spearman of their score there with the one that was read."
    )
    cells = {
        "arm": word("arm"),
        "runs": whole("runs"),
        "Jaccard of the first genes over runs": fixed("jaccard"),
        "by chance": fixed("by_chance"),
        "Jaccard with the ridge's": fixed("jaccard_ridge"),
        "Spearman with the ridge: importance": fixed("importance_ridge"),
        "the same: direction": fixed("direction_ridge"),
        "score read and at the end": fixed("alike"),
        "sum missed by": share("incomplete"),
    }
    top = f"The first {overlap['top'].iloc[0]:.0f} genes: over runs, and beside the ridge"
    arms = study.entry("before_and_after", kind=list) or [arm for arm in overlap["arm"] if arm != "ridge"][:2]
    figure = Figure("critical", lambda: critical_figure(rows, arms, ""), f"the first genes of {' and '.join(arms)}")
    return [words, figure, frame_table(top, overlap, cells)]


def attention(study: Study) -> Blocks:
    """Whether attention weights rank what moves the prediction."""
    cells = {
        "arm": word("arm"),
        "over": word("over"),
        "number": whole("tokens"),
        "ranks by": word("one"),
        "against": word("other"),
        "Spearman, mean over seeds": fixed("spearman"),
        "sd": fixed("sd"),
    }
    words = paragraph(
        "Attention weights are often shown as importance. Integrated gradients and permutation ask the network what "
        "moves its prediction: where attention does not rank as they do, it is no explanation."
    )
    table = frame_table(
        "What attention looks at, and what moves the prediction",
        study.need("critical_attention"),
        cells,
        ("over", "ranks by", "against"),
    )
    return [words, table]
