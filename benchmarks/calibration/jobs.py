"""Which studies are simulated, and how they are spread over processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.calibration.studies import Population, Study, correlation, halves, transfer, twins
from benchmarks.calibration.verdicts import looks, resampled, verdict

SIZES = (22, 83)
# Programmes among 300 genes: the response is a weighting of all of them, so fewer are more easily learnt.
SIGNALS = {"strong": 4, "middle": 10, "weak": 40}
RELATEDNESS = tuple(np.round(np.arange(0, 1.01, 0.1), 1).tolist())
LOOKS = (5, 10, 20, 40)
SEEDS = 2_000  # most studies of one kind


@dataclass(frozen=True)
class Plan:
    """Numbers of studies. twins: for each size and signal; halves, looked: for each size, at the middle signal;
    populations: for each size, signal and relatedness, of `cohorts` studies each; draws: training sets of a truth."""

    twins: int
    halves: int
    looked: int
    populations: int
    cohorts: int
    draws: int


FULL = Plan(twins=400, halves=200, looked=300, populations=10, cohorts=3, draws=60)
QUICK = Plan(twins=4, halves=2, looked=2, populations=1, cohorts=1, draws=4)


class Job(NamedTuple):
    """One population to simulate."""

    kind: str
    n: int
    signal: str
    relatedness: float | None
    seed: int
    cohorts: int
    draws: int


def jobs(plan: Plan, sizes: tuple[int, ...] = SIZES) -> Iterator[Job]:
    """Every job of a plan; no two kinds, sizes or signals share a seed."""
    kinds = [("twins", n, signal, None, plan.twins) for n in sizes for signal in SIGNALS]
    kinds += [(kind, n, "middle", None, getattr(plan, kind)) for kind in ("halves", "looked") for n in sizes]
    kinds += [("transfer", n, signal, r, plan.populations) for n in sizes for signal in SIGNALS for r in RELATEDNESS]
    for place, (kind, n, signal, relatedness, count) in enumerate(kinds):
        for k in range(count):
            yield Job(kind, n, signal, relatedness, SEEDS * place + k, plan.cohorts, plan.draws)


def run_job(job: Job) -> list[dict]:
    """A row per study: the job, the truth, and what every test says."""
    programmes = SIGNALS[job.signal]
    if job.kind == "looked":
        seen = looks(twins(job.n, programmes, job.seed, max(LOOKS)), LOOKS)
        return [{**job._asdict(), "look": look, **{t: p[k] for t, p in seen.items()}} for k, look in enumerate(LOOKS)]
    if job.kind == "twins":
        found = Population((twins(job.n, programmes, job.seed),), 0.0, 0.0)
    elif job.kind == "halves":
        found = halves(job.n, programmes, job.seed, job.draws)
    else:
        found = transfer(job.n, programmes, job.relatedness, job.seed, job.cohorts, job.draws)
    truth = {"truth": found.difference, "truth_error": found.error}
    return [{**job._asdict(), **truth, **row(job, study)} for study in found.studies]


def row(job: Job, study: Study) -> dict[str, float]:
    """What is recorded of a study."""
    extra = {} if job.kind == "transfer" else resampled(study, np.random.default_rng([job.seed, 3]))
    return {"spearman": float(correlation(study.y, study.b).mean()), **verdict(study), **extra}


def one_thread() -> None:
    """For the life of a process: matrices are small, and processes share the cores."""
    threadpool_limits(1)


def collect(plan: Plan, processes: int, sizes: tuple[int, ...] = SIZES, advance: Callable = lambda: None):
    """Table of all studies of a plan, a row each (each look, for kind "looked"); the same for any `processes`."""
    todo = list(jobs(plan, sizes))
    rows = []
    if processes == 1:
        with threadpool_limits(1):
            for job in todo:
                rows += run_job(job)
                advance()
        return pd.DataFrame(rows)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        for found in pool.map(run_job, todo, chunksize=8):
            rows += found
            advance()
    return pd.DataFrame(rows)
