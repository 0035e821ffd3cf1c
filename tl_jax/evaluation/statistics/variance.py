"""How much of a result's spread comes from the partition, from the initialisation and from the order of batches."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from tl_jax.errors import InputError

# column: its name in the result
FACTORS = {"partition": "partition", "initialisation": "initialisation", "order": "batch order"}
COLUMNS = ("component", "variance", "share", "note")


def variance_split(table: pd.DataFrame) -> pd.DataFrame:
    """Variance components of values that were measured once at every combination of three random factors.

    table: columns partition, initialisation, order (names of levels) and value (one number, such as a Spearman), one
    row for each combination, at least two levels of each. Returns component (partition, initialisation, batch order,
    interaction), variance in the value's unit squared, share of their sum, and note.

    Random-effects analysis of variance by the method of moments: mean squares are set equal to what they are expected
    to be (Searle, Casella and McCulloch 1992, chapter 4). All interactions are estimated and shown as their sum, which
    holds what nothing else explains. The method may estimate a variance below zero; it is set to 0, and the note says
    so. Undefined values (NaN) leave all components undefined. Shares are NaN where nothing varies.

    Raises InputError where a column is missing, a combination is missing or there twice, or a factor has one level.
    """
    estimates = components(cube(table))
    rows = [(name, *clipped([estimates[(column,)]])) for column, name in FACTORS.items()]
    rows.append(("interaction", *clipped([value for key, value in estimates.items() if len(key) > 1])))
    total = sum(variance for _, variance, _ in rows)
    share = [variance / total if total > 0 else float("nan") for _, variance, _ in rows]
    found = pd.DataFrame(rows, columns=["component", "variance", "note"]).assign(share=share)
    return found[list(COLUMNS)]


def cube(table: pd.DataFrame) -> np.ndarray:
    """(partitions, initialisations, orders) values."""
    missing = [column for column in (*FACTORS, "value") if column not in table.columns]
    if missing:
        raise InputError(f"the table of variances lacks the column {missing[0]}; name one row's levels and its value")
    keys = list(FACTORS)
    double = table[table.duplicated(keys)]
    if len(double):
        raise InputError(f"{cell(double[keys].iloc[0])} is there twice; a balanced table has each combination once")
    levels = [list(dict.fromkeys(table[key])) for key in keys]
    for key, values in zip(keys, levels, strict=True):
        if len(values) < 2:
            raise InputError(f"the factor {key} has {len(values)} level; its variance needs at least 2")
    whole = pd.MultiIndex.from_product(levels, names=keys)
    absent = whole.difference(pd.MultiIndex.from_frame(table[keys]))
    if len(absent):
        gap = cell(dict(zip(keys, absent[0], strict=True)))
        raise InputError(f"{gap} is missing; run every combination of the three")
    return table.set_index(keys)["value"].reindex(whole).to_numpy(np.float64).reshape([len(v) for v in levels])


def cell(row) -> str:
    return ", ".join(f"{key} {row[key]}" for key in FACTORS)


def components(values: np.ndarray) -> dict[tuple[str, ...], float]:
    """{factors of an effect: estimated variance}, negative ones as they are; values (a, b, c).

    An effect's mean square is expected to be the sum, over the effects that hold all its factors, of their variance
    times the number of values that share a level of them. So the largest effect is solved first.
    """
    axes = dict(zip(FACTORS, range(3), strict=True))
    effects = [key for size in (3, 2, 1) for key in combinations(FACTORS, size)]
    square, found = mean_squares(values, effects, axes), {}
    for key in effects:
        above = [other for other in found if set(key) < set(other)]
        rest = sum(found[other] * sharing(values, other, axes) for other in above)
        found[key] = (square[key] - rest) / sharing(values, key, axes)
    return found


def sharing(values: np.ndarray, key: tuple[str, ...], axes: dict[str, int]) -> int:
    """Number of values with the same levels of the factors in `key`."""
    return int(np.prod([values.shape[axis] for factor, axis in axes.items() if factor not in key]))


def mean_squares(values: np.ndarray, effects: list[tuple[str, ...]], axes: dict[str, int]) -> dict:
    """{effect: sum of squares / degrees of freedom} of a balanced table."""
    found = {}
    for key in effects:
        effect = values
        for factor, axis in axes.items():
            mean = effect.mean(axis=axis, keepdims=True)
            effect = effect - mean if factor in key else mean
        freedom = np.prod([values.shape[axes[factor]] - 1 for factor in key])
        found[key] = float(np.sum(effect**2) * sharing(values, key, axes) / freedom)
    return found


def clipped(estimates: list[float]) -> tuple[float, str]:
    """(sum of the estimates, those below zero as 0; a note where one was)."""
    negative = any(value < 0 for value in estimates)
    variance = float(sum(value if np.isnan(value) else max(value, 0.0) for value in estimates))
    part = "a part of it" if len(estimates) > 1 else "it"
    return variance, f"{part} was estimated below zero and set to 0" if negative else ""
