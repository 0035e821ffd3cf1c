"""Repeated cross-validation partitions: one set of rows that every method shares.

A partition depends on y, the groups, the seed and the kind only, so two methods
compared on the same cohort are always compared on the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from tl_jax.errors import InputError

KINDS = ("stratified", "plain", "leave_one_out")


@dataclass(frozen=True)
class Fold:
    """One split. repeat, fold: counted from 0. train, test: row indices (int, ascending, disjoint)."""

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray


def partitions(
    y: np.ndarray, groups: np.ndarray, *, folds: int, repeats: int, seed: int, kind: str = "stratified"
) -> list[Fold]:
    """Every fold of every repeat, ordered by repeat, then fold.

    y: (n,) response without gaps. groups: (n,), samples of one group never part.
    kind: "stratified" balances samples above and below the median of y, "plain" does not;
    "leave_one_out" tests each group alone, ignores `folds` and gives the same partition
    in each repeat (repeats then vary only what the caller draws per repeat).
    Repeat i uses scikit-learn's splitter with random_state seed + 100 * i, so that seed 400 gives
    the series 400, 500, ... 1400 of Ju et al. 2025.
    Raises InputError when the cohort is too small for the folds.
    """
    y, groups = np.asarray(y, np.float64), np.asarray(groups)
    if y.ndim != 1 or groups.shape != y.shape:
        raise ValueError(f"y has shape {y.shape} and groups {groups.shape}; both must be (n,)")
    _check(y, groups, folds, repeats, kind)
    found = []
    for repeat in range(repeats):
        if kind == "leave_one_out":
            tests = _each_group(groups)
        else:
            tests = _shuffled(y, groups, folds, seed + 100 * repeat, kind)
        found += [Fold(repeat, i, _others(test, len(y)), test) for i, test in enumerate(tests)]
    return found


def above_median(y: np.ndarray) -> np.ndarray:
    """(n,) bool strata: above the median of y; where ties make `at or above` the more even cut, that."""
    median = np.median(y)
    above, reaching = y > median, y >= median
    n = len(y)
    return reaching if abs(2 * reaching.sum() - n) < abs(2 * above.sum() - n) else above


def _check(y, groups, folds, repeats, kind):
    if kind not in KINDS:
        raise InputError(f"split kind is '{kind}'; choose one of {', '.join(KINDS)}")
    if repeats < 1:
        raise InputError(f"--repeats={repeats}: at least 1 is needed")
    if not np.isfinite(y).all():
        raise InputError("the response has gaps; leave out the samples without a measurement")
    units = len(np.unique(groups))
    needed = 2 if kind == "leave_one_out" else folds
    if needed < 2:
        raise InputError(f"--folds={folds}: at least 2 are needed")
    if units < needed:
        raise InputError(
            f"{len(y)} samples in {units} groups are too few for {needed} folds; use fewer folds (--folds=N)"
        )
    if kind == "stratified":
        above = int(above_median(y).sum())
        if 0 < above < len(y) and min(above, len(y) - above) < folds:
            raise InputError(
                f"only {min(above, len(y) - above)} samples lie on one side of the median response, "
                f"too few for {folds} stratified folds; use fewer folds (--folds=N) or --split=plain"
            )


def _each_group(groups):
    """Rows of each group, groups in order of first appearance (so single samples come in row order)."""
    _, first, code = np.unique(groups, return_index=True, return_inverse=True)
    return [np.flatnonzero(code == g) for g in np.argsort(first)]


def _shuffled(y, groups, folds, random_state, kind):
    shared = len(np.unique(groups)) < len(groups)
    if kind == "stratified":
        splitter = StratifiedGroupKFold if shared else StratifiedKFold
    else:
        splitter = GroupKFold if shared else KFold
    split = splitter(folds, shuffle=True, random_state=random_state)
    labels = above_median(y) if kind == "stratified" else None
    tests = [test for _, test in split.split(y[:, None], labels, groups if shared else None)]
    if any(len(test) == 0 for test in tests):
        raise InputError(
            f"the groups are too uneven for {folds} {kind} folds; use fewer folds (--folds=N) or --split=plain"
        )
    return tests


def _others(test, n):
    keep = np.ones(n, bool)
    keep[test] = False
    return np.flatnonzero(keep)
