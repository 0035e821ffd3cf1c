"""Write tl_jax/evaluation/statistics/power.json, which `tl_jax power` reads, from what was measured.

python -m benchmarks.calibration.power_table

Reads docs/calibration.json (arm against arm) and docs/calibration_sources.json (sources). What neither holds is taken
from the simulation that the tests were chosen by, whose table stands below, and is marked so in `origin`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tl_jax.evaluation.statistics.power import ARMS, SOURCE, TARGETS
from tl_jax.system.files import write_json

ROOT = Path(__file__).parents[2]
WHERE = ROOT / "tl_jax" / "evaluation" / "statistics" / "power.json"
FIRST = "first simulation (numpy, 300 genes, 600 to 900 transfer studies for each n)"
OWN = "docs/calibration.json: corrected resampled t-test, about as powerful as the test of influence"
SOURCES = "docs/calibration_sources.json"
LEAST = 8  # studies in a bin
GAINS = (0.0475, 0.1, 0.15, 0.2125, 0.325)  # middles of .02-.075, .075-.125, .125-.175, .175-.25, .25-.4
SOURCE_POWER = {22: (0.33, 0.29, 0.36, 0.75, 0.64), 58: (0.58, 0.86, 0.92, 0.83), 83: (0.59, 0.95, 0.87, 0.83)}
TARGET_GAINS = (0.1, 0.15, 0.2125)
TARGET_POWER = {
    (22, 5): (0.12, 0.22, 0.43),
    (22, 8): (0.24, 0.38, 0.75),
    (22, 12): (0.40, 0.64, 0.94),
    (58, 5): (0.84, 0.68, 0.75),
    (58, 8): (0.99, 0.99, 0.99),
}


def row(question: str, n: int, gain: float, power: float, origin: str, studies=None, targets=None) -> dict:
    return {
        "question": question,
        "n": n,
        "targets": targets,
        "gain": round(gain, 4),
        "power": round(power, 4),
        "studies": studies,
        "origin": origin,
    }


def arms() -> Iterator[dict]:
    """Of both calibrations: the test of two arms."""
    own = json.loads((ROOT / "docs" / "calibration.json").read_text())["power"]
    for line in own:
        if line["test"] == "corrected_t" and line["truth"] > 0.02 and line["studies"] >= LEAST:
            yield row(ARMS, line["n"], line["truth"], line["rate"], OWN, line["studies"])


def measured_sources() -> list[dict]:
    path = ROOT / "docs" / "calibration_sources.json"
    return json.loads(path.read_text())["power"] if path.is_file() else []


def sources() -> Iterator[dict]:
    """Of the own calibration where a bin holds enough studies, else of the first simulation."""
    lines = [one for one in measured_sources() if one["test"] == "source_test" and one["gain_above"] >= 0.02]
    own = {(one["n"], one["gain_above"]): one for one in lines if one["studies"] >= LEAST}
    for n, powers in SOURCE_POWER.items():
        for gain, power, above in zip(GAINS, powers, (0.02, 0.075, 0.125, 0.175, 0.25), strict=False):
            found = own.get((n, above))
            if found:
                yield row(SOURCE, n, gain, found["rate"], SOURCES, found["studies"])
            else:
                yield row(SOURCE, n, gain, power, FIRST)


def targets() -> Iterator[dict]:
    for (n, count), powers in TARGET_POWER.items():
        for gain, power in zip(TARGET_GAINS, powers, strict=True):
            yield row(TARGETS, n, gain, power, FIRST, targets=count)


if __name__ == "__main__":
    print(write_json(WHERE, {"rows": [*arms(), *sources(), *targets()]}))
