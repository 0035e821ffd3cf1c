"""One case: each of its entries in a process of its own, measured in turn, round after round."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.arithmetic import ratios, spread, value_of, with_first
from benchmarks.problem import Problem
from benchmarks.protocol import Worker, WorkerError
from benchmarks.sides import SIDES

SETTLE = 0.3  # seconds before a measurement, in which the side before comes to rest (its threads spin for a while)


@dataclass(frozen=True)
class Entry:
    """One bar of a case: a side and what it is given. options: of the side's prepare."""

    key: str
    side: str
    problem: Problem
    label: str = ""
    options: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.label or SIDES[self.side].label


def absent(entry: Entry) -> str:
    """Why an entry cannot be measured here, or nothing."""
    missing = SIDES[entry.side].missing()
    return f"{', '.join(missing)} not installed" if missing else ""


@dataclass(frozen=True)
class Case:
    """Entries whose times are values of one `unit`.

    fits, epochs: of the whole that a value stands for (0: whatever the entry trains); scale: from its seconds to the
    unit. What an entry trains less or more than that is scaled, and its note says so.
    """

    name: str
    title: str
    unit: str
    entries: tuple[Entry, ...]
    fits: int = 0
    epochs: int = 0
    scale: float = 1.0

    def share(self, problem: Problem) -> float:
        """Which part of the whole an entry of this problem trains."""
        return problem.fits * problem.counted_epochs / (self.fits * self.epochs) if self.fits else 1.0

    @property
    def measurable(self) -> list[Entry]:
        """The entries whose libraries are installed."""
        return [entry for entry in self.entries if not absent(entry)]

    def note(self, problem: Problem) -> str:
        """How a value was scaled, for people; "" where it was measured as it stands."""
        if not self.fits:
            return ""
        parts = []
        if problem.fits < self.fits:
            parts.append(f"{problem.fits} fit{'s' if problem.fits > 1 else ''} x {self.fits / problem.fits:g}")
        if problem.counted_epochs < self.epochs:
            parts.append(f"{problem.counted_epochs} epochs x {self.epochs / problem.counted_epochs:g}")
        at_once = [f"{problem.fits} runs at once, per run"] if problem.fits > self.fits else []
        return "; ".join([*at_once, *(["extrapolated: " + ", ".join(parts)] if parts else [])])


def measure_case(
    case: Case,
    repeats: int,
    *,
    cpu: bool = True,
    together: bool = True,
    advance: Callable[[str], None] = lambda note: None,
) -> dict:
    """Warm every entry up, then measure `repeats` rounds; the case's part of the report.

    together: all processes live at once and take turns within a round; False: one after the other, for a device or
    memory that they cannot share. advance(note) is called after each measurement.
    """
    results, skipped = {}, {entry.key: f"{entry.name}: {absent(entry)}" for entry in case.entries if absent(entry)}
    wanted = case.measurable
    for group in [wanted] if together else [[entry] for entry in wanted]:
        measured, failed = measure_group(group, repeats, cpu, lambda note: advance(f"{case.name}, {note}"))
        results |= {
            entry.key: entry_result(case, entry, **measured[entry.key]) for entry in group if entry.key in measured
        }
        skipped |= failed
    return {
        "title": case.title,
        "unit": case.unit,
        "entries": results,
        "skipped": skipped,
        "ratios": case_ratios(results),
        "ratios_with_compile": with_compile_ratios(results),
    }


def measure_group(group: list[Entry], repeats: int, cpu: bool, advance) -> tuple[dict, dict]:
    """({entry key: what was measured}, {entry key: why it was not}) of entries whose processes live at once."""
    measured, failed = {}, {}
    with ExitStack() as stack:
        workers = {entry.key: stack.enter_context(Worker(entry.side, cpu=cpu)) for entry in group}

        def attempt(entry: Entry, work) -> None:
            """Do `work` unless the entry has failed before."""
            if entry.key in failed:
                return
            try:
                work(entry, workers[entry.key])
            except WorkerError as error:
                failed[entry.key] = f"{entry.name}: {error}"
                measured.pop(entry.key, None)

        def build(entry, worker):
            worker.prepare(entry.problem, **entry.options)

        def warm_up(entry, worker):
            began = time.perf_counter()
            reply = worker.measure()
            wall = time.perf_counter() - began
            measured[entry.key] = {"first": {**reply, "wall": wall}, "raw": [], "start_mib": worker.start_mib}
            advance(f"{entry.name}, warm-up")

        def take(entry, worker):
            time.sleep(SETTLE)
            measured[entry.key]["raw"].append(worker.measure())
            advance(entry.name)

        for work in (build, warm_up, *[take] * repeats):
            for entry in group:
                attempt(entry, work)
    return measured, failed


def entry_result(case: Case, entry: Entry, first: dict, raw: list[dict], start_mib: float | None) -> dict:
    """Raw measurements of one entry and what follows from them. Values are in the case's unit.

    first_seconds: the call that paid for compilation. with_compile: the whole, if its first call pays.
    """
    share = case.share(entry.problem)
    values = [value_of(reply["seconds"], share, case.scale) for reply in raw]
    summary = spread(values)
    including = with_first(first["wall"], summary["median"] / case.scale * share, share) * case.scale
    return {
        "label": entry.name,
        "side": entry.side,
        "problem": entry.problem.as_dict(),
        "options": entry.options,
        "note": case.note(entry.problem),
        **summary,
        "values": values,
        "first_seconds": first["wall"],
        "with_compile": including if entry.problem.after == 0 else None,
        "mae": raw[-1].get("mae"),
        "peak_mib": raw[-1]["peak_mib"],
        "start_mib": start_mib,
        "first": first,
        "raw": raw,
    }


def case_ratios(results: dict, against: str = "ours") -> dict:
    """{entry: how many times our time it takes} where both were measured."""
    if against not in results:
        return {}
    ours = results[against]["values"]
    return {key: ratios(entry["values"], ours) for key, entry in results.items() if key != against}


def with_compile_ratios(results: dict, against: str = "ours") -> dict[str, float]:
    """The same where the first call of each pays for its compilation."""
    paid = {key: entry["with_compile"] for key, entry in results.items() if entry["with_compile"]}
    return {key: time / paid[against] for key, time in paid.items() if against in paid and key != against}
