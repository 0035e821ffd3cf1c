"""Broken tables: text, workbooks, parquet and archives end in one line, or in the numbers that a slow reader finds."""

import gzip
import io
import random
import zipfile

import numpy as np
import pandas as pd
import pytest
from counted import FEW
from judged import judged_each
from mutations import altered, as_text, damaged
from twin import MISSING, assert_same, table_of

from tl_jax.data.cohort.responses import response_frame
from tl_jax.data.cohort.schema import ResponseTable
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.tables.raw_tables import read_table

SEPARATOR = {".csv": ",", ".tsv": "\t"}


def sound(samples=8, genes=6):
    rows = [["sample", *(f"G{g}" for g in range(genes))]]
    for s in range(samples):
        rows.append([f"s{s}", *(f"{(s * 7 + g * 3) % 11 + g / 8:.3f}" for g in range(genes))])
    return rows


def frame():
    heading, *rows = sound(20)
    values = np.array([row[1:] for row in rows], dtype=float)
    table = pd.DataFrame(values, columns=heading[1:])
    table.insert(0, "sample", [row[0] for row in rows])
    return table


def read(path):
    return read_expression(path, orientation="samples")


def numbers(result):
    x, samples, genes = result
    return {(s, g): float(x[i, j]) for i, s in enumerate(samples) for j, g in enumerate(genes)}


def placed(path, content):
    path.write_bytes(content)
    return path


def agrees(path, result):
    assert_same(numbers(result), table_of(path.read_bytes(), SEPARATOR[path.suffix]))


@pytest.mark.parametrize(("kind", "ending"), [("table csv", ".csv"), ("table tsv", ".tsv")])
def test_altered_tables(tmp_path, slow, kind, ending):
    path = tmp_path / f"t{ending}"

    def make(rng):
        # Long ones reach beyond the rows that are looked at before a table is read.
        return placed(path, as_text(altered(sound(rng.choice((8, 80))), rng), SEPARATOR[ending], rng))

    refused = judged_each(kind, slow, make, read, path.name, "TLJAX_MAX_GB", place=tmp_path, same=agrees)
    assert refused > 5


def test_damaged_text(tmp_path, slow):
    text = as_text(sound(), ",", random.Random(1))
    path = tmp_path / "t.csv"
    make = lambda rng: placed(path, damaged(text, rng))  # noqa: E731
    assert judged_each("table bytes", slow, make, read, "t.csv", place=tmp_path, same=agrees)


def timeless(workbook):
    """The bytes of a workbook without the time of its writing, so that every run breaks the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(workbook) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != "docProps/core.xml":
                new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def files():
    """{kind: (name, content)} of one table in every form but plain text."""
    table, kept = frame(), {}
    for kind, name, write in (
        ("parquet", "t.parquet", lambda to: table.to_parquet(to, index=False)),
        ("xlsx", "t.xlsx", lambda to: table.to_excel(to, index=False)),
    ):
        buffer = io.BytesIO()
        write(buffer)
        kept[kind] = (name, buffer.getvalue() if kind == "parquet" else timeless(buffer))
    text = table.to_csv(index=False).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", text)
    return kept | {"gz": ("t.csv.gz", gzip.compress(text, mtime=0)), "zip": ("t.csv.zip", packed.getvalue())}


# Of parquet, only files with checksums show a flipped bit of a value (docs/hostile_input.md).
@pytest.mark.parametrize(("kind", "exact"), [("parquet", False), ("xlsx", True), ("gz", True), ("zip", True)])
def test_damaged_binary_files(tmp_path, slow, kind, exact):
    name, content = files()[kind]
    expected = numbers(read(placed(tmp_path / name, content)))

    def same(_, result):
        if exact:
            assert_same(numbers(result), expected)
        else:
            assert np.isfinite(result[0]).all()

    make = lambda rng: placed(tmp_path / name, damaged(content, rng))  # noqa: E731
    names = (name, "is not a whole", "TLJAX_MAX_GB")
    assert judged_each(kind, slow, make, read, *names, place=tmp_path, same=same)


def test_damaged_parts_of_a_workbook(tmp_path, slow):
    with zipfile.ZipFile(io.BytesIO(files()["xlsx"][1])) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    chosen = ["xl/worksheets/sheet1.xml"] * 3 + [n for n in parts if n.startswith(("xl/", "[", "_rels"))]

    def make(rng):
        name = rng.choice(chosen)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for part, content in parts.items():
                archive.writestr(part, damaged(content, rng) if part == name else content)
        return placed(tmp_path / "t.xlsx", buffer.getvalue())

    def same(_, result):
        assert np.isfinite(result[0]).all()

    judged_each("xlsx parts", slow, make, read, "t.xlsx", place=tmp_path, same=same)


def test_altered_responses_keep_their_gaps_and_their_places(tmp_path, slow):
    """A response may have gaps, so a lost cell could shift a row unseen."""
    path, table = tmp_path / "auc.csv", ResponseTable(path="auc.csv", format="wide")
    rows = sound(12)
    rows[3][2] = rows[5][6] = ""

    def make(rng):
        return placed(path, as_text(altered(rows, rng), ",", rng))

    def call(path):
        found = response_frame(read_table(path), path, table)
        return {(s, d): float(found.loc[s, d]) for s in found.index for d in found.columns}

    def same(path, found):
        expected = table_of(path.read_bytes(), ",")
        empty = {row for row, _ in expected} - {row for row, _ in found}
        # Rows that name no sample are left out and said.
        assert all(np.isnan(value) for (row, _), value in expected.items() if row in empty - MISSING)
        assert_same(found, {place: value for place, value in expected.items() if place[0] not in empty})

    assert judged_each("response", slow, make, call, "auc.csv", place=tmp_path, same=same) > 5 // FEW
