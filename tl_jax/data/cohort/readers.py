"""The public formats by the names that a cohort file gives them: how a file is read, and how it becomes a table.

Each family stands in a module of its own. gdsc_fitted and prism are long tables with known column names: see
schema.PRESETS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tl_jax.data.cohort.schema import ExpressionTable, SampleTable
from tl_jax.data.formats.depmap import cellminer, depmap, genes_in_rows, read_cellminer, read_gct
from tl_jax.data.formats.gdsc import gdsc_rma
from tl_jax.data.formats.geo import is_series_matrix, read_samples, read_series_matrix
from tl_jax.data.formats.h5ad import is_h5ad, read_h5ad, read_obs
from tl_jax.data.formats.tenx import read_tenx
from tl_jax.data.tables.cells import number_matrix
from tl_jax.data.tables.raw_tables import Layout, find_file, read_table
from tl_jax.errors import InputError

LAYOUT = ("separator", "decimal", "header_row", "sheet", "member")
# Formats whose headings repeat names on purpose (replicates).
REPEATED_COLUMNS = ("gdsc_rma", "hgcc_auc")


def _as_it_is(frame: pd.DataFrame, path: Path, _table) -> pd.DataFrame:
    number_matrix(frame, list(frame.index), path)  # refuses infinite values
    return frame


@dataclass(frozen=True)
class ExpressionFormat:
    """A public format of expression.

    shape: (frame as read, path, table) to samples x genes. read: (path, table) to the frame; None for a table
    file. keys: those of a cohort file that say how this format is read; others would change nothing.
    """

    shape: Callable[[pd.DataFrame, Path, ExpressionTable], pd.DataFrame]
    read: Callable[[Path, ExpressionTable], pd.DataFrame] | None = None
    keys: tuple[str, ...] = ()


EXPRESSION = {
    "gdsc_rma": ExpressionFormat(gdsc_rma, keys=("separator", "member")),
    "depmap": ExpressionFormat(depmap, keys=("separator", "member")),
    "gct": ExpressionFormat(genes_in_rows, read_gct, ("gene_column", "member")),
    "geo_series_matrix": ExpressionFormat(genes_in_rows, read_series_matrix, ("sample_column", "member")),
    "cellminer": ExpressionFormat(cellminer, read_cellminer, ("gene_column", "sheet", "member")),
    "h5ad": ExpressionFormat(_as_it_is, read_h5ad, ("sample_column", "gene_column", "layer", "pool_by")),
    "tenx": ExpressionFormat(_as_it_is, read_tenx, ("gene_column",)),
}
TABLE_KEYS = (*LAYOUT, "sample_column", "gene_column", "orientation", "ignore_columns")
READING_KEYS = (*TABLE_KEYS, "layer", "pool_by")


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
    return path, kind, repeated_columns(table), *(getattr(table, name) for name in keys)


def repeated_columns(table: SampleTable) -> str:
    """What read_table does with repeated columns: they are replicates where names are cut."""
    return "keep" if table.cuts_names or getattr(table, "format", "") in REPEATED_COLUMNS else "error"


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
