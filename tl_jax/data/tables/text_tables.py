"""Tables in text: separators, R's short headings, trailing separators, and files that are something else."""

from __future__ import annotations

import csv
import io
import itertools
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from tl_jax.data.tables.archives import check_size
from tl_jax.data.tables.cells import shown, unquoted
from tl_jax.data.tables.headings import named_columns, unique_names
from tl_jax.data.tables.layouts import ABOVE, BLANKS, PEEKED, Found, Layout, as_tabs, found_layout, rows_of
from tl_jax.data.tables.numbers import PLAIN, Marks, typed
from tl_jax.errors import InputError

SEPARATORS = {",": "a comma", "\t": "a tab", BLANKS: "a tab", ";": "a semicolon", "|": "a bar"}
# Words of a cohort file for what can hardly be typed.
WORDS = {"tab": "\t", "comma": ",", "semicolon": ";", "blanks": BLANKS}
AS_TEXT = 32  # columns that may hold names, and are read as texts; those beyond hold values
_SEPARATOR = re.compile(r"[\t !#$%&*,/:;<=>?@^`|~]")
LONGEST_LINE = 64 << 20
MOST_COLUMNS = 300_000  # each takes pandas a tenth of a millisecond, whatever its length
# Headings of a column of names: a heading that begins with one is not R's, which leaves the names without.
_NAMES = re.compile(
    r"(gene|probe|sample|cell|symbol|ensembl|entrez|id|name|drug|row|patient|subject|donor|culture|tumou?r|barcode"
    r"|feature|transcript|specimen|strain|compound|cosmic|model|index)([ _.-]?\w+)*$",
    re.IGNORECASE,
)


class Text(NamedTuple):
    """A table from a text. heading: its names, as they stand. layout: what was found of separator, decimal and
    header_row, or stated."""

    frame: pd.DataFrame
    heading: list[str]
    layout: dict[str, str | int]


def text_frame(content: bytes, path: Path, ending: str, layout: Layout) -> Text:
    """The table in a text. Row names without a heading become the first column, `row_name`.

    Cells are read as texts; a column becomes one of numbers where that loses nothing (numbers.typed). What the layout
    leaves open is found by the first rows (layouts.found_layout).
    """
    content = _as_utf8(content, path)
    refuse_other_kinds(content, path, ending)
    _refuse_binary(content, path)
    try:
        return _parsed(_from_line(content, layout.header_row, path), path, ending, layout)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text{_bad_byte(content)}; save it again as UTF-8") from error
    except (
        *(pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, csv.Error),
        OverflowError,
    ) as error:
        raise InputError(f"{path} is not a regular table: {error}; give every row as many fields") from error


def refuse_other_kinds(content: bytes, path: Path, ending: str) -> None:
    """InputError where the content is a web page, or a packed or binary file under another name."""
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputError(f"{path} is a web page, not a table; fetch it again, or save the table as {ending}")
    kinds = {b"\x1f\x8b": ".gz", b"pk\x03\x04": ".zip (or .xlsx)", b"par1": ".parquet", b"\x89hdf": ".h5"}
    for begin, kind in kinds.items():
        if start.startswith(begin) and kind != ending:
            raise InputError(f"{path} is a {kind} file by its content; rename it to end so")


def refuse_formats(content: bytes, path: Path) -> None:
    """InputError where a text is no plain table but a public format that has its own name in a cohort file."""
    start = content[:16].lower()
    if start.startswith((b"!series_", b"!sample_")):
        remedy = "name it as GEO does (..._series_matrix.txt), and for expression set format = 'geo_series_matrix'"
        raise InputError(f"{path} is a GEO series matrix; {remedy}")
    if start.startswith((b"#1.2", b"#1.3")):
        raise InputError(f"{path} is a .gct file by its content; rename it to end so, and set format = 'gct'")


def _as_utf8(content: bytes, path: Path) -> bytes:
    """The content; what a spreadsheet saves as "Unicode text" is UTF-16 and says so in its first two bytes."""
    if not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content
    try:
        return content.decode("utf-16").encode("utf-8")
    except UnicodeError as error:
        raise InputError(f"{path} begins as UTF-16 text and is none; save it again as UTF-8") from error


def _refuse_binary(content: bytes, path: Path) -> None:
    if b"\0" in content:
        raise InputError(f"{path} is no text, since it has a zero byte; fetch or save it again")


def _from_line(content: bytes, header_row: int, path: Path) -> bytes:
    """The content from its header_row on."""
    position = 0
    for _ in range(header_row - 1):
        found = re.compile(rb"\r\n?|\n").search(content, position)
        if found is None or found.end() == len(content):
            raise InputError(f"{path} has fewer than {header_row} lines; correct header_row")
        position = found.end()
    return content[position:] if position else content


def _bad_byte(content: bytes) -> str:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return f" (byte {error.start}, line {line})"
    return ""


def _parsed(content: bytes, path: Path, ending: str, layout: Layout) -> Text:
    found = _layout(content, path, ending, layout)
    content = _one_separator(_from_line(content, found.line, path), found)
    separator = "\t" if found.separator == BLANKS else found.separator
    rows = list(itertools.islice(_split(content, separator), PEEKED))
    if not rows:
        raise InputError(f"{path} is empty; save the table again")
    heading, body = rows[0], rows[1:]
    if len(heading) == 1 and all(len(r) == 1 for r in body):
        name = SEPARATORS.get(found.separator, f"'{found.separator}'")
        ask = "correct the key 'separator'" if layout.separator else "save it with that one, or set separator"
        raise InputError(f"{path} has one column only; the separator of {ending} is {name}, so {ask}")
    if len(heading) > MOST_COLUMNS:
        message = f"has {len(heading):,} columns, over {MOST_COLUMNS:,}"
        raise InputError(f"{path} {message}; write what is in its columns in rows")
    names = [unquoted(name) for name in _names(heading, body, path)]
    _refuse_cut_short(content, separator, len(names), path)
    check_size(len(names) * content.count(b"\n") * 8, path, "its table")
    frame = _read(content, separator, names, Marks(found.decimal, layout.thousands, layout.missing))
    kept = named_columns(names, frame.isna().all().to_numpy(), path)
    if kept and frame.iloc[:, kept[-1]].isna().any():
        _refuse_short_rows(content, separator, kept[-1] + 1, len(names), path)
    frame = frame.iloc[:, kept] if len(kept) < len(names) else frame
    return Text(frame, [names[i] for i in kept], _stated(found, layout, ending))


def _read(content: bytes, separator: str, names: list[str], marks: Marks) -> pd.DataFrame:
    """The whole table: the columns that may hold names as texts, then numbers where nothing is lost."""
    unique = unique_names([n or f"Unnamed: {i}" for i, n in enumerate(names)])
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # pandas would drop what does not fit
        frame = pd.read_csv(
            io.BytesIO(content),
            sep=separator,
            encoding="utf-8-sig",
            low_memory=False,
            header=0,
            names=unique,
            index_col=False,
            dtype=dict.fromkeys(unique[:AS_TEXT] if marks == PLAIN else unique, str),
        )
    return frame.apply(lambda column: column if column.dtype.kind in "iuf" else typed(column, marks))


def _layout(content: bytes, path: Path, ending: str, layout: Layout) -> Found:
    """The layout as stated, and as found where it is not."""
    given = WORDS.get(layout.separator, layout.separator)
    if given and given != BLANKS and not _SEPARATOR.fullmatch(given):
        remedy = "write one sign such as ';', or one of " + ", ".join(WORDS)
        raise InputError(f"{path}: the key 'separator' is '{shown(layout.separator)}'; {remedy}")
    head = "".join(_first_lines(content, path))
    expected = "," if ending == ".csv" else "\t" if ending == ".tsv" or "\t" in head else BLANKS
    found = found_layout(head, expected, given)
    line = 1 if layout.header_row else found.line
    return found._replace(line=line, decimal=layout.decimal or found.decimal)


def _stated(found: Found, layout: Layout, ending: str) -> dict[str, str | int]:
    """Keys of a cohort file that say this layout; those that go without saying are left out."""
    usual = {".csv": ",", ".tsv": "\t"}.get(ending)
    words = {sign: word for word, sign in WORDS.items()}
    said: dict[str, str | int] = {}
    if layout.separator or (found.separator != usual and not (usual is None and found.separator in ("\t", BLANKS))):
        said["separator"] = layout.separator or words.get(found.separator, found.separator)
    if found.decimal == ",":
        said["decimal"] = ","
    if layout.header_row or found.line > 1:
        said["header_row"] = layout.header_row or found.line
    return said


def _first_lines(content: bytes, path: Path) -> Iterator[str]:
    """The first lines of a text, as many as tell its layout."""
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", errors="replace", newline="")
    kept = 0
    while kept < PEEKED + ABOVE and (line := lines.readline(LONGEST_LINE + 1)):
        if len(line) > LONGEST_LINE:
            raise InputError(
                f"{path} begins with a line of over {LONGEST_LINE >> 20} MB, so it is no table; fetch it again"
            )
        kept += bool(line.strip())
        yield line


def _one_separator(content: bytes, found: Found) -> bytes:
    """The content with one separator throughout: blanks become tabs, and a heading set in another way is set anew."""
    if found.separator == BLANKS:
        return as_tabs(content.decode("utf-8-sig")).encode()
    if found.heading == found.separator:
        return content
    first, end, rest = content.partition(b"\n")
    fields = rows_of(first.decode("utf-8-sig"), found.heading)[0][0]
    line = io.StringIO()
    csv.writer(line, delimiter=found.separator, lineterminator="").writerow(fields)
    return line.getvalue().encode() + end + rest


def _split(content: bytes, separator: str) -> Iterator[list[str]]:
    """The fields of each row that is not blank."""
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    return (row for row in csv.reader(lines, delimiter=separator) if row)


def _names(heading: list[str], body: list[list[str]], path: Path) -> list[str]:
    """A name for each field of a row: the heading's, and one for row names or for what trailing separators add."""
    width = max(map(len, body), default=0)
    if width <= len(heading):
        return heading
    if width > len(heading) + 1:
        row = next(i for i, r in enumerate(body) if len(r) == width)
        message = f"data row {row + 1} has {width} fields, the heading {len(heading)}"
        raise InputError(f"{path} is not a regular table: {message}; give every row as many fields, or set header_row")
    if all(r[-1] == "" for r in body if len(r) == width):
        return [*heading, ""]
    if any(len(r) < width for r in body) or _NAMES.match(heading[0].strip()):
        message = f"rows have {width} fields, the heading {len(heading)}, which begins with '{heading[0]}'"
        remedy = "give every row as many fields (numbers without thousands commas)"
        raise InputError(f"{path} is not a regular table: {message}; {remedy}")
    return ["row_name", *heading]


def _refuse_short_rows(content: bytes, separator: str, needed: int, width: int, path: Path) -> None:
    """A row with too few fields has lost a cell, after which every value stands under another heading.

    pandas fills such rows up with gaps at their end, so only a table with a gap there needs to be looked through.
    needed: fields up to the last heading; width: fields with what trailing separators add.
    """
    for number, row in enumerate(_split(content, separator)):
        if number and (len(row) < needed or (len(row) < width and not row[-1].strip())):
            message = f"row {number} below the heading has {len(row)} fields, others {width}"
            raise InputError(f"{path} is not a regular table: {message}; give every row as many fields")


def _refuse_cut_short(content: bytes, separator: str, width: int, path: Path) -> None:
    """A last line without its end and with too few fields is what a broken download leaves."""
    if content.endswith((b"\n", b"\r")):
        return
    last = content[max(content.rfind(b"\n"), content.rfind(b"\r")) + 1 :]
    fields = next(csv.reader([last[: 1 << 24].decode("utf-8", "replace")], delimiter=separator), [])
    if 0 < len(fields) < width and last.count(separator.encode()) < width - 1:
        raise InputError(
            f"{path} ends in the middle of a row ({len(fields)} of {width} fields); fetch or save it again"
        )
