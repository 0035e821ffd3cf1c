"""All checks of a cohort in one: what must be mended before a study, what is worth a look, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tl_jax.data.chain import Cohort
from tl_jax.data.seen import seen
from tl_jax.evaluation.checks import apart as check_apart
from tl_jax.evaluation.checks import batches as check_batches
from tl_jax.evaluation.checks import design as check_design
from tl_jax.evaluation.checks import direction as check_direction
from tl_jax.evaluation.checks import expression as check_expression
from tl_jax.evaluation.checks import mixed_up as check_mixed_up
from tl_jax.evaluation.checks import response as check_response
from tl_jax.evaluation.checks import samples as check_samples
from tl_jax.evaluation.checks.outlying import Map, maps
from tl_jax.evaluation.checks.parts import BLOCKING, Finding, Part, Plan

READY = "ready"
ALONE = ("units", "overlap", "duplicates", "mixed_up", "outliers", "apart")  # parts that look at the expression alone


@dataclass(frozen=True)
class Checked:
    """A cohort with what the checks say of it. maps: of all samples, for the picture."""

    cohort: Cohort
    parts: tuple[Part, ...]
    maps: tuple[Map, ...]

    @property
    def findings(self) -> list[Finding]:
        """Every finding, those that block first, each kind in the order of the parts."""
        every = [f for part in self.parts for f in part.findings]
        return sorted(every, key=lambda f: f.severity != BLOCKING)

    @property
    def blocking(self) -> int:
        return sum(f.severity == BLOCKING for f in self.findings)

    @property
    def verdict(self) -> str:
        """One line: ready, ready with remarks, or not ready."""
        return verdict_of(self.findings)


def verdict_of(findings: Sequence[Finding]) -> str:
    """One line of findings: ready, ready with remarks, or not ready."""
    blocking = sum(f.severity == BLOCKING for f in findings)
    looks = len(findings) - blocking
    remarks = f"{looks} {'thing is' if looks == 1 else 'things are'} worth a look"
    if blocking:
        return f"not ready: {blocking} to mend" + (f", and {remarks}" if looks else "")
    return f"{READY}; {remarks}" if looks else READY


def check_cohort(cohort: Cohort, plan: Plan | None = None, other: Checked | None = None) -> Checked:
    """Look at a cohort as loaded (under the protocol honest), before any training; nothing is changed or trained.

    plan: folds and repeats of the study to come. other: what the checks said of the same samples beside another drug,
    of which the parts that look at the expression alone are taken. Labels are read: of all samples for what they are,
    and in folds for the detectable difference. The same cohort gives the same result. Domains are looked at with their
    preprocessing done on all of their samples.
    """
    plan = plan or Plan()
    cohort = replace(cohort, domains=tuple(map(seen, cohort.domains)))
    parts = (
        check_expression.sizes(cohort),
        *(of_expression(cohort) if other is None else (part for part in other.parts if part.anchor in ALONE)),
        check_response.responses(cohort),
        check_direction.direction(cohort),
        check_response.reliability(cohort),
        check_design.confounding(cohort, plan.drugs),
        check_batches.batch_shift(cohort),
        check_design.folds(cohort, plan),
        check_design.detectable(cohort, plan),
    )
    pictures = tuple(maps(cohort.domains)) if other is None else other.maps
    return Checked(cohort, tuple(p for p in parts if p.lines or p.tables or p.findings), pictures)


def of_expression(cohort: Cohort) -> tuple[Part, ...]:
    """The parts that look at the expression alone."""
    return (
        check_expression.units(cohort),
        check_samples.overlap(cohort),
        check_samples.duplicates(cohort),
        check_mixed_up.mixed_up(cohort),
        check_expression.outliers(cohort),
        check_apart.unnamed_groups(cohort),
    )
