"""Samples that fall into two groups by their expression alone, where nobody has named batches."""

from __future__ import annotations

import numpy as np

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.tables.cells import examples
from tl_jax.evaluation.checks.parts import LOOK, Finding, Part, stages
from tl_jax.evaluation.predictors.drug_profile import standardised

COMPONENTS = 3
LEAST = 4  # samples of a group
FEWEST, MOST = 12, 200  # samples of a domain: with fewer any split looks clear, larger ones were not simulated
# In spreads within the groups: between their means, and of the empty room between them. Over draws of 22 or 30 real
# lines these are exceeded about once in 500 (docs/check_data.md).
BETWEEN, ROOM = 10.0, 5.0
FARTHEST = 5.0  # of a standardised value


def unnamed_groups(cohort: Cohort) -> Part:
    """Two groups in each domain that is judged on and names no batches."""
    findings = [
        finding
        for stage in stages(cohort)
        if stage.evaluated and not _named(stage.domain) and (finding := _finding(stage.domain)) is not None
    ]
    line = "Of domains that name no batches: whether samples fall into two groups along a leading component."
    return Part("apart", "Two groups by expression", (line,) if findings else (), (), tuple(findings))


def _named(domain: Domain) -> bool:
    """Whether a domain names two batches, which have a check of their own."""
    return len(set(np.asarray(domain.batch).astype(str)) - {""}) > 1


def _finding(domain: Domain) -> Finding | None:
    """What to do about two groups; None where there are none, or where no tissue is in both."""
    found = groups_of(domain.x)
    if found is None:
        return None
    component, second = found
    tissues = np.asarray(domain.tissue).astype(str)
    if not set(tissues[second]) & set(tissues[~second]):
        return None
    counts = sorted((int(second.sum()), int((~second).sum())), reverse=True)
    fewer = second if second.sum() <= (~second).sum() else ~second
    names = examples(domain.samples[i] for i in np.flatnonzero(fewer))
    text = f"the samples of {domain.name} fall into two groups along component {component} of their expression "
    text += f"({counts[0]} and {counts[1]}; the fewer are {names})"
    remedy = "if these are batches, name them (batch_column), so that they are held against the response"
    return Finding(LOOK, "two groups", domain.name, text, remedy)


def groups_of(x: np.ndarray) -> tuple[int, np.ndarray] | None:
    """(the component, from 1; (n,) whether a sample is in the upper group) of (n, genes); None without clear groups."""
    if not FEWEST <= len(x) <= MOST:
        return None
    z = np.clip(standardised(x)[0], -FARTHEST, FARTHEST)
    values, vectors = np.linalg.eigh(z @ z.T)
    for component, scores in enumerate(vectors[:, ::-1][:, :COMPONENTS].T, 1):
        cut = clear_cut(scores) if values[-component] > 0 else None
        if cut is not None:
            return component, scores > cut
    return None


def clear_cut(scores: np.ndarray) -> float | None:
    """Where scores fall apart: the cut of the farthest means in spreads within; None where they do not."""
    order, n = np.sort(scores), len(scores)
    best = (0.0, 0.0, 0.0)
    for k in range(LEAST, n - LEAST + 1):
        low, high = order[:k], order[k:]
        spread = np.sqrt((low.var() * k + high.var() * (n - k)) / (n - 2))
        spread = max(float(spread), 1e-9)
        between, room = (high.mean() - low.mean()) / spread, (high[0] - low[-1]) / spread
        best = max(best, (float(between), float(room), float(low[-1] + high[0]) / 2))
    return best[2] if best[0] > BETWEEN and best[1] > ROOM else None
