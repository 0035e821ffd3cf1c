"""Slow readers that share no code with the package: tables by the csv module and a plain rule for numbers."""

from __future__ import annotations

import csv
import io
import math
import re

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
SET_MINUS = re.compile(r"^[\u2212\u2013](?=[0-9.])")  # a minus as a word processor sets it
# What pandas takes for a missing value.
MISSING = {
    *("", "NA", "N/A", "n/a", "nan", "NaN", "-nan", "-NaN", "NULL", "null", "None", "<NA>", "#N/A", "#NA", "#N/A N/A"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
}


def rows_of(content: bytes, separator: str) -> list[list[str]]:
    """Fields of every row that holds something; each as many as the first, or one more (R's short heading).

    A comment above the heading is passed over, and a heading that semicolons split is split so.
    """
    text = content.decode("utf-8-sig")
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if "".join(row).strip()]
    if rows[0][0].startswith("#") and len(rows[0]) == 1:
        rows = rows[1:]
    if len(rows[0]) == 1 and ";" in rows[0][0]:
        rows[0] = rows[0][0].split(";")
    if all(len(row) == len(rows[0]) + 1 for row in rows[1:]):
        trailing = all(row[-1] == "" for row in rows[1:])
        rows[0] = [*rows[0], ""] if trailing else ["row_name", *rows[0]]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        # An empty field at the end of some rows is no value.
        rows = [row[:-1] if len(row) == max(widths) and not row[-1].strip() else row for row in rows]
    assert len({len(row) for row in rows}) == 1, f"rows of {widths} fields were accepted"
    return rows


def table_of(content: bytes, separator: str) -> dict[tuple[str, str], float]:
    """{(row name, heading): number} of a table of numbers; AssertionError for what no careful reader would accept."""
    heading, *rows = rows_of(content, separator)
    kept = [i for i, name in enumerate(heading) if i and (name.strip() or any(row[i].strip() for row in rows))]
    found = {}
    for row in rows:
        for i in kept:
            place = (plain(row[0]), heading[i].strip())
            assert place not in found, f"{place} is there twice"
            found[place] = number(row[i])
    return found


def plain(name: str) -> str:
    """A row's name; whole numbers without their '.0'."""
    name = name.strip()
    return name[:-2] if name.endswith(".0") and name[:-2].isdecimal() else name


def number(text: str) -> float:
    text = text.strip()
    if text in MISSING:
        return math.nan
    text = SET_MINUS.sub("-", text)
    assert NUMBER.fullmatch(text), f"{text!r} was accepted as a number"
    return float(text)


def assert_same(found: dict[tuple[str, str], float], expected: dict[tuple[str, str], float]) -> None:
    """Equal places and, in float32, equal numbers."""
    assert found.keys() == expected.keys(), sorted(found.keys() ^ expected.keys())[:4]
    for place, value in expected.items():
        same = math.isnan(found[place]) if math.isnan(value) else math.isclose(found[place], value, rel_tol=1e-6)
        assert same or abs(value) < 1e-37, (place, found[place], value)
