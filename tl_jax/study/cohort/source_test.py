"""Does an arm use what a source's labels carry? Every arm that is asked for, on every way to the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.evaluation.statistics.against import base
from tl_jax.evaluation.statistics.metrics import sign
from tl_jax.evaluation.statistics.source_test import (
    COLUMNS,
    GLS,
    RETRAINED,
    SHUFFLED,
    Sequential,
    deciding,
    needed,
    sequential,
)
from tl_jax.study.cohort.arms import Case, methods_of, networks_of
from tl_jax.study.cohort.prepare import Plan
from tl_jax.study.cohort.source_closed import AT_ONCE, at_once, gls, mean_of, shuffled
from tl_jax.study.cohort.source_plan import asked_arms
from tl_jax.study.core.arms import How, run_arms
from tl_jax.study.core.permuted_stages import block_size, retrain
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.source_test import PURPOSE, kept, until_settled
from tl_jax.study.core.table import ArmResult, ResultTable, per_fold
from tl_jax.system.progress import watched

Pair = tuple[str, str]  # arm, source


class Asked(NamedTuple):
    """The arms of one source, or of all sources of a route: (arm, source) of each, and the cases that they read."""

    pairs: tuple[Pair, ...]
    cases: tuple[Case, ...]


def source_tests(plan: Plan, problem: Problem, cases: list[Case], how: How, own: ResultTable) -> pd.DataFrame:
    """One row for each arm, way and method; see evaluation/statistics/source_test.py for what p says.

    Args:
        own: results on true labels. The permutations meet the same folds, keys and recipes.
    """
    asked = list(asked_of(plan, cases, own))
    count = plan.settings.source_permutations or needed(len(asked))
    rows: list[dict] = []
    for one in asked:
        closed = [pair for pair in one.pairs if base(pair[0]) in AT_ONCE]
        trained = tuple(pair for pair in one.pairs if pair not in closed)
        with threadpool_limits(1):  # matrices of a fold are too small to share among threads
            for pair in closed:
                rows.append(of_closed(problem, pair, one.cases, how, own, count))
        if trained:
            rows += of_trained(plan, problem, Asked(trained, one.cases), how, own, count)
        with threadpool_limits(1):
            rows += stand_ins(plan, problem, one, how, own, count)
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    return table.assign(decides=deciding(table))


def asked_of(plan: Plan, cases: list[Case], own: ResultTable) -> Iterator[Asked]:
    """The arms that are asked for, by the cases that they read, in the order of the study."""
    names, found = set(asked_arms(plan)), own.arms
    by_cases: dict[tuple[int, ...], list[Pair]] = {}
    for place, case in enumerate(cases):
        for arm, source in found:
            if base(arm) in names and source == case.way.source and case.stages:
                by_cases.setdefault((place,), []).append((arm, source))
    for read, arm in methods_of(plan, cases):
        if arm.name in names and len(read) > 1:
            by_cases.setdefault(tuple(cases.index(one) for one in read), []).append((arm.name, arm.source))
    for places, pairs in by_cases.items():
        yield Asked(tuple(pairs), tuple(cases[place] for place in places))


def score_of(problem: Problem, one: ArmResult) -> float:
    """The mean of the judging metric over all folds of all repeats, more being better."""
    return sign(problem.metric) * float(mean_of(per_fold(problem, one)["value"].to_numpy(np.float64)))


def row_of(problem: Problem, pair: Pair, cases, method: str, observed: float, scores, found: Sequential) -> dict:
    """One row of the table; scores: of the permutations that were used."""
    known, direction = np.asarray(scores)[np.isfinite(scores)], sign(problem.metric)
    null = (direction * known.mean(), direction * np.quantile(known, 0.95)) if len(known) else (np.nan, np.nan)
    labels = dict.fromkeys(
        f"{one.plan.domain.name}: {one.plan.domain.drugs[0]}" for one in (c.stages[0] for c in cases)
    )
    ends = (problem.protocol.name, "; ".join(labels), method, direction * observed, *found, *null)
    return dict(zip(COLUMNS[:-1], (*pair, *ends), strict=True))


def of_closed(problem: Problem, pair: Pair, cases, how: How, own: ResultTable, count: int) -> dict:
    """An arm whose source is a ridge: all permutations at once."""
    (case,), numbers = cases, range(1, count + 1)
    label = f"{PURPOSE} of {pair[0]} from {pair[1]}"
    with watched(1, how.label(label), "arms") as progress:
        make = partial(at_once, pair[0], problem, case, numbers, how.seed)
        scores = kept(make, problem, label, ids_of(cases), count, how)
        progress.advance(1)
    observed = score_of(problem, own.of(*pair))
    return row_of(problem, pair, cases, RETRAINED, observed, scores, sequential(observed, scores, None))


def ids_of(cases) -> tuple[str, ...]:
    return tuple(one for case in cases for one in case.way.ids)


def of_trained(plan: Plan, problem: Problem, asked: Asked, how: How, own: ResultTable, count: int) -> list[dict]:
    """Arms that read networks: block after block of permutations until each arm's p is settled."""
    observed = {pair: score_of(problem, own.of(*pair)) for pair in asked.pairs}
    step = block_size([stage for case in asked.cases for stage in case.stages])
    label = f"{PURPOSE} of {', '.join(dict.fromkeys(arm for arm, _ in asked.pairs))}"
    scores = until_settled(
        observed,
        count,
        step,
        lambda pairs, numbers: block(plan, problem, pairs, asked.cases, numbers, how),
        lambda make, about: kept(make, problem, label, ids_of(asked.cases), about, how),
        how.label(f"{label} from {asked.pairs[0][1]}"),
    )
    rows = []
    for pair in asked.pairs:
        p = sequential(observed[pair], scores[pair])
        rows.append(row_of(problem, pair, asked.cases, RETRAINED, observed[pair], scores[pair][: p.permutations], p))
    return rows


def block(plan: Plan, problem: Problem, pairs: Sequence[Pair], cases, numbers: range, how: How) -> np.ndarray:
    """(pairs, permutations) scores of arms after their sources were trained again."""
    chains = [retrain(case.stages, numbers, how) for case in cases]
    names, arms = {base(arm) for arm, _ in pairs}, []
    for k, number in enumerate(numbers):
        again = [permuted_case(case, chain[k], number) for case, chain in zip(cases, chains, strict=True)]
        made = [arm for case in again for arm in networks_of(plan, case)]
        made += [arm for read, arm in methods_of(plan, again) if len(read) == len(cases)]
        arms += [arm for arm in made if arm.base in names and arm.source in {source for _, source in pairs}]
    networks = [arm for arm in arms if arm.strategy]
    # Closed forms take moments: the scores of the block are kept, not the predictions of each fold.
    found = run_arms(problem, networks, how, PURPOSE)
    found += run_arms(problem, [arm for arm in arms if not arm.strategy], replace(how, work=None), PURPOSE)
    by_pair: dict[Pair, list[float]] = {}
    for one in found:
        by_pair.setdefault((one.arm, one.source), []).append(score_of(problem, one))
    return np.asarray([by_pair[pair] for pair in pairs])


def permuted_case(case: Case, stages, number: int) -> Case:
    """A case from stages of one permutation; its ids say so, since they name finished parts."""
    ids = tuple(f"{one} on permuted labels {number}" for one in case.way.ids)
    return Case(replace(case.way, ids=ids), tuple(stages), False)


def stand_ins(plan: Plan, problem: Problem, asked: Asked, how: How, own: ResultTable, count: int) -> Iterator[dict]:
    """The cheaper tests that were asked for by name."""
    given = plan.settings.source_stand_in
    for pair in asked.pairs if SHUFFLED in given else ():
        scores = shuffled(pair[0], problem, asked.cases, range(1, count + 1), how)
        if scores is None:
            how.ledger.remark(f"{SHUFFLED} of {pair[0]} left out: it trains on what the source says, row by row")
            continue
        observed = score_of(problem, own.of(*pair))
        yield row_of(problem, pair, asked.cases, SHUFFLED, observed, scores, sequential(observed, scores, None))
    if GLS in given and len(asked.cases) == 1:
        t, p = gls(problem, asked.cases[0], how)
        row = row_of(problem, (GLS, asked.pairs[0][1]), asked.cases, GLS, np.nan, [], Sequential(0, 0, p))
        yield {**row, "observed": t}
