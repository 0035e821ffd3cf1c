"""Checks of what a study can tell with these samples: confounding, folds, and the least difference it would find."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import LABEL, Domain
from tl_jax.data.scaling.scaling import scaler_of
from tl_jax.data.splits import Fold, above_median, partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.parts import BLOCKING, GOES, LOOK, Finding, Part, Plan, Stage, stages
from tl_jax.evaluation.predictors.baselines import ridge
from tl_jax.evaluation.statistics import power
from tl_jax.evaluation.statistics.detectable import detectable_difference
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.evaluation.statistics.paired import holm

ALPHA = 0.01  # after Holm
LEAST_LEVEL = 3  # samples of a tissue or batch that count as a level
HALVES = 3  # pairs of random halves of the genes
MOST = 300  # samples beyond which the two ridges are not fitted: the answer is small, and takes long
BY_GROUPS = "(--groups=COLUMN where the cohort is drafted, group_column in its file)"
WHOLE = "folds hold out whole batches, so that models are judged on batches they have not seen"
TOO_SMALL = 4  # held-out rows below which a Spearman per fold takes few values


def confounding(cohort: Cohort, drugs: int = 1) -> Part:
    """Whether tissue or batch goes with the response. drugs: whose cohorts are checked one by one, as one family."""
    tests = [
        row
        for stage in stages(cohort)
        for drug in stage.drugs
        for what in ("tissue", "batch")
        if (row := association(stage.domain, drug, what))
    ]
    # By domain: the many drugs of a source must not hide what the target has.
    for name in dict.fromkeys(row["domain"] for row in tests):
        own = [row for row in tests if row["domain"] == name]
        for row, p in zip(own, holm([row["p"] for row in own]), strict=True):
            row["p (Holm)"] = min(1.0, drugs * float(p))
    evaluated = {s.domain.name for s in stages(cohort) if s.evaluated}
    whole = {s.domain.name for s in stages(cohort) if held_out_whole(s.domain)}
    findings = [
        f
        for row in tests
        if row["p (Holm)"] < ALPHA and (f := _confounded(row, row["domain"] in evaluated, whole)) is not None
    ]
    line = (
        "Kruskal-Wallis over levels of at least three samples (labels: chi-square); share: of the ranks' variance that "
        "the levels explain (epsilon squared, by chance (levels - 1) / (samples - 1); labels: Cramer's V squared). "
        "Tissues of a source differ in biology; a batch that goes with the response lets a model predict the batch."
    )
    tables = (("Tissue and batch against response", pd.DataFrame(tests[:40])),) if tests else ()
    lines = (line if tests else "No domain names two tissues or batches of three samples each.",)
    return Part("confounding", "Tissue and batch against response", lines, tables, tuple(findings))


def association(domain: Domain, drug: str, what: str) -> dict | None:
    """Test of a response against "tissue" or "batch"; None where there are not two levels of three samples."""
    levels = getattr(domain, what, None)
    if levels is None:
        return None
    y = domain.y[:, domain.column(drug)]
    names = np.asarray(levels).astype(str)
    known = np.isfinite(y) & (names != "")
    kept = [name for name, n in zip(*np.unique(names[known], return_counts=True), strict=True) if n >= LEAST_LEVEL]
    known &= np.isin(names, kept)
    if len(kept) < 2 or len(np.unique(y[known])) < 2:
        return None
    if domain.unit == LABEL:
        table = pd.crosstab(names[known], y[known]).to_numpy()
        chi, p = stats.chi2_contingency(table)[:2]
        share = chi / (known.sum() * (min(table.shape) - 1))
    else:
        h, p = stats.kruskal(*(y[known & (names == name)] for name in kept))
        share = h / (known.sum() - 1)
    row = {"domain": domain.name, "drug": drug, "what": what, "levels": len(kept), "samples": int(known.sum())}
    return row | {"share": float(share), "p": float(p)}


def held_out_whole(domain: Domain) -> bool:
    """Whether each named batch lies in one group, so that no fold trains on a batch that it is judged on."""
    batches, groups = np.asarray(domain.batch).astype(str), np.asarray(domain.groups).astype(str)
    return all(len(set(groups[batches == name])) == 1 for name in set(batches) - {""})


def _confounded(row: dict, evaluated: bool, whole: set[str]) -> Finding | None:
    """A batch is always named, a tissue where the domain is judged on. whole: domains whose folds hold out batches."""
    if row["what"] == "tissue" and not evaluated:
        return None
    text = (
        f"{row['what']} goes with {row['drug']} in {row['domain']} ({row['share']:.0%} of the ranks' variance over "
        f"{row['levels']} levels, p after Holm = {row['p (Holm)']:.1g})"
    )
    if row["what"] == "batch":
        if row["domain"] in whole:
            return Finding(LOOK, GOES, row["domain"], text, WHOLE)
        remedy = f"no method can part them: measure anew, use one batch, or hold out whole batches {BY_GROUPS}"
        return Finding(BLOCKING if evaluated else LOOK, GOES, row["domain"], text, remedy)
    remedy = f"a model may predict the tissue alone: compare within a tissue, or hold out whole tissues {BY_GROUPS}"
    return Finding(LOOK, "tissue", row["domain"], text, remedy)


def folds(cohort: Cohort, plan: Plan) -> Part:
    """The partitions of a study by default: their sizes, classes, and whether they keep groups together."""
    rows, findings = [], []
    for stage in stages(cohort):
        drug = _drug(stage, cohort)
        if drug is None:
            continue
        domain = stage.domain.for_drug(drug)
        try:
            drawn = _drawn(domain, plan, stage)
        except InputError as error:
            text, _, remedy = f"folds of {domain.name}: {error}".partition("; ")
            severity = BLOCKING if stage.role == "target" else LOOK
            findings.append(Finding(severity, "folds", domain.name, text, remedy or "use fewer folds"))
            continue
        rows.append(_folds_row(stage, domain, drawn))
        findings += _fold_findings(stage, domain, drawn)
    line = f"Split {plan.kind}, {plan.repeats} repeats, seed {plan.seed}; rarer side: least count of the rarer class "
    line += "(labels), or of the smaller side of the median, in a held-out fold."
    tables = (("Folds by default", pd.DataFrame(rows)),) if rows else ()
    return Part("folds", "Folds", (line,), tables, tuple(findings))


def _drug(stage: Stage, cohort: Cohort) -> str | None:
    """The drug by which a domain's folds are shown."""
    wanted = cohort.default_source if stage.role == "source" else cohort.drug
    return next((d for d in stage.drugs if d.casefold() == wanted.casefold()), next(iter(stage.drugs), None))


def _drawn(domain: Domain, plan: Plan, stage: Stage) -> list[Fold]:
    return partitions(
        *(domain.response, domain.groups),
        **{"folds": plan.folds[stage.role], "repeats": plan.repeats, "seed": plan.seed, "kind": plan.kind},
    )


def split_groups(groups: np.ndarray, drawn: list[Fold]) -> list[str]:
    """Names of groups (n,) that some fold parts between training and held-out rows."""
    groups = np.asarray(groups)
    return sorted({str(g) for f in drawn for g in set(groups[f.train].tolist()) & set(groups[f.test].tolist())})


def _folds_row(stage: Stage, domain: Domain, drawn: list[Fold]) -> dict:
    """Sizes and classes."""
    test = [len(f.test) for f in drawn]
    high = domain.response > 0.5 if domain.unit == LABEL else above_median(domain.response)
    rarer = [min(int(high[f.test].sum()), int((~high[f.test]).sum())) for f in drawn]
    return {
        "domain": domain.name,
        "drug": domain.drugs[0],
        "samples": len(domain),
        "groups of several": int((np.unique(domain.groups, return_counts=True)[1] > 1).sum()),
        "folds": len({f.fold for f in drawn}),
        "training rows": _between([len(f.train) for f in drawn]),
        "held-out rows": _between(test),
        "rarer side": min(rarer),
        "groups parted": len(split_groups(domain.groups, drawn)),
    }


def _between(values: list[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"


def _fold_findings(stage: Stage, domain: Domain, drawn: list[Fold]) -> list[Finding]:
    found, row = [], _folds_row(stage, domain, drawn)
    parted = split_groups(domain.groups, drawn)
    if parted:
        text = f"{len(parted)} groups of {domain.name} part between training and held-out rows, first {parted[0]}"
        found.append(Finding(BLOCKING, "folds", domain.name, text, "this is a fault of tl_jax: please report it"))
    if min(len(f.test) for f in drawn) < TOO_SMALL:
        text = f"folds of {domain.name} hold out {row['held-out rows']} samples: a Spearman per fold says little"
        found.append(Finding(LOOK, "folds", domain.name, text, "use fewer folds, or judge by the pooled Spearman"))
    if domain.unit == LABEL and row["rarer side"] == 0:
        text = f"some folds of {domain.name} hold out one class only"
        found.append(Finding(LOOK, "folds", domain.name, text, "use fewer folds"))
    return found


def detectable(cohort: Cohort, plan: Plan) -> Part:
    """The least gain that a study of this target would find: as `tl_jax power` and the report of the study say it, from
    simulated studies; of numbers of samples that were not simulated, from two ridges on halves of its genes."""
    title = "What the study could find"
    target = stages(cohort)[-1]
    if not target.drugs:
        return Part("detectable", title)
    domain = target.domain.for_drug(target.drugs[0])
    if domain.unit != LABEL and not np.isnan(power.detectable(len(domain))):
        words = power.detectable_words(len(domain))
        line = f"With {len(domain)} samples of {domain.name} {words} (Spearman per fold, over ridge on its own genes)."
        return Part("detectable", title, (line, f"Measured by: {'; '.join(power.origins(power.ARMS))}."))
    return Part("detectable", title, _by_ridges(domain, plan, target))


def _by_ridges(domain: Domain, plan: Plan, target: Stage) -> tuple[str, ...]:
    """The lines of the estimate by two ridges."""
    try:
        if len(domain) > MOST or domain.unit == LABEL or domain.x.shape[1] < 20:
            raise InputError("not computed")
        drawn = _drawn(domain, plan, target)
        needed = [_needed(domain, drawn, draw) for draw in range(HALVES)]
    except InputError:
        return ("Not computed for this target (labels, too few or too many samples).",)
    least = float(np.median(needed)) if np.isfinite(needed).all() else float("nan")
    if not np.isfinite(least):
        return ("Undefined: two ridges on halves of the genes never differed.",)
    line = (
        f"With {len(domain)} samples of {domain.name}, {plan.folds['target']} folds and {plan.repeats} repeats, two "
        f"methods must truly differ by at least {least:.2f} in Spearman per fold to be told apart in four of five such "
        "studies (corrected resampled t-test, p < .05)."
    )
    how = (
        f"From the spread of two ridges on random halves of the genes ({HALVES} draws, {min(needed):.2f} to "
        f"{max(needed):.2f}). Methods less alike than these need more, and so do several tests at once."
    )
    return line, how


def _needed(domain: Domain, drawn: list[Fold], draw: int) -> float:
    """Detectable difference of two ridges, each on its own random half of the genes, on the default folds."""
    order = np.random.default_rng(draw).permutation(domain.x.shape[1])
    halves = np.array_split(order, 2)
    gaps = []
    for fold in drawn:
        scaler = scaler_of(domain, domain.x[fold.train])
        train, test = scaler.apply(domain.x[fold.train]), scaler.apply(domain.x[fold.test])
        y, groups = domain.response[fold.train], domain.groups[fold.train]
        scores = [
            spearman(domain.response[fold.test], ridge(train[:, half], y, test[:, half], groups=groups))
            for half in halves
        ]
        gaps.append(scores[0] - scores[1])
    ratio = float(np.mean([len(f.test) / len(f.train) for f in drawn]))
    return detectable_difference(gaps, ratio)
