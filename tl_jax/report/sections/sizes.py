"""Sections on cohort size: the gain by source, strategy and size, and learning curves."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.statistics.against import base
from tl_jax.evaluation.statistics.verdict import ALPHA, SCRATCH
from tl_jax.report.arms import arm_key
from tl_jax.report.blocks import Blocks, Cell, Column, Figure, Part, Strong, join, paragraph, table
from tl_jax.report.plots.curves import curve_figure
from tl_jax.report.sections.cells import between, fixed, in_order, missing, whole, word
from tl_jax.report.sections.leading import arm_table, leading
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import UNDEFINED, number

LEGEND = (
    "Each cell: gain in {metric} over training from scratch, and its corrected 95 % interval. Grey, in "
    "brackets: the interval holds 0, so neither gain nor loss is shown. \u25b2 gain, \u25bc loss; * also after Holm "
    "(p < .05) over the whole map."
)


def gain_map(study: Study) -> Blocks:
    """A table of gains for each protocol and size: sources down, strategies across; all but the first folded away."""
    rows = study.need("gain_map")
    judged = study.metric
    parts, maps = [paragraph(LEGEND.format(metric=judged.gain))], []
    rows = in_order(rows)
    # The judged protocol and the whole fold come first.
    for protocol, size in sorted(set(zip(rows["protocol"], rows["n_train"], strict=True)), key=study.first):
        cells = rows[(rows["protocol"] == protocol) & (rows["n_train"] == size)]
        caption = f"Gain with {size:.0f} training samples, protocol {protocol}"
        strategies = sorted(cells["arm"].unique(), key=lambda arm: arm_key("", "", "", arm))
        found = {(row["source"], row["arm"]): row for row in cells.to_dict("records")}
        lines = [
            [source or "no source", *(gain_cell(found.get((source, arm)), judged.spec()) for arm in strategies)]
            for source in sorted(cells["source"].unique())
        ]
        maps.append(table(caption, [Column("source"), *(Column(arm, True) for arm in strategies)], lines, frame=cells))
    others = [Part("Other sizes and protocols", tuple(maps[1:]), folded=True)] if len(maps) > 1 else []
    return [*parts, maps[0], *others]


def gain_cell(row: dict | None, spec: str = ".2f") -> Cell:
    """One cell of the map."""
    if row is None or pd.isna(row["gain"]):
        return Cell(UNDEFINED)
    gain, (low, high) = number(row["gain"], f"+{spec}"), (row["ci_low"], row["ci_high"])
    ends = f"{number(low, f'+{spec}')} to {number(high, f'+{spec}')}"
    if not (low > 0 or high < 0):
        return Cell(f"({gain})", ends, "open")
    star = "*" if row["p_holm"] < ALPHA else ""
    sign, look = ("\u25b2", "gain") if low > 0 else ("\u25bc", "loss")
    return Cell(Strong(f"{sign} {gain}{star}"), ends, look)


def learning_curves(study: Study) -> Blocks:
    """The metric by size with and without transfer, and how many samples transfer is worth."""
    study.need("learning_curves", "extra_samples")
    return join([_curves(study), _worth(study)])


def _curves(study: Study) -> Blocks:
    """The picture of the curves."""
    rows = study.table("learning_curves")
    if rows.empty:
        return missing("learning_curves")
    rows = leading(study, study.judged(rows))
    names, judged = list(dict.fromkeys(rows["arm"])), study.metric
    reference = next((name for name in names if name == SCRATCH), None)
    reference = reference or next((name for name in names if base(name) == SCRATCH), SCRATCH)
    sizes = ", ".join(f"{size:.0f}" for size in sorted(rows["n_train"].unique()))
    return Figure(
        "curves",
        lambda: curve_figure(rows, reference, judged.name),
        f"learning curves: mean {judged.per_fold} with {sizes} training samples, {len(names)} arms, a panel per source",
        f"Learning curves, protocol {rows['protocol'].iloc[0]}.",
    )


def _worth(study: Study) -> Blocks:
    """Transfer in samples."""
    rows = in_order(study.table("extra_samples"))
    if rows.empty:
        return missing("extra_samples")
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "training samples": whole("n_train"),
        "gain": fixed("gain", f"+{study.metric.spec()}"),
        "worth, samples": fixed("extra", "+.1f"),
        "interval": between("extra_low", "extra_high", "+.1f"),
        "note": word("note"),
    }
    caption = "How many more training samples from scratch would need to predict as well"
    return arm_table(study, caption, rows, cells, words=("source", "note"))
