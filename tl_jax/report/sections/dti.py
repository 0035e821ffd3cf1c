"""Sections of a study between protein families."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.draws.draw_verdict import correct, verdict
from tl_jax.evaluation.statistics.registry import CLASS_METRICS, Metric
from tl_jax.report.blocks import (
    Blocks,
    Cell,
    Column,
    Figure,
    Part,
    Strong,
    Table,
    Text,
    bullets,
    definitions,
    paragraph,
    table,
)
from tl_jax.report.plots.dti import curves_figure, heatmap_figure
from tl_jax.report.sections.cells import (
    CUT,
    CUT_MEANS,
    ENDLESS,
    Ends,
    after_looks,
    difference,
    fixed,
    frame_table,
    interval,
    p_value,
    whole,
    word,
)
from tl_jax.report.sections.effect import FEWEST
from tl_jax.report.sections.source_test import registered
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import UNDEFINED, number

HEADLINE = "mcc"  # judges where a study names no other metric


def top(study: Study) -> tuple[str, tuple[Text, ...]]:
    """Title and verdict."""
    target = study.entry("settings", "target") or "the target"
    own = study.entry("data", "target", "family") or target
    said = verdict(study.table("comparisons"), study.table("arms"), study.metric.name)
    text = (" ".join(said) or "Nothing was compared.") + registered(study)
    line = "Drug-target interaction learned from few compounds, with and without other protein families."
    return f"Transfer to {own}", (paragraph(line), paragraph(Strong("Verdict. "), text, kind="verdict"))


def curves(study: Study) -> Blocks:
    """The mean of the metric by the number of training compounds."""
    judged = study.metric
    rows = correct(study.need("arms"), judged.name)
    return Figure(
        "curves",
        lambda: curves_figure(rows, "", metric=judged.label),
        f"mean {judged.label} of {rows[['source', 'arm']].drop_duplicates().shape[0]} arms by training size; the "
        "numbers stand in the table of all arms",
        "",
    )


def gains(study: Study) -> Blocks:
    """A map for each reference, and how to read it."""
    judged = study.metric
    rows = correct(study.need("comparisons"), judged.name)
    parts = [
        paragraph(
            "Differences are paired by draw and test compound. Their intervals count three things: how much draws "
            "differ, that draws from one pool share compounds, and that all arms meet the same test compounds. A "
            "paired t-test over draws counts the first alone."
        )
    ]
    for reference, part in rows.groupby("reference", sort=False):
        shown = part.rename(columns={"difference": "value"})
        parts.append(
            Figure(
                f"gain-{reference}",
                lambda shown=shown, reference=reference: heatmap_figure(
                    shown, "", reference=reference, metric=judged.label
                ),
                f"gain in {judged.label} over {reference} by source, method and training size; the numbers stand in "
                "the table below",
                f"Gain over {reference}.",
            )
        )
        numbers = gain_table(part, reference, judged)
        parts.append(Part(f"Gain over {reference} in numbers", (numbers,), folded=True))
    return parts


def gain_table(rows: pd.DataFrame, reference: str, judged: Metric) -> Table:
    """The numbers of a map."""
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "training compounds": whole("size"),
        judged.label: fixed("mean"),
        f"of {reference}": fixed("mean_reference"),
        "difference": fixed("difference", "+.3f"),
        "95 % interval": difference(judged, decimals=3),
        "p": p_value("p"),
        "p after Holm": p_value("p_holm"),
        **after_looks(rows),
    }
    if rows["draws"].max() >= FEWEST:
        cells["naive t-test over draws (too easily significant)"] = p_value("p_naive_t")
    caption = f"Each arm minus {reference}; Holm's correction counts the arms of a size"
    return frame_table(caption, rows, cells, words=("source",))


def crossovers(study: Study) -> Blocks:
    """Up to which size each arm is ahead."""
    rows = study.need("crossovers")
    cells = {"arm": word("arm"), "source": word("source"), "against": word("reference"), "answer": word("answer")}
    return frame_table("Up to which size transfer helps", rows, cells, words=("source", "against", "answer"))


def arms(study: Study) -> Blocks:
    """Every arm at every size: its mean and interval, one table for each metric."""
    rows, parts = study.need("arms"), []
    for metric in dict.fromkeys(rows["metric"]):
        own, known = rows[rows["metric"] == metric], CLASS_METRICS.get(metric)
        ends = known.range if known else ENDLESS
        sizes = sorted(own["size"].unique())
        found = {(r["source"], r["arm"], r["size"]): r for r in own.to_dict("records")}
        keys = sorted(dict.fromkeys(zip(own["source"], own["arm"], strict=True)), key=lambda key: key[0] != "")
        lines = [
            [
                arm,
                source or UNDEFINED,
                *(level(found.get((source, arm, size)), ends) for size in sizes),
            ]
            for source, arm in keys
        ]
        heads = [Column("arm"), Column("source"), *(Column(f"{n:,.0f}" if n else "untrained", True) for n in sizes)]
        caption = f"Mean {known.label if known else metric} over draws with its 95 % interval, by training compounds"
        if any(str(cell).endswith(CUT) for line in lines for cell in line):
            caption += CUT_MEANS
        parts.append(table(caption, heads, lines, frame=own))
    return [parts[0], *([Part("Other metrics", tuple(parts[1:]), folded=True)] if len(parts) > 1 else [])]


def level(row: dict | None, possible: Ends) -> Cell:
    """A mean and its interval in one cell."""
    if row is None:
        return Cell(UNDEFINED)
    return Cell(number(row["value"], ".3f"), interval(row["ci_low"], row["ci_high"], ".2f", possible))


def switches(study: Study) -> Blocks:
    """What each fault of the published code is worth."""
    cells = {
        "fault": word("switch"),
        "arm": word("method"),
        "source": word("source"),
        "training compounds": whole("size"),
        f"difference in {study.metric.label}": fixed("difference", "+.3f"),
        "95 % interval": difference(study.metric, decimals=3),
        "p": p_value("p"),
    }
    caption = "The arm with the fault minus the same arm without it"
    return frame_table(caption, study.need("switches"), cells, words=("arm", "source"))


def data(study: Study) -> Blocks:
    """Families of the table, what was left out of them, and the domains that were used."""
    cells = {"family": word("family")} | {
        name: whole(name) for name in ("compounds", "active", "merged", "disagreeing", "unparsed", "unmeasured")
    }
    parts = [frame_table("What became of the table's rows", study.need("families"), cells)]
    used = study.entry("data", kind=dict) or {}
    lines = [
        (name, f"{one.get('compounds'):,} compounds, {one.get('active'):,} active; {one.get('fingerprint')}")
        for name, one in used.items()
        if isinstance(one, dict)
    ]
    parts.append(definitions("Compounds that were used", lines))
    gone = study.table("left_out")
    if len(gone):
        counts = gone.groupby(["family", "reason"], sort=False).size()
        text = "; ".join(f"{family}: {n} {reason}" for (family, reason), n in counts.items())
        parts.append(paragraph(f"Rows that are no compound of their own are listed in left_out.csv ({text})."))
    return parts


def card(study: Study) -> Blocks:
    """Use and limits."""
    return bullets(
        [
            "Research: whether compounds measured on other protein families help to predict activity on this one.",
            Strong("Not for clinical decisions, and no substitute for an assay."),
            "The input is the compound alone: a family counts as hit where any of its listed targets is.",
            "One target family, one test set and one network for each source: another seed of a source model, another "
            "split or another family may order the arms differently.",
            "Compounds are taken for independent unless whole scaffolds were held out.",
            "Labels join Ki, IC50 and EC50 of many laboratories.",
        ]
    )
