"""Names in the cells of a table, checked with one-line errors that name the cell."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.drugs.names import other_names, spellings
from tl_jax.errors import InputError

LONGEST_NAME = 500  # characters that a pattern is tried on: the time it takes may grow with their cube


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: "did you mean 'x'?", or the first known names."""
    known = [str(k) for k in known]
    folded = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=2, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f"'{folded[c]}'" for c in close) + "?"
    return f"there are: {examples(known, 8)}" if known else "there are none"


def nearest_drug(drug: str, known: Iterable[str]) -> str:
    """A hint for a drug that a table lacks: its other name there, else names that are written alike."""
    known = [str(name) for name in known]
    same = other_names(drug, known)
    return f"it has {examples(same)}, another name of that drug" if same else nearest(drug, known)


def spelled(drug: str, known: Iterable[str], flag: str, where: str) -> str:
    """A table's own spelling of a drug, whatever its case and signs; InputError, with a hint, where it has none."""
    known = list(known)
    found = spellings(drug, known)
    if not found:
        raise InputError(f"--{flag}={drug}: {where} has no such drug; {nearest_drug(drug, known)}")
    return found[0]


def shown(value) -> str:
    """A value as an error shows it: long ones cut, so that a broken file does not fill the terminal."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}... ({len(text):,} characters)"


def examples(names: Iterable[str], count: int = 3) -> str:
    """The first names, quoted, with '...' where more follow."""
    names = list(names)
    return ", ".join(f"'{shown(n)}'" for n in names[:count]) + (", ..." if len(names) > count else "")


def require_column(frame: pd.DataFrame, column: str, path: Path, key: str) -> str:
    """`column` where the table has it; InputError with near names and the key of the cohort file otherwise."""
    if column not in frame.columns:
        raise InputError(f"{path} has no column '{column}' ({key}); {nearest(column, frame.columns)}")
    return column


def unquoted(name: str) -> str:
    """A name without quotes at both its ends, which a script has written into the cell itself."""
    return name[1:-1].strip() if len(name) > 2 and name[0] == name[-1] and name[0] in "'\"`" else name


def as_ids(values: Iterable) -> list[str]:
    """Names as text: whole numbers, also such text, without '.0', blanks around cut, missing as ''."""
    if isinstance(values, pd.Series):
        # Long tables repeat few names very often, so only the distinct ones are converted.
        codes, distinct = pd.factorize(values)
        distinct = np.asarray(distinct, dtype=object).tolist()  # once: an array of Arrow is slow to walk
        names = np.array([*map(_id, distinct), ""], dtype=object)
        return names[codes].tolist()
    return [_id(v) for v in values]


def _id(value) -> str:
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    text = unquoted(str(value).strip())
    # A column with one text among its numbers comes as text, so that 909976 reads '909976.0'.
    return text[:-2] if text.endswith(".0") and text[:-2].isdecimal() else text


def clean_ids(values: Iterable, path: Path, what: str, prefix_length: int = 0, pattern: str = "") -> list[str]:
    """Names as text, cut to a length, or to what a pattern (its first group, where it has one) finds.

    Raises InputError for an empty name, or one that the pattern does not find.
    """
    ids = as_ids(values)
    if "" in ids:
        raise InputError(f"{path}: the {what} name in data row {ids.index('') + 1} is empty; name it or drop the row")
    broken = next((i for i in ids if "\n" in i or "\t" in i), None)
    if broken is not None:
        name = shown(" ".join(broken.split()))
        raise InputError(f"{path}: the {what} name '{name}' spans lines or fields; close the quotation mark before it")
    if pattern:
        longest = max(ids, key=len, default="")
        if len(longest) > LONGEST_NAME:
            raise InputError(f"{path}: the {what} name '{shown(longest)}' is too long for sample_pattern; shorten it")
        found = [re.search(pattern, i) for i in ids]
        if None in found:
            lost = ids[found.index(None)]
            raise InputError(f"{path}: sample_pattern '{pattern}' finds nothing in the name '{lost}'; correct it")
        ids = [m.group(1) if m.re.groups else m.group(0) for m in found]
    return [i[:prefix_length] for i in ids] if prefix_length else ids
