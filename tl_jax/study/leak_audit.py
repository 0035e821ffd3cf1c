"""What every stage and scaler has seen, checked on the study's own rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.study.cases import Case, Run

COLUMNS = ("protocol", "stage", "what", "fitted_on", "held_out", "check", "result")
LENT = {"train": "nothing", "own": "expression", "all": "expression"}
EXPRESSION = {
    "train": "training rows of the fold",
    "own": "training rows by themselves; held-out rows by themselves",
    "all": "all samples, without labels",
}


def leak_audit(run: Run, group: list[Case]) -> pd.DataFrame:
    """One row per thing that is fitted: on what, what of the held-out samples it has seen, and what was checked.

    held_out: "nothing", "expression" or "expression and labels" of the samples that are held out. The checks compare
    the samples, folds and rows of this very study; a check that fails says so in `result`.
    """
    rules, domain, folds = run.settings.rules, group[0].domain, group[0].folds
    shared = "labels" if rules.response_from == "all" else "nothing"
    rows = [
        *upstream_rows(run, group),
        ("partition", "training and held-out rows", "labels of all samples (stratified by their median)", "labels", *apart(folds)),
        ("partition", "related samples", "groups of the cohort file", "nothing", *groups_whole(domain, folds)),
        ("scaling", "expression", EXPRESSION[rules.expression_from], LENT[rules.expression_from], *scaled_by(folds, rules)),
        ("scaling", "response range", "all samples" if shared == "labels" else "training rows of the fold", shared, *ranged_by(domain, folds, shared)),
        ("training", "networks", "training rows of the fold; a fixed number of epochs", "nothing", "held-out loss is recorded for curves only", "no early stopping"),
        ("tuning", "baselines and closed forms", "training rows of the fold, inner folds", "nothing", "held-out rows are only predicted", "by construction"),
    ]  # fmt: skip
    if run.settings.extras and run.settings.extras.nested:
        rows.append(("selection", "strategy, learning rate, epochs", "inner folds of the training rows", "nothing", *inner_rows(run, group[0])))
    return pd.DataFrame([(rules.name, *row) for row in rows], columns=list(COLUMNS))


def upstream_rows(run: Run, group: list[Case]):
    """A row per domain that a source model was trained on: whether the target's samples are among its own."""
    target, seen = set(group[0].domain.samples), {}
    for case in group:
        for role in case.route:
            domain = run.cohort.stage(role)
            seen[domain.name] = (role, domain)
    for name, (role, domain) in seen.items():
        both = sorted(target & set(domain.samples))
        found = "none shared" if not both else f"{len(both)} SHARED: {', '.join(both[:3])}"
        held = "nothing" if not both else "expression and labels"
        yield role, f"model of {name}", f"all samples of {name}", held, "names of samples compared with the target's", found


def apart(folds) -> tuple[str, str]:
    both = sum(len(np.intersect1d(f.fold.train, f.fold.test)) for f in folds)
    return "rows of each fold compared", "disjoint in every fold" if not both else f"{both} ROWS IN BOTH"


def groups_whole(domain, folds) -> tuple[str, str]:
    split = sum(bool(set(domain.groups[f.fold.train]) & set(domain.groups[f.fold.test])) for f in folds)
    count = len(domain.groups) - len(set(domain.groups))
    return f"groups of each fold compared ({count} related samples)", "kept together" if not split else f"SPLIT in {split} folds"


def scaled_by(folds, rules) -> tuple[str, str]:
    alike = sum(f.test is f.train for f in folds)
    return "which scaler held-out rows meet", f"the training rows' in {alike} of {len(folds)} folds"


def ranged_by(domain, folds, shared) -> tuple[str, str]:
    low, high = domain.response.min(), domain.response.max()
    whole = sum((f.response.low, f.response.high) == (low, high) for f in folds)
    return "range of each fold against that of all samples", f"equal in {whole} of {len(folds)} folds"


def inner_rows(run: Run, case: Case) -> tuple[str, str]:
    """Whether any inner fold of the selection holds a held-out row."""
    from tl_jax.study.nested import inner_folds

    touched = 0
    for number, outer in enumerate(case.folds):
        used = [np.concatenate([f.fold.train, f.fold.test]) for f in inner_folds(run, case.domain, outer, number)]
        touched += len(np.intersect1d(np.concatenate(used), outer.fold.test))
    return "rows of inner folds compared with held-out rows", "none in common" if not touched else f"{touched} IN COMMON"
