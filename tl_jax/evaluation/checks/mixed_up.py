"""Checks for mix-ups of genes or samples between domains: mean profiles of genes, and each sample's nearest."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import LABEL, Domain
from tl_jax.data.tables.cells import examples
from tl_jax.evaluation.checks.parts import BLOCKING, LOOK, Finding, Part
from tl_jax.evaluation.statistics.profile_pairs import profiles

# docs/check_data.md says how often these are right and wrong on real tables.
MIXED, DOUBTFUL = 0.15, 0.45  # Spearman of mean gene profiles: below, names and values do not belong together
ODD = 0.5  # a sample agrees less than this share of what the median sample does
FEWEST_GENES = 50
ALPHA = 0.01
LEAST_TISSUES = 10  # samples with a tissue that the reference knows too
SHOWN = 30


def mixed_up(cohort: Cohort) -> Part:
    """Whether genes stand beside their own values in every domain, and samples beside their own tissue."""
    usable = [d for d in cohort.domains if _has_levels(d)]
    rows, findings = [], []
    for a, b in combinations(usable, 2):
        r = agreement(a.x, b.x)
        rows.append({"domains": f"{a.name}, {b.name}", "genes": len(a.genes), "Spearman of gene means": r})
        findings += _genes(a, b, r)
    nearest: list[dict] = []
    for domain in usable[1:]:
        if not any(f.severity == BLOCKING for f in findings):
            findings += _samples(domain, usable[0])
            near = nearest_of(domain, usable[0])
            nearest += near.to_dict("records")
            findings += _tissues(domain, usable[0], near)
    if not rows:
        return Part("mixed_up", "Genes and samples beside their own values")
    line = (
        "Genes that are high in one domain are high in another, whatever the platform: where means of genes do not "
        "agree, names and values of one table do not belong together. Each sample is shown with the most alike sample "
        "of the first domain (correlation of profiles centred within each)."
    )
    tables = [("Means of genes", pd.DataFrame(rows))]
    tables += [("Each sample's nearest", pd.DataFrame(nearest[:SHOWN]))] if nearest else []
    return Part("mixed_up", "Genes and samples beside their own values", (line,), tuple(tables), tuple(findings))


def _has_levels(domain: Domain) -> bool:
    """Whether genes have levels that another domain may share: no labels, z-scores or ranks."""
    if domain.unit == LABEL or domain.scaler == "none" or len(domain.genes) < FEWEST_GENES:
        return False
    means = domain.x.mean(axis=0, dtype=np.float64)
    within = float(np.median(domain.x.std(axis=0, dtype=np.float64)))
    return float(means.std()) > 0.5 * within and "rank" not in domain.transform


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman over genes of the mean profiles of (n, genes) and (m, genes)."""
    return float(stats.spearmanr(a.mean(axis=0, dtype=np.float64), b.mean(axis=0, dtype=np.float64)).statistic)


def _genes(a: Domain, b: Domain, r: float) -> list[Finding]:
    if not r < DOUBTFUL:
        return []
    where = f"{a.name}, {b.name}"
    text = f"genes that are high in {a.name} are not high in {b.name}: their means agree by a Spearman of {r:.2f}"
    remedy = "check that gene names stand beside their own values (a column sorted or shifted alone?), and gene_ids"
    return [Finding(BLOCKING if r < MIXED else LOOK, "genes", where, text, remedy)]


def odd_samples(x: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(n,) bool: samples whose genes agree with the mean profile of the reference far less than the others' do."""
    ranks = np.apply_along_axis(stats.rankdata, 1, x)
    mean = stats.rankdata(reference.mean(axis=0, dtype=np.float64))
    r = np.array([np.corrcoef(row, mean)[0, 1] if np.ptp(row) else 0.0 for row in ranks])
    return r < ODD * np.median(r)


def _samples(domain: Domain, reference: Domain) -> list[Finding]:
    """Samples whose genes seem shifted."""
    odd = np.flatnonzero(odd_samples(domain.x, reference.x))
    if not len(odd):
        return []
    names = examples(str(domain.samples[row]) for row in odd)
    text = f"{len(odd)} of {len(domain)} samples of {domain.name} have not the levels of genes of the others ({names})"
    remedy = "check that their columns were not sorted or shifted alone; exclude_samples leaves one out"
    return [Finding(BLOCKING, "samples", domain.name, text, remedy)]


def nearest_of(domain: Domain, reference: Domain) -> pd.DataFrame:
    """A row for each sample: its tissue, its nearest of the reference with tissue and correlation, and the margin."""
    r = profiles(domain.x) @ profiles(reference.x).T
    order = np.argsort(-r, axis=1)
    best, second = order[:, 0], order[:, min(1, r.shape[1] - 1)]
    rows = np.arange(len(domain))
    return pd.DataFrame(
        {
            "domain": domain.name,
            "sample": domain.samples,
            "tissue": domain.tissue,
            "nearest": reference.samples[best],
            "its tissue": reference.tissue[best],
            "correlation": r[rows, best],
            "margin": r[rows, best] - r[rows, second],
        }
    )


def _tissues(domain: Domain, reference: Domain, near: pd.DataFrame) -> list[Finding]:
    """Whether samples lie beside lines of their own tissue more often than by chance."""
    both = set(reference.tissue.tolist()) & set(domain.tissue.tolist()) - {""}
    known = near[near["tissue"].isin(both)]
    if len(known) < LEAST_TISSUES or known["tissue"].nunique() < 3:
        return []
    hits = int((known["tissue"] == known["its tissue"]).sum())
    chance = known["tissue"].map(known["its tissue"].value_counts(normalize=True)).fillna(0).mean()
    if stats.binomtest(hits, len(known), max(chance, 1e-9), alternative="greater").pvalue <= ALPHA:
        return []
    text = (
        f"{hits} of {len(known)} samples of {domain.name} have their nearest of {reference.name} in their tissue, no "
        f"more than by chance ({chance * len(known):.1f})"
    )
    remedy = f"check that samples of {domain.name} are not mixed up (names against expression, or against tissues)"
    return [Finding(LOOK, "samples", domain.name, text, remedy)]
