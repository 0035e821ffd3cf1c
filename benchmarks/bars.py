"""The bars of side_by_side: numbers that the engine is meant to reach. They are reported and fail nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Cases = dict[str, dict]  # the report's cases by name


class Bar(NamedTuple):
    """number(cases): what was reached; KeyError where it was not measured. at_least: else at most."""

    text: str
    number: Callable[[Cases], float]
    limit: float
    at_least: bool = True


def times_ours(case: str, entry: str) -> Callable[[Cases], float]:
    """How many times our time an entry takes."""
    return lambda cases: cases[case]["ratios"][entry]["median"]


def times_ours_with_compile(case: str, entry: str) -> Callable[[Cases], float]:
    """The same when the first call of each pays for its compilation."""
    return lambda cases: cases[case]["ratios_with_compile"][entry]


def of(case: str, entry: str, other: str | None = None) -> Callable[[Cases], float]:
    """An entry's median, or how many times that of another it is."""

    def number(cases: Cases) -> float:
        entries = cases[case]["entries"]
        return entries[entry]["median"] / (entries[other]["median"] if other else 1)

    return number


STEP, FROZEN, TRAINED, MANY, START = (
    "experiment1_step",
    "target_frozen",
    "target_trainable",
    "thousand_runs",
    "second_start",
)
BARS = (
    Bar("experiment 1, a step: Keras on TensorFlow / tl_jax", times_ours(STEP, "keras_tf"), 5),
    Bar("experiment 1, a step: Keras on JAX / tl_jax", times_ours(STEP, "keras_jax"), 1.8),
    Bar("experiment 1, a step: PyTorch eager / tl_jax", times_ours(STEP, "torch"), 4.5),
    Bar("experiment 1, a step: tl_jax / floor of this machine", of(STEP, "ours", "floor"), 1.25, at_least=False),
    Bar("target, layer 1 frozen: Keras on TensorFlow / tl_jax", times_ours(FROZEN, "keras_tf"), 150),
    Bar("target, layer 1 frozen: PyTorch eager / tl_jax", times_ours(FROZEN, "torch"), 100),
    Bar(
        "target, layer 1 frozen, compilation included: Keras on TensorFlow / tl_jax",
        times_ours_with_compile(FROZEN, "keras_tf"),
        50,
    ),
    Bar("target, layer 1 trained: Keras on TensorFlow / tl_jax", times_ours(TRAINED, "keras_tf"), 6),
    Bar("target, layer 1 trained: PyTorch eager / tl_jax", times_ours(TRAINED, "torch"), 4),
    Bar("1,000 runs with layer 1 frozen, seconds", of(MANY, "runs_1000"), 30, at_least=False),
    Bar("1,000 runs / 100 runs, time", of(MANY, "runs_1000", "runs_100"), 10.5, at_least=False),
    Bar("second start / first start, until the first step", of(START, "second", "first"), 0.25, at_least=False),
    Bar(
        "second start / first start, the engine's part alone",
        of(START, "second_engine", "first_engine"),
        0.25,
        at_least=False,
    ),
)


def judge(cases: Cases) -> list[dict]:
    """Each bar with what was reached and whether that meets it; bars of what was not measured are left out."""
    found = []
    for bar in BARS:
        try:
            reached = bar.number(cases)
        except KeyError:
            continue
        met = reached >= bar.limit if bar.at_least else reached <= bar.limit
        kind = "at_least" if bar.at_least else "at_most"
        found.append({"bar": bar.text, "reached": reached, kind: bar.limit, "met": met})
    return found
