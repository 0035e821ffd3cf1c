"""GEO series matrices, `GSEnnn_series_matrix.txt.gz`: what is known of the samples, and the processed values.

Source: GEO's own files. Lines that begin with `!` say one thing of each sample; the values stand between
`!series_matrix_table_begin` and `!series_matrix_table_end`. For RNA-seq that table is empty, and the values are
in the supplementary files of the series (format = 'table').
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from tl_jax.data.formats.depmap import genes_in_rows
from tl_jax.data.formats.registry import expression_reader
from tl_jax.data.tables.cells import examples
from tl_jax.data.tables.headings import unique_names
from tl_jax.data.tables.layouts import Layout
from tl_jax.data.tables.raw_tables import table_content
from tl_jax.data.tables.text_tables import refuse_other_kinds, text_frame
from tl_jax.errors import InputError

_BEGIN, _END = b"!series_matrix_table_begin", b"!series_matrix_table_end"


def is_series_matrix(path: Path) -> bool:
    """Whether a file is a series matrix by its name, as GEO gives it."""
    return "series_matrix" in path.name.lower()


def read_series_matrix(path: Path, table) -> pd.DataFrame:
    """The values as they stand: ID_REF first, then a column for each sample (GSM, or another of its names).

    table.sample_column: a column of `read_samples`, such as 'title', that names the samples instead of the GSM.
    """
    content, body = _parts(path, table.member)
    if not body.strip() or body.strip().count(b"\n") < 1:
        remedy = "use the supplementary file of the series with format = 'table'"
        raise InputError(f"{path}: the table of the series matrix is empty, as for RNA-seq; {remedy}")
    frame = text_frame(body, path, ".tsv", Layout(separator="tab", header_row=1)).frame
    if not table.sample_column:
        return frame
    samples = _samples(content, path)
    if table.sample_column not in samples.columns:
        known = examples(samples.columns, 20)
        raise InputError(f"{path} has no line !Sample_{table.sample_column} (sample_column); there are: {known}")
    names = dict(zip(samples["geo_accession"], samples[table.sample_column], strict=True))
    frame.columns = [names.get(c, c) for c in frame.columns]
    return frame


def read_samples(path: Path, member: str = "") -> pd.DataFrame:
    """A row for each sample: geo_accession, title, ... and a column for each characteristic (`tissue: brain`)."""
    return _samples(_parts(path, member)[0], path)


def _parts(path: Path, member: str) -> tuple[bytes, bytes]:
    """The lines above the table and the table."""
    content, _ = table_content(path, member)
    refuse_other_kinds(content, path, ".txt")
    head, begin, rest = content.partition(_BEGIN)
    body, end, _ = rest.partition(_END)
    if not begin:
        raise InputError(f"{path} is no GEO series matrix, for it has no line !series_matrix_table_begin")
    if not end:
        raise InputError(f"{path} ends before !series_matrix_table_end; fetch it again")
    return head, body.lstrip(b"\r\n")


def _samples(content: bytes, path: Path) -> pd.DataFrame:
    columns: dict[str, list[str]] = {}
    try:
        text = io.StringIO(content.decode("utf-8-sig"), newline=None)
        for row in csv.reader((line for line in text if line.startswith("!Sample_")), delimiter="\t"):
            name, values = row[0].removeprefix("!Sample_"), [v.strip() for v in row[1:]]
            for key, found in (
                _characteristics(values) if name.startswith("characteristics") else {name: values}
            ).items():
                _add(columns, key, found)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); save it again as UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{path} is not a regular series matrix: {error}; fetch it again") from error
    lengths = {len(values) for values in columns.values()}
    if "geo_accession" not in columns or len(lengths) != 1:
        raise InputError(f"{path}: its lines !Sample_ lack the accession, or differ in length; fetch it again")
    return pd.DataFrame(columns)


def _characteristics(values: list[str]) -> dict[str, list[str]]:
    """`tissue: brain` as column 'tissue'. Samples may give other things in one line, so each says its own."""
    pairs = [v.split(":", 1) if ":" in v else ("characteristics", v) for v in values]
    keys = dict.fromkeys(key.strip() for (key, _), v in zip(pairs, values, strict=True) if v)
    return {wanted: [v.strip() if k.strip() == wanted else "" for k, v in pairs] for wanted in keys}


def _add(columns: dict[str, list[str]], name: str, values: list[str]) -> None:
    """A further line of a name fills what the former left blank, or becomes a column of its own."""
    old = columns.get(name)
    if old is None:
        columns[name] = values
    elif len(old) == len(values) and all(not a or not b or a == b for a, b in zip(old, values, strict=True)):
        columns[name] = [a or b for a, b in zip(old, values, strict=True)]
    else:
        columns[unique_names([*columns, name])[-1]] = values


expression_reader("geo_series_matrix", read=read_series_matrix, keys=("sample_column", "member"), place=4)(
    genes_in_rows
)
