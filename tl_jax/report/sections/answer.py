"""Sections for whoever wants an answer: which model and source, how sure; the own samples; the genes."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.checks.parts import with_response
from tl_jax.evaluation.predictors.plain_words import plain
from tl_jax.evaluation.statistics.against import named
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.evaluation.statistics.verdict import ALPHA, beats_chance, chosen, is_transfer
from tl_jax.report.blocks import Absent, Blocks, Line, Part, Strong, Text, join, paragraph
from tl_jax.report.sections.cells import (
    between,
    farthest,
    fixed,
    frame_table,
    interval,
    number,
    p_text,
    share,
    whole,
    word,
)
from tl_jax.report.sections.response import possible
from tl_jax.report.sections.study import Study

SHOWN_GENES, SHOWN_SAMPLES = 25, 60
QUICK = "QUICK LOOK, NOT A RESULT"
FOLDER = "THIS_FOLDER"
BEING = f", {FOLDER} being the folder of this page"
KNOWN = {"as known": "is the known one", "the opposite of what is known": "is the opposite of what is known"}
FEWEST_IN_BATCH = 6
CARRIED = ("source_drug", "score")


def is_quick(study: Study) -> bool:
    """Whether the study was a quick one, whose numbers show that it works and nothing else."""
    return study.entry("settings", "quick") is True


def answer(study: Study) -> Blocks:
    """Which model, which source, how sure: one line each."""
    if not study.entry("recommended", kind=dict):
        raise Absent("summary.json recommends no model")
    return Text(tuple(lines(study)), "bullets")


def lines(study: Study) -> list[Line]:
    """The lines."""
    found = [(Strong("Model. "), model_line(study)), (Strong("Source. "), source_line(study))]
    found.append((Strong("How sure. "), sure_line(study)))
    batches = batch_line(study)
    return [*found, *([(Strong("Batches. "), batches)] if batches else [])]


def model_line(study: Study) -> str:
    """The recommended model and what its choice is worth."""
    one, judged = study.entry("recommended", kind=dict), study.metric
    text = f"{plain(one['arm'], one['source'])}: the {judged.best} of {one['candidates']} in cross-validation, "
    text += f"{judged.per_fold} {judged.text(one['value'])}. Picked as the best, this is too good"
    honest = one.get("honest")
    if isinstance(honest, float) and honest == honest:
        return f"{text}: a choice made by inner folds reaches {judged.text(honest)} on samples that it never saw."
    return f"{text}; no choice by inner folds was made to say how much."


def source_line(study: Study) -> str:
    """Whether a source is shown to help, against the reference, which has none."""
    best, judged = best_transfer(study), study.metric
    if best is None:
        arms = study.table("metrics")[["arm", "source"]].drop_duplicates()
        if not any(is_transfer(arm, source) for arm, source in arms.itertuples(index=False)):
            return "none was used; everything was learned from these samples alone."
        return "used, and compared with no model on the target's own genes that was fixed before: run ridge beside it."
    name = plain(best["arm"], best["source"])
    difference = judged.text(best["mean_difference"], "+")
    text = f"the most promising is {name}, {difference} in {judged.per_fold} against {best['reference']}"
    if pd.notna(best["ci_low"]):
        text += f" (95 % {interval(best['ci_low'], best['ci_high'], '+' + judged.spec(), farthest(judged))})"
    return f"{text}: {'shown to help' if helps(study, best) else 'not shown to help on these samples'}."


def best_transfer(study: Study) -> pd.Series | None:
    """The comparison of the arm from a source that gains most over the reference."""
    gains = study.gains
    rows = gains[[is_transfer(arm, source) for arm, source in zip(gains["arm"], gains["source"], strict=True)]]
    return rows.iloc[0] if len(rows) else None


def helps(study: Study, row: pd.Series) -> bool:
    """Whether a comparison shows a gain."""
    return row["p_after_looks"] < ALPHA and study.metric.sign * row["mean_difference"] > 0


def sure_line(study: Study) -> str:
    """Whether a model chosen so is shown to predict at all."""
    one, judged, row = study.entry("recommended", kind=dict), study.metric, chosen_in(study)
    if row is None:
        return "this study made no choice by inner folds, so it cannot say how sure the recommendation is."
    permuted = of_arm(study.judged(study.table("permutations")), one)
    text = (
        f"a model chosen so has, on {row['n']:.0f} samples that neither it nor its choice had seen, a {judged.label} "
    )
    text += f"of {judged.text(row[judged.name])} (95 % {interval(row['bca_low'], row['bca_high'], judged.spec())})"
    if len(permuted):
        text += f"; with shuffled responses {named(one['arm'], one['source'])} alone does as well with "
        text += (
            f"p = {p_text(permuted['p'].iloc[0])}, which does not count that it was chosen among {one['candidates']}"
        )
    if predicts(study):
        what = ", which may be no more than their batches" if batch_line(study) else ""
        text += f". It predicts better than chance on samples like these{what}"
        return f"{text}; another laboratory is another question."
    return f"{text}. That is not enough to say that it predicts at all: do not rely on its forecasts."


def batch_line(study: Study) -> str:
    """What a forecast may owe to batches that go with the response; "" where the check found none that do."""
    found, rows = study.table("findings"), study.table("samples")
    if "check" not in found:
        return ""
    if not any(with_response(*pair) for pair in zip(found["check"], found["text"], strict=True)):
        return ""
    text = "batches go with the response, so a model may know the batch and nothing else"
    told = []
    for batch, part in rows.groupby("batch") if "batch" in rows else ():
        if batch and len(part) >= FEWEST_IN_BATCH:
            told.append(f"{batch} {spearman(part['observed'], part['predicted']):.2f} ({len(part)} samples)")
    if told:
        text += f"; within them the Spearman of its forecasts is {', '.join(told)}"
    return f"{text}. Hold out whole batches before you believe it."


def predicts(study: Study) -> bool:
    """Whether a model chosen so is shown to predict better than chance."""
    row = chosen_in(study)
    return row is not None and beats_chance(row, study.metric.name)


def chosen_in(study: Study) -> pd.Series | None:
    """The interval of the choice by inner folds; None where none was made."""
    return chosen(study.table("intervals"), study.protocol, study.metric.name)


def doubt(study: Study) -> str:
    """What must be said before what the recommended model reads, where it is not shown to predict; else ""."""
    if predicts(study):
        return ""
    return "This model is not shown to predict, so what it reads says nothing about the drug. "


def of_arm(rows: pd.DataFrame, one: dict) -> pd.DataFrame:
    """The rows of the recommended arm."""
    return rows[(rows["arm"] == one["arm"]) & (rows["source"].fillna("") == one["source"])]


def samples(study: Study) -> Blocks:
    """Every own sample: observed, forecast by models that had not seen it, interval, rank, nearest source lines."""
    rows, one = study.need("samples"), study.entry("recommended", kind=dict) or {}
    held = (rows["low"] <= rows["observed"]) & (rows["observed"] <= rows["high"])
    cells = {
        "sample": word("sample_id"),
        "observed": fixed("observed", "#.4g"),
        "forecast": fixed("predicted", "#.4g"),
        f"{rows['level'].iloc[0]:.0%} interval": between("low", "high", "#.3g", possible(study, rows["observed"])),
        "rank by forecast": whole("rank_predicted"),
        "rank observed": whole("rank_observed"),
    }
    if (rows["nearest"] != "").any():
        cells["nearest source lines (correlation)"] = word("nearest")
    text = (
        f"Forecasts of {named(one.get('arm', '?'), one.get('source', ''))}: means over repeats, each by models that "
        f"had not seen the sample. Rank 1 is the most sensitive. {held.mean():.0%} of the intervals hold the observed "
        "value. All rows are in samples.csv."
    )
    shown = rows.head(SHOWN_SAMPLES)
    caption = f"{len(shown)} of {len(rows)} samples, the most sensitive by forecast first"
    return [paragraph(text), frame_table(caption, shown, cells, words=("nearest source lines (correlation)",))]


def effects(study: Study) -> Blocks:
    """Signed effects of genes in the recommended model, and what moves single samples."""
    rows, one = study.need("effects"), study.entry("recommended", kind=dict) or {}
    cells = {
        "gene": word("gene"),
        "effect": fixed("effect", "+#.3g"),
        "a high value means": word("high_means"),
        "rank": whole("rank"),
        "same sign in folds": share("same_sign"),
        "among the first 50 in folds": share("top"),
        "known marker": word("known"),
    }
    known = rows[rows["known"] != ""]
    said = [
        f"{row['gene']}, place {row['rank']:.0f}, its direction {KNOWN.get(row['known'], row['known'])}"
        for row in known.to_dict("records")
    ]
    text = (
        f"{doubt(study)}Effects in {named(one.get('arm', '?'), one.get('source', ''))}: the change of the response, in "
        "its unit, when a gene rises by one spread of these samples. They describe the model; correlated genes share "
        "an effect, and none of this is a test of a gene. A gene whose sign is not the same in the models of all folds "
        "is noise."
    )
    first = rows.head(SHOWN_GENES)
    shown = pd.concat([first, known[~known["gene"].isin(first["gene"])]])
    words = ("a high value means", "known marker")
    parts = [
        paragraph(text),
        paragraph(
            "Known markers of the drug: " + ("; ".join(said) if said else "none is among the model's genes") + "."
        ),
        frame_table("The first genes by size of effect, and known markers", shown, cells, words=words),
    ]
    moved = "What moves each prediction away from that of an average sample, in the unit of the response"
    parts += _single(study.table("attributions"), "Single samples", moved, "genes", "gene", "attribution")
    carried = "Source drugs that move each prediction most, with their part in its score, high where the response is"
    drugs = study.table("carrying_drugs")
    return join([*parts, *_single(drugs, "Source drugs of single samples", carried, "source drugs", *CARRIED)])


def _single(rows: pd.DataFrame, title: str, caption: str, heading: str, name: str, value: str) -> list[Part]:
    """Per sample, what moves its forecast; nothing without rows."""
    told = []
    for sample, part in rows.groupby("sample_id", sort=False):
        pairs = zip(part[name], part[value], strict=True)
        told.append({"sample": sample, heading: ", ".join(f"{one} {number(size, '+#.2g')}" for one, size in pairs)})
    if not told:
        return []
    cells = {"sample": word("sample"), heading: word(heading)}
    table = frame_table(caption, pd.DataFrame(told), cells, words=(heading,))
    return [Part(title, (table,), folded=True)]
