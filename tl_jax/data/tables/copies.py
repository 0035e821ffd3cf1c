"""Rows that share a name made one."""

from __future__ import annotations

import pandas as pd


def mean_of_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that share a name averaged (missing values left out), in order of first appearance."""
    return frame if frame.index.is_unique else frame.groupby(level=0, sort=False).mean()


def sum_of_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that share a name added up, missing where one of them is, in order of first appearance."""
    if frame.index.is_unique:
        return frame
    copies = frame.groupby(level=0, sort=False)
    return copies.sum().where(copies.count().eq(copies.size(), axis=0))
