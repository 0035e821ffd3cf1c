"""What a study looks at beside its arms: drawn before anything is trained, so that nothing fails for its size later."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.learning_curves import extra_samples, gain_map
from tl_jax.study.core.arms import Arm, How
from tl_jax.study.core.curves import learning_curves, thinned_problems
from tl_jax.study.core.nested import inner_problem, nested_choice
from tl_jax.study.core.permutations import permutation_test, permuted_problem
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.settings import Extras
from tl_jax.study.core.spread import variance_components, varied_problem
from tl_jax.study.core.table import ResultTable

SCRATCH_ARM = "scratch"


@dataclass(frozen=True)
class Examination:
    """A problem on all the folds that its examination needs; None where a part was not asked for or cannot be done.

    asked: what is examined. left_out: a remark for each part that cannot be done.
    """

    asked: Extras
    inner: Problem | None = None
    permuted: Problem | None = None
    thinned: dict[int, Problem] | None = None
    varied: Problem | None = None
    left_out: tuple[str, ...] = ()


def draw_examination(problem: Problem, asked: Extras) -> Examination:
    """Draw everything that is asked for; what the samples do not allow is left out with a remark."""
    some = bool(asked.examined)
    wanted: dict[str, tuple[bool, str, Callable]] = {
        "inner": (bool(asked.nested), "the nested choice", inner_problem),
        "permuted": (
            some and asked.permutations > 0,
            "permutations",
            partial(permuted_problem, count=asked.permutations),
        ),
        "thinned": (
            some and asked.curve_repeats > 0,
            "learning curves",
            partial(thinned_problems, asked=asked.curve_sizes, repeats=asked.curve_repeats),
        ),
        "varied": (some and asked.levels > 0, "the variance split", partial(varied_problem, levels=asked.levels)),
    }
    found, left_out = {}, []
    for part, (is_wanted, name, draw) in wanted.items():
        try:
            found[part] = draw(problem) if is_wanted else None
        except InputError as error:
            left_out.append(f"{name} left out: {error}")
    return Examination(asked, **found, left_out=tuple(left_out))


def named(arms: Sequence[Arm], names: Collection[str]) -> list[Arm]:
    """The arms of some names, whatever their learning rates."""
    return [arm for arm in arms if arm.base in names]


def examine(
    problem: Problem, drawn: Examination, arms: Sequence[Arm], how: How, own: ResultTable
) -> tuple[ResultTable, dict[str, pd.DataFrame]]:
    """Every part that was drawn: (the nested choice as one more arm, tables by name).

    Args:
        arms, own: all arms of the study and their results on the problem.
    """
    asked, more, tables = drawn.asked, ResultTable(), {}
    some = named(arms, asked.examined)
    if drawn.inner:
        with how.ledger.timed("nested choice"):
            chosen, choices = nested_choice(problem, drawn.inner, named(arms, asked.nested), how, own)
        more, tables = ResultTable((chosen,)), {"nested_choices": choices}
    if drawn.permuted:
        tables["permutations"] = permutation_test(drawn.permuted, some, how, own)
    if drawn.thinned:
        curves = learning_curves(problem, drawn.thinned, some, how, own)
        tables |= {"learning_curves": curves, **dict(gains(curves, asked.examined, problem.metric))}
    if drawn.varied:
        tables["variance"] = variance_components(drawn.varied, some, how, asked.levels)
    return more, tables


def gains(curves: pd.DataFrame, examined: Collection[str], metric: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """What transfer adds at each size, and how many samples it is worth; nothing without scratch or a transfer."""
    if SCRATCH_ARM in examined and curves["source"].ne("").any():
        transfers = curves[curves["source"].ne("") | curves["arm"].eq(SCRATCH_ARM)]
        yield "gain_map", gain_map(transfers, metric=metric)
        yield "extra_samples", extra_samples(transfers, metric=metric)
