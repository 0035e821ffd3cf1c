"""Looks at the samples of each target (`study/core/looks.py`), and what of a study is registered before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.evaluation.statistics.sequential import after_looks
from tl_jax.study.core import looks
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.stages import fingerprint
from tl_jax.study.many_targets.settings import NAME, ManySettings

WHAT = ("repeats", "folds", "seed", "split")  # other partitions of the same samples
# What stands in the place, or names a table whose content is counted.
ELSEWHERE = (*WHAT, "cohort", "targets", "unit", "direction", "protocols")
Looks = dict[tuple[str, str], list[dict]]  # by protocol and target


def record(settings: ManySettings, source: Domain, targets: Sequence[tuple[str, Problem]]) -> Looks:
    """Every look at the samples of each (target, problem) under its protocol, this one included.

    Samples are known by their ids and responses, so that a table of fewer or more drugs is no way around the count.
    """
    own, found = {name: getattr(settings, name) for name in WHAT}, {}
    for name, problem in targets:
        domain, protocol = problem.domain, problem.protocol.name
        data = [fingerprint(source), fingerprint(domain)]
        own["recipe"] = looks.recipe(settings.science(), ELSEWHERE, data)
        place = " ".join([NAME, protocol, looks.known_by(domain.samples, domain.response)])
        found[protocol, name] = looks.record(settings.checkpoint_dir, place, own)
    return found


def of_protocol(seen: Looks, protocol: str) -> int:
    """How often the target that was judged most was judged; what is said over targets is charged for that."""
    return max((len(one) for (name, _), one in seen.items() if name == protocol), default=1)


def notes(seen: Looks) -> list[str]:
    """A remark for each protocol on the target that was judged most."""
    found = []
    for protocol in dict.fromkeys(name for name, _ in seen):
        most = max((one for (name, _), one in seen.items() if name == protocol), key=len)
        found.append(f"protocol {protocol}: {looks.note(most)}")
    return found


def charged(table: pd.DataFrame, seen: Looks, references: Sequence[str]) -> pd.DataFrame:
    """targets.csv with `looks`, and p_after_looks_over_REFERENCE: p_family of the target's arms charged for them."""
    counts = [len(seen[key]) for key in zip(table["protocol"], table["target"], strict=True)]
    more = {"looks": counts}
    for name in references:
        pairs = zip(table[f"p_family_over_{name}"], counts, strict=True)
        more[f"p_after_looks_over_{name}"] = [after_looks(p, count) for p, count in pairs]
    return table.assign(**more)


def charged_source(table: pd.DataFrame, seen: Looks) -> pd.DataFrame:
    """source_test.csv with `p_after_looks`: p after Holm of a target, p over all targets, charged for looks."""
    p = table["p_holm"].fillna(table["p"])
    counts = [
        len(seen[protocol, target]) if (protocol, target) in seen else of_protocol(seen, protocol)
        for protocol, target in zip(table["protocol"], table["target"], strict=True)
    ]
    return table.assign(p_after_looks=[after_looks(one, count) for one, count in zip(p, counts, strict=True)])


def to_register(
    settings: ManySettings, cohort: Cohort, source: Domain, targets: Mapping[str, Problem], references: Sequence[str]
) -> dict:
    """What a registration says: who is compared with whom, on which targets, by which settings."""
    return {
        "experiment": NAME,
        "cohort": cohort.name,
        "metric": settings.metric,
        "expect": "either",
        "references": list(references),
        "arms": [*settings.closed, *settings.fine_tuned],
        "targets": list(targets),
        "settings": settings.science(),
        "data": {source.name: fingerprint(source), **{k: fingerprint(one.domain) for k, one in targets.items()}},
    }
