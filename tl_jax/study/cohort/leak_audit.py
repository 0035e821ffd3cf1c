"""What every stage and scaler has seen, checked on the study's own rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.data.scaling.scaled import fit_rows
from tl_jax.study.cohort.cases import Case, Run
from tl_jax.study.cohort.nested import inner_folds
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


def leak_audit(run: Run, group: list[Case]) -> pd.DataFrame:
    """One row per thing that is fitted: on what, what of the held-out samples it has seen, and what was checked.

    evaluated: the domain and drug that the rows speak of. held_out: "nothing", "expression", "labels" or "expression
    and labels" of the samples that are held out, or BALANCED where labels decide who is held out and nothing else.
    The checks compare the samples, folds and rows of this very study; one that fails says so in capitals in `result`.
    """
    domain, folds = group[0].domain, group[0].folds
    rows = [*upstream(run, group), disjoint(folds), related(domain, folds), *preprocessing(run, domain, folds)]
    rows += [*scaling(run, domain, folds), *fitting()]
    if run.settings.extras and run.settings.extras.nested:
        rows.append(selection(run, group[0]))
    names = {"protocol": run.settings.protocol, "evaluated": f"{domain.name}: {domain.drugs[0]}"}
    return pd.DataFrame(rows).assign(**names)[list(COLUMNS)]


def upstream(run: Run, group: list[Case]) -> Iterator[Seen]:
    """A row per domain that a source model was trained on: whether the target's samples are among its own."""
    target, known = set(group[0].domain.samples), {}
    for case in group:
        known |= {role: run.cohort.stage(role) for role in case.route}
    if run.outside and known.pop("source", None) is not None:
        yield not_checked(run.outside)
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


def preprocessing(run: Run, domain, folds) -> Iterator[Seen]:
    """Where the domain has some: whether each fold's is what its training rows alone give."""
    if not domain.preprocess:
        return
    lent = run.settings.rules.expression_from != "train"
    first = [f for f in folds if f.fold.repeat == folds[0].fold.repeat]
    same = sum(f.prepare.record() == fit_rows(domain, f.fold.train).record() for f in first)
    found = f"equal in {same} of {len(first)} folds" if lent or same == len(first) else f"{len(first) - same} DIFFER"
    yield Seen(
        *("preprocessing", ", ".join(domain.preprocess.steps)),
        *(("all samples, without labels", "expression") if lent else ("training rows of the fold", "nothing")),
        *("fitted again on the training rows of each fold of the first repeat", found),
    )


def scaling(run: Run, domain, folds) -> tuple[Seen, Seen]:
    """Which rows gave the statistics that scale expression and response."""
    rules, low, high = run.settings.rules, domain.response.min(), domain.response.max()
    own = sum(f.test is f.train for f in folds)
    whole = sum((f.response.low, f.response.high) == (low, high) for f in folds)
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


def fitting() -> tuple[Seen, Seen]:
    """What is so by construction: fitting takes the training rows' indices and no others."""
    train = "training rows of the fold"
    networks = ("held-out loss is recorded for curves only", "a fixed number of epochs, no early stopping")
    closed = ("held-out rows are only predicted", "by construction")
    return (
        Seen("training", "networks", train, "nothing", *networks),
        Seen("tuning", "baselines and closed forms", f"{train}, inner folds", "nothing", *closed),
    )


def selection(run: Run, case: Case) -> Seen:
    """Whether any inner fold of the nested choice holds a held-out row."""
    touched = 0
    for number, outer in enumerate(case.folds):
        used = [np.concatenate([f.fold.train, f.fold.test]) for f in inner_folds(run, case.domain, outer, number)]
        touched += len(np.intersect1d(np.concatenate(used), outer.fold.test))
    found = f"{touched} IN COMMON" if touched else "none in common"
    where = "inner folds of the training rows"
    return Seen("selection", "nested choice", where, "nothing", "rows of inner folds against held-out rows", found)
