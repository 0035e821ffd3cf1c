"""Sections on sources and on seeds: which source was promising, and where the spread comes from."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.statistics.verdict import ALPHA
from tl_jax.report.blocks import Blocks, Column, Figure, Part, Strong, bullets, join, paragraph, table
from tl_jax.report.plots.rows import source_figure
from tl_jax.report.plots.shares import variance_figure
from tl_jax.report.sections.cells import arm_cells, by_size, fixed, frame_table, in_order, missing, share, whole, word
from tl_jax.report.sections.leading import arm_table, leading
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import UNDEFINED, number


def sources(study: Study) -> Blocks:
    """Transferability scores beside the gain that was realised; the ranking of experiment 3."""
    study.need("transferability", "source_drugs")
    scores = tuple(join([_scores(study), _agreement(study)]))
    return join([_in_short(study), Part("Scores before training", scores, folded=True), _ranking(study)])


def _in_short(study: Study) -> Blocks:
    """Which source, how sure, what next: one sentence each, since the ranks below contradict each other."""
    rows = study.table("transferability")
    gains = rows.drop_duplicates("source").dropna(subset=["realised_gain"])
    if gains.empty:
        return []
    best, count = gains.loc[gains["realised_gain"].idxmax()], len(gains)
    gain = f"{number(best['realised_gain'], f'+{study.metric.spec()}')} in {study.metric.gain}"
    which = f"{best['source']}, the only one that was tried: {gain} against training from scratch."
    if count > 1:
        which = f"{best['source']} gained most of {count}: {gain} against training from scratch."
    first = rows[(rows["source"] == best["source"]) & (rows["rank_by_score"] == 1)]
    scores = rows["score"].nunique()
    guess = f" {len(first)} of {scores} scores before training had put it first." if count > 1 else ""
    sure = f"{_shown(study, best['source'])}{guess} On real cohorts sources chosen by scores lost on average to none."
    after = "decide by what is known of the drugs' mechanism, and by a study with more samples; not by a score."
    lines = (("Which source. ", which), ("How sure. ", sure), ("What next. ", after))
    return bullets((Strong(word), text) for word, text in lines)


def _shown(study: Study, source: str) -> str:
    """Whether any arm from a source is shown to beat the reference."""
    own = study.gains[study.gains["source"] == source]
    better = own[(own["p_after_looks"] < ALPHA) & (study.metric.sign * own["mean_difference"] > 0)]
    if own.empty:
        return "it was not compared with the reference."
    count = f"{len(better) or 'none'} of its {len(own)} arms {'are' if len(better) > 1 else 'is'}"
    return f"{count} shown to gain over {study.reference} (p after all corrections below {ALPHA:g})."


def _scores(study: Study) -> Blocks:
    """A row per source, a column per score."""
    rows = study.table("transferability")
    if rows.empty:
        return missing("transferability")
    scores = list(dict.fromkeys(rows["score"]))
    found = {(row["source"], row["score"]): row for row in rows.to_dict("records")}
    gains = rows.drop_duplicates("source").sort_values(["rank_realised", "source"], kind="stable", na_position="last")
    lines = [
        [
            row["source"] or UNDEFINED,
            _ranked(row["realised_gain"], row["rank_realised"], f"+{study.metric.spec()}"),
            *(_score(found.get((row["source"], score))) for score in scores),
        ]
        for row in gains.to_dict("records")
    ]
    columns = [Column("source"), Column("realised gain", True), *(Column(score, True) for score in scores)]
    gain = study.metric.gain
    caption = f"Sources by realised gain in {gain} of the deciding arm; in brackets the rank by each column"
    return table(caption, columns, lines, frame=rows)


def _score(row: dict | None) -> str:
    return UNDEFINED if row is None else _ranked(row["value"], row["rank_by_score"], "#.3g")


def _ranked(value: float, rank: float, spec: str) -> str:
    """A value and its rank."""
    text = number(value, spec)
    return text if pd.isna(rank) else f"{text} ({rank:g})"


def _agreement(study: Study) -> Blocks:
    """How well each score orders the sources."""
    rows = study.table("transferability_agreement")
    if rows.empty:
        return []
    cells = {
        "score": word("score"),
        "sources": whole("sources"),
        "Spearman with realised gain": fixed("spearman", "+.2f"),
    }
    caption = "Agreement of each score with the realised gain over sources; with few sources it says little"
    return frame_table(caption, rows, cells)


def _ranking(study: Study) -> Blocks:
    """Experiment 3's ranking of source drugs."""
    rows = study.table("source_drugs")
    if rows.empty:
        return []
    drugs, judged = rows.to_dict("records"), study.metric
    for drug in drugs:
        drug["chosen"] = str(drug.get("chosen", "")).lower() == "true"
    chosen = ", ".join(drug["drug"] for drug in drugs if drug["chosen"]) or "none"
    return Figure(
        "drugs",
        lambda: source_figure(drugs, "", judged.name),
        f"{len(drugs)} source drugs by rank: {judged.label} on the intermediate, label reliability, dynamic range",
        f"Source drugs; chosen: {chosen}. The chosen one's {judged.label} is optimistic, being the best of several.",
    )


def variance(study: Study) -> Blocks:
    """Shares of partition, initialisation and batch order."""
    rows = in_order(study.need("variance"))
    drawn = leading(study, study.judged(rows))
    return join(
        [
            paragraph("What a new seed would change: another partition, another initialisation, another batch order."),
            Figure(
                "variance",
                lambda: variance_figure(drawn, study.metric.name),
                f"stacked shares of variance for {len(drawn[['arm', 'source']].drop_duplicates())} arms; the numbers "
                "stand in the table below",
                "",
            ),
            components(study, rows),
        ]
    )


def components(study: Study, rows: pd.DataFrame) -> Blocks:
    """A row per arm, a column per component."""
    index = ["arm", "source", "protocol", *(["size"] if "size" in rows else [])]
    wide = rows.assign(
        cell=[f"{share('share')(row)} ({number(row['variance'], '.2g')})" for row in rows.to_dict("records")]
    ).pivot_table(index=index, columns="component", values="cell", aggfunc="first", sort=False)
    components = list(dict.fromkeys(rows["component"]))
    wide = in_order(wide[components].fillna(UNDEFINED).reset_index())
    cells = arm_cells(wide) | by_size(wide) | {component: word(component) for component in components}
    caption = f"Share of each component, and in brackets the variance of {study.metric.label}"
    return arm_table(study, caption, wide, cells, words=("source", "protocol"))
