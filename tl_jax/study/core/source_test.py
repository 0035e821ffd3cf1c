"""Permutations of a source's labels, block after block, until each arm's p is settled."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial

import numpy as np

from tl_jax.evaluation.statistics.source_test import ended
from tl_jax.study.core.arms import Arm, How
from tl_jax.study.core.problem import Problem
from tl_jax.system.cluster import is_first
from tl_jax.system.progress import watched
from tl_jax.training.runs import gathered

PURPOSE = "source test"


def kept(make: Callable[[], np.ndarray], problem: Problem, label: str, parents, about, how: How) -> np.ndarray:
    """Scores as one finished part, the same in all processes: found, or made and kept."""
    parts = how.parts(problem, Arm(label, about=about, parents=tuple(parents)))
    found = gathered(parts)
    if found:
        return found[0]["scores"]
    scores = make()
    if parts is not None and is_first():
        parts.save(0, {"scores": scores})
    return scores


def until_settled(
    observed: Mapping[Hashable, float],
    count: int,
    step: int,
    block: Callable[[Sequence[Hashable], range], np.ndarray],
    keep: Callable[[Callable[[], np.ndarray], list], np.ndarray],
    label: str,
) -> dict[Hashable, list[float]]:
    """{what is tested: its scores}, of as many permutations as each needed, or a few more.

    Args:
        observed: scores on true labels. count: most permutations. step: how many at a time; it changes no p.
        block: (what is open, permutation numbers from 1) -> (open, numbers) scores. keep: (make, about) -> scores,
        found where they were made before.
    """
    scores: dict[Hashable, list[float]] = {key: [] for key in observed}
    open_ = list(observed)
    with watched(count, label, "permutations") as progress:
        for start in range(1, count + 1, step):
            numbers = range(start, min(start + step, count + 1))
            own = tuple(open_)
            about = [[list(key) for key in own], list(numbers)]
            found = keep(partial(block, own, numbers), about=about)
            for key, values in zip(open_, found, strict=True):
                scores[key] += values.tolist()
            progress.advance(len(numbers))
            open_ = [key for key in open_ if not ended(observed[key], scores[key])]
            if not open_:
                break
    return scores
