"""Hints on whether a high response means what the cohort file says."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from tl_jax.data.chain import Cohort
from tl_jax.data.directions import direction_of
from tl_jax.data.domain import LABEL, SENSITIVE, Domain
from tl_jax.data.drugs.names import same_drug
from tl_jax.evaluation.checks.parts import LOOK, Finding, Part, Stage, stages
from tl_jax.evaluation.predictors.markers import signs_of

ALPHA = 0.005  # of each hint, so that a clean cohort rarely meets one
DRAWS = 799  # permutations
LEAST = 12  # samples for a hint


def direction(cohort: Cohort) -> Part:
    """Three hints: the name of the unit, known marker genes, and the same drug in two domains."""
    chain = stages(cohort)
    findings = [f for stage in chain for f in _by_unit(stage.domain)]
    markers = [row for stage in chain for drug in stage.drugs for row in _markers(stage.domain, drug)]
    agreements = [row for first, second in combinations(chain, 2) if (row := _agreement(first, second, cohort.drug))]
    findings += [_marker_finding(row) for row in markers if row["against"]]
    findings += [_agreement_finding(row) for row in agreements if row["p of opposite"] <= ALPHA]
    shown = (("Known genes", markers), ("The same drug in two domains", agreements))
    tables = tuple(
        (name, pd.DataFrame(rows).drop(columns=["against"], errors="ignore")) for name, rows in shown if rows
    )
    line = (
        "Hints, no proof: a cohort may go against a known gene by chance. Spearman of expression with the response, "
        "turned so that high means resistant. Agreement: correlation over genes of how they go with the response in "
        "either domain; p: share of permuted responses that are as opposite."
    )
    return Part("direction", "Direction of the response", (line,), tables, tuple(findings))


def resistance(domain: Domain, drug: str) -> np.ndarray:
    """(n,) response turned so that high means resistant; NaN where not measured."""
    y = domain.y[:, domain.column(drug)]
    return -y if domain.direction == SENSITIVE else y


def _by_unit(domain: Domain) -> list[Finding]:
    """The unit's own name against the direction; both as the cohort file says."""
    meant = direction_of(domain.unit).high
    unsaid = domain.unit in (LABEL, "AUC")  # the unit of whoever names none
    if unsaid or meant in ("", domain.direction):
        return []
    text = (
        f"the response of {domain.name} is in '{domain.unit}', where high usually means {meant}, not {domain.direction}"
    )
    remedy = f'set direction = "{meant}" in [domain.response] of {domain.name}, unless it was turned already'
    return [Finding(LOOK, "direction", domain.name, text, remedy)]


def _markers(domain: Domain, drug: str) -> list[dict]:
    """A row for each known gene of a drug."""
    position = {str(g).upper(): i for i, g in enumerate(domain.genes)}
    y, rows = resistance(domain, drug), []
    known = np.isfinite(y)
    for sign in signs_of(drug):
        column = position.get(sign.gene)
        if column is None or known.sum() < LEAST:
            continue
        gene, response = domain.x[known, column], y[known]
        if np.ptp(gene) == 0 or np.ptp(response) == 0:
            continue
        r, p = map(float, stats.spearmanr(gene, response))
        # A gene explains little of a response, so only what is clearly opposite is said.
        against = r * sign.resistant < 0 and p <= ALPHA
        expected = "resistant" if sign.resistant > 0 else "sensitive"
        rows.append(
            {"domain": domain.name, "drug": drug, "gene": sign.gene, "high goes with": expected, "samples": len(gene)}
            | {"Spearman": r, "p": p, "source": sign.source, "against": against}
        )
    return rows


def _marker_finding(row: dict) -> Finding:
    text = (
        f"in {row['domain']} high {row['gene']} goes with the opposite of what is known for {row['drug']} "
        f"(Spearman {row['Spearman']:+.2f} with resistance, p = {row['p']:.1g}; {row['source']})"
    )
    remedy = f"check what a high response means there (direction), and that samples are not mixed up in {row['domain']}"
    return Finding(LOOK, "direction", row["domain"], text, remedy)


def _agreement(first: Stage, second: Stage, drug: str) -> dict | None:
    """How alike genes go with the response to a drug in two domains, and the chance of so opposite a sign."""
    sides = []
    for stage in (first, second):
        own = same_drug(drug, stage.domain.drugs)
        if own is None:
            return None
        y = resistance(stage.domain, own)
        known = np.isfinite(y)
        if known.sum() < LEAST or np.ptp(y[known]) == 0:
            return None
        sides.append((_standard(stage.domain.x[known]), _standard(stats.rankdata(y[known])[:, None])[:, 0]))
    small, large = sorted(sides, key=lambda side: len(side[1]))
    reference = _unit(large[1] @ large[0])
    rng = np.random.default_rng(0)
    order = np.stack([small[1], *(rng.permutation(small[1]) for _ in range(DRAWS))])
    found = _unit(order @ small[0]) @ reference
    return {
        "domains": f"{first.domain.name}, {second.domain.name}",
        "drug": drug,
        "samples": f"{len(sides[0][1])}, {len(sides[1][1])}",
        "agreement": float(found[0]),
        "p of opposite": float((found <= found[0]).mean()),
        "p of alike": float((found >= found[0]).mean()),
    }


def _agreement_finding(row: dict) -> Finding:
    text = (
        f"genes go with {row['drug']} the opposite way in {row['domains'].replace(', ', ' and ')} "
        f"(correlation over genes {row['agreement']:+.2f}, p = {row['p of opposite']:.3f})"
    )
    remedy = "check direction and value_column of both: one response may be turned round"
    return Finding(LOOK, "direction", row["domains"], text, remedy)


def _standard(x: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and sd 1; constant ones become 0."""
    x = x - x.mean(axis=0, dtype=np.float64)
    spread = x.std(axis=0)
    return x / np.where(spread > 1e-9, spread, np.inf)


def _unit(v: np.ndarray) -> np.ndarray:
    """Vectors along the last axis, centred and of length 1; constant ones become 0."""
    v = v - v.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return v / np.where(length > 0, length, np.inf)
