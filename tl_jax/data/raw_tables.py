"""Reading a table file as it stands, with one-line errors that name the file and the remedy."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cells import nearest
from tl_jax.errors import InputError

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".xlsx")
PACKED = (".gz", ".zip")
TABLES_EXTRA = "install the readers with: pip install tl_jax[tables]"


def find_file(path: str | Path) -> Path:
    """`path`, or the same file packed as .gz or .zip; InputError with near names where there is none."""
    path = Path(path)
    for candidate in (path, *(path.with_name(path.name + ending) for ending in PACKED)):
        if candidate.is_file():
            return candidate
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a table file in it")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; correct the path or --data_dir")
    raise InputError(f"there is no file {path}; {_near_files(path)}")


def _near_files(path: Path) -> str:
    names = sorted(p.name for p in path.parent.iterdir() if p.is_file() and not p.name.startswith("."))
    return f"in its folder {nearest(path.name, names)}" if names else "its folder is empty"


def read_table(path: str | Path, repeated_columns: str = "error") -> pd.DataFrame:
    """A .csv, .tsv, .txt, .parquet or .xlsx file (also packed as .gz or .zip) as a DataFrame.

    The separator follows the ending: comma, tab, and for .txt a tab or else blanks. A named index of a
    parquet file, and row names that have no heading, become the first column. Sheets: the first.
    repeated_columns: "error", or "keep" to give the copies the suffixes .1, .2, ...
    Raises InputError for anything that is not a readable table with at least one row.
    """
    path = find_file(path)
    suffixes = [s.lower() for s in path.suffixes]
    packed = suffixes.pop() if suffixes and suffixes[-1] in PACKED else ""
    ending = suffixes[-1] if suffixes else ""
    if ending not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise InputError(f"{path}: unknown ending '{ending}'; save the table as one of {known} (or .gz of these)")
    content = unpacked(path, packed)
    if not content or content.isspace():
        raise InputError(f"{path} is empty; save the table again")
    reader = {".parquet": _read_parquet, ".xlsx": _read_sheet}.get(ending, _read_text)
    frame, heading = reader(content, path, ending)
    _check_heading(heading, path, repeated_columns)
    frame = _index_as_column(frame, path).dropna(how="all")
    if frame.empty:
        raise InputError(f"{path} holds a heading but no rows; save the table again")
    frame.columns = _unique([str(c).strip() for c in frame.columns])
    return frame.reset_index(drop=True)


def unpacked(path: Path, packed: str) -> bytes:
    """The content of a file that ends in `packed` (".gz", ".zip" or "" for none); InputError where it is damaged."""
    try:
        if packed == ".gz":
            return gzip.decompress(path.read_bytes())
        if packed == ".zip":
            with zipfile.ZipFile(path) as archive:
                members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX")]
                if len(members) != 1:
                    raise InputError(f"{path} packs {len(members)} files; unpack it and name the one table")
                return archive.read(members[0])
        return path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a whole {packed} file ({error}); fetch or save it again") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; check its permissions") from error


def _read_text(content: bytes, path: Path, ending: str) -> tuple[pd.DataFrame, list[str]]:
    try:
        # A byte-order mark, as Excel writes it, must not become part of the first name.
        first = io.BytesIO(content).readline().splitlines()[0].decode("utf-8-sig")
        separator = _separator(first, ending)
        options = {"sep": separator, "encoding": "utf-8-sig", "low_memory": False}
        frame = pd.read_csv(io.BytesIO(content), **options)
        heading = first.split() if separator == r"\s+" else next(csv.reader([first], delimiter=separator))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); save it again as UTF-8") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        raise InputError(f"{path} is not a regular table: {error}; give every row as many fields") from error
    if len(frame.columns) == 1 and isinstance(frame.index, pd.RangeIndex):
        name = "a comma" if separator == "," else "a tab"
        raise InputError(f"{path} has one column only; the separator of {ending} is {name}, so save it with that one")
    return frame, heading


def _separator(first: str, ending: str) -> str:
    if ending == ".csv":
        return ","
    return "\t" if ending == ".tsv" or "\t" in first else r"\s+"


def _read_parquet(content: bytes, path: Path, _: str) -> tuple[pd.DataFrame, list[str]]:
    try:
        import pyarrow
    except ImportError as error:
        raise InputError(f"{path}: reading .parquet needs pyarrow; {TABLES_EXTRA}") from error
    try:
        frame = pd.read_parquet(io.BytesIO(content), engine="pyarrow")
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} is not a whole .parquet file ({error}); fetch or save it again") from error
    return frame, list(map(str, frame.columns))


def _read_sheet(content: bytes, path: Path, _: str) -> tuple[pd.DataFrame, list[str]]:
    try:
        import python_calamine
    except ImportError as error:
        raise InputError(f"{path}: reading .xlsx needs python-calamine; {TABLES_EXTRA}") from error
    try:
        rows = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path} is not a whole .xlsx workbook ({error}); fetch or save it again") from error
    if not rows:
        raise InputError(f"{path}: the first sheet is empty; put the table there")
    heading = [str(cell) for cell in rows[0]]
    columns = {
        name: _cells(values) for name, values in zip(_unique(heading), zip(*rows[1:], strict=True), strict=False)
    }
    return pd.DataFrame(columns, columns=_unique(heading)), heading


def _cells(values: tuple) -> pd.Series:
    """One column of a sheet, blank cells as NaN, numbers as numbers where all of them are."""
    return pd.Series([np.nan if v == "" else v for v in values], dtype=object).infer_objects()


def _check_heading(heading: list[str], path: Path, repeated_columns: str) -> None:
    stripped = [h.strip() for h in heading]
    if len(set(stripped)) == len(stripped) or repeated_columns == "keep":
        return
    repeated = [h for h in dict.fromkeys(stripped) if h and stripped.count(h) > 1]
    if repeated:
        raise InputError(
            f"{path}: column '{repeated[0]}' occurs {stripped.count(repeated[0])} times; rename or drop it"
        )


def _index_as_column(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    if isinstance(frame.index, pd.MultiIndex):
        raise InputError(f"{path} has rows longer than its heading; give every column a name")
    if isinstance(frame.index, pd.RangeIndex) and frame.index.name is None:
        return frame
    return frame.reset_index(names=frame.index.name or "row_name")


def _unique(names: list[str]) -> list[str]:
    """Names made unique with the suffixes .1, .2, ..."""
    taken, result = set(), []
    for name in names:
        fresh, count = name, 0
        while fresh in taken:
            count += 1
            fresh = f"{name}.{count}"
        taken.add(fresh)
        result.append(fresh)
    return result
