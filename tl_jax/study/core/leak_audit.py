"""What every stage and scaler has seen, checked on the study's own rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.seen import fit_rows
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.stages import TrainedStage

COLUMNS = ("protocol", "evaluated", "stage", "what", "fitted_on", "held_out", "check", "result")
BALANCED = "labels, to balance folds"
LENT = {"train": "nothing", "own": "expression", "all": "expression"}
EXPRESSION = {
    "train": "training rows of the fold",
    "own": "training rows by themselves; held-out rows by themselves",
    "all": "all samples, without labels",
}


class Seen(NamedTuple):
    """One thing that is fitted, what of the held-out samples it has seen, what was checked and what came out."""

    stage: str
    what: str
    fitted_on: str
    held_out: str
    check: str
    result: str


def leak_audit(
    problem: Problem,
    cohort: Cohort,
    roles: Iterable[str],
    *,
    inner: Problem | None = None,
    outside: TrainedStage | None = None,
    moved: bool = False,
) -> pd.DataFrame:
    """One row per thing that is fitted: on what, what of the held-out samples it has seen, and what was checked.

    Args:
        roles: of the domains whose models are started from. inner: the folds of the nested choice, where there is one.
        outside: a source model that the user gave. moved: whether an arm's training sees all expression that the
        protocol lends, by an alignment or a penalty.
    Returns:
        evaluated: the domain and drug that the rows speak of. held_out: "nothing", "expression", "labels" or
        "expression and labels" of the samples that are held out, or BALANCED where labels decide who is held out and
        nothing else. The checks compare the samples, folds and rows of this very study; one that fails says so in
        capitals in `result`.
    """
    domain, folds = problem.domain, problem.folds
    rows = [*upstream(domain, cohort, roles, outside), disjoint(folds), related(domain, folds)]
    rows += [*preprocessing(problem), *scaling(problem), *fitting(problem, moved)]
    if inner:
        rows.append(selection(problem, inner))
    names = {"protocol": problem.protocol.name, "evaluated": f"{domain.name}: {domain.drugs[0]}"}
    return pd.DataFrame(rows).assign(**names)[list(COLUMNS)]


def upstream(domain: Domain, cohort: Cohort, roles: Iterable[str], outside: TrainedStage | None) -> Iterator[Seen]:
    """A row per domain that a source model was trained on: whether the target's samples are among its own."""
    target, known = set(domain.samples), {role: cohort.stage(role) for role in roles}
    if outside and known.pop("source", None) is not None:
        yield not_checked(outside)
    for role, domain in known.items():
        both = sorted(target & set(domain.samples))
        yield Seen(
            role,
            f"models of {domain.name}",
            f"all samples of {domain.name}",
            "expression and labels" if both else "nothing",
            "names of samples compared with the target's",
            f"{len(both)} SHARED: {', '.join(both[:3])}" if both else "none shared",
        )


def not_checked(stage: TrainedStage) -> Seen:
    """The row of leak_audit.csv: whether the target's samples were among those of the training cannot be told."""
    meta = stage.meta
    unknown = "not known: the samples of its training do not come with a checkpoint"
    check = "none is possible; ask its authors whether the target's samples were among them"
    what = f"model {meta['domain']} ({meta['id']}), given by the user"
    return Seen("source", what, unknown, "NOT KNOWN", check, "NOT CHECKED")


def disjoint(folds) -> Seen:
    both = sum(len(np.intersect1d(f.fold.train, f.fold.test)) for f in folds)
    found = f"{both} ROWS IN BOTH" if both else "disjoint in every fold"
    strata = "labels of all samples, by their median alone"
    return Seen("partition", "training and held-out rows", strata, BALANCED, "rows of each fold compared", found)


def related(domain, folds) -> Seen:
    """Whether samples of one group ever part."""
    split = sum(bool(set(domain.groups[f.fold.train]) & set(domain.groups[f.fold.test])) for f in folds)
    count = len(domain.groups) - len(set(domain.groups))
    found = f"SPLIT in {split} folds" if split else "kept together"
    check = f"groups of each fold compared ({count} samples beyond the first of a group)"
    return Seen("partition", "related samples", "groups of the cohort file", "nothing", check, found)


def preprocessing(problem: Problem) -> Iterator[Seen]:
    """Where the domain has some: whether each fold's is what its training rows alone give."""
    domain, folds = problem.domain, problem.folds
    if not domain.preprocess:
        return
    lent = problem.protocol.expression_from != "train"
    first = [f for f in folds if f.fold.repeat == folds[0].fold.repeat]
    same = sum(f.prepare.record() == fit_rows(domain, f.fold.train).record() for f in first)
    found = f"equal in {same} of {len(first)} folds" if lent or same == len(first) else f"{len(first) - same} DIFFER"
    yield Seen(
        *("preprocessing", ", ".join(domain.preprocess.steps)),
        *(("all samples, without labels", "expression") if lent else ("training rows of the fold", "nothing")),
        *("fitted again on the training rows of each fold of the first repeat", found),
    )


def scaling(problem: Problem) -> tuple[Seen, Seen]:
    """Which rows gave the statistics that scale expression and response."""
    rules, response, folds = problem.protocol, problem.domain.response, problem.folds
    own = sum(f.test is f.train for f in folds)
    whole = sum((f.response.low, f.response.high) == (response.min(), response.max()) for f in folds)
    lent = rules.response_from == "all"
    return (
        Seen(
            *("scaling", "expression", EXPRESSION[rules.expression_from], LENT[rules.expression_from]),
            *("which scaler held-out rows meet", f"the same as training rows in {own} of {len(folds)} folds"),
        ),
        Seen(
            *("scaling", "response range", "all samples" if lent else "training rows of the fold"),
            "labels" if lent else "nothing",
            "range of each fold against that of all samples",
            f"equal in {whole} of {len(folds)} folds",
        ),
    )


def fitting(problem: Problem, moved: bool) -> tuple[Seen, Seen]:
    """What is so by construction: fitting takes the training rows' labels and no others."""
    train, sees = "training rows of the fold", moved and problem.protocol.expression_from == "all"
    networks = ("held-out loss is recorded for curves only", "a fixed number of epochs, no early stopping")
    closed = ("held-out rows are only predicted", "by construction")
    seen = (f"{train}; an alignment or penalty: all expression", "expression") if sees else (train, "nothing")
    return (
        Seen("training", "networks", *seen, *networks),
        Seen("tuning", "baselines and closed forms", f"{train}, inner folds", "nothing", *closed),
    )


def selection(problem: Problem, inner: Problem) -> Seen:
    """Whether any inner fold of the nested choice holds a held-out row, and what its scaling has seen of them."""
    touched, each = 0, len(inner.folds) // len(problem.folds)
    for number, outer in enumerate(problem.folds):
        own = inner.folds[number * each : (number + 1) * each]
        used = np.concatenate([np.concatenate([f.fold.train, f.fold.test]) for f in own])
        touched += len(np.intersect1d(used, outer.fold.test))
    found = f"{touched} IN COMMON" if touched else "none in common"
    rules, where = problem.protocol, "inner folds of the training rows"
    # Inner folds follow the protocol like outer ones: what it lends of all samples is lent of the outer held-out too.
    prepared = bool(problem.domain.preprocess) and rules.expression_from != "train"
    seen = {"expression": rules.expression_from == "all" or prepared, "labels": rules.response_from == "all"}
    lent = [name for name, is_seen in seen.items() if is_seen]
    where += f", scaled with the {' and '.join(lent)} of all samples" if lent else ""
    check = "rows of inner folds against held-out rows"
    return Seen("selection", "nested choice", where, " and ".join(lent) or "nothing", check, found)
