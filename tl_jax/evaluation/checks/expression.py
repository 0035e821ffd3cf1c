"""Checks of what was measured: sizes, genes, units of expression, outlying samples."""

from __future__ import annotations

import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.scaling.units import UNKNOWN, Units, detect_units, unit_notes
from tl_jax.data.tables.cells import examples
from tl_jax.evaluation.checks.outlying import LIMIT, outlying
from tl_jax.evaluation.checks.parts import BLOCKING, LOOK, Finding, Part, stages

FEW = 10  # samples below which folds test two or three
SMALLEST = 4  # samples: with fewer no fold can train and test
COVERED = 0.2  # share of a domain's genes below which most of it is thrown away
MOST_SHOWN = 15  # rows of a table of samples


def sizes(cohort: Cohort) -> Part:
    """Samples before and after joins, genes shared, and what a response means, for each domain."""
    rows, findings = [], []
    for role, domain, drugs in stages(cohort):
        read = dict(domain.read)
        row = {"domain": domain.name, "role": role}
        if any(d.read for d in cohort.domains):
            row |= {f"with {what}": read.get(what) for what in ("expression", "response", "both")}
        row |= {
            "samples": len(domain),
            "groups": len(set(domain.groups.tolist())),
            "genes": round(len(domain.genes) / max(cohort.coverage.get(domain.name, 1.0), 1e-9)),
            "genes used": len(domain.genes),
            "used of own": cohort.coverage.get(domain.name, float("nan")),
            "drugs": len(domain.drugs),
        }
        rows.append(row)
        findings += _sizes(role, domain, drugs, cohort)
    caption = "Domains in order; genes are those that all domains share"
    return Part("sizes", "Samples and genes", (), ((caption, pd.DataFrame(rows)),), tuple(findings))


def _sizes(role, domain, drugs, cohort: Cohort) -> list[Finding]:
    """Too few samples or genes, or a drug that is not there."""
    found = []
    if not drugs:
        remedy = f"name a drug that {domain.name} has (key drug or drugs), or leave the domain out"
        found.append(Finding(BLOCKING, "sizes", domain.name, f"{domain.name} has no response to {cohort.drug}", remedy))
    if len(domain) < FEW:
        severity = BLOCKING if len(domain) < SMALLEST else LOOK
        text = f"{domain.name} has {len(domain)} samples: a fold tests two or three, and no method can be told apart"
        found.append(Finding(severity, "sizes", domain.name, text, "take it for a sketch, or add samples"))
    share = cohort.coverage.get(domain.name, 1.0)
    if share < COVERED and len(cohort.domains) > 1:
        text = f"only {share:.0%} of the genes of {domain.name} are in all domains"
        remedy = "compare the kinds of gene names, and leave out a domain with a small panel"
        found.append(Finding(LOOK, "genes", domain.name, text, remedy))
    if role == "target" and cohort.marker and cohort.marker not in set(domain.genes.tolist()):
        text = f"the marker gene {cohort.marker} is not among the shared genes, so its baseline cannot run"
        found.append(Finding(LOOK, "genes", domain.name, text, "correct the key marker, or leave it out"))
    constant = domain.genes[domain.x.max(axis=0) == domain.x.min(axis=0)] if len(domain) > 1 else []
    if len(constant) > 0.5 * len(domain.genes):
        text = f"{len(constant):,} of {len(domain.genes):,} genes of {domain.name} have one value in all samples"
        found.append(Finding(BLOCKING, "genes", domain.name, text, "check the table: it seems to be fill"))
    elif len(constant) > 0.05 * len(domain.genes):
        text = f"{len(constant):,} genes of {domain.name} have one value in all samples, first {constant[0]}"
        found.append(Finding(LOOK, "genes", domain.name, text, "they tell nothing there; drop them if they are fill"))
    return found


def units(cohort: Cohort) -> Part:
    """The unit that each domain's expression seems to be in, on what evidence, and what does not fit together."""
    found = [detect_units(d.x) for d in cohort.domains]
    columns = {"whole numbers": "whole", "negative": "negative", "zero": "zero"}
    rows = []
    for domain, unit in zip(cohort.domains, found, strict=True):
        e = unit.evidence
        rows.append(
            {
                "domain": domain.name,
                "looks like": unit.kind,
                "samples alike": unit.confidence,
                "transform": domain.transform,
                "scaler": domain.scaler,
                "lowest": e.get("low"),
                "highest": e.get("high"),
                "middle 98 %": f"{e['q01']:.3g} to {e['q99']:.3g}" if e else "",
                **{name: e.get(key) for name, key in columns.items()},
                "sum of a sample": e.get("row_sum"),
                "sd of gene means": e.get("column_mean_spread"),
            }
        )
    lines = ("Read off the numbers alone. Sum of a sample: of 2^x - 1 where values are logarithms.",)
    table = ("Units of expression", pd.DataFrame(rows))
    return Part("units", "Units of expression", lines, (table,), tuple(_unit_findings(cohort, found)))


def _unit_findings(cohort: Cohort, found: list[Units]) -> list[Finding]:
    """Scales that differ block; the rest is worth a look."""
    findings = [
        Finding(BLOCKING if note.severe else LOOK, "units", note.where, note.text, note.remedy)
        for note in unit_notes(cohort.domains, found)
    ]
    for domain, unit in zip(cohort.domains, found, strict=True):
        if unit.kind == UNKNOWN:
            text = f"the unit of the expression of {domain.name} cannot be told from its numbers"
            findings.append(Finding(LOOK, "units", domain.name, text, "compare the table below with the other domains"))
    return findings


def outliers(cohort: Cohort) -> Part:
    """Samples whose expression lies far from the rest of their domain."""
    rows, findings = [], []
    for _, domain, _ in stages(cohort):
        found = outlying(domain.x)
        far = sorted(found.rows, key=lambda row: -found.excess[row])
        rows += [
            {
                "domain": domain.name,
                "sample": str(domain.samples[row]),
                "tissue": str(domain.tissue[row]),
                "distance": float(found.distance[row]),
                "beyond the median, robust sd": float(found.excess[row]),
            }
            for row in far[:MOST_SHOWN]
        ]
        if far:
            named = examples(str(domain.samples[row]) for row in far)
            text = f"{len(far)} of {len(domain)} samples of {domain.name} lie far from all others ({named})"
            remedy = "look at their quality and labels; exclude_samples leaves one out"
            findings.append(Finding(LOOK, "outliers", domain.name, text, remedy))
    line = (
        "Distance: root mean square over genes, each in IQRs from the median of its domain. Named are samples whose "
        f"distance, along the first components or in whole, lies {LIMIT:g} robust standard deviations (of logs) above "
        "the median of their domain."
    )
    tables = (("Outlying samples", pd.DataFrame(rows)),) if rows else ()
    return Part("outliers", "Outlying samples", (line if rows else f"None. {line}",), tables, tuple(findings))
