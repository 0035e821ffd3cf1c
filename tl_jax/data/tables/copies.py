"""Rows that share a name: made one where they are repeats, told apart where another column says what they are."""

from __future__ import annotations

import re

import pandas as pd

from tl_jax.data.tables.cells import as_ids, examples
from tl_jax.data.tables.numbers import holds_numbers

# Columns that number repeats of one measurement; their rows are averaged.
REPEATS = re.compile(
    r"(bio|tech)?[_ .]?(rep(licate|eat)?s?|well|row|col(umn)?|run|lane|date|operator)"
    r"([_ .]?(id|no|nr|n|name|number))?\d?|id|index"
)
MOST_LEVELS = 40  # of what tells rows apart: doses, times, metrics


def mean_of_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that share a name averaged (missing values left out), in order of first appearance."""
    return frame if frame.index.is_unique else frame.groupby(level=0, sort=False).mean()


def sum_of_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that share a name added up, missing where one of them is, in order of first appearance."""
    if frame.index.is_unique:
        return frame
    copies = frame.groupby(level=0, sort=False)
    return copies.sum().where(copies.count().eq(copies.size(), axis=0))


def told_apart(frame: pd.DataFrame, by: list[str], value: str = "") -> dict[str, list[str]]:
    """{column: its values} of the columns that tell rows of the same names apart, so that they are no repeats.

    by: the columns of names; value: that of the measurement. A column does so where most groups of copies hold several
    of its values and these are few. One that tells all rows apart by itself is enough.
    """
    copies = frame[frame.duplicated(by, keep=False)]
    found: dict[str, list[str]] = {}
    for column in copies.columns if len(copies) else ():
        if column in by or column == value or REPEATS.fullmatch(str(column).strip().casefold()):
            continue
        levels = list(dict.fromkeys(as_ids(copies[column])))
        if not 1 < len(levels) <= MOST_LEVELS or (holds_numbers(copies[column]) and len(levels) > len(copies) / 2 > 2):
            continue
        if copies.groupby(by)[column].nunique(dropna=False).gt(1).mean() > 0.5:
            if not copies.duplicated([*by, column]).any():
                return {str(column): levels}
            found[str(column)] = levels
    return found


AVERAGE = "; to average them nevertheless set duplicates = 'mean'"


def filters(apart: dict[str, list[str]]) -> str:
    """The ready filter of a cohort file, by the first values, and the others."""
    ready = ", ".join(f"{column} = '{levels[0]}'" for column, levels in apart.items())
    others = "; ".join(f"{column} holds {examples(levels, 6)}" for column, levels in apart.items())
    return f"set filter = {{ {ready} }} ({others})"
