"""What is asked about the values of an expression table: negative counts, samples in another unit or without values."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.drafts.points import Points
from tl_jax.data.scaling.units import COUNTS, LINEAR, TOP, Units
from tl_jax.data.tables.cells import examples

SHOWN = 5  # names of samples in a ready pattern
# Highest value of the others, and genes, from which a sample that ends below TOP is surely a logarithm among them.
LINEAR_TOP, MANY_GENES = 1000.0, 200


def ask_of_negatives(frame: pd.DataFrame, x: np.ndarray, path: Path, points: Points) -> None:
    """Counts are never negative: a few such values among whole numbers are faults, whatever they come from."""
    known = x[np.isfinite(x)]
    negative = (x < 0) & np.isfinite(x)
    if negative.any() and len(known) and (known == np.rint(known)).mean() > 0.95 and known.max() > 30:
        row, column = np.argwhere(negative)[0]
        points.ask(
            f"{path}: {int(negative.sum())} of {len(known):,} values are negative among whole numbers, first "
            f"{x[row, column]:g} of gene '{frame.columns[column]}'; counts are never negative: correct them, or set "
            f"missing = ['{x[row, column]:g}']",
            "expression",
        )


def ask_of_odd_samples(names: pd.Index, x: np.ndarray, units: Units, path: Path, cut: bool, points: Points) -> None:
    """Samples that cannot be in the unit of the others, or that hold one value alone, are asked about.

    cut: whether names are cut, so that a pattern for the whole name cannot be offered.
    """
    finite = np.isfinite(x)
    high, low = np.where(finite, x, -np.inf).max(axis=1), np.where(finite, x, np.inf).min(axis=1)
    flat = ~(high > low)
    if units.scale == "log":
        other = high > TOP
    else:
        sure = units.kind in (COUNTS, LINEAR) and x.shape[1] >= MANY_GENES and np.median(high) > LINEAR_TOP
        other = (high <= TOP) & sure
    for odd, what in (
        (other & ~flat, f"do not look like {units.kind} as the others do"),
        (flat, "hold one value alone"),
    ):
        rows = [str(name) for name in names[odd]]
        if not rows or len(rows) == len(names):
            continue
        text = f"{path}: {len(rows)} of {len(names)} samples {what} ({examples(rows)}); correct them"
        if len(rows) <= SHOWN and not cut:
            text += f", or set leave_out = '^(?:{'|'.join(map(re.escape, rows))})$'"
        points.ask(text, "expression")
