"""Tables in text: separators, R's short headings, trailing separators, and files that are something else."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from tl_jax.data.tables.archives import check_size
from tl_jax.data.tables.cells import shown
from tl_jax.data.tables.headings import named_columns, unique_names
from tl_jax.errors import InputError

BLANKS = r"\s+"
SEPARATORS = {",": "a comma", "\t": "a tab", BLANKS: "a tab", ";": "a semicolon", "|": "a bar"}
# Words of a cohort file for what can hardly be typed.
WORDS = {"tab": "\t", "comma": ",", "semicolon": ";", "blanks": BLANKS}
PEEKED = 50
_SEPARATOR = re.compile(r"[\t !#$%&*,/:;<=>?@^`|~]")
_COMMA = re.compile(r"-?\d*,\d+")
LONGEST_LINE = 64 << 20
MOST_COLUMNS = 300_000  # each takes pandas a tenth of a millisecond, whatever its length
# Headings of a column of names: a heading that begins with one is not R's, which leaves the names without.
_NAMES = re.compile(
    r"(gene|probe|sample|cell|symbol|ensembl|entrez|id|name|drug|row|patient|subject|donor|culture|tumou?r|barcode"
    r"|feature|transcript|specimen|strain|compound|cosmic|model|index)([ _.-]?\w+)*$",
    re.IGNORECASE,
)


def text_frame(
    content: bytes, path: Path, ending: str, separator: str = "", decimal: str = "", header_row: int = 0
) -> tuple[pd.DataFrame, list[str]]:
    """The table in a text and its heading. Row names without a heading become the first column, `row_name`.

    separator: between fields, "" for that of the ending. decimal: "" or "." for a point, "," for a comma.
    header_row: line of the heading, from 1; 0 for the first that is not blank.
    """
    refuse_other_kinds(content, path, ending)
    _refuse_binary(content, path)
    try:
        return _parsed(_from_line(content, header_row, path), path, ending, separator, decimal or ".")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text{_bad_byte(content)}; save it again as UTF-8") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error, OverflowError) as error:
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


def _refuse_binary(content: bytes, path: Path) -> None:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path} is not UTF-8 text but UTF-16; save it again as UTF-8")
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


def _parsed(content: bytes, path: Path, ending: str, separator: str, decimal: str) -> tuple[pd.DataFrame, list[str]]:
    first = _first_line(content, path)
    given = WORDS.get(separator, separator)
    if given and given != BLANKS and not _SEPARATOR.fullmatch(given):
        remedy = "write one sign such as ';', or one of " + ", ".join(WORDS)
        raise InputError(f"{path}: the key 'separator' is '{shown(separator)}'; {remedy}")
    separator = given or _separator(first, path, ending)
    rows = _rows(content, separator)
    if not rows:
        raise InputError(f"{path} is empty; save the table again")
    heading, body = rows[0], rows[1:]
    if len(heading) == 1 and all(len(r) == 1 for r in body):
        name = SEPARATORS.get(separator, f"'{separator}'")
        ask = "correct the key 'separator'" if given else "save it with that one, or set separator"
        raise InputError(f"{path} has one column only; the separator of {ending} is {name}, so {ask}")
    if len(heading) > MOST_COLUMNS:
        message = f"has {len(heading):,} columns, over {MOST_COLUMNS:,}"
        raise InputError(f"{path} {message}; write what is in its columns in rows")
    names = _names(heading, body, path)
    _refuse_cut_short(content, separator, len(names), path)
    check_size(len(names) * content.count(b"\n") * 8, path, "its table")
    frame = pd.read_csv(
        io.BytesIO(content),
        sep=separator,
        decimal=decimal,
        encoding="utf-8-sig",
        low_memory=False,
        header=0,
        names=unique_names([n or f"Unnamed: {i}" for i, n in enumerate(names)]),
        index_col=False,
    )
    kept = named_columns(names, frame.isna().all().to_numpy(), path)
    if kept and frame.iloc[:, kept[-1]].isna().any():
        _refuse_short_rows(content, separator, kept[-1] + 1, len(names), path)
    if decimal == ",":
        frame = frame.apply(_comma_numbers)
    return frame.iloc[:, kept] if len(kept) < len(names) else frame, [names[i] for i in kept]


def _comma_numbers(column: pd.Series) -> pd.Series:
    """A column that one text keeps from being numbers: the numbers among its cells, so that the text stands out."""
    if column.dtype.kind in "iuf":
        return column
    found = [float(v.replace(",", ".")) if isinstance(v, str) and _COMMA.fullmatch(v) else v for v in column]
    return pd.Series(found, index=column.index, dtype=object)


def _first_line(content: bytes, path: Path) -> str:
    for line in io.TextIOWrapper(io.BytesIO(content[: LONGEST_LINE + 1]), encoding="utf-8-sig", errors="replace"):
        if len(line) >= LONGEST_LINE:
            raise InputError(
                f"{path} begins with a line of over {LONGEST_LINE >> 20} MB, so it is no table; fetch it again"
            )
        if line.strip():
            return line
    return ""


def _separator(first: str, path: Path, ending: str) -> str:
    """That of the ending; InputError where the heading shows another."""
    expected = "," if ending == ".csv" else "\t" if ending == ".tsv" or "\t" in first else BLANKS
    if (first.count(",") if expected == "," else len(first.split("\t" if expected == "\t" else None)) - 1) > 0:
        return expected
    for other in ";", "\t", ",", "|":
        if other in first.strip():
            message = f"has one column only; the separator of {ending} is {SEPARATORS[expected]}"
            word = {"\t": "tab"}.get(other, other)
            comma = ", and decimal = ',' where its numbers have a comma" if other == ";" else ""
            raise InputError(
                f"{path} {message}, but its heading has {SEPARATORS[other]}; set separator = '{word}'{comma}"
            )
    return expected


def _rows(content: bytes, separator: str) -> list[list[str]]:
    """The first rows, split as the whole table will be; blank lines left out."""
    return list(itertools.islice(_split(content, separator), PEEKED))


def _split(content: bytes, separator: str) -> Iterator[list[str]]:
    """The fields of each row that is not blank."""
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    if separator == BLANKS:
        found = csv.reader((line.strip() for line in lines), delimiter=" ", skipinitialspace=True)
    else:
        found = csv.reader(lines, delimiter=separator)
    return (row for row in found if row)


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
    if content.endswith((b"\n", b"\r")) or separator == BLANKS:
        return
    last = content[max(content.rfind(b"\n"), content.rfind(b"\r")) + 1 :]
    fields = next(csv.reader([last[: 1 << 24].decode("utf-8", "replace")], delimiter=separator), [])
    if 0 < len(fields) < width and last.count(separator.encode()) < width - 1:
        raise InputError(
            f"{path} ends in the middle of a row ({len(fields)} of {width} fields); fetch or save it again"
        )
