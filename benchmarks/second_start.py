"""How long a program takes from its start to its first step, when an earlier process has compiled it already."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable

from benchmarks.arithmetic import spread
from benchmarks.cases import target_frozen
from benchmarks.problem import Problem
from benchmarks.protocol import Worker

LABELS = {
    "first": "first start, until the first step",
    "second": "second start, until the first step",
    "first_engine": "first start, the engine's part of it",
    "second_engine": "second start, the engine's part of it",
}


def start(problem: Problem, cache_dir: str) -> dict:
    """A fresh process, called twice; cache_dir: of compiled programs.

    Until the first step: from the process's start to the results of its first call, less the time of the second call,
    which trains alone. engine: the same without starting Python, importing and building the problem.
    """
    began = time.perf_counter()
    with Worker("ours") as worker:
        worker.prepare(problem, cache_dir=cache_dir)
        first = worker.measure()
        wall = time.perf_counter() - began
        again = worker.measure()["wall"]
        return {**first, "until_first_step": wall - again, "engine": first["wall"] - again}


def measure_starts(quick: bool, repeats: int, advance: Callable[[str], None]) -> dict:
    """The case's part of the report: `repeats` pairs of processes, each pair with an empty cache of its own."""
    problem = target_frozen(quick).entries[0].problem
    raw = {"first": [], "second": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            for which, found in raw.items():
                found.append(start(problem, folder))
                advance(f"second_start, {which}")
    values = {}
    for which, found in raw.items():
        values[which] = [reply["until_first_step"] for reply in found]
        values[f"{which}_engine"] = [reply["engine"] for reply in found]
    entries = {
        key: {"label": label, "side": "ours", "note": "", **spread(values[key]), "values": values[key]}
        for key, label in LABELS.items()
    }
    return {
        "title": f"A program started again: {problem.fits} fits of {problem.epochs} epochs, layer 1 frozen",
        "unit": "s",
        "entries": entries,
        "skipped": {},
        "ratios": {},
        "ratios_with_compile": {},
        "problem": problem.as_dict(),
        "raw": raw,
    }
