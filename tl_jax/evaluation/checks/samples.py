"""Checks of who was measured: the same sample in two domains, or twice in one."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.tables.cells import examples
from tl_jax.data.tables.same_names import REPEAT, normal
from tl_jax.evaluation.checks.parts import BLOCKING, LOOK, Finding, Part, Stage, count, stages
from tl_jax.evaluation.statistics.profile_pairs import Pair, correlations, pairs_across, pairs_within

MOST_SHOWN = 30


def overlap(cohort: Cohort) -> Part:
    """Samples that stand in two domains, by name or by expression."""
    rows, findings = [], []
    for first, second in combinations(stages(cohort), 2):
        found, more = _overlap(first, second)
        rows += found
        findings += more
    line = (
        "Two tests. Names, without case and signs. Expression, by the correlation of profiles centred within each "
        "domain: near 1 the same measurement; each other's nearest by a margin, the same line on two platforms, or "
        "lines of one donor. Of 48 lines measured both in GDSC and in NCI-60 the second test finds 28."
    )
    if len(cohort.domains) < 2:
        return Part("overlap", "The same sample in two domains")
    tables = (("Pairs over domains", pd.DataFrame(rows[:MOST_SHOWN])),) if rows else ()
    lines = (line if rows else f"None found. {line}",)
    return Part("overlap", "The same sample in two domains", lines, tables, tuple(findings))


def _overlap(first: Stage, second: Stage) -> tuple[list[dict], list[Finding]]:
    """Rows and findings of one pair of domains."""
    a, b = first.domain, second.domain
    alike = {(p.i, p.j): p for p in pairs_across(a.x, b.x)}
    known: dict[str, list[int]] = {}
    for i, name in enumerate(a.samples):
        known.setdefault(normal(name), []).append(i)
    named = [(i, j) for j, name in enumerate(b.samples) for i in known.get(normal(name), [])]
    r, usual = correlations(a.x, b.x, named) if named and min(len(a), len(b)) >= 4 else ([float("nan")] * len(named), 1)
    confirmed = [ij for ij, value in zip(named, r, strict=True) if value >= usual or ij in alike]
    others = [p for ij, p in alike.items() if ij not in set(named)]
    rows = [
        {**_row(a, b, i, j, value), "what": "same name" + (", alike" if (i, j) in confirmed else ", not alike")}
        for (i, j), value in zip(named, r, strict=True)
    ]
    rows += [_row(a, b, p.i, p.j, p.r) | {"what": "same profile" if p.same else "nearest by a margin"} for p in others]
    return rows, _overlap_findings(a, b, named, confirmed, others)


def _row(a: Domain, b: Domain, i: int, j: int, r: float) -> dict:
    """A pair as a row."""
    return {
        "domains": f"{a.name}, {b.name}" if a is not b else a.name,
        "sample": str(a.samples[i]),
        "other sample": str(b.samples[j]),
        "correlation": float(r),
    }


def _overlap_findings(a: Domain, b: Domain, named, confirmed, others: list[Pair]) -> list[Finding]:
    """What the pairs of two domains mean."""
    where, found = f"{a.name}, {b.name}", []
    remedy = f"leave them out of {a.name} (exclude_samples): its models would have seen what folds of {b.name} hold out"
    same = [p for p in others if p.same]
    if confirmed:
        names = examples(str(b.samples[j]) for _, j in confirmed)
        text = f"{a.name} and {b.name} have {count(len(confirmed), 'sample')} in common, by name and profile ({names})"
        found.append(Finding(BLOCKING, "overlap", where, text, remedy))
    if len(named) > len(confirmed):
        left = [j for i, j in named if (i, j) not in set(confirmed)]
        names = examples(str(b.samples[j]) for j in left)
        text = f"{a.name} and {b.name} share {count(len(left), 'name')} whose profiles do not agree ({names})"
        found.append(Finding(LOOK, "overlap", where, text, f"if they are the same samples: {remedy}"))
    for pairs, severity, what in (
        (same, BLOCKING, "have the same profile under two names"),
        (
            [p for p in others if not p.same],
            LOOK,
            "are each other's nearest by a margin, as one line on two platforms is",
        ),
    ):
        if pairs:
            names = ", ".join(f"{a.samples[p.i]} and {b.samples[p.j]}" for p in pairs[:3]) + (
                ", ..." * (len(pairs) > 3)
            )
            verb = f"{count(len(pairs), 'pair')} of {a.name} and {b.name} {what} ({names})"
            text = remedy if severity == BLOCKING else f"look them up; if they are of one donor: {remedy}"
            found.append(Finding(severity, "overlap", where, verb, text))
    return found


def duplicates(cohort: Cohort) -> Part:
    """Samples that stand twice in one domain, or are of one donor, by expression or by name."""
    rows, findings = [], []
    for stage in stages(cohort):
        domain = stage.domain
        pairs = pairs_within(domain.x)
        apart = [p for p in pairs if domain.groups[p.i] != domain.groups[p.j]]
        for p in pairs:
            kind = "same profile" if p.same else "nearest by a margin"
            together = "one group" if p not in apart else "in two groups"
            rows.append(_row(domain, domain, p.i, p.j, p.r) | {"what": kind, "groups": together})
        findings += _twice(stage, [p for p in apart if p.same], [p for p in apart if not p.same])
        findings += repeats(domain)
    line = (
        "Samples of one donor that stand in two groups may part between training and held-out rows, which flatters "
        "every method. Correlation of profiles centred within the domain."
    )
    tables = (("Pairs within a domain", pd.DataFrame(rows[:MOST_SHOWN])),) if rows else ()
    lines = (line if rows else f"None found. {line}",)
    return Part("duplicates", "Twice in one domain", lines, tables, tuple(findings))


def _twice(stage: Stage, same: list[Pair], near: list[Pair]) -> list[Finding]:
    """Pairs in different groups: they block where the domain is judged on; a source only learns from them."""
    domain, found = stage.domain, []
    severity = BLOCKING if stage.evaluated else LOOK
    for pairs, how, what in (
        (same, severity, "have the same profile"),
        (near, LOOK, "are each other's nearest by a margin"),
    ):
        if pairs and (stage.evaluated or pairs is same):
            names = ", ".join(f"{domain.samples[p.i]} and {domain.samples[p.j]}" for p in pairs[:3])
            names += ", ..." * (len(pairs) > 3)
            text = f"{count(len(pairs), 'pair')} of {domain.name} {what} but stand in different groups ({names})"
            joined = f'["{domain.samples[pairs[0].i]}", "{domain.samples[pairs[0].j]}"]'
            remedy = f"if they are of one donor, put them in one group (groups = [{joined}]) or leave one out"
            found.append(Finding(how, "duplicates", domain.name, text, remedy))
    return found


def repeats(domain: Domain) -> list[Finding]:
    """Names that differ only by letter case and signs, or by the number of a repeat, in different groups."""
    groups: dict[str, set[str]] = {}
    members: dict[str, list[str]] = {}
    for name, group in zip(map(str, domain.samples), map(str, domain.groups), strict=True):
        stem = normal(REPEAT.sub("", name))
        groups.setdefault(stem, set()).add(group)
        members.setdefault(stem, []).append(name)
    split = [stem for stem, own in groups.items() if len(own) > 1]
    if not split:
        return []
    text = (
        f"{count(len(split), 'name')} of {domain.name} stand twice but for signs or a repeat's number, in different "
        f"groups ({examples(members[split[0]])})"
    )
    remedy = "if they are repeats of one sample, average them (sample_pattern) or put them in one group (groups)"
    return [Finding(LOOK, "duplicates", domain.name, text, remedy)]
