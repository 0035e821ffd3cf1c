"""The keys of [domain.annotation]: tissue, patient and batch, from a table of their own or from the response."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from tl_jax.data.tables.cells import nearest
from tl_jax.errors import InputError

GROUP = re.compile(r"patient|donor|subject|individual|case[_ .]?id|pdx", re.IGNORECASE)
TISSUE = re.compile(r"tissue|site|lineage|histolog|cancer[_ .]?type|subtype|tumou?r[_ .]?type", re.IGNORECASE)
BATCH = re.compile(r"batch|plate|run$|lab$|centre|center|site", re.IGNORECASE)


def guess_annotation(frame: pd.DataFrame, samples: str, path: Path, groups: str | None = None) -> dict:
    """Keys of [domain.annotation] by the names of text columns: tissue and group, where a sample has one value only.

    groups: the column of groups where the user named it, which may be that of the batches too.
    """
    keys = {} if groups is None else {"group_column": stated(frame, samples, path, groups)}
    for key, words in (("group_column", GROUP), ("tissue_column", TISSUE), ("batch_column", BATCH)):
        for column in frame.columns:
            taken = column == samples or column in [name for name in keys.values() if name != groups]
            taken |= key in keys or (key == "tissue_column" and column == groups)
            if taken or not words.search(str(column)) or pd.api.types.is_float_dtype(frame[column]):
                continue
            if frame.groupby(samples)[column].nunique().le(1).all() and frame[column].nunique() > 1:
                keys[key] = str(column)
                break
    return keys


def stated(frame: pd.DataFrame, samples: str, path: Path, groups: str) -> str:
    """The column that --groups names; InputError where there is none, or a sample has several values of it."""
    known = [str(column) for column in frame.columns if column != samples]
    if groups not in known:
        raise InputError(f"--groups={groups}: {path} has no such column; {nearest(groups, known)}")
    if not frame.groupby(samples)[groups].nunique().eq(1).all():
        raise InputError(
            f"--groups={groups}: a sample of {path} has no value in it, or several; a sample is in one group"
        )
    if frame[groups].nunique() < 2:
        raise InputError(
            f"--groups={groups}: all samples of {path} have the same value in it, so no fold can be held out"
        )
    return groups
