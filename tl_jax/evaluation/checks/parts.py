"""What a check of a cohort is made of: findings with their remedy, and parts that hold tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.drugs.names import same_drug

BLOCKING, LOOK = "blocking", "worth a look"
# Checks of a batch that goes with a response, and of batches that shift the expression; these words are in the latter
# where they go with a response too.
GOES, SHIFTS = "batch", "batches"
TOGETHER = "go with the response to"


def with_response(check: str, text: str) -> bool:
    """Whether a finding says that batches go with the response."""
    return check == GOES or (check == SHIFTS and TOGETHER in text)


class Finding(NamedTuple):
    """One thing that was found. severity: BLOCKING (results would mislead) or LOOK. where: domain or domains."""

    severity: str
    check: str
    where: str
    text: str
    remedy: str


def count(number: int, noun: str) -> str:
    """1 pair, 2 pairs."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


@dataclass(frozen=True)
class Part:
    """A part of the check. lines: sentences. tables: (caption, frame) pairs, shown as they are. findings: of this part.

    A part that says nothing has neither lines nor tables and is left out of the page.
    """

    anchor: str
    title: str
    lines: tuple[str, ...] = ()
    tables: tuple[tuple[str, pd.DataFrame], ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Plan:
    """How the study will cross-validate. folds: {role: folds}, of "source", "intermediate" and "target".

    drugs: answered at once on the same samples, each checked by itself; their tests are one family.
    """

    folds: dict[str, int] = field(default_factory=lambda: {"source": 5, "intermediate": 5, "target": 3})
    repeats: int = 10
    seed: int = 400
    kind: str = "stratified"
    drugs: int = 1


class Stage(NamedTuple):
    """A domain of a chain with its role and the drugs that a study may use of it."""

    role: str
    domain: Domain
    drugs: tuple[str, ...]

    @property
    def evaluated(self) -> bool:
        """Whether a study judges models on it, so that what its folds share would flatter them."""
        return self.role != "source"


def stages(cohort: Cohort) -> list[Stage]:
    """The domains in order: the last is the target, the first (of several) the source, any between intermediate."""
    last = len(cohort.domains) - 1
    found = []
    for place, domain in enumerate(cohort.domains):
        role = "target" if place == last else "source" if place == 0 else "intermediate"
        wanted = cohort.source_drugs if role == "source" else (cohort.drug,)
        own = [same_drug(drug, domain.drugs) for drug in wanted]
        found.append(Stage(role, domain, tuple(drug for drug in own if drug)))
    return found
