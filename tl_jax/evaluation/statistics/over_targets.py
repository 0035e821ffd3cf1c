"""One gain per target, over several targets: what may be said depends on whether the targets share samples.

Targets of their own samples (other cohorts) are independent: a t-test over targets (`independent`). Drugs measured on
the same samples are not: a sample that is odd is odd for all of them, so ten drugs are far less than ten targets. There
the samples are what another study would draw anew, and the unit is the sample (`pooled`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from tl_jax.evaluation.statistics.comparisons import Arms, of_study
from tl_jax.evaluation.statistics.influence import Influence, influence_test, max_t
from tl_jax.evaluation.statistics.paired import corrected_t

FEWEST = 3  # independent targets for a t-test over them; below the interval says nothing
COLUMNS = ("arm", "reference", "targets", "samples", "gain", "ci_low", "ci_high", "p", "p_family")


class OverTargets(NamedTuple):
    """gain: mean over targets; low, high: 95 % interval; p: two-sided."""

    targets: int
    gain: float
    low: float
    high: float
    t: float
    p: float


class OfTarget(NamedTuple):
    """One target: units (k,) names of its samples, or of groups of related ones, in the order of the influences' units;
    arms: the influence of each on every arm's score."""

    units: np.ndarray
    arms: Mapping[str, Influence]


def independent(gains: Sequence[float]) -> OverTargets:
    """t-test over independent targets, one gain each; undefined ones are left out."""
    test = corrected_t(gains, 0.0)
    known = np.asarray(gains, np.float64)
    known = known[np.isfinite(known)]
    mean = float(known.mean()) if len(known) else float("nan")
    return OverTargets(len(known), mean, test.low, test.high, test.t, test.p)


def shared(samples: Sequence[Collection[str]]) -> bool:
    """Whether any two targets have a sample in common."""
    names = [name for one in samples for name in set(map(str, one))]
    return len(names) > len(set(names))


def of_target(rows: pd.DataFrame, groups: Mapping[str, str] | None = None, arms: Arms | None = None) -> OfTarget:
    """A target's influences from its held-out predictions.

    Args:
        rows: arm, repeat, fold, sample_id, y_true, y_pred of every arm on the same folds; no arm twice.
        groups: {sample: group}. arms: the influences where they are known, else they are worked out.
    """
    known = of_study(rows.assign(source=""), groups) if arms is None else arms
    units = {str((groups or {}).get(name, name)) for name in rows["sample_id"].unique()}
    return OfTarget(np.array(sorted(units)), {arm: one for (_, arm), one in known.items()})


def pooled(targets: Sequence[OfTarget], arm: str) -> Influence:
    """The influence of every unit on the mean score of an arm over targets: of the targets that it belongs to.

    The score of a fold is the mean over targets of the folds of its number, which targets may draw each by its own.
    """
    units, place = np.unique(np.concatenate([one.units for one in targets]), return_inverse=True)
    ends = np.cumsum([len(one.units) for one in targets])[:-1]
    own = [one.arms[arm] for one in targets]
    moved = np.zeros((len(own[0].moved), len(units)))
    for part, at in zip(own, np.split(place, ends), strict=True):
        moved[:, at] += (part.moved - part.moved.mean()) / len(own)
    ranks = [rankdata(part.predicted, axis=1) / part.predicted.shape[1] for part in own]
    return Influence(np.mean([part.score for part in own], axis=0), moved, np.concatenate(ranks, axis=1))


def over_shared_samples(targets: Sequence[OfTarget], reference: str) -> pd.DataFrame:
    """Every arm minus the reference over targets that share samples: a row each, the interval and p over samples.

    The targets are taken as they are, and the samples as drawn: p speaks of other samples and the same targets.
    p_family counts all arms. Arms that are undefined on a target are left out.
    """
    arms = [arm for arm in targets[0].arms if all(arm in one.arms for one in targets)]
    if reference not in arms:
        return pd.DataFrame(columns=list(COLUMNS))
    base, tests = pooled(targets, reference), {}
    for arm in arms:
        if arm != reference:
            tests[arm] = influence_test(pooled(targets, arm), base)
    corrected = np.maximum(max_t(list(tests.values())), [test.p for test in tests.values()]) if tests else []
    samples = len(np.unique(np.concatenate([one.units for one in targets])))
    rows = [
        (arm, reference, len(targets), samples, test.difference, test.low, test.high, test.p, float(p))
        for (arm, test), p in zip(tests.items(), corrected, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
