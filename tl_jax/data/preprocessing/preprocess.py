"""Preprocessing that is fitted on training rows and applied to any row, those of unseen samples included.

A cohort file names steps for a domain, in order. Each learns arrays from training expression (never from labels);
the arrays are kept with a model, so that a new sample meets exactly what the training samples met. What stands
before (`transform`) sees one sample at a time; what follows (the scaler) is per gene.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tl_jax.data.preprocessing import combat, count_steps, rank_steps
from tl_jax.data.preprocessing.transforms import highest_of_logs
from tl_jax.errors import InputError


class Step(NamedTuple):
    """fit(x, batch, options) is a dictionary of arrays; apply(arrays, x, batch) new rows. counts: whether x is counts.

    x: (n, genes) float64, a column of NaN for a gene without data. batch: (n,) str.
    """

    fit: Callable
    apply: Callable
    counts: bool = False


STEPS = {
    "cpm_log": Step(count_steps.fit_cpm, count_steps.apply_cpm, counts=True),
    "tmm_cpm_log": Step(count_steps.fit_tmm, count_steps.apply_tmm, counts=True),
    "low_expression": Step(rank_steps.fit_low_expression, rank_steps.apply_low_expression),
    "quantile": Step(rank_steps.fit_quantile, rank_steps.apply_quantile),
    "rank": Step(rank_steps.fit_rank, rank_steps.apply_rank),
    "rank_normal": Step(rank_steps.fit_rank, rank_steps.apply_rank_normal),
    "combat": Step(combat.fit_combat, combat.apply_combat),
}
UNKNOWN = ("error", "pooled")


@dataclass(frozen=True)
class Preprocess:
    """The steps of a domain and their options; without steps nothing is done. InputError for what cannot work.

    combat_reference: the batch that stays as it is. combat_unknown: for samples whose batch has no training sample,
    "error" or "pooled". A gene is filtered where more than low_expression_share of the training samples lie below
    low_expression_below, on the scale that the steps before give.
    """

    steps: tuple[str, ...] = ()
    combat_reference: str = ""
    combat_unknown: str = "error"
    low_expression_below: float = 1.0
    low_expression_share: float = 0.8

    def __post_init__(self):
        for place, name in enumerate(self.steps):
            if name not in STEPS:
                raise InputError(f"unknown preprocess step '{name}'; write some of {', '.join(STEPS)}")
            if name in self.steps[:place]:
                raise InputError(f"preprocess names '{name}' twice; name it once")
            if STEPS[name].counts and set(self.steps[:place]) - {"low_expression"}:
                raise InputError(f"preprocess step '{name}' needs counts; write it before '{self.steps[place - 1]}'")
        if "combat" in self.steps and not self.combat_reference:
            raise InputError("preprocess 'combat' needs combat_reference, the batch that stays as it is")
        if self.combat_unknown not in UNKNOWN:
            raise InputError(f"combat_unknown is '{self.combat_unknown}'; write 'error' or 'pooled'")
        if not 0 <= self.low_expression_share < 1:
            raise InputError(f"low_expression_share is {self.low_expression_share:g}; write at least 0 and below 1")

    def __bool__(self) -> bool:
        return bool(self.steps)

    @property
    def needs_counts(self) -> bool:
        return any(STEPS[name].counts for name in self.steps)

    @property
    def identity(self) -> list:
        """What of the options determines numbers, for digests."""
        options = []
        if "combat" in self.steps:
            options += [self.combat_reference, self.combat_unknown]
        if "low_expression" in self.steps:
            options += [self.low_expression_below, self.low_expression_share]
        return [list(self.steps), options]


NOTHING = Preprocess()


@dataclass(frozen=True)
class Fitted:
    """Fitted steps in order, each with its arrays."""

    names: tuple[str, ...]
    states: tuple[dict[str, np.ndarray], ...]

    def apply(self, x: np.ndarray, batch: np.ndarray) -> np.ndarray:
        """(n, genes) float32 of unprocessed rows, each by itself.

        batch: (n,) str, "" where unknown. A gene without data (all NaN) stays NaN, a filtered one is 0. InputError
        where a row cannot be processed, such as one of an unknown batch.
        """
        x, batch = np.asarray(x, np.float64), np.asarray(batch, str)
        for name, state in zip(self.names, self.states, strict=True):
            x = STEPS[name].apply(state, x, batch)
        return np.where(self.filtered, 0, x).astype(np.float32)

    @property
    def filtered(self) -> np.ndarray:
        """(genes,) bool, or False where no step filters: genes that no model of these rows learns from."""
        if "low_expression" not in self.names:
            return np.asarray(False)
        return ~self.states[self.names.index("low_expression")]["keep"]

    @property
    def needs_counts(self) -> bool:
        return any(STEPS[name].counts for name in self.names)

    @property
    def batches(self) -> tuple[str, ...]:
        """Batches that combat knows, the reference first and "" last where it takes unknown ones; else none."""
        if "combat" not in self.names:
            return ()
        return tuple(map(str, self.states[self.names.index("combat")]["batches"]))

    def record(self) -> list[dict]:
        """Names and arrays as JSON holds them; every number comes back exactly."""
        return [
            {"step": name, "arrays": {key: array.tolist() for key, array in state.items()}}
            for name, state in zip(self.names, self.states, strict=True)
        ]


def fit(what: Preprocess, x: np.ndarray, batch: np.ndarray) -> Fitted:
    """Each step on what the steps before make of the training rows. x: (n, genes) finite, batch: (n,) str."""
    x, batch, states = np.asarray(x, np.float64), np.asarray(batch, str), []
    if x.ndim != 2 or len(x) == 0 or batch.shape != (len(x),) or not np.isfinite(x).all():
        raise ValueError(f"expression {x.shape} and batches {batch.shape}: expected finite (n >= 1, genes) and (n,)")
    for place, name in enumerate(what.steps):
        states.append(STEPS[name].fit(x, batch, what))
        if place < len(what.steps) - 1:
            x = STEPS[name].apply(states[-1], x, batch)
    return Fitted(what.steps, tuple(states))


def from_record(record: list[dict]) -> Fitted:
    """The inverse of Fitted.record; InputError for a step that this version does not know."""
    unknown = [part["step"] for part in record if part["step"] not in STEPS]
    if unknown:
        raise InputError(f"the model was trained with preprocess step '{unknown[0]}', which this version does not know")
    states = tuple({key: np.asarray(values) for key, values in part["arrays"].items()} for part in record)
    return Fitted(tuple(part["step"] for part in record), states)


def check_counts(x: np.ndarray, samples: np.ndarray, genes: np.ndarray, where: str) -> None:
    """InputError where (n, genes) values cannot be counts: negative, no count in a sample, or logged already.

    NaN marks genes without data. where: how the message begins.
    """
    negative = np.argwhere(x < 0)
    if len(negative):
        row, gene = negative[0]
        raise InputError(
            f"{where}: sample '{samples[row]}' has {x[row, gene]:g} for gene '{genes[gene]}'; its preprocessing needs "
            "counts, which are never negative"
        )
    empty = np.flatnonzero(np.nansum(x, axis=1, dtype=np.float64) == 0)
    if len(empty):
        raise InputError(
            f"{where}: sample '{samples[empty[0]]}' has no counts in the genes that are used; leave it out"
        )
    if (top := highest_of_logs(x)) is not None:
        raise InputError(
            f"{where}: no value exceeds {top:.3g} and not all are whole, so these look like logarithms; its "
            "preprocessing needs counts"
        )
