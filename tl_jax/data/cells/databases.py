"""Responses of several databases as one table: the first that measured a line, or a mean of all by weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tl_jax.data.drugs.names import same_drug, taken_for

FEWEST_SHARED = 10  # lines from which the mean and sd of two databases say how their scales differ


def by_one_name(parts: Sequence[pd.DataFrame]) -> tuple[list[pd.DataFrame], list[str]]:
    """Tables of lines x drugs in which a drug has the name that the first of them gives it, and a line for each other.

    A table in which a drug stands under its first name too keeps both.
    """
    found, lines, known = [], [], []
    for part in parts:
        own = [str(drug) for drug in part.columns]
        names = {drug: same for drug in own if (same := same_drug(drug, known)) and same != drug and same not in own}
        names = {drug: same for drug, same in names.items() if list(names.values()).count(same) == 1}
        found.append(part.rename(columns=names))
        known += [drug for drug in found[-1].columns if drug not in known]
        lines += [line for drug, same in names.items() if (line := taken_for(drug, same, "an earlier database"))]
    return found, lines


def filled(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Lines x drugs of the first table that measured each."""
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.combine_first(part)
    return joined


def averaged(parts: Sequence[pd.DataFrame], weights: Sequence[float]) -> tuple[pd.DataFrame, str]:
    """Lines x drugs of the weighted mean over the tables that measured each, and what was done in words.

    Each table is brought first, drug by drug, to the mean and sd that the first has on the lines that both measured; a
    drug with fewer than 10 such lines stays as it is.
    """
    brought, still = [parts[0]], 0
    for part in parts[1:]:
        one, few = onto(parts[0], part)
        brought, still = [*brought, one], still + few
    total = sum_of(table * weight for table, weight in zip(brought, weights, strict=True))
    mass = sum_of(table.notna() * weight for table, weight in zip(brought, weights, strict=True))
    note = (
        f"responses are means over databases by weights {', '.join(f'{w:g}' for w in weights)}, each brought to the "
        "mean and sd of the first on shared lines"
    )
    return total.where(mass > 0) / mass.where(mass > 0), note + (
        f"; {still} drugs with fewer than {FEWEST_SHARED} shared lines stay as they are" if still else ""
    )


def sum_of(tables) -> pd.DataFrame:
    """Over lines and drugs of any, gaps as 0."""
    found, *others = tables
    for table in others:
        found = found.add(table, fill_value=0)
    return found.astype(float)


def onto(first: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """`other` on the scale of `first`, and how many shared drugs had too few lines for that."""
    own = first.reindex_like(other)
    both = own.notna() & other.notna()
    one, two = own.where(both), other.where(both)
    count = both.sum()
    known = (count >= FEWEST_SHARED) & (two.std() > 0)
    slope = (one.std() / two.std()).where(known, 1.0)
    shift = one.mean().where(known, 0.0) - slope * two.mean().where(known, 0.0)
    return other * slope + shift, int(((count < FEWEST_SHARED) & np.isin(other.columns, first.columns)).sum())
