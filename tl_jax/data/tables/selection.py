"""Rows of a table by the values that they must have, or must not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.tables.cells import as_ids, nearest, require_column
from tl_jax.errors import InputError


def select_rows(frame: pd.DataFrame, path: Path, wanted: dict | None, key: str, exclude: bool = False) -> pd.DataFrame:
    """Rows whose columns hold one of the values wanted (case ignored); without those rows if `exclude`."""
    for column, values in (wanted or {}).items():
        require_column(frame, column, path, key)
        # Codes of the few distinct values: a long table has hundreds of thousands of rows.
        codes, distinct = pd.factorize(frame[column])
        names = [folded(d) for d in distinct]
        for value in values:
            if folded(value) not in names:
                raise InputError(f"{path}: no row has {column} = '{value}' ({key}); {nearest(value, as_ids(distinct))}")
        chosen = {folded(v) for v in values}
        hit = np.isin(codes, [i for i, name in enumerate(names) if name in chosen])
        frame = frame[~hit if exclude else hit]
    if frame.empty:
        raise InputError(f"{path}: no row is left after {key}; loosen it")
    return frame


def folded(value) -> str:
    """A value as text without regard to case."""
    return as_ids([value])[0].casefold()


def all_folded(values: pd.Series) -> list[str]:
    """`folded` of a column."""
    return [name.casefold() for name in as_ids(values)]
