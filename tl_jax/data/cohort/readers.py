"""The public formats by the names that a cohort file gives them: how a file is read, and how it becomes a table.

Each family stands in a module of its own. gdsc_fitted and prism are long tables with known column names: see
the presets of formats/registry.py.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pandas as pd

from tl_jax.data.cohort.schema import ExpressionTable, SampleTable
from tl_jax.data.formats.geo import is_series_matrix, read_samples
from tl_jax.data.formats.h5ad import is_h5ad, read_obs
from tl_jax.data.formats.registry import EXPRESSION, RESPONSE
from tl_jax.data.tables.layouts import Layout
from tl_jax.data.tables.raw_tables import find_file, read_table
from tl_jax.errors import InputError

LAYOUT = tuple(field.name for field in fields(Layout))
TABLE_KEYS = (*LAYOUT, "sample_column", "gene_column", "orientation", "ignore_columns")
READING_KEYS = (*TABLE_KEYS, "layer", "pool_by", "value_column", "filter")


def locate(path: Path, table: SampleTable) -> Path:
    """The file that a table means, or the folder of a 10x matrix; InputError where it is missing."""
    if getattr(table, "format", "") == "tenx" and path.is_dir():
        return path
    return find_file(path)


def read(path: Path, table: SampleTable) -> pd.DataFrame:
    """The table of `path` (from `locate`) as it stands, by its format and the keys of its layout."""
    known = EXPRESSION.get(getattr(table, "format", ""))
    expression = isinstance(table, ExpressionTable)
    if expression:
        _refuse_unused(path, table)
    if known and known.read:
        return known.read(path, table)
    if is_h5ad(path) or is_series_matrix(path):
        return _samples(path, table, expression)
    layout = Layout(**{name: getattr(table, name) for name in LAYOUT})
    return read_table(path, repeated_columns(table), layout)


def reading(path: Path, table: SampleTable) -> tuple:
    """What decides the frame that `read` returns, so that a table is read once for all that share it."""
    own = getattr(table, "format", "") in EXPRESSION and EXPRESSION[table.format].read is not None
    keys = (*LAYOUT, *(EXPRESSION[table.format].keys if own else ()))
    kind = table.format if own else ""
    said = (str(value) if isinstance(value := getattr(table, name), dict) else value for name in keys)
    return path, kind, repeated_columns(table), *said


def repeated_columns(table: SampleTable) -> str:
    """What read_table does with repeated columns: they are replicates where names are cut."""
    return "keep" if table.cuts_names or _repeats(table) else "error"


def _repeats(table: SampleTable) -> bool:
    """Whether headings of the table's format repeat names on purpose (replicates)."""
    name = getattr(table, "format", "")
    known = EXPRESSION.get(name) or RESPONSE.get(name)
    return known is not None and known.repeated


def _samples(path: Path, table: SampleTable, expression: bool) -> pd.DataFrame:
    """What an .h5ad or a series matrix says of its samples: annotation, and perhaps a response."""
    kind = "h5ad" if is_h5ad(path) else "geo_series_matrix"
    if expression:
        raise InputError(f"{path} is no plain table; set format = '{kind}'")
    unused = [name for name in LAYOUT if getattr(table, name) and (kind == "h5ad" or name != "member")]
    if unused:
        raise InputError(f"{path}: the key '{unused[0]}' changes nothing for such a file; remove it")
    return read_obs(path) if kind == "h5ad" else read_samples(path, table.member)


def _refuse_unused(path: Path, table: ExpressionTable) -> None:
    keys = TABLE_KEYS if table.format == "table" else EXPRESSION[table.format].keys
    plain = ExpressionTable(path="")
    for name in READING_KEYS:
        if name not in keys and getattr(table, name) != getattr(plain, name):
            raise InputError(f"{path}: the key '{name}' changes nothing with format = '{table.format}'; remove it")
