"""Do the processes use what the labels of the source drugs carry? Lines exchange the responses to all drugs at once.

The profile is fitted again, reliabilities included, and the arms run again from it on the same folds. One p for each
target, and one for the mean over targets, which is the question of a study of many of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.data.domain import RESISTANT, SHRUNKEN, Domain
from tl_jax.data.seen import seen
from tl_jax.evaluation.predictors.drug_profile import DrugProfile, permuted_profiles
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.profile_gp import profile_gp
from tl_jax.evaluation.predictors.source_methods import MECHANISM
from tl_jax.evaluation.statistics.metrics import sign
from tl_jax.evaluation.statistics.paired import holm
from tl_jax.evaluation.statistics.source_test import sequential
from tl_jax.study.cohort.source_closed import mean_of, scored
from tl_jax.study.core.arms import How
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.permuted_stages import shuffled_orders
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.source_test import PURPOSE, kept, until_settled
from tl_jax.study.core.table import per_fold
from tl_jax.study.many_targets.drugs import PROCESSES, SOURCE, Sources, scaled_rows
from tl_jax.study.many_targets.settings import ManySettings

STEP = 8  # profiles that stand in memory together; it changes no number
ALL = "all targets"  # the mean over them
COLUMNS = ("target", "arm", "source", "protocol", "observed", "permutations", "at_least", "p", "null_mean", "p_holm")
Key = tuple[str, str]  # arm, target


def source_tests(settings: ManySettings, source: Domain, sources: Sources, found, how: How) -> pd.DataFrame:
    """One row for each process, target and protocol, the mean over targets first; Holm's correction over the targets.

    Args:
        source: with all its drugs, as the profile was fitted to it. found: (target, results) on true labels. The
        permutations meet the same folds.
    """
    rows: list[dict] = []
    for protocol in settings.protocols:
        own = [(target, results) for target, results in found if target.problem.protocol.name == protocol]
        problems = {target.drug: target.problem for target, _ in own}
        observed = {
            (one.arm, target.drug): score(target.problem, one)
            for target, results in own
            for one in results
            if one.arm in PROCESSES
        }
        arms = [arm for arm in PROCESSES if any(arm == name for name, _ in observed)]
        whole = {(arm, ALL): mean_of(np.array([observed[arm, drug] for drug in problems])) for arm in arms}
        rows += tested(settings, source, sources, problems, {**whole, **observed}, how)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def score(problem: Problem, one) -> float:
    """The mean of the judging metric over all folds, more being better."""
    return sign(problem.metric) * float(mean_of(per_fold(problem, one)["value"].to_numpy(np.float64)))


def tested(settings: ManySettings, source: Domain, sources: Sources, problems, observed: dict[Key, float], how: How):
    """The rows of one protocol. problems: {target: its problem}."""
    first = next(iter(problems.values()))
    label, parents = f"{PURPOSE}, {first.protocol.name}", (sources.identity,)
    folds = [problem.identity for problem in problems.values()]

    def keep(make, about):
        return kept(make, first, label, parents, [*about, folds], how)

    with threadpool_limits(1):  # matrices of a fold are too small to share among threads
        run = partial(block, settings, source, sources, problems)
        scores = until_settled(observed, settings.source_permutations, STEP, run, keep, how.label(label))
    direction, rows = sign(first.metric), []
    for (arm, target), seen_score in observed.items():
        p = sequential(seen_score, scores[arm, target])
        null = np.asarray(scores[arm, target][: p.permutations])
        ends = (first.protocol.name, direction * seen_score, *p, direction * float(np.nanmean(null)), np.nan)
        rows.append(dict(zip(COLUMNS, (target, arm, SOURCE, *ends), strict=True)))
    for arm in {row["arm"] for row in rows}:
        own = [row for row in rows if row["arm"] == arm and row["target"] != ALL]
        for row, p in zip(own, holm([row["p"] for row in own]), strict=True):
            row["p_holm"] = p
    return rows


def block(settings: ManySettings, source: Domain, sources: Sources, problems, keys: Sequence[Key], numbers: range):
    """(keys, permutations) scores of processes from profiles of permuted lines."""
    orders = shuffled_orders(source, settings.seed, numbers)
    resistant = source.direction == RESISTANT
    given = (seen(source).x, source.y, source.drugs, source.tissue)
    made = list(permuted_profiles(*given, orders, resistant=resistant, min_lines=settings.min_lines))
    profiles = [one._replace(weights=one.weights.astype(np.float64)) for one in made]  # once, not on every fold
    arms = list(dict.fromkeys(arm for arm, _ in keys))
    open_ = problems if any(target == ALL for _, target in keys) else {target for _, target in keys}
    found: dict[Key, np.ndarray] = {}
    for drug in open_:
        problem = problems[drug]
        alike = acts_alike(problem.domain.drugs[0], profiles[0].drugs, sources.mechanisms).drugs
        each = [predictions(problem.domain, f, profiles, arms, alike) for f in problem.folds]
        found |= {(arm, drug): scored(problem, (one[arm] for one in each)) for arm in arms}
    for arm in arms if ALL in {target for _, target in keys} else ():
        found[arm, ALL] = mean_of(np.array([found[arm, drug] for drug in problems]))
    return np.array([found[key] for key in keys])


def predictions(domain: Domain, fold: ScaledFold, profiles: Sequence[DrugProfile], arms: Sequence[str], alike):
    """{arm: (m, profiles) predictions of the fold's held-out rows}; alike: source drugs of the target's mechanism."""
    train, test = fold.fold.train, fold.fold.test
    z = scaled_rows(domain, fold.rescaled(domain, SHRUNKEN, profiles[0].variance))
    options = {"resistant": domain.direction == RESISTANT}
    found: dict[tuple, np.ndarray] = {}
    named = {arm: tuple(alike) if arm == MECHANISM else () for arm in arms}
    for own in dict.fromkeys(named.values()):  # without drugs that act alike both processes are one
        each = [profile_gp(z[train], fold.y[train], z[test], one, alike=own, **options) for one in profiles]
        found[own] = np.stack(each, axis=1)
    return {arm: found[own] for arm, own in named.items()}
