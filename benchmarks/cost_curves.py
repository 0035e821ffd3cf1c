"""How time and memory of tl_jax grow with runs, genes, samples and hidden units, on a CPU.

python -m benchmarks.cost_curves

One factor is varied at a time around two base cases: many small runs with layer 1 frozen, and two wide ones that are
trained whole. Each point is a process of its own; its first call, which compiles, does not count. The exponents are
fitted to all points of a curve, small ones included, where fixed costs flatten them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from absl import flags

from benchmarks import common
from benchmarks.arithmetic import exponent
from benchmarks.pictures import curves_figure
from benchmarks.problem import Problem
from benchmarks.rounds import Case, Entry, measure_case
from experiments._command import run
from tl_jax.system.progress import Progress, say

FLAGS = flags.FLAGS
FACTORS = ("runs", "genes", "samples", "hidden units")
# base: (words, problem, values of each factor); a problem's own value stands among them.
BASES = {
    "frozen": (
        "layer 1 frozen, 200 epochs; base: 100 runs, 4,000 genes, 24 samples, 500 units",
        Problem(24, 4000, fits=100, hidden=(500, 100), strategy="freeze_layer1"),
        {
            "runs": (25, 50, 100, 200, 400),
            "genes": (1000, 2000, 4000, 8000, 16_000),
            "samples": (12, 24, 48, 96, 192),
            "hidden units": (125, 250, 500, 1000, 2000),
        },
    ),
    "trained": (
        "all trained, 5 epochs; base: 2 runs, 8,000 genes, 96 samples, 500 units",
        Problem(96, 8000, fits=2, epochs=5, hidden=(500, 100), strategy="scratch"),
        {
            "runs": (2, 4, 8, 16),
            "genes": (2000, 4000, 8000, 16_000),
            "samples": (48, 96, 192, 384),
            "hidden units": (125, 250, 500, 1000),
        },
    ),
}
SMALL = Problem(12, 50, fits=3, epochs=3, hidden=(10, 5), strategy="freeze_layer1")
QUICK = {
    "frozen": ("layer 1 frozen", SMALL, {"runs": (3, 6)}),
    "trained": ("all trained", replace(SMALL, fits=2, strategy="scratch"), {"runs": (2,), "genes": (50,)}),
}


def varied(problem: Problem, factor: str, value: int) -> Problem:
    """The problem with one factor at another value."""
    if factor == "hidden units":
        return replace(problem, hidden=(value, problem.hidden[1]))
    return replace(problem, **{"fits" if factor == "runs" else factor: value})


def main() -> None:
    folder, repeats, quick = common.out_folder(), common.repeats(), FLAGS.quick
    bases = QUICK if quick else BASES
    case = points(bases)
    with Progress(len(case.entries) * (repeats + 1), "cost curves", "measurements") as progress:
        measured = measure_case(case, repeats, together=False, advance=lambda note: progress.advance(1, note))
    for reason in measured["skipped"].values():
        say(f"left out: {reason}")
    report = {
        "machine": common.machine("cost_curves"),
        "quick": quick,
        "repeats": repeats,
        "bases": {base: words for base, (words, _, _) in bases.items()},
        "curves": curves(bases, measured["entries"]),
        "entries": measured["entries"],
        "skipped": measured["skipped"],
    }
    print(curve_table(report["curves"]))
    common.write_report(folder, "cost_curves", report, curves_figure)


def points(bases: dict) -> Case:
    """Every point of every curve once, although the curves of one base cross."""
    entries = {}
    for base, (_, problem, values) in bases.items():
        for factor, many in values.items():
            for value in many:
                own = varied(problem, factor, value)
                entries.setdefault(
                    key_of(base, own), Entry(key_of(base, own), "ours", own, f"{base}, {value:,} {factor}")
                )
    return Case("cost_curves", "cost curves", "s", tuple(entries.values()))


def key_of(base: str, problem: Problem) -> str:
    """A point's name in the report."""
    return f"{base}: {problem.fits} x {problem.samples} x {problem.genes} x {problem.hidden[0]}"


def curves(bases: dict, entries: dict) -> list[dict]:
    """Per base and factor its points and exponents; points that failed are left out."""
    found = []
    for base, (_, problem, values) in bases.items():
        for factor, many in values.items():
            keys = {value: key_of(base, varied(problem, factor, value)) for value in many}
            points = [point(value, entries[key]) for value, key in keys.items() if key in entries]
            found.append({"base": base, "factor": factor, "points": points, "exponents": exponents(points)})
    return found


def point(value: int, entry: dict) -> dict:
    """One point: the factor's value, seconds of a warm call, MiB of the whole process above its start."""
    return {"value": value, "seconds": entry["median"], "memory_mib": entry["peak_mib"] - entry["start_mib"]}


def exponents(points: Sequence[dict]) -> dict[str, float | None]:
    """b of cost = a * factor**b for both costs."""
    values = [point["value"] for point in points]
    return {cost: exponent(values, [point[cost] for point in points]) for cost in ("seconds", "memory_mib")}


def curve_table(curves: list[dict]) -> str:
    """The curves for people."""
    rows = [("base, factor", "from", "to", "seconds", "exponent", "MiB", "exponent")]
    for curve in curves:
        if not curve["points"]:
            continue
        first, last = curve["points"][0], curve["points"][-1]
        row = [f"{curve['base']}, {curve['factor']}", f"{first['value']:,}", f"{last['value']:,}"]
        for cost in ("seconds", "memory_mib"):
            power = curve["exponents"][cost]
            row += [f"{common.number(first[cost])} to {common.number(last[cost])}"]
            row += ["" if power is None else common.digits(power)]
        rows.append(tuple(row))
    return common.table(rows)


if __name__ == "__main__":
    run(main)
