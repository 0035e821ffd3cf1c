"""Whether batches shift the expression of a domain that is judged on, and what that means beside its response."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.tables.cells import examples
from tl_jax.evaluation.checks.design import BY_GROUPS, WHOLE, association, held_out_whole
from tl_jax.evaluation.checks.parts import LOOK, SHIFTS, TOGETHER, Finding, Part, stages
from tl_jax.evaluation.predictors.drug_profile import standardised

LEAST = 3  # samples of a batch that counts
PERMUTATIONS, ALPHA = 199, 0.01
TWICE = 2.0  # times the share that chance explains, below which a shift is no matter
CAREFUL = 0.05  # p of batch and response, uncorrected: beside a shift less evidence is needed to be careful


def batch_shift(cohort: Cohort) -> Part:
    """The share of the genes' variance that batches explain, for each domain that is judged on."""
    rows, findings = [], []
    for stage in stages(cohort):
        if not stage.evaluated or (row := shift_of(stage.domain)) is None:
            continue
        rows.append(row)
        if row["p"] <= ALPHA and row["share"] > TWICE * row["by chance"]:
            findings.append(_finding(stage.domain, stage.drugs, row))
    line = (
        "Share: mean over genes of the variance that batches of at least three samples explain; p: of "
        f"{PERMUTATIONS} shuffles of the batches."
    )
    tables = (("Batches in expression", pd.DataFrame(rows)),) if rows else ()
    return Part("batches", "Batches in expression", (line,) if rows else (), tables, tuple(findings))


def shift_of(domain: Domain) -> dict | None:
    """domain, batches, samples, share, by chance, p; None where there are not two batches of LEAST samples."""
    names = np.asarray(domain.batch).astype(str)
    kept = [name for name, n in zip(*np.unique(names[names != ""], return_counts=True), strict=True) if n >= LEAST]
    rows = np.isin(names, kept)
    if len(kept) < 2:
        return None
    codes, (z, variances) = np.searchsorted(kept, names[rows]), standardised(domain.x[rows])
    z = z[:, variances > 0]
    if not z.shape[1]:
        return None
    own, draws = explained(z, codes), np.random.default_rng(0)
    null = [explained(z, draws.permutation(codes)) for _ in range(PERMUTATIONS)]
    p = (1 + sum(one >= own for one in null)) / (1 + PERMUTATIONS)
    found = {"domain": domain.name, "batches": len(kept), "samples": len(codes), "share": own}
    return found | {"by chance": float(np.mean(null)), "p": p}


def explained(z: np.ndarray, codes: np.ndarray) -> float:
    """Mean over columns of z (samples, genes), of mean 0 and variance 1, of the share between the levels of codes."""
    counts = np.bincount(codes)
    member = (codes == np.arange(len(counts))[:, None]).astype(np.float64)
    return float(np.sum(np.square(member @ z) / counts[:, None]) / z.size)


def _finding(domain: Domain, drugs: tuple[str, ...], row: dict) -> Finding:
    """A shift, and what to do where it goes with the response and where it does not."""
    text = f"batches shift the expression of {domain.name}: they explain {row['share']:.0%} of a gene's variance on "
    text += f"average, by chance {row['by chance']:.0%}"
    tests = {drug: association(domain, drug, "batch") for drug in drugs}
    both = [drug for drug, one in tests.items() if one is not None and one["p"] < CAREFUL]
    if both:
        text += f", and they {TOGETHER} {examples(both)}"
        advice = f"a model may predict the batch: hold out whole batches {BY_GROUPS}, or judge within one"
        remedy = WHOLE if held_out_whole(domain) else advice
    else:
        first = str(pd.Series(np.asarray(domain.batch).astype(str)).mode().iloc[0])
        remedy = f'correct it inside the folds: preprocess = ["combat"], combat_reference = "{first}"'
    return Finding(LOOK, SHIFTS, domain.name, text, remedy)
