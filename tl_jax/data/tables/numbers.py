"""The one way from a cell's text to a number: what counts as one, which cells do not, and what to do about them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.data.tables.cells import shown
from tl_jax.data.tables.losses import told
from tl_jax.errors import InputError

LARGEST = 1e18  # of a measured value; its square still fits into float32
NEARLY_ALL = 0.5  # share of numbers among a column's cells from which it is one of numbers with faults
NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf(inity)?)", re.ASCII | re.IGNORECASE)
CENSORED = re.compile(r"([<>]=?|≤|≥)\s*(.+)")
WITH_UNIT = re.compile(r"(.*?)\s*(%|[a-zA-Z\u00b5]{1,3}(/[a-zA-Z]+)?|\u00b1.*)")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?", re.ASCII)
EUROPEAN = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+", re.ASCII)
THOUSANDS_MARKS = (",", ".", "'", " ")
COMMA = re.compile(r"[+-]?(\d+|\d*,\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NAME = re.compile(r"[+-]?0\d+(\.\d+)?|\d+[eE]\d+|[+-]?\d*[.,](\d*[1-9])?0+|[+-]?\d{16,}|\+.*", re.ASCII)
_MINUS = re.compile(r"^[\u2212\u2013](?=[\d.,])")  # a minus as a word processor sets it
# Lines of numbers that are neither names nor gaps, whatever else their column holds.
_PLAINLY = re.compile(r"(?:-?(?:0|[1-9]\d{0,14})(?:\.(?:0|\d*[1-9]))?\n)*", re.ASCII)
# What people and spreadsheets write where nothing was measured.
MISSING = re.compile(
    r"[-\u2013\u2014.?*/]+|n\.?\s?[ad]\.?|na?n|n/?[adm]|nt|missing|none|unknown|null|fail(ed)?|excluded"
    r"|not (done|tested|determined|available|measured|detected)"
    r"|#(div/0!|value!|ref!|name\?|num!|n/a|null!)|#?err(or)?:?\d*",
    re.IGNORECASE,
)
# Whole numbers that stand for a gap where they lie far from all others.
SENTINELS = frozenset(sign * int(digit * n) for sign in (1, -1) for digit in "9" for n in range(2, 8)) | {-1, -9}


class Marks(NamedTuple):
    """How numbers are written. decimal: "." or ",". thousands: "" or one of THOUSANDS_MARKS. missing: texts that mean a
    gap."""

    decimal: str = "."
    thousands: str = ""
    missing: tuple[str, ...] = ()


PLAIN = Marks()


def typed(column: pd.Series, marks: Marks = PLAIN) -> pd.Series:
    """A column of texts as numbers where every cell is one that its number would be written as; else as it is.

    `007`, `1.10` and `2E10` may be names and stay texts; whoever needs numbers asks for them (`as_numbers`).
    """
    codes, distinct = pd.factorize(column)
    distinct = np.asarray(distinct, dtype=object).tolist()  # once: an array of Arrow is slow to walk
    if marks == PLAIN and (numbers := _plainly(distinct)) is not None:
        whole = numbers.dtype.kind == "i" and (codes >= 0).all()
        found = numbers if whole else np.append(numbers.astype(np.float64), np.nan)
        return pd.Series(found[codes], index=column.index)
    texts = [_stripped(value, marks) for value in distinct]
    values = [None if text is None else _value(text, marks) for text in texts]
    fails = any(text is not None and value is None for text, value in zip(texts, values, strict=True))
    if fails or any(text is not None and _may_be_a_name(text) for text in texts):
        texts = [text if value is None else _with_point(text, marks) for text, value in zip(texts, values, strict=True)]
        return pd.Series(np.array([*texts, np.nan], dtype=object)[codes], index=column.index).fillna(np.nan)
    whole = all(t is None or re.fullmatch(r"[+-]?\d{1,18}", t) for t in texts)
    if whole and texts and None not in texts and (codes >= 0).all():
        return pd.Series(np.array([int(t) for t in texts], dtype=np.int64)[codes], index=column.index)
    numbers = np.array([*(np.nan if v is None else v for v in values), np.nan])
    return pd.Series(numbers[codes], index=column.index)


def _plainly(texts: list) -> np.ndarray | None:
    """The numbers of texts that are all written as everybody writes them, at one look; None where one may be not."""
    if not texts or not all(type(text) is str for text in texts):
        return None
    together = "\n".join(texts) + "\n"
    if together.count("\n") != len(texts) or not _PLAINLY.fullmatch(together):
        return None
    return np.array([*map(float if "." in together else int, texts)])


def _with_point(text: str, marks: Marks) -> str:
    """A number as everybody reads it, so that the other cells of its column stand out."""
    text = text.replace(marks.thousands, "") if marks.thousands else text
    return text.replace(",", ".") if marks.decimal == "," else text


def _stripped(value, marks: Marks):
    """A cell's text without blanks around it; None for a gap."""
    text = _MINUS.sub("-", str(value).strip())
    return None if not text or text in marks.missing or _same_number(text, marks.missing) else text


def _same_number(text: str, missing: Iterable[str]) -> bool:
    """Whether a text is a number that stands for a gap, as -999.0 is where -999 does."""
    return any(NUMBER.fullmatch(m) and NUMBER.fullmatch(text) and float(m) == float(text) for m in missing)


def _may_be_a_name(text: str) -> bool:
    """Whether the number of a text would be written in another way."""
    return bool(_NAME.fullmatch(text)) and not re.fullmatch(r"-?([1-9]\d*|0)[.,]0", text)


def _value(text: str, marks: Marks = PLAIN) -> float | None:
    """The number that a text is; None where it is none."""
    if marks.thousands and re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(marks.thousands)}\d{{3}})+([.,]\d+)?", text):
        text = text.replace(marks.thousands, "")
    if marks.decimal == ",":
        text = text.replace(",", ".") if COMMA.fullmatch(text) else "no number"
    # Python would also take '1_000', and digits of every script.
    return float(text) if NUMBER.fullmatch(text) else None


def without(column: pd.Series, missing: tuple[str, ...]) -> pd.Series:
    """A column with gaps where its cells are texts or numbers that mean one."""
    gap = [_stripped(value, Marks(missing=missing)) is None for value in column]
    return column.mask(gap) if any(gap) else column


def is_text(cell) -> bool:
    """Whether a cell holds anything but a number or nothing."""
    if isinstance(cell, str):
        return NUMBER.fullmatch(cell.strip()) is None
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return False
    return isinstance(cell, (bool, np.bool_)) or not isinstance(cell, (int, float, np.number))


def faults(column: pd.Series) -> list[int]:
    """Places of the cells that are neither a number nor empty, in order."""
    if column.dtype.kind in "iuf":
        return []
    codes, distinct = pd.factorize(column)
    bad = np.array([*map(is_text, distinct), False], dtype=bool)
    return np.flatnonzero(bad[codes]).tolist()


def holds_numbers(column: pd.Series) -> bool:
    """Whether a column is one of numbers, be it with some cells that are none."""
    if column.dtype.kind in "iuf":
        return True
    if column.dtype.kind == "b":
        return False
    known = int(column.notna().sum())
    bad = faults(column)
    mendable = sum(_looks_measured(str(column.iloc[row]).strip()) for row in bad)
    numbers = known - len(bad)
    return known > 0 and numbers + mendable > NEARLY_ALL * known and numbers + mendable > 0


def _looks_measured(text: str) -> bool:
    """Whether a text is a number in another notation, or beyond a limit of the assay."""
    censored = CENSORED.fullmatch(text)
    text = censored.group(2) if censored else text
    unit = WITH_UNIT.fullmatch(text)
    text = unit.group(1) if unit and unit.group(1) else text
    every = (NUMBER, THOUSANDS, COMMA, EUROPEAN)
    return any(form.fullmatch(text) for form in every)


def as_numbers(column: pd.Series) -> pd.Series:
    """float64, NaN where a cell is empty or no number."""
    if column.dtype.kind in "iuf":
        return column.astype(np.float64)
    codes, distinct = pd.factorize(column)
    values = np.array([*(np.nan if is_text(v) else float(v) for v in distinct), np.nan])
    return pd.Series(values[codes], index=column.index)


def clipped(column: pd.Series, where: str) -> pd.Series:
    """A column with values beyond a limit (`>1000`, `<0.01`) at the limit; said."""
    bad = [row for row in faults(column) if CENSORED.fullmatch(str(column.iloc[row]).strip())]
    limits = {row: CENSORED.fullmatch(str(column.iloc[row]).strip()).group(2) for row in bad}
    limits = {row: text for row, text in limits.items() if NUMBER.fullmatch(text)}
    if not limits:
        return column
    first = next(iter(limits))
    shown_one = f"such as '{column.iloc[first]}'"
    told(f"{where}: {len(limits)} of {len(column)} values are limits, {shown_one}, and count as the limit")
    found = column.astype(object).copy()
    for row, text in limits.items():
        found.iloc[row] = float(text)
    return found


def number_matrix(frame: pd.DataFrame, rows: list[str], path: Path) -> np.ndarray:
    """(rows, columns) floats of a table, NaN where empty; InputError naming the first cell that is no number.

    Infinite values and those over LARGEST are refused too.
    """
    for column, values in frame.items():
        bad = faults(values)
        if bad:
            raise InputError(fault_text(values, bad, rows, path, str(column)))
    try:
        values = frame.to_numpy(dtype=np.float32 if (frame.dtypes == np.float32).all() else np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path} holds text among its numbers; correct it") from error
    beyond = np.abs(values) > LARGEST
    if beyond.any():
        r, c = np.argwhere(beyond)[0]
        where = f"column '{shown(frame.columns[c])}', row '{shown(rows[r])}'"
        what = "infinite values" if np.isinf(values).any() else f"values over {LARGEST:g}"
        raise InputError(f"{path}: {beyond.sum()} {what}, first in {where}; correct or empty them")
    return values


def fault_text(column: pd.Series, bad: list[int], rows: list[str], path: Path, name: str) -> str:
    """One line on the cells of a column that are no numbers: the first, how many, the remedy."""
    value = str(column.iloc[bad[0]]).strip()
    where = f"column '{shown(name)}', row '{shown(rows[bad[0]])}'"
    more = f" (and {len(bad) - 1} more in that column)" if len(bad) > 1 else ""
    return f"{path}: '{shown(value)}' in {where} is not a number{more}; {remedy_for(value)}"


def remedy_for(value: str) -> str:
    """What to do about a cell that is no number."""
    if THOUSANDS.fullmatch(value):
        if value.count(",") > 1 or "." in value:
            return "set thousands = ',' or save the table without thousands commas"
        return (
            "save the table without thousands commas or set thousands = ',' (if it is a decimal comma, decimal = ',')"
        )
    if EUROPEAN.fullmatch(value):
        return "if it means " + value.replace(".", "").replace(",", ".") + ", set thousands = '.' and set decimal = ','"
    if WITH_UNIT.fullmatch(value) and _looks_measured(value) and not COMMA.fullmatch(value):
        return "write the number alone, in one unit for the whole column"
    if COMMA.fullmatch(value):
        return "if that is a decimal comma, set decimal = ','"
    if CENSORED.fullmatch(value) and _looks_measured(value):
        return "set censored = 'clip' to take the limit as the value, or leave those rows out"
    if MISSING.fullmatch(value):
        return f"if it means a missing value, set missing = ['{value}']"
    if re.fullmatch(r"[+-]?[1-9]\d{0,2}([ ']\d{3})+(\.\d+)?", value):
        without = "save the table without marks between thousands"
        return without if "'" in value else f"set thousands = ' ' or {without}"
    if "'" not in value and not value.startswith("\u2212"):
        return f"correct it; if it means a missing value, set missing = ['{shown(value)}']"
    return "correct it, or leave that column out (ignore_columns, drugs)"


def placeholders(values: np.ndarray) -> list[float]:
    """Values that seem to stand for a gap: -999 and its like, or a repeated one, far beyond all others; sorted."""
    known = np.asarray(values, dtype=np.float64)
    distinct, counts = np.unique(known[np.isfinite(known)], return_counts=True)
    marked = np.array([v.is_integer() and int(v) in SENTINELS for v in distinct.tolist()], dtype=bool)
    marked &= (np.abs(distinct) > 9) | (counts > 1)
    found = [float(v) for v in distinct[marked] if _is_far(v, distinct[~marked], 1.0)]
    rest = distinct[~np.isin(distinct, found)]
    if len(rest) > 3:
        for place, others in ((0, rest[1:]), (-1, rest[:-1])):
            often = counts[np.searchsorted(distinct, rest[place])] > 1
            found += [float(rest[place])] * bool(often and _is_far(rest[place], others, 5.0))
    return sorted(found)


def _is_far(value: float, others: np.ndarray, times: float) -> bool:
    """Whether a value lies so many ranges of the others away from them, or is negative where they never are."""
    if len(others) < 2:
        return False
    low, high = float(others.min()), float(others.max())
    return max(low - value, value - high) > times * (high - low) or value < 0 <= low
