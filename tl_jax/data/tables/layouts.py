"""How a text or a sheet is laid out: separator, decimal comma and heading row, by what makes all rows equally long."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tl_jax.data.tables.numbers import COMMA, NUMBER, THOUSANDS

BLANKS = r"\s+"
CANDIDATES = ("\t", ",", ";", "|")
PEEKED = 50
ABOVE = 30  # lines among which a heading is looked for
_SAID = re.compile(r"\ufeff?\"?sep=(.)\"?[,;\t]*\s*$", re.IGNORECASE)
_TITLE = re.compile(
    r"(supp|additional|table|figure|fig\.|title|notes?\b|data ?set|source data|legend|description|this |sheet)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Layout:
    """How a table stands in its file: the keys of these names in a cohort file, empty where not given."""

    separator: str = ""
    decimal: str = ""
    thousands: str = ""
    missing: tuple[str, ...] = ()
    header_row: int = 0
    sheet: str = ""
    member: str = ""


def said_separator(first: str) -> str:
    """The separator that a text's first line states, as spreadsheets write it (sep=;); "" where it states none."""
    found = _SAID.match(first.rstrip("\r\n"))
    return found.group(1) if found else ""


class Found(NamedTuple):
    """separator: between fields, BLANKS for any run of blanks. line: of the heading, from 1. decimal: "." or ",".

    heading: the separator of the heading, which may differ.
    """

    separator: str
    line: int
    decimal: str
    heading: str


class _Fit(NamedTuple):
    exact: bool
    width: int
    row: int

    @property
    def rank(self) -> tuple:
        """A table from the first row on, then a heading as long as the rows, then more columns."""
        return self.row == 0, self.exact, self.width


def found_layout(text: str, expected: str, given: str = "") -> Found:
    """The layout of a text by its first rows; `expected` where nothing tells better.

    expected: separator by the file's ending; given: the one that the user states, or "".
    """
    text = text.removeprefix("\ufeff")
    first = text[: text.find("\n") + 1] or text
    said = said_separator(first)
    skipped = 1 if said else 0
    body = text[len(first) :] if said else text
    candidates = [given] if given else [said] if said else list(dict.fromkeys((expected, *CANDIDATES)))
    best, chosen = None, candidates[0]
    for separator in candidates:
        fit = _fit([row for row, _ in rows_of(body, separator)])
        if fit and (best is None or fit.rank > best.rank):
            best, chosen = fit, separator
    if best is None and not given and not said and "\t" not in body:
        blanks = _fit([row for row, _ in rows_of(body, BLANKS)])
        best, chosen = (blanks, BLANKS) if blanks else (None, expected)
    rows = rows_of(body, chosen)
    row = best.row if best else 0
    line = rows[row][1] + skipped if rows else 1
    if best is None and not said:
        chosen, heading = _two_separators(body, candidates) or (chosen, chosen)
        return Found(chosen, line, ".", heading)
    return Found(chosen, line, _decimal([r for r, _ in rows[row + 1 :]], chosen), chosen)


def _two_separators(text: str, candidates: Sequence[str]) -> tuple[str, str] | None:
    """(separator of the rows, another of the heading) where the two differ; None where they do not."""
    first, _, rest = text.partition("\n")
    for separator in (c for c in candidates if c != BLANKS):
        widths = {len(row) for row, _ in rows_of(rest, separator)}
        if len(widths) == 1 and (width := widths.pop()) > 1:
            for heading in (*CANDIDATES, BLANKS):
                fields = rows_of(first, heading)
                if fields and len(fields[0][0]) in (width, width - 1) and len(fields[0][0]) > 1:
                    return separator, heading
    return None


def rows_of(text: str, separator: str, most: int = PEEKED + ABOVE) -> list[tuple[list[str], int]]:
    """(fields, line from 1) of the first rows that are not blank. Both looks at a table split it in this way."""
    text = as_tabs(text) if separator == BLANKS else text
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if separator == BLANKS else separator)
    rows, line = [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((row, line))
            line = reader.line_num + 1
            if len(rows) == most:
                break
    except csv.Error:
        pass  # the reader of the whole table says what is wrong
    return rows


def as_tabs(text: str) -> str:
    """Blanks between fields as one tab; those within quotes stay, those at the ends of lines go."""
    return "\n".join("\t".join(_TOKEN.findall(line)) for line in re.split(r"\r\n?|\n", text))


_TOKEN = re.compile(r"\"(?:[^\"]|\"\")*\"|[^\s\"]+")


def _fit(rows: Sequence[Sequence[str]]) -> _Fit | None:
    """How rows fit a table of at least two columns: None where they are not equally long below a heading."""
    if len(rows) < 2:
        return None
    row = heading_row(rows)
    below = [len(r) for r in rows[row + 1 :]]
    width = Counter(below).most_common(1)[0][0] if below else 0
    heading = len(rows[row])
    if width < 2 or any(n != width for n in below) or heading not in (width, width - 1):
        return None
    return _Fit(heading == width, width, row)


def heading_row(rows: Sequence[Sequence]) -> int:
    """Which of the first rows is the heading: 0, or one below titles, notes and lines that begin with #.

    A row is passed over where it has fewer filled cells than any heading of the rows below it, or begins as a title
    does, and where the row that then is the heading has no measured value in it.
    """
    width = Counter(len(r) for r in rows[-PEEKED:]).most_common(1)[0][0]
    for i in range(min(len(rows) - 1, ABOVE)):
        if not _is_above(rows[i], rows[i + 1], width):
            return i if i == 0 or _is_heading(rows[i], rows[i + 1 :]) else 0
    return 0


def _filled(row: Sequence) -> list[str]:
    return [text for cell in row if (text := str(cell).strip())]


def _is_above(row: Sequence, following: Sequence, width: int) -> bool:
    """Whether a row stands above the heading."""
    filled, beneath = _filled(row), _filled(following)
    if not filled:
        return True
    if filled[0].startswith("#") and len(row) != width:
        return len(row) < width - 1 or " " in filled[0] or filled[0].startswith("##")
    if _TITLE.match(filled[0]) and " " in filled[0] and len(beneath) >= len(filled) > 0 and not _numbers(beneath):
        return True
    if width == 2:
        return len(filled) == 1 and len(beneath) == 2 and not _numbers(beneath)
    return len(filled) < width - 1 and len(beneath) > len(filled)


def _is_heading(row: Sequence, below: Sequence[Sequence]) -> bool:
    """Whether a row may be a heading: names, or whole numbers (ids) above values that are not whole."""
    numbers = _numbers(_filled(row))
    if not numbers:
        return True
    whole = all(float(n).is_integer() for n in numbers) and len(set(numbers)) == len(numbers)
    values = [n for r in below for n in _numbers(_filled(r)[1:])]
    return whole and any(not float(v).is_integer() for v in values)


def _numbers(cells: Sequence[str]) -> list[str]:
    return [cell for cell in cells if NUMBER.fullmatch(cell) and cell.lower() not in ("nan", "inf", "infinity")]


def _decimal(rows: Sequence[Sequence[str]], separator: str) -> str:
    """ "," where values have a decimal comma beyond doubt: three of them, none with a point, not all as 1,234."""
    cells = [text for row in rows for text in _filled(row[1:])]
    commas = [c for c in cells if "," in c and COMMA.fullmatch(c)]
    points = sum(bool(re.fullmatch(r"[+-]?\d*\.\d+", c)) for c in cells)
    sure = [c for c in commas if not THOUSANDS.fullmatch(c)]
    least = 3 if separator == "," else 1
    return "," if len(commas) >= least and sure and not points else "."
