"""What a response table seems to hold: a row for each sample, or for each sample and drug; which column is measured."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from tl_jax.data.domain import RESISTANT, SENSITIVE
from tl_jax.data.tables.cells import as_ids, examples, nearest
from tl_jax.errors import InputError

# Words in the name of a column, and what a HIGH value of it means; the first that fits counts.
MEANINGS = (
    (r"inhib|sensitiv|act[_ .]?area|activity.?area|dss|efficacy|kill|death|ssmd", SENSITIVE),
    (r"auc|aac|ic[_ .]?50|gi[_ .]?50|ec[_ .]?50|viab|surviv|resist|growth|proliferation|lethal", RESISTANT),
)
MEASURED = re.compile("|".join(words for words, _ in MEANINGS) + r"|response|score", re.IGNORECASE)
DRUG = re.compile(r"drug|compound|treatment|agent|medic|inhibitor", re.IGNORECASE)
GROUP = re.compile(r"patient|donor|subject|individual|case[_ .]?id|pdx", re.IGNORECASE)
TISSUE = re.compile(r"tissue|site|lineage|histolog|cancer[_ .]?type|subtype|tumou?r[_ .]?type", re.IGNORECASE)
BATCH = re.compile(r"batch|plate|run$|lab$|centre|center|site", re.IGNORECASE)


def guess_response(frame: pd.DataFrame, path: Path, samples: str, value: str | None, drug: str | None) -> dict:
    """The keys of [domain.response] beside path and names: format, columns, drugs.

    samples: the column of names; value, drug: what the user said. Raises InputError, with the flag that settles it,
    where the table leaves more than one reading.
    """
    if value is not None and value not in frame.columns:
        raise InputError(f"{path} has no column '{value}' (--value); {nearest(value, frame.columns)}")
    numeric = [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c]) and c != samples]
    numeric = [c for c in numeric if not pd.api.types.is_bool_dtype(frame[c])]
    if value is not None and value not in numeric:
        raise InputError(f"{path}: column '{value}' (--value) holds no numbers; name another")
    if not numeric:
        raise InputError(f"{path} has no column of numbers beside '{samples}'; is it the table of responses?")
    drugs = drug_column(frame, samples)
    if drugs:
        keys = long_keys(frame, path, drugs, value or measured(numeric, path), drug)
        return keys | ({"duplicates": "mean"} if frame.duplicated([samples, drugs]).any() else {})
    if frame[samples].duplicated().any():
        name = as_ids(frame[samples][frame[samples].duplicated()])[0]
        raise InputError(
            f"{path}: sample '{name}' has several rows, and no column names a drug; keep one row for each sample, "
            "or name that column 'drug'"
        )
    return wide_keys(numeric, path, value, drug)


def drug_column(frame: pd.DataFrame, samples: str) -> str | None:
    """The column of drug names in a table of one row for each sample and drug; None where there is none."""
    text = [c for c in frame.columns if c != samples and not pd.api.types.is_numeric_dtype(frame[c])]
    named = [c for c in text if DRUG.search(str(c))]
    if named:
        return next((c for c in named if re.search("name", str(c), re.IGNORECASE)), named[0])
    if not frame[samples].duplicated().any():
        return None
    return next((c for c in text if not frame.duplicated([samples, c]).any()), None)


def long_keys(frame: pd.DataFrame, path: Path, column: str, value: str, drug: str | None) -> dict:
    known = list(dict.fromkeys(as_ids(frame[column])))
    keys = {"format": "long", "drug_column": column, "value_column": value}
    if drug:
        own = [name for name in known if name.casefold() == drug.casefold()]
        if not own:
            raise InputError(f"{path} has no drug '{drug}' (--drug); {nearest(drug, known)}")
        return {**keys, "drugs": own}
    return keys


def wide_keys(numeric: list[str], path: Path, value: str | None, drug: str | None) -> dict:
    """A row for each sample: one measured column, or a column for each drug."""
    own = [c for c in numeric if drug and str(c).casefold() == drug.casefold()]
    if value is None and own:
        return {"format": "wide", "drugs": own}
    likely = [c for c in numeric if MEASURED.search(str(c))]
    if value is None and len(numeric) > 1 and not likely:
        return {"format": "wide", "drugs": numeric}
    column = value or measured(numeric, path)
    if not drug:
        raise InputError(f"{path}: which drug does the column '{column}' measure? Add --drug=NAME")
    return {"format": "wide", "value_column": column, "drug": drug}


def measured(numeric: list[str], path: Path) -> str:
    """The one column of measurements."""
    likely = [c for c in numeric if MEASURED.search(str(c))] or numeric
    if len(likely) > 1:
        raise InputError(f"{path}: {examples(likely, 6)} could each be the response; add --value=COLUMN")
    return likely[0]


def guess_direction(name: str) -> str | None:
    """What a high value means by the name of its column or unit; None where the name does not say."""
    return next((meaning for words, meaning in MEANINGS if re.search(words, name, re.IGNORECASE)), None)


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
