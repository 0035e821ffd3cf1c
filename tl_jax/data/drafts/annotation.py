"""The keys of [domain.annotation]: tissue, patient and batch, from a table of their own or from the response."""

from __future__ import annotations

import re

import pandas as pd

GROUP = re.compile(r"patient|donor|subject|individual|case[_ .]?id|pdx", re.IGNORECASE)
TISSUE = re.compile(r"tissue|site|lineage|histolog|cancer[_ .]?type|subtype|tumou?r[_ .]?type", re.IGNORECASE)
BATCH = re.compile(r"batch|plate|run$|lab$|centre|center|site", re.IGNORECASE)


def guess_annotation(frame: pd.DataFrame, samples: str) -> dict:
    """Keys of [domain.annotation] by the names of text columns: tissue and group, where a sample has one value only."""
    keys = {}
    for key, words in (("group_column", GROUP), ("tissue_column", TISSUE), ("batch_column", BATCH)):
        for column in frame.columns:
            taken = column == samples or column in keys.values()
            if taken or not words.search(str(column)) or pd.api.types.is_float_dtype(frame[column]):
                continue
            if frame.groupby(samples)[column].nunique().le(1).all() and frame[column].nunique() > 1:
                keys[key] = str(column)
                break
    return keys
