"""Workbooks (.xlsx, .xls): the sheet asked for, its heading in any row, and bounds on what it may become."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.tables.archives import check_parts, check_size
from tl_jax.data.tables.cells import nearest
from tl_jax.data.tables.headings import named_columns, unique_names
from tl_jax.data.tables.layouts import ABOVE, PEEKED, heading_row
from tl_jax.data.tables.text_tables import refuse_other_kinds
from tl_jax.errors import InputError

_BYTES_PER_CELL = 24
_CELL = re.compile(rb"""\br=["']([A-Z]{1,3})(\d{1,7})["']""")
_FAR_CELL = re.compile(rb"""\br=["'](?:[A-Z]{3}\d+|[A-Z]{1,2}\d{5,})["']""")


def read_sheet(
    content: bytes, path: Path, sheet: str = "", header_row: int = 0
) -> tuple[pd.DataFrame, list[str], dict[str, str | int]]:
    """The table in a sheet (by name, else the first), its heading, and the keys that say where it stands.

    header_row: row of the heading as a spreadsheet counts, from 1; 0 to find it below titles and notes.
    """
    rows = sheet_rows(content, path, sheet, skip_empty=not header_row)
    said: dict[str, str | int] = {"sheet": sheet} if sheet else {}
    if header_row:
        rows, said = rows[header_row - 1 :], {**said, "header_row": header_row}
    elif row := _heading(rows):
        every = sheet_rows(content, path, sheet, skip_empty=False)
        said["header_row"] = 1 + next(i for i, cells in enumerate(every) if _texts(cells) == _texts(rows[row]))
        rows = rows[row:]
    if not rows:
        if header_row:
            raise InputError(f"{path}: the sheet ends before header_row = {header_row}; correct it")
        raise InputError(f"{path}: the {'sheet' if sheet else 'first sheet'} is empty; put the table there")
    return *rows_as_frame(rows, path), said


def _heading(rows: list[list]) -> int:
    """Which row holds the heading; blank ones are passed over."""
    filled = [i for i, cells in enumerate(rows[: PEEKED + ABOVE]) if _texts(cells)]
    return filled[heading_row([rows[i] for i in filled])] if filled else 0


def _texts(cells: list) -> list[str]:
    return [str(cell) for cell in cells if cell != ""]


def rows_as_frame(rows: list[list], path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The table whose heading is the first row, blank cells as NaN, and its heading."""
    names = [_name(cell) for cell in rows[0]]
    columns = [_cells(values) for values in zip(*rows[1:], strict=True)] or [_cells(())] * len(names)
    kept = named_columns(names, [bool(c.isna().all()) for c in columns], path)
    heading = [names[i] for i in kept]
    return pd.DataFrame(dict(zip(unique_names(heading), (columns[i] for i in kept), strict=True))), heading


def sheet_rows(content: bytes, path: Path, sheet: str = "", skip_empty: bool = True) -> list[list]:
    """All rows of a sheet, each as long as the widest; "" for a blank cell."""

    def rows(workbook):
        if sheet and sheet not in workbook.sheet_names:
            raise InputError(f"{path} has no sheet '{sheet}'; {nearest(sheet, workbook.sheet_names)}")
        if not workbook.sheet_names:
            raise InputError(f"{path} has no sheet; save the workbook again")
        return workbook.get_sheet_by_name(sheet or workbook.sheet_names[0]).to_python(skip_empty_area=skip_empty)

    return _of_workbook(content, path, rows)


def sheet_names(content: bytes, path: Path) -> list[str]:
    """The sheets of a workbook, in order."""
    return _of_workbook(content, path, lambda workbook: list(workbook.sheet_names))


def _of_workbook(content: bytes, path: Path, wanted):
    """What a function makes of a workbook; any fault in it is one InputError."""
    try:
        import python_calamine
    except ImportError as error:
        raise InputError(
            f"{path}: reading workbooks needs python-calamine; install it with: pip install tl_jax[tables]"
        ) from error
    try:
        if content.startswith(b"PK"):
            check_parts(content, path)
            _check_extent(content, path)
        return wanted(python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)))
    except InputError:
        raise
    # A damaged workbook makes the reader's Rust code panic, which is no Exception.
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        _refuse_text(content, path)
        raise InputError(f"{path} is not a whole {path.suffix} workbook ({error}); fetch or save it again") from error


def _refuse_text(content: bytes, path: Path) -> None:
    """Portals name tables in text .xls, so that a spreadsheet opens them."""
    if content.startswith(b"PK"):
        return
    refuse_other_kinds(content, path, path.suffix)
    start = content[:4096]
    if b"\t" in start and b"\n" in start and b"\0" not in start:
        raise InputError(f"{path} is a table in text, not a workbook; rename it to end in .txt")


def _check_extent(content: bytes, path: Path) -> None:
    """Two cells in far corners would make the reader lay out every cell between them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            if "worksheets/" not in info.filename or not info.filename.endswith(".xml"):
                continue
            part = archive.read(info)
            if _FAR_CELL.search(part):
                cells = [(int(m[2]), m[1]) for m in _CELL.finditer(part)]
                area = max(row for row, _ in cells) * max(map(_column, {letters for _, letters in cells}))
                check_size(area * _BYTES_PER_CELL, path, f"the sheet in {info.filename}")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _name(cell) -> str:
    """A heading as text: 2024.0 is the number that Excel stores for 2024."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _cells(values: tuple) -> pd.Series:
    """One column of a sheet, blank cells as NaN, numbers as numbers where all of them are."""
    return pd.Series([np.nan if v == "" else v for v in values], dtype=object).infer_objects()
