"""Columns of the calibration of the influence test: which studies are simulated, and what is kept of each.

Every study is drawn with as many repeats as its column reads at most and read after fewer too, which costs nothing. A
row keeps what the test is made of (`Parts`), so that other constants can be judged on the same studies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.calibration.jobs import RELATEDNESS, SIGNALS
from benchmarks.calibration.quick import quick_ridge
from benchmarks.calibration.studies import (
    cross_validated,
    folds_of,
    nothing_shared,
    partition_seed,
    ridge_arm,
    same_samples,
    transfer,
)
from tl_jax.evaluation.statistics.influence import Held, Influence, influence_test, max_t, parts_of
from tl_jax.evaluation.statistics.paired import corrected_t, holm

FIRST_SEED, SEEDS = 200_000, 2_000  # beyond those of jobs.py; most studies of one column
LAST_SEED = (2**32 - 1) // partition_seed(1) - 1  # the splitters take seeds of 32 bits
TABLES = {"twins": same_samples, "disjoint": nothing_shared}


@dataclass(frozen=True)
class Column:
    """design: "twins" or "disjoint" (equally good arms), or "transfer" (with a known truth). n samples, `folds` folds,
    read after each of `reads` repeats. model: "ridge" or "network". paired: samples are pairs of relatives, which are
    one unit. arms: all against the first. studies: of each signal (transfer: populations of each relatedness)."""

    design: str
    n: int
    folds: int
    reads: tuple[int, ...] = (3, 10)
    model: str = "ridge"
    paired: bool = False
    arms: int = 2
    studies: int = 134

    @property
    def name(self) -> str:
        more = (
            ["network"] * (self.model == "network") + ["pairs"] * self.paired + [f"{self.arms}arms"] * (self.arms > 2)
        )
        return "-".join([self.design, f"n{self.n}", f"k{self.folds}", *more])


def columns() -> Iterator[Column]:
    """All columns, the most wanted first."""
    for design in TABLES:
        for n in (22, 35, 58, 83):
            yield Column(design, n, folds_of(n), (3, 10, 20) if n in (22, 83) else (3, 10))
    for design in TABLES:
        yield Column(design, 22, 3, paired=True)
        yield Column(design, 22, 3, (10,), arms=9)
        yield Column(design, 22, 3, model="network", studies=50)
    for n in (22, 83):
        yield Column("transfer", n, folds_of(n), (10,), studies=5)
    for n in (22, 83, 35, 58):
        for design in TABLES:
            yield Column(design, n, 8 - folds_of(n), (3, 10, 20) if n in (22, 83) else (3, 10))
    for design in TABLES:
        yield Column(design, 58, 5, paired=True)
        yield Column(design, 83, 5, (10,), arms=9)
    yield Column("transfer", 58, 5, (10,), studies=5)


def quick() -> Iterator[Column]:
    """One column of each kind with a study or two: a test of the script."""
    seen = set()
    for one in columns():
        kind = (one.design == "transfer", one.model, one.paired, one.arms)
        if kind not in seen:
            seen.add(kind)
            yield replace(one, n=22, folds=3, reads=(3,), studies=1)


def rows_of(column: Column, place: int, signal: str, number: int, start: int = FIRST_SEED) -> list[dict]:
    """The rows of study `number` of a column, which is the `place`-th of all; a row for each of its reads."""
    seed = start + SEEDS * place + len(SIGNALS) * number + list(SIGNALS).index(signal)
    about = {"column": column.name, "signal": signal, "seed": seed}
    if column.design == "transfer":
        return [{**about, **row} for row in of_transfer(column, SIGNALS[signal], number, seed)]
    pairs = column.n // 2 if column.paired else 0
    y, groups, tables = TABLES[column.design](column.n, SIGNALS[signal], seed, column.arms, pairs)
    run = networks if column.model == "network" else ridges
    predicted, fold = run(y, groups, tables, column, seed)
    held = Held.of(y, fold, groups if column.paired else None)
    arms = [held.influence(one) for one in predicted]
    if column.arms > 2:
        return [{**about, "repeats": column.reads[-1], **family(arms)}]
    return [{**about, "repeats": r, **pair(*(first(one, r) for one in arms))} for r in column.reads]


def ridges(y: np.ndarray, groups: np.ndarray, tables: list[np.ndarray], column: Column, seed: int):
    """Held-out predictions (arms, repeats, n) and folds (repeats, n) of ridge on each arm's table."""
    own = {"groups": groups} if column.paired else {}
    arms = [ridge_arm(x, y, fit=quick_ridge, **own) for x in tables]
    return cross_validated(y, groups, arms, column.folds, column.reads[-1], partition_seed(seed))


def networks(y: np.ndarray, groups: np.ndarray, tables: list[np.ndarray], column: Column, seed: int):
    """The same of small networks trained from scratch."""
    from benchmarks.calibration.networks import network_arms  # jax, which ridges do not need

    return network_arms(y, groups, tables, column.folds, column.reads[-1], partition_seed(seed))


def first(one: Influence, repeats: int) -> Influence:
    """The influence as it was after fewer repeats; the folds' observed values vary here, so shares stay."""
    return Influence(one.score[:repeats], one.moved[:repeats], one.predicted[:repeats])


def pair(one: Influence, other: Influence) -> dict:
    """What is kept of two arms."""
    d = (one.score - other.score).ravel()
    ratio = 1 / (one.score.shape[1] - 1)
    return {**parts_of(one, other)._asdict(), "corrected_t": corrected_t(d, ratio).p, "score": other.score.mean()}


def family(arms: list[Influence]) -> dict:
    """The least p of all arms against the first: by max-T, by Holm over the same tests, and over the corrected t."""
    reference, others = arms[0], arms[1:]
    tests = [influence_test(one, reference) for one in others]
    ratio = 1 / (reference.score.shape[1] - 1)
    old = [corrected_t((one.score - reference.score).ravel(), ratio).p for one in others]
    return {
        "max_t": float(np.nanmin(max_t(tests, draws=1_999))),
        "holm": float(np.nanmin(holm([one.p for one in tests]))),
        "holm_corrected_t": float(np.nanmin(holm(old))),
        "single": float(np.mean([one.p <= 0.05 for one in tests])),
    }


def of_transfer(column: Column, programmes: int, number: int, seed: int) -> Iterator[dict]:
    """A row per study of a population with a source of one relatedness; `number` counts through them."""
    relatedness = RELATEDNESS[number % len(RELATEDNESS)]
    found = transfer(column.n, programmes, relatedness, seed, cohorts=3, fit=quick_ridge)
    for study in found.studies:
        held = Held.of(study.y, study.fold)
        known = {"truth": found.difference, "truth_error": found.error, "relatedness": relatedness}
        yield {"repeats": len(study.a), **pair(held.influence(study.a), held.influence(study.b)), **known}


def studies_of(column: Column) -> int:
    """Studies of one signal, or populations of one signal."""
    return column.studies * (len(RELATEDNESS) if column.design == "transfer" else 1)
