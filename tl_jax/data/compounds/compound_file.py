"""Reading a table of compounds and labels line by line, each fault as one line that says where it is."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tl_jax.data.compounds.molecules import without_name
from tl_jax.data.tables.archives import PACKED, unpacked
from tl_jax.data.tables.cells import nearest
from tl_jax.data.tables.layouts import found_layout, said_separator
from tl_jax.data.tables.losses import told
from tl_jax.data.tables.raw_tables import find_file
from tl_jax.errors import InputError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
PEEKED_TEXT = 1 << 18  # characters by which the separator is found
LOWEST, HIGHEST = 0.0, 15.0  # of -log10 of a molar concentration
LABELS = {"0": 0, "0.0": 0, "1": 1, "1.0": 1}


class Row(NamedTuple):
    """One measured compound of one family. label: 0 or 1, None where there is no value. line: of the file, from 1."""

    family: str
    id: str
    smiles: str
    label: int | None
    line: int


def read_rows(path: str | Path, threshold: float | None = None) -> list[Row]:
    """The rows of a .csv or .tsv file (also packed as .gz or .zip) with the columns family, smiles, label.

    compound_id is read where it is there; without it a compound's id is its SMILES. Other columns are ignored.
    threshold: take the labels from the column pchembl instead (-log10 of a molar concentration): 1 where it is at
    least this, 0 where it is less, None where it is empty.
    Raises InputError naming file, line and column of a cell that cannot be used.
    """
    if threshold is not None and not math.isfinite(threshold):
        raise InputError(f"the threshold is {threshold}; give a pChEMBL value such as 7")
    path = find_file(path)
    lines = _lines(path)
    heading = [name.strip() for name in next(lines, (1, []))[1]]
    value = "label" if threshold is None else "pchembl"
    at = _columns(heading, ("family", "smiles", value), path)
    id_at = _columns(heading, ("compound_id",), path)[0] if "compound_id" in heading else at[1]
    rows, named = [], []
    for line, cells in _whole(lines, heading, path):
        family, smiles, measured, name = (cells[i].strip() for i in (*at, id_at))
        for column, text in (("family", family), ("smiles", smiles), ("compound_id", name)):
            if not text:
                raise InputError(f"{path}, line {line}, column '{column}' is empty; fill it in or drop the line")
        label = _label(measured, path, line) if threshold is None else _above(measured, threshold, path, line)
        plain = without_name(smiles) if " " in smiles else smiles
        named += [line] * (plain != smiles)
        rows.append(Row(family, name, plain, label, line))
    if not rows:
        raise InputError(f"{path} holds no compounds; save the table again")
    if named:
        told(f"{path}: {len(named):,} of {len(rows):,} SMILES have a name behind them, cut off (line {named[0]} ...)")
    return rows


def read_smiles(path: str | Path) -> list[tuple[str, str]]:
    """(id, SMILES) of each line of a .csv or .tsv file (also packed) with the column smiles, none left out.

    The id is the column id or compound_id, the SMILES where there is neither. Either may be empty.
    Raises InputError naming the file and the column or line that is wrong.
    """
    path = find_file(path)
    lines = _lines(path)
    heading = [name.strip() for name in next(lines, (1, []))[1]]
    named = [name for name in ("id", "compound_id") if name in heading][:1]
    at = _columns(heading, (*(named or ["smiles"]), "smiles"), path)
    rows = [tuple(cells[i].strip() for i in at) for _, cells in _whole(lines, heading, path)]
    rows = [(name, without_name(smiles) if " " in smiles else smiles) for name, smiles in rows]
    if not rows:
        raise InputError(f"{path} holds no compounds; save the table again")
    return rows


def _whole(lines: Iterator[tuple[int, list[str]]], heading: list[str], path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines, each with as many cells as there are columns."""
    for line, cells in lines:
        if len(cells) != len(heading):
            raise InputError(f"{path}, line {line}: {len(cells)} fields, but {len(heading)} columns; complete the line")
        yield line, cells


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, cells) of each record that is not blank."""
    suffixes = [s.lower() for s in path.suffixes]
    packed = suffixes.pop() if suffixes and suffixes[-1] in PACKED else ""
    ending = suffixes[-1] if suffixes else ""
    if ending not in SEPARATORS:
        raise InputError(f"{path}: unknown ending '{ending}'; save the table as .csv or .tsv (or .gz of these)")
    try:
        text = unpacked(path, packed).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); save it again as UTF-8") from error
    found = found_layout(text[:PEEKED_TEXT], SEPARATORS[ending])
    separator = found.separator if len(found.separator) == 1 else SEPARATORS[ending]
    lines, first = io.StringIO(text, newline=""), 1
    if said_separator(lines.readline()):
        first = 2
    else:
        lines.seek(0)
    reader, line = csv.reader(lines, delimiter=separator, strict=True), first
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + first
    except csv.Error as error:
        raise InputError(f"{path}, line {line}: {error}; mend the quotes of that line") from error


def _columns(heading: list[str], names: tuple[str, ...], path: Path) -> list[int]:
    for name in names:
        if name not in heading:
            remedy = nearest(name, heading)
            if name == "label" and "pchembl" in heading:
                remedy = "add it, or give a threshold for the column pchembl"
            raise InputError(f"{path} has no column '{name}'; {remedy}")
        if heading.count(name) > 1:
            raise InputError(f"{path}: column '{name}' occurs {heading.count(name)} times; rename or drop the others")
    return [heading.index(name) for name in names]


def _label(text: str, path: Path, line: int) -> int:
    if text not in LABELS:
        remedy = "write 1 for active, 0 for inactive, or give a threshold for a column pchembl"
        raise InputError(f"{path}, line {line}, column 'label': '{text}' is neither 0 nor 1; {remedy}")
    return LABELS[text]


def _above(text: str, threshold: float, path: Path, line: int) -> int | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        remedy = "correct it, or leave it empty where nothing was measured"
        raise InputError(f"{path}, line {line}, column 'pchembl': '{text}' is not a number; {remedy}")
    if not LOWEST <= value <= HIGHEST:
        what = f"'{text}' is no -log10 of a molar concentration, which lies in {LOWEST:g} to {HIGHEST:g}"
        remedy = "if these are nM, write 9 - log10(nM); if uM, 6 - log10(uM)"
        raise InputError(f"{path}, line {line}, column 'pchembl': {what}; {remedy}")
    return int(value >= threshold)
