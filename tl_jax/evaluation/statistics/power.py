"""What a study can be expected to find, before it is run: read from simulated studies, not from a formula.

`power.json` holds the share of simulated studies that found a true gain in Spearman per fold, by question, number of
samples and size of the gain, and where each number comes from; `python -m benchmarks.calibration.power_table` writes
it. Between the numbers is a straight line in the gain and in log n; gains are those over ridge on the target's genes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tl_jax.errors import InputError

ARMS, SOURCE, TARGETS = "arms", "source", "targets"
QUESTIONS = {
    ARMS: "is this arm better than ridge on the target's own genes?",
    SOURCE: "does this arm use what the source's labels carry?",
    TARGETS: "is the arm better over several independent targets?",
}
ALPHA, USUAL = 0.05, 0.8
REACH = 1.3  # samples beyond the measured range by more than this factor: nothing is said
MEASURED = "spearman"  # the metric of all of it


class Curve(NamedTuple):
    """gains, ascending from 0, and the share of studies that find each, which never falls."""

    gains: np.ndarray
    power: np.ndarray

    def at(self, gain: float) -> float:
        """The power at a gain; at gains above the largest measured one that of the largest."""
        return float(np.interp(gain, self.gains, self.power))

    def reached(self, power: float) -> float:
        """The smallest gain that is found so often; infinite where no measured gain is."""
        if self.power[-1] < power:
            return float("inf")
        k = int(np.argmax(self.power >= power))
        if k == 0:
            return 0.0
        share = (power - self.power[k - 1]) / (self.power[k] - self.power[k - 1])
        return float(self.gains[k - 1] + share * (self.gains[k] - self.gains[k - 1]))


@cache
def table() -> list[dict]:
    """Rows: question, n, targets (or null), gain (middle of its bin), power, studies (or null), origin."""
    return json.loads((Path(__file__).parent / "power.json").read_text(encoding="utf-8"))["rows"]


def rising(power: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The nearest values that never fall, by weighted squares (pooled adjacent violators), since shares scatter.

    scipy.optimize has it too, at half a second to import it, which is longer than the whole command takes.
    """
    blocks: list[list[float]] = []
    for value, weight in zip(power, weights, strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            value, weight, count = blocks.pop()
            first = blocks[-1]
            total = first[1] + weight
            blocks[-1] = [(first[0] * first[1] + value * weight) / total, total, first[2] + count]
    return np.concatenate([[value] * int(count) for value, _, count in blocks])


def measured_curve(question: str, n: int, targets: int | None) -> Curve:
    """The curve of one measured design."""
    rows = [row for row in table() if (row["question"], row["n"], row["targets"]) == (question, n, targets)]
    rows.sort(key=lambda row: row["gain"])
    weights = np.array([row["studies"] or 1 for row in rows], float)
    power = rising(np.array([row["power"] for row in rows], float), weights)
    # Without a gain the test rejects ALPHA at most.
    first = min(ALPHA, power[0])
    return Curve(np.array([0.0, *(row["gain"] for row in rows)]), np.array([first, *power]))


def sizes(question: str, targets: int | None = None) -> list[int]:
    """Numbers of samples that were measured for a question."""
    return sorted({row["n"] for row in table() if (row["question"], row["targets"]) == (question, targets)})


def numbers_of_targets() -> list[int]:
    return sorted({row["targets"] for row in table() if row["targets"] is not None})


def curve(question: str, n: int, targets: int | None = None) -> Curve:
    """The power of a question at n samples (each, of several targets), between the measured designs.

    Raises:
        InputError: an unknown question, or a design too far from the measured ones.
    """
    if question not in QUESTIONS:
        raise InputError(f"--question={question}: there are: {', '.join(QUESTIONS)}")
    if question == TARGETS:
        return over_targets(n, targets)
    return between(n, sizes(question), lambda size: measured_curve(question, size, None))


def over_targets(n: int, targets: int | None) -> Curve:
    """The curve of a t-test over targets."""
    known = numbers_of_targets()
    if targets is None or not known[0] <= targets <= known[-1] * REACH:
        raise InputError(f"--targets={targets}: measured for {known[0]} to {known[-1]} independent targets")
    # More targets find more: what fewer find is safe to say.
    able = [one for one in known if one <= targets and n <= sizes(TARGETS, one)[-1] * REACH]
    nearest = able[-1] if able else known[0]
    return between(n, sizes(TARGETS, nearest), lambda size: measured_curve(TARGETS, size, nearest))


def between(n: int, known: list[int], of) -> Curve:
    """The curve at n from those of the measured numbers of samples around it."""
    if not known[0] / REACH <= n <= known[-1] * REACH:
        raise InputError(f"--n={n}: power was measured for {known[0]} to {known[-1]} samples; nothing is known of {n}")
    inside = float(np.clip(n, known[0], known[-1]))
    low, high = max(k for k in known if k <= inside), min(k for k in known if k >= inside)
    one, other = of(low), of(high)
    share = 0.0 if low == high else np.log(inside / low) / np.log(high / low)
    top = min(one.gains[-1], other.gains[-1])
    gains = np.unique(np.concatenate([one.gains, other.gains]))
    gains = gains[gains <= top]
    return Curve(gains, np.array([(1 - share) * one.at(gain) + share * other.at(gain) for gain in gains]))


def detectable(n: int, power: float = USUAL, question: str = ARMS, targets: int | None = None) -> float:
    """The smallest gain in Spearman per fold that a study of n samples finds with this power.

    Infinite where no gain that was measured is found so often; NaN where nothing is known of n samples.
    """
    try:
        return curve(question, n, targets).reached(power)
    except InputError:
        return float("nan")


def largest(n: int, question: str = ARMS, targets: int | None = None) -> float:
    """The largest gain whose power is known."""
    return float(curve(question, n, targets).gains[-1])


def detectable_words(n: int, power: float = USUAL, question: str = ARMS, targets: int | None = None) -> str:
    """The detectable gain as sentences say it; errors as in `curve`."""
    size = curve(question, n, targets).reached(power)
    if np.isinf(size):
        top = largest(n, question, targets)
        found = curve(question, n, targets).at(top)
        return f"no gain up to {top:.2f} is found in {power:.0%} of such studies (one of {top:.2f} in {found:.0%})"
    return f"it takes a true gain of at least {size:.2f} to be found in {power:.0%} of such studies"


def enough(gain: float, power: float = USUAL, question: str = ARMS) -> int | None:
    """The fewest samples of the measured range at which a gain is found with this power; None where none are enough."""
    known = sizes(question)
    return next((n for n in range(known[0], known[-1] + 1) if curve(question, n).reached(power) <= gain), None)


def origins(question: str) -> list[str]:
    """Where the numbers of a question come from."""
    return list(dict.fromkeys(row["origin"] for row in table() if row["question"] == question))
