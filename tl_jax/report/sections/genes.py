"""Section on genes: weights of the first layer, how stable they are, how far arms agree."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.statistics.against import named
from tl_jax.report.blocks import Blocks, Column, Part, join, paragraph, table
from tl_jax.report.sections.cells import fixed, frame_table, in_order, missing, whole
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import number

TOP, MOST = 10, 12  # genes of a model; models in sight


def genes(study: Study) -> Blocks:
    """The genes with the largest weights, their stability over repeats, and the overlap of arms."""
    study.need("gene_weights", "gene_stability", "gene_overlap")
    note = "Weights describe a network's first layer; they are no test of a gene's effect."
    rest = tuple(join([_stability(study), _overlap(study)]))
    return join(
        [paragraph(note), _weights(study), Part("Stability over folds, and overlap of arms", rest, folded=True)]
    )


def _weights(study: Study) -> Blocks:
    """The first genes of each final model."""
    rows = study.table("gene_weights")
    if rows.empty:
        return []
    lines = [[model, ", ".join(_first(rows, model))] for model in rows.columns if model != "gene"]
    columns = (Column("model"), Column("genes"))
    caption = f"The {TOP} genes with the largest sum of absolute layer 1 weights in each final model, largest first"
    shown = table(caption, columns, lines[:MOST], frame=rows)
    if len(lines) <= MOST:
        return shown
    title = f"The other {len(lines) - MOST} of {len(lines)} models"
    return [shown, Part(title, (table(f"{caption}: the others", columns, lines[MOST:], frame=rows),), folded=True)]


def _first(rows: pd.DataFrame, model: str) -> list[str]:
    """Genes of the largest weights, ties in the order of the table."""
    order = rows[model].sort_values(ascending=False, kind="stable").head(TOP).dropna().index
    return list(rows.loc[order, "gene"])


def _stability(study: Study) -> Blocks:
    """The first genes over repeats."""
    rows = study.table("gene_stability")
    if rows.empty:
        return missing("gene_stability")
    lines = []
    for (arm, source), part in in_order(rows).groupby(["arm", "source"], sort=False):
        best = part.sort_values(["rank", "gene"], kind="stable").head(TOP).to_dict("records")
        held = [f"{row['gene']} ({row['top_share']:.0%}, {number(row['mean_weight'], '#.3g')})" for row in best]
        lines.append([named(arm, source), ", ".join(held)])
    caption = (
        f"The first {TOP} genes by mean weight over repeats; in brackets the share of repeats in which the gene is "
        "among the top 50, and the mean weight"
    )
    return table(caption, (Column("arm"), Column("genes")), lines, frame=rows)


def _overlap(study: Study) -> Blocks:
    """Genes shared by the tops of two arms."""
    rows = study.table("gene_overlap")
    if rows.empty:
        return missing("gene_overlap")
    count = len(study.table("gene_weights"))
    cells = {
        "arm": lambda row: named(row["arm_a"], row["source_a"]),
        "other arm": lambda row: named(row["arm_b"], row["source_b"]),
        "top": whole("top"),
        "shared": whole("shared"),
        "Jaccard": fixed("jaccard"),
    }
    if count:
        cells["shared by chance"] = lambda row: number(row["top"] ** 2 / count, ".1f")
    order = rows.sort_values(["jaccard", "arm_a", "source_a", "arm_b", "source_b"], ascending=False, kind="stable")
    most = order.head(100)
    caption = "Genes that the tops of two arms share"
    caption += f"; the {len(most)} pairs with the largest overlap of {len(rows)}" if len(most) < len(rows) else ""
    return frame_table(caption, most, cells, words=("other arm",))
