"""What a study between protein families looks at beside its arms: the core's examination, at each size by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tl_jax.data.compounds.chemical_splits import balanced_draws
from tl_jax.data.splits import Fold
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.verdict import CHOICE
from tl_jax.study.compounds.networks import Method, arms_of
from tl_jax.study.compounds.settings import DtiSettings, Switches
from tl_jax.study.compounds.setup import Setup
from tl_jax.study.core.arms import Arm, How
from tl_jax.study.core.examine import Examination, draw_examination, examine
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.stages import TrainedStage
from tl_jax.study.core.table import ResultTable, result_of

Examined = dict[int, tuple[Problem, Examination]]  # by size
Probabilities = dict[tuple[str, str, int], np.ndarray]


@dataclass(frozen=True)
class Draws:
    """How the folds of compounds come about: balanced draws of `size` rows from the pool, all judged on the test rows.

    Labels are shuffled inside the pool and inside the test set, so that either keeps as many actives as it has.
    """

    pool: np.ndarray
    test: np.ndarray
    size: int
    seed: int

    def inside(self, number: int, folds: int) -> Partition:
        return Partition(folds, 1, self.seed + number)

    def once(self, y: np.ndarray, groups: np.ndarray, number: int) -> list[Fold]:
        train = balanced_draws(y, self.pool, self.size, 1, self.seed + number)[0]
        return [Fold(0, self.size, train, self.test)]

    def exchanged(self, n: int) -> list[np.ndarray]:
        return [self.pool, self.test]


def problem_at(settings: DtiSettings, setup: Setup, size: int) -> Problem:
    """Every draw of one size, with how they are drawn."""
    problem = setup.on(((size, draw) for draw in range(len(setup.draws[size]))), f"{size} compounds:")
    return replace(
        problem, partition=Draws(setup.split.train, setup.split.test, size, settings.seed), metric=settings.metric
    )


def examinable(settings: DtiSettings, methods: Sequence[Method]) -> list[str]:
    """Names of the arms that learn from a draw, without those of one switch alone."""
    found = [method.name for method in methods if method.switches == settings.rules]
    found += settings.shallow if "shallow" in settings.methods else ()
    layers = settings.layers if "mode3" in settings.methods else ()
    return found + [mode3_name(settings, layer, name) for layer in layers for name in settings.mode3]


def mode3_name(settings: DtiSettings, layer: int, classifier: str) -> str:
    """How tables call a classifier on a source's activations."""
    return f"mode3_{layer}{'a' if settings.after_activation else ''}_{classifier}"


def asked_for(settings: DtiSettings, methods: Sequence[Method]) -> set[str]:
    """Names of the arms that anything is asked of; InputError, before any training, for what makes no sense."""
    extras, known = settings.extras, examinable(settings, methods)
    for flag, names in (("examined", extras.examined), ("nested", extras.nested)):
        wrong = [name for name in names if name not in known]
        if wrong:
            raise InputError(f"--{flag}={wrong[0]}: no arm of this study that learns; there are: {', '.join(known)}")
    counts = [f"--{name}" for name in ("permutations", "levels") if getattr(extras, name)]
    if counts and not extras.examined:
        raise InputError(f"{counts[0]} changes nothing without --examined, which names the arms")
    if extras.examined and not counts:
        raise InputError("--examined changes nothing without --permutations or --levels")
    asked = {*extras.examined, *extras.nested}
    if asked and (settings.rules != Switches() or settings.epoch != "fixed"):
        raise InputError("--examined and --nested need --protocol=honest and --epoch=fixed")
    return asked


def draw_all(settings: DtiSettings, setup: Setup) -> tuple[Examined, list[str]]:
    """({size: its problem and all that is drawn for it}, a remark for each part that a size is too small for)."""
    found, left_out = {}, []
    if settings.extras.examined or settings.extras.nested:
        for size in setup.draws:
            problem = problem_at(settings, setup, size)
            found[size] = problem, draw_examination(problem, settings.extras)
            left_out += [f"at {size} compounds {text}" for text in found[size][1].left_out]
    return found, left_out


def network_arms(
    settings: DtiSettings, methods: list[Method], stages: Mapping[str, TrainedStage], asked: Collection[str]
) -> list[Arm]:
    """The networks that are asked for; the strategy of each is called as its arm is, for several may share one."""
    arms = [arm for method, arm in arms_of(settings, methods, stages) if method.switches == settings.rules]
    return [replace(arm, strategy=replace(arm.strategy, name=arm.name)) for arm in arms if arm.name in asked]


def examine_all(
    drawn: Examined, arms: Sequence[Arm], probabilities: Probabilities, how: How
) -> tuple[Probabilities, dict[str, pd.DataFrame]]:
    """Every part that was drawn, size by size: (probabilities of the nested choice, tables by name).

    Args:
        arms: those that are asked for. probabilities: (draws, m) of every arm of the study at every size.
    """
    chosen, tables = {}, {}
    for size, (problem, parts) in drawn.items():
        given = [(arm.name, arm.source, probabilities[arm.source, arm.name, size]) for arm in arms]
        own = ResultTable(tuple(result_of(problem, name, source, list(p), {}) for name, source, p in given))
        more, found = examine(problem, parts, arms, how, own)
        for one in more:
            chosen["", CHOICE, size] = one.predictions["y_pred"].to_numpy().reshape(len(problem.folds), -1)
        for name, table in found.items():
            tables.setdefault(name, []).append(by_size(table, size))
    return chosen, {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}


def by_size(table: pd.DataFrame, size: int) -> pd.DataFrame:
    """A table of the core under the keys of compounds: `draw` for repeat, and `size` for fold."""
    named = table.drop(columns="fold", errors="ignore").rename(columns={"repeat": "draw"})
    return pd.concat([pd.Series(size, named.index, name="size"), named], axis=1)
