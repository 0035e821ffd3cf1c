"""Ways to break an input: bytes of any file, rows of a table, values of a nested record. All follow a seed."""

from __future__ import annotations

import csv
import io
import random

PIECES = (
    *(b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3\x28", b"\r", b"\n", b'"', b",", b"\t", b";", b"'", b"\x1b[2J"),
    *(b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1a", b"PK\x03\x04", b"\x1f\x8b", b"nan", b"-", b"e", b"9" * 40),
)
# What a cell of numbers may hold in place of its number: notations, other kinds, and what programs write by mistake.
CELLS = (
    *("1e308", "-1e308", "1e309", "1e400", "inf", "-Infinity", "nan", "NaN", "NA", "N/A", "#N/A", "None", "null", ""),
    *("1,5", "1.234,5", "1,000", "1 000", "1_000", "1.5.2", "--1", "+1.5", " 2.5 ", "0x1F", "1e", "1d5", "1e5", "5%"),
    *("=1+1", "=HYPERLINK(1)", "@SUM(1)", "+cmd|' /C calc'!A0", "2024-01-05", "5-Jan", "12:30", "TRUE", "False", "yes"),
    *("１２", "٣", "−1", "1\u00a0000", "½", "∞", "1e-400", "123456789012345678901234567890", "\x1b[31m1", "1\u202e2"),  # noqa: RUF001
    *("#DIV/0!", "#REF!", "#VALUE!", "?", ".", "-", "9" * 400, "0." + "3" * 300, "x" * 5000, "(1.5)", "1f", "1L", "1j"),
)
NAMES = ("", " ", "\x00", "\u200b", "MGMТ", "mgmt", "=1+1", "x" * 5000, "\x1b[31mred", "1-Mar", "NA", "A\nB", "1e5")  # noqa: RUF001


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The bytes with one to three of: a flipped bit, a piece put in or over, a cut, a part twice, junk at the end."""
    content = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(content) + 1)
        end = min(len(content), at + rng.choice((1, 2, 8, 40, 400)))
        kind = rng.randrange(8)
        if kind <= 1 and at < len(content):
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            content[at:at] = rng.choice(PIECES)
        elif kind == 3:
            content[at:end] = rng.choice(PIECES)
        elif kind == 4:
            del content[at:]
        elif kind == 5:
            del content[at:end]
        elif kind == 6:
            content[at:at] = content[at:end]
        else:
            content += rng.choice(PIECES) * rng.choice((1, 3))
    return bytes(content)


def altered(rows: list[list[str]], rng: random.Random) -> list[list[str]]:
    """The rows of a table, its heading first, with one fault."""
    rows = [list(row) for row in rows]
    r, c = rng.randrange(1, len(rows)), rng.randrange(1, len(rows[0]))
    rng.choice(TABLE_FAULTS)(rows, r, c, rng)
    return rows


def cell(rows, r, c, rng):
    rows[r][c] = rng.choice(CELLS)


def row_name(rows, r, c, rng):
    rows[r][0] = rng.choice((*NAMES, rows[1][0], rows[-1][0].lower()))


def heading(rows, r, c, rng):
    rows[0][c] = rng.choice((*NAMES, rows[0][1], rows[0][-1].lower(), rows[0][0]))


def swapped_columns(rows, r, c, rng):
    other = rng.randrange(len(rows[0]))
    for row in rows:
        row[c], row[other] = row[other], row[c]


def swapped_cells(rows, r, c, rng):
    rows[r][0], rows[r][c] = rows[r][c], rows[r][0]


def repeated_row(rows, r, c, rng):
    rows.insert(r, list(rows[rng.randrange(len(rows))]))


def repeated_column(rows, r, c, rng):
    for row in rows:
        row.insert(c, row[c])


def longer_row(rows, r, c, rng):
    rows[r] += rng.choice((["7"], [""], ["", ""], ["7", "8"]))


def shorter_row(rows, r, c, rng):
    del rows[r][rng.randrange(len(rows[r])) :]


def lost_cell(rows, r, c, rng):
    del rows[r][c]


def lost_heading(rows, r, c, rng):
    del rows[0][rng.choice((0, c))]


def without_heading(rows, r, c, rng):
    del rows[0]


def empty_column(rows, r, c, rng):
    for row in rows[1:]:
        row[c] = ""


def one_column(rows, r, c, rng):
    rows[:] = [row[:1] for row in rows]


def heading_alone(rows, r, c, rng):
    del rows[1:]


def transposed(rows, r, c, rng):
    rows[:] = [list(row) for row in zip(*rows, strict=True)]


def note_above(rows, r, c, rng):
    rows.insert(0, ["# written by a program"])


def total_below(rows, r, c, rng):
    rows.append(["Total", *(["99"] * (len(rows[0]) - 1))])


TABLE_FAULTS = (
    *(cell, cell, cell, cell, cell, cell, row_name, row_name, heading, heading, swapped_columns, swapped_cells),
    *(repeated_row, repeated_column, longer_row, longer_row, shorter_row, lost_cell, lost_heading, without_heading),
    *(empty_column, one_column, heading_alone, transposed, note_above, total_below),
)


def as_text(rows: list[list[str]], separator: str, rng: random.Random) -> bytes:
    """The rows as a text; now and then with a BOM, other ends of lines, or other separators in some lines."""
    buffer = io.StringIO()
    ends = rng.choice(("\n", "\n", "\n", "\r\n", "\r"))
    csv.writer(buffer, delimiter=separator, lineterminator=ends, quoting=rng.choice((0, 0, 1))).writerows(rows)
    text = buffer.getvalue()
    if rng.random() < 0.1:
        lines = text.split(ends)
        at = rng.randrange(len(lines))
        lines[at] = lines[at].replace(separator, rng.choice((";", "\t", " ", "|", ",")))
        text = ends.join(lines)
    start = b"\xef\xbb\xbf" if rng.random() < 0.1 else b""
    return start + text.encode("utf-8", "surrogatepass")


WRONG = (
    *(None, True, False, 0, -1, 1, 10**30, 1e308, float("nan"), float("inf"), "", " ", "x", "x" * 5000, "../../etc/x"),
    *("/etc/passwd", "\0", "a\nb", "(a+)+$", "\x1b[2J", [], [[]], [""], [1], {}, {"a": {}}, {"": ""}, ["x", ["y"]]),
)


def spoiled(record, rng: random.Random):
    """A nested record (dicts, lists, values) with one or two of its values, keys or entries replaced or left out."""
    for _ in range(rng.randint(1, 2)):
        places = list(_places(record))
        if not places:
            return rng.choice(WRONG)
        holder, key = rng.choice(places)
        kind = rng.randrange(4)
        if kind <= 1:
            holder[key] = rng.choice(WRONG)
        elif kind == 2:
            del holder[key]
        elif isinstance(holder, dict):
            holder[rng.choice(("x", "", "path", "drug", "a b", "é"))] = holder.pop(key)
        else:
            holder.append(rng.choice(WRONG))
    return record


def _places(record):
    """(holder, key) of every value, at any depth."""
    keys = record if isinstance(record, dict) else range(len(record)) if isinstance(record, list) else ()
    for key in list(keys):
        yield record, key
        yield from _places(record[key])
