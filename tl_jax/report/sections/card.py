"""Section: the model card (Mitchell et al. 2019), written from the tables."""

from __future__ import annotations

from tl_jax.evaluation.statistics.metrics import is_pooled, per_fold
from tl_jax.evaluation.statistics.verdict import is_transfer, samples, whole_verdict
from tl_jax.report.blocks import Blocks, Part, Strong, Text, bullets, paragraph
from tl_jax.report.sections.source_test import registration, said
from tl_jax.report.sections.study import Study


def card(study: Study) -> Blocks:
    """Use, limits, data, evaluation and ethical notes; every line follows from the tables or from how they are made."""
    parts = {
        "Intended use": _use(study),
        "Training data": _data(study),
        "Evaluation": _evaluation(study),
        "Limits": _limits(study),
        "Ethical notes": _ethics(study),
    }
    return [Part(title, (bullets(lines),)) for title, lines in parts.items()]


def _use(study: Study) -> list:
    """What the models are for."""
    return [
        "Research: whether models trained on one data set help to predict drug response in another, by comparison on "
        "the same folds.",
        Strong("Not for clinical decisions."),
        "Not validated on samples of any laboratory, platform or drug but those listed under training data.",
    ]


def _data(study: Study) -> list[str]:
    """What the models saw."""
    lines = []
    for name, one in (study.entry("data", kind=dict) or {}).items():
        if isinstance(one, dict):
            measure = f", response in {one['unit']}" if one.get("unit") else ""
            high = f" (high: {one['direction']})" if one.get("direction") else ""
            lines.append(f"Evaluated on {name}: {one.get('samples', '?')} samples{measure}{high}.")
    rows = study.table("lineage")
    for (stage, domain), part in rows.groupby(["stage", "domain"], sort=False):
        low, high = part["samples"].min(), part["samples"].max()
        size = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
        lines.append(f"Checkpoints of stage {stage}, domain {domain}: {size} samples each.")
    if rows.empty and study.entry("stage_data", kind=dict):
        lines.append(f"Stages trained on all rows of: {', '.join(study.entry('stage_data'))}.")
    return lines or ["summary.json does not describe the data."]


def _evaluation(study: Study) -> list[str]:
    """How the models were judged, and with what result."""
    metrics = study.judged(study.metrics)
    folds = metrics[~is_pooled(metrics)]
    repeats, per = folds["repeat"].nunique(), folds["fold"].nunique()
    sizes = folds["n_test"]
    held = f"{sizes.min():.0f}" if sizes.min() == sizes.max() else f"{sizes.min():.0f} to {sizes.max():.0f}"
    arms = folds[["arm", "source"]].drop_duplicates()
    moved = sum(is_transfer(arm, source) for arm, source in arms.itertuples(index=False))
    count = samples(study.metrics, study.protocol, study.metric.name)
    lines = [
        f"{repeats} repeats of {per}-fold cross-validation on {count} samples, "
        f"{held} held out in a fold; {len(arms)} arms, {moved} of which start from a source.",
        f"Judged by the {study.metric.per_fold} under the protocol {study.protocol}.",
        verdict_of(study),
    ]
    others = sorted(set(study.metrics["protocol"]) - {study.protocol})
    if others:
        lines.append(f"Also run, and not used to judge: {', '.join(others)}.")
    return lines


def _limits(study: Study) -> list[str]:
    """What the tables do not show."""
    judged = study.metric
    folds = per_fold(study.judged(study.metrics), judged.name)
    lines = [
        "Repeats draw other partitions of the same samples; they tell nothing about other samples.",
        f"A fold's {judged.label} rests on {folds['n_test'].min():.0f} samples or more, so it varies widely by itself."
        if len(folds)
        else f"No {judged.per_fold} was measured.",
    ]
    undefined = int(folds["value"].isna().sum())
    if undefined:
        lines.append(f"{undefined} of {len(folds)} fold values are undefined and left out.")
    if study.protocol != "honest":
        lines.append(f"No arm was run under the protocol honest; {study.protocol} may favour every arm.")
    if study.entry("settings", "quick") is True:
        lines.append("A quick run: narrow network, few epochs. Its numbers show that it works, nothing else.")
    if study.table("permutations").empty:
        lines.append("Not tested against permuted labels.")
    if study.table("prediction_intervals").empty:
        lines.append("Single predictions come without intervals.")
    return lines


def _ethics(study: Study) -> list[str]:
    """What a reader must know before use on people."""
    simulated = study.entry("cohort", "name") == "simulated"
    lines = ["The data are simulated; nothing follows from them about any person or drug."] if simulated else []
    lines += [
        "The tables hold no sex, age or ancestry, so nothing is known about how predictions differ between groups.",
        "A prediction that is wrong may suggest a drug that does not work; the intervals above, where there are any, "
        "are the least to be read with it.",
    ]
    return lines if simulated else [*lines, "The terms of the data's owners apply to the data and to these models."]


def verdict_box(study: Study) -> Text:
    """The verdict at the top of the page."""
    return paragraph(Strong("Verdict. "), verdict_of(study), kind="verdict")


def verdict_of(study: Study) -> str:
    """The verdict in words."""
    return whole_verdict(
        study.table("comparisons"),
        study.metrics,
        study.table("detectable"),
        study.metric.name,
        source_test=said(study) if "source_test" in study.tables else None,
        intervals=study.table("intervals"),
        registered=registration(study),
    )
