"""Checks of the response: how it is distributed, and how far its labels can be trusted."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.cohort.response_scales import suggested, why_suggested
from tl_jax.data.domain import LABEL, Domain
from tl_jax.data.own_scale import own_scale
from tl_jax.data.tables.cells import examples
from tl_jax.data.tables.numbers import placeholders
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.parts import BLOCKING, LOOK, Finding, Part, Stage, stages
from tl_jax.evaluation.checks.reliability import label_quality
from tl_jax.evaluation.statistics.intervals import fisher_interval

TIED = 0.5  # share of samples at one value from which ranks say little
SQUEEZE = 2.0  # times that a few values may widen the range of the response
LEAST_FENCED = 12  # samples: with fewer the widest gap is often half the range
LEAST = 4  # samples measured, as for every experiment
AGREE_LEAST = 10  # samples measured twice before their disagreement is said
FEW = 3  # further drugs of a source whose findings are named one by one
CENSUS = 20  # drugs of a domain that the table shows


def responses(cohort: Cohort) -> Part:
    """Range, ties and outliers of each drug that a study may use."""
    rows, findings = [], []
    for stage in stages(cohort):
        beside: dict[str, list[Finding]] = {}
        for drug in stage.drugs:
            row, more = _response(stage, drug, cohort)
            rows.append(row)
            if stage.evaluated or drug == cohort.default_source:
                findings += more
            else:
                beside[drug] = more
        findings += _together({drug: more for drug, more in beside.items() if more})
    lines = ("Tied: share of the samples at the most frequent value. High means: what the cohort file says.",)
    if len(rows) > CENSUS:
        lines += (f"The first {CENSUS} of {len(rows)} are shown; all were checked.",)
    table = ("Response by domain and drug, in its own unit", pd.DataFrame(rows[:CENSUS]))
    return Part("responses", "Response", lines, (table,) if rows else (), tuple(findings))


def _together(beside: dict[str, list[Finding]]) -> list[Finding]:
    """Findings on the source's other drugs: each where the drugs are few, else one that names the first."""
    every = [finding for found in beside.values() for finding in found]
    if len(beside) <= FEW:
        return every
    text = f"{len(beside)} of the other drugs of {every[0].where} have something odd, such as {every[0].text}"
    return [Finding(LOOK, "response", every[0].where, text, "only models that learn all its drugs read them")]


def _response(stage: Stage, drug: str, cohort: Cohort) -> tuple[dict, list[Finding]]:
    """The row of one drug, and what is odd about it."""
    domain = stage.domain
    y = domain.y[:, domain.column(drug)]
    known = y[np.isfinite(y)]
    row = {"domain": domain.name, "drug": drug, "unit": domain.unit, "high means": domain.direction}
    row |= {"measured": len(known), "missing": len(y) - len(known)}
    if len(known):
        quarter = np.quantile(known, [0, 0.25, 0.5, 0.75, 1])
        values, counts = np.unique(known, return_counts=True)
        row |= dict(zip(("lowest", "quarter", "median", "three quarters", "highest"), map(float, quarter), strict=True))
        row |= {"values": len(values), "tied": float(counts.max() / len(known))}
    # What stands in for one of many source drugs spoils that drug alone.
    severe = BLOCKING if stage.evaluated or drug == cohort.default_source else LOOK
    return row, [*_odd_response(domain, drug, known, severe), *_better_scale(stage, drug, known)]


def _odd_response(domain: Domain, drug: str, y: np.ndarray, severe: str) -> list[Finding]:
    """Too few, constant, tied, far out, or out of the range of its unit."""
    name, check = f"{drug} in {domain.name}", "response"
    if len(y) < LEAST:
        text = f"{name} is measured in {len(y)} samples; at least {LEAST} are needed"
        return [Finding(severe, check, domain.name, text, "name another drug, or check filters and names of samples")]
    values, counts = np.unique(y, return_counts=True)
    if len(values) == 1:
        text = f"{name} is constant ({values[0]:g}) over {len(y)} samples: there is nothing to learn"
        return [Finding(severe, check, domain.name, text, "check value_column and filter, or use another drug")]
    found = []
    if domain.unit != LABEL and counts.max() > TIED * len(y):
        text = f"{counts.max()} of {len(y)} samples have the same {name} ({values[counts.argmax()]:g})"
        found.append(
            Finding(LOOK, check, domain.name, text, "values cut at a limit have no ranks; use another measure")
        )
    gaps = placeholders(y) if domain.unit != LABEL else []
    if gaps:
        shown = ", ".join(f"{value:g}" for value in gaps)
        text = f"{int(np.isin(y, gaps).sum())} values of {name} are {shown}, far from all others, as a gap is written"
        remedy = f"if they mean that nothing was measured, set missing = ['{gaps[0]:g}'] in [domain.response]"
        return [Finding(severe, check, domain.name, text, remedy)]
    far = squeezing(y) if domain.unit != LABEL else np.empty(0)
    if len(far):
        text = (
            f"{name}: {len(far)} of {len(y)} values ({examples(f'{v:g}' for v in far)}) lie so far out that the others "
            f"share less than half of the range"
        )
        remedy = "check them; the response is scaled by its range, so that all others are squeezed together"
        found.append(Finding(LOOK, check, domain.name, text, remedy))
    wrong = wrong_range(domain.unit, y)
    if wrong:
        remedy = f"correct the key unit or value_column of {domain.name}"
        found.append(Finding(LOOK, "response", domain.name, f"{name}: {wrong}", remedy))
    return found


def _better_scale(stage: Stage, drug: str, y: np.ndarray) -> list[Finding]:
    """A scale on which few values decide less; public sources, whose AUC crowd below 1, stay as they are."""
    domain = stage.domain
    better = suggested(y, domain.unit) if domain.unit != LABEL else "none"
    if better == "none" or (better == "logit" and stage.role != "target"):
        return []
    text = f"{drug} in {domain.name}: {why_suggested(y, better)}"
    return [Finding(LOOK, "response", domain.name, text, f"set transform = '{better}' in [domain.response]")]


def squeezing(y: np.ndarray) -> np.ndarray:
    """The one (or up to three of hundreds) values at one end of (n,) without which the range shrinks to under half."""
    ordered = np.sort(y)
    most = min(3, max(1, len(y) // 100))
    for count in range(1, most + 1 if len(y) >= LEAST_FENCED else 1):
        for kept, left in ((ordered[count:], ordered[:count]), (ordered[:-count], ordered[-count:])):
            if np.ptp(ordered) > SQUEEZE * np.ptp(kept):
                return left
    return np.empty(0)


def wrong_range(unit: str, y: np.ndarray) -> str:
    """What contradicts the unit that the cohort file names; empty where nothing does, or the unit is unknown."""
    low, high, said = float(y.min()), float(y.max()), unit.casefold()
    if own_scale(unit).transform != "none":
        return ""
    logs = re.search(r"\b(ln|log\w*)\b|ln_|log_|pic50", said)
    if unit == LABEL:
        return "" if set(np.unique(y)) <= {0.0, 1.0} else f"labels must be 0 or 1, and range from {low:g} to {high:g}"
    if "%" in unit and low >= 0 and high <= 1.5:
        return f"values from {low:g} to {high:g} are no percentages"
    if "%" not in unit and re.search(r"\bauc\b|\baac\b|area under", said) and not logs and (low < -0.2 or high > 2):
        return f"values from {low:g} to {high:g} are no area between 0 and 1"
    if re.search(r"\b[ie]c50\b|\bgi50\b", said) and not logs and low < 0:
        return f"a concentration cannot be negative ({low:g}); these are logarithms"
    return ""


def reliability(cohort: Cohort) -> Part:
    """How far a second measurement agrees, and what that leaves for any model to reach."""
    rows, findings = [], []
    for stage in stages(cohort):
        for drug in stage.drugs:
            row = _reliability(stage.domain, drug)
            if row:
                rows.append(row)
                findings += _disagreeing(stage, drug, row)
    if not rows:
        line = "No domain has a second measurement ([domain.replicates]), so nothing says how far its labels repeat."
        return Part("reliability", "Reliability of the labels", (line,))
    line = (
        "Spearman of the two measurements, with its 95 % interval (Fisher z). Even the true response would correlate "
        "with one of them by no more than about the ceiling, its square root (where both are equally noisy): a "
        "Spearman near the ceiling leaves nothing to gain. A second screen that differs in dose or assay agrees less."
    )
    table = ("Replicates", pd.DataFrame(rows[:CENSUS]))
    return Part("reliability", "Reliability of the labels", (line,), (table,), tuple(findings))


def _reliability(domain: Domain, drug: str) -> dict | None:
    """The row of a drug, None without three samples measured twice."""
    if domain.replicate is None:
        return None
    try:
        found = label_quality(domain, drug)
    except InputError:
        return None
    r, n = found["replicate_spearman"], found["replicate_n"]
    if not np.isfinite(r):
        return None
    low, high = fisher_interval(r, n)
    return {
        "domain": domain.name,
        "drug": drug,
        "measured twice": n,
        "Spearman": r,
        "low": low,
        "high": high,
        "ceiling": float(np.sqrt(max(r, 0.0))),
        "range of the middle 90 %": found["dynamic_range"],
    }


def _disagreeing(stage: Stage, drug: str, row: dict) -> list[Finding]:
    """Replicates that do not agree more than chance would."""
    if row["measured twice"] < AGREE_LEAST or row["low"] > 0 or row["high"] > 0.5:
        return []
    domain = stage.domain
    text = (
        f"the two measurements of {drug} in {domain.name} are not shown to agree: Spearman {row['Spearman']:.2f} "
        f"({row['low']:.2f} to {row['high']:.2f}) over {row['measured twice']} samples"
    )
    remedy = "check that both tables name samples and directions alike; if they do, no model can predict this response"
    return [Finding(BLOCKING if stage.role == "target" else LOOK, "replicates", domain.name, text, remedy)]
