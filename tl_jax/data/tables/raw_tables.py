"""Reading a table file as it stands, with one-line errors that name the file and the remedy."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.tables.archives import PACKED, check_size, unpacked_member
from tl_jax.data.tables.cells import nearest, shown
from tl_jax.data.tables.headings import check_heading, unique_names
from tl_jax.data.tables.layouts import Layout
from tl_jax.data.tables.numbers import without
from tl_jax.data.tables.sheets import read_sheet
from tl_jax.data.tables.text_tables import refuse_formats, refuse_other_kinds, text_frame
from tl_jax.errors import InputError

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".xls")
SHEETS = (".xlsx", ".xls")
# Headings that pandas and R give a column that counts the rows.
COUNTED = re.compile(
    r"|unnamed: ?\d+|index|level_0|x|v1|\.\.\.1|row_?(name|names|number|id)?|no\.?|nr\.?|#", re.IGNORECASE
)
TABLES_EXTRA = "install the readers with: pip install tl_jax[tables]"


def find_file(path: str | Path) -> Path:
    """`path`, or the same file packed as .gz or .zip; InputError with near names where there is none."""
    path = Path(path)
    try:
        for candidate in (path, *(path.with_name(path.name + ending) for ending in PACKED)):
            if candidate.is_file():
                return candidate
    except (OSError, ValueError) as error:
        if not os.path.isdir(path):  # "." has no name that an ending could follow
            name, why = shown(path.name), _reason(error)
            raise InputError(f"'{name}' cannot be the name of a file ({why}); correct it") from error
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a table file in it")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; correct the path or --data_dir")
    raise InputError(f"there is no file {path}; {_near_files(path)}")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or shown(error)


def _near_files(path: Path) -> str:
    names = sorted(p.name for p in path.parent.iterdir() if p.is_file() and not p.name.startswith("."))
    return f"in its folder {nearest(path.name, names)}" if names else "its folder is empty"


def read_table(path: str | Path, repeated_columns: str = "error", layout: Layout | None = None) -> pd.DataFrame:
    """A .csv, .tsv, .txt, .parquet, .xlsx or .xls file (also packed as .gz or .zip) as a DataFrame.

    A named index of a parquet file, and row names that have no heading, become the first column; a column that only
    counts the rows is left out. Sheets: the first.
    repeated_columns: "error", or "keep" to give the copies the suffixes .1, .2, ...
    layout: how the file is laid out; what it leaves open is found. Raises InputError for anything that is not a
    readable table with at least one row, and for a part of `layout` that such a file does not have.
    """
    return read_with_layout(path, repeated_columns, layout)[0]


def read_with_layout(
    path: str | Path, repeated_columns: str = "error", layout: Layout | None = None
) -> tuple[pd.DataFrame, dict]:
    """`read_table` and the keys of a cohort file that say how the table was found to stand in its file."""
    path, layout = find_file(path), layout or Layout()
    content, ending = table_content(path, layout.member)
    if ending not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise InputError(f"{path}: unknown ending '{ending}'; save the table as one of {known} (or .gz of these)")
    if not content or content.isspace():
        raise InputError(f"{path} is empty; save the table again")
    _refuse_unused(path, ending, layout)
    found: dict = {}
    if ending == ".parquet":
        frame, heading = _read_parquet(content, path)
    elif ending in SHEETS:
        frame, heading, found = read_sheet(content, path, layout.sheet, layout.header_row)
    else:
        refuse_formats(content, path)
        frame, heading, found = text_frame(content, path, ending, layout)
    if layout.missing and ending in (*SHEETS, ".parquet"):
        frame = frame.apply(lambda column: without(column, layout.missing))
    return _finished(frame, heading, path, repeated_columns), found


def table_content(path: Path, member: str = "", endings: tuple[str, ...] = ENDINGS) -> tuple[bytes, str]:
    """The unpacked content of a file and the ending that tells its kind: its own, or that of the file in its .zip.

    Content is b"" where the ending is not one of `endings`.
    """
    suffixes = [s.lower() for s in path.suffixes]
    packed = suffixes.pop() if suffixes and suffixes[-1] in PACKED else ""
    ending = suffixes[-1] if suffixes else ""
    # An unknown kind need not be unpacked to be refused.
    if packed != ".zip" and ending not in endings:
        return b"", ending
    content, inside = unpacked_member(path, packed, member)
    return content, ending if ending in endings else Path(inside).suffix.lower()


def _refuse_unused(path: Path, ending: str, layout: Layout) -> None:
    """Keys that this kind of file does not have would change nothing, so they are a mistake."""
    text = ending not in (*SHEETS, ".parquet")
    has = {"separator": text, "decimal": text, "thousands": text, "sheet": ending in SHEETS}
    has["header_row"] = ending != ".parquet"
    for key, known in has.items():
        if getattr(layout, key) and not known:
            raise InputError(f"{path}: the key '{key}' changes nothing for a {ending} file; remove it")


def _read_parquet(content: bytes, path: Path) -> tuple[pd.DataFrame, list[str]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(f"{path}: reading .parquet needs pyarrow; {TABLES_EXTRA}") from error
    try:
        found = pyarrow.parquet.ParquetFile(io.BytesIO(content)).metadata
        check_size(found.num_rows * found.num_columns * 8, path, "its table")
        frame = pd.read_parquet(io.BytesIO(content), engine="pyarrow", page_checksum_verification=True)
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        refuse_other_kinds(content, path, ".parquet")
        raise InputError(f"{path} is not a whole .parquet file ({error}); fetch or save it again") from error
    return frame, list(map(str, frame.columns))


def _finished(frame: pd.DataFrame, heading: list[str], path: Path, repeated_columns: str) -> pd.DataFrame:
    """The frame with its index as a column, its headings checked, and without empty rows and columns."""
    check_heading(heading, path, repeated_columns)
    frame = _without_count(_index_as_column(frame).dropna(how="all"))
    if frame.empty:
        raise InputError(f"{path} holds a heading but no rows; save the table again")
    frame.columns = unique_names([str(c).strip() for c in frame.columns])
    return frame.reset_index(drop=True)


def _without_count(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without a first column that only counts its rows, as pandas and R write it beside the names."""
    if len(frame.columns) < 3 or not len(frame) or not COUNTED.fullmatch(str(frame.columns[0])):
        return frame
    first = frame.iloc[:, 0]
    if first.dtype.kind not in "iuf":
        return frame
    start = first.iloc[0]
    counts = start in (0, 1) and np.array_equal(first.to_numpy(float), np.arange(len(frame)) + start)
    named = any(c.dtype.kind not in "iufb" and c.notna().all() and c.is_unique for _, c in frame.iloc[:, 1:4].items())
    return frame.iloc[:, 1:] if counts and named else frame


def _index_as_column(frame: pd.DataFrame) -> pd.DataFrame:
    if isinstance(frame.index, pd.RangeIndex) and frame.index.name is None:
        return frame
    return frame.reset_index(names=frame.index.name or "row_name")
