"""Response and annotation tables: from long, wide or public forms to one row per sample."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort.schema import AnnotationTable, ResponseTable, SampleTable
from tl_jax.data.formats.registry import RESPONSE
from tl_jax.data.tables.cells import as_ids, clean_ids, nearest, require_column
from tl_jax.data.tables.copies import mean_of_copies
from tl_jax.data.tables.numbers import number_matrix
from tl_jax.errors import InputError


def response_frame(frame: pd.DataFrame, path: Path, table: ResponseTable) -> pd.DataFrame:
    """Samples x drugs (float64, NaN where not measured) from a table as read.

    The drugs stand in the order asked for, or sorted. Raises InputError for unknown columns, drugs and
    filter values, text among the numbers, and samples measured twice (unless duplicates = 'mean').
    """
    known = RESPONSE.get(table.format)
    if known:
        frame, table = known.shape(frame, path, table)
    frame = select_rows(frame, path, table.filter, "filter")
    wide = known.wide if known else table.format == "wide"
    return _from_wide(frame, path, table) if wide else _from_long(frame, path, table)


def select_rows(frame: pd.DataFrame, path: Path, wanted: dict | None, key: str, exclude: bool = False) -> pd.DataFrame:
    """Rows whose columns hold one of the values wanted (case ignored); without those rows if `exclude`."""
    for column, values in (wanted or {}).items():
        require_column(frame, column, path, key)
        # Codes of the few distinct values: a long table has hundreds of thousands of rows.
        codes, distinct = pd.factorize(frame[column])
        names = [_folded(d) for d in distinct]
        for value in values:
            if _folded(value) not in names:
                raise InputError(f"{path}: no row has {column} = '{value}' ({key}); {nearest(value, as_ids(distinct))}")
        chosen = {_folded(v) for v in values}
        hit = np.isin(codes, [i for i, name in enumerate(names) if name in chosen])
        frame = frame[~hit if exclude else hit]
    if frame.empty:
        raise InputError(f"{path}: no row is left after {key}; loosen it")
    return frame


def _folded(value) -> str:
    return as_ids([value])[0].casefold()


def _all_folded(values: pd.Series) -> list[str]:
    return [name.casefold() for name in as_ids(values)]


def _sample_names(values: Iterable, path: Path, table: SampleTable) -> list[str]:
    return clean_ids(values, path, "sample", table.sample_prefix_length, table.sample_pattern)


def _from_wide(frame: pd.DataFrame, path: Path, table: ResponseTable) -> pd.DataFrame:
    column = table.sample_column or frame.columns[0]
    require_column(frame, column, path, "sample_column")
    body = frame.drop(columns=column)
    if table.value_column:
        require_column(body, table.value_column, path, "value_column")
        body = body[[table.value_column]]
    elif table.drugs:
        body = body[[_known(drug, list(body.columns), path) for drug in table.drugs]]
    else:
        body = body[sorted(body.columns)]
    rows = _sample_names(frame[column], path, table)
    values = pd.DataFrame(number_matrix(body, rows, path).astype(float), index=rows, columns=body.columns)
    if table.value_column and table.drug:
        values.columns = [table.drug]
    if not values.index.is_unique:
        name = values.index[values.index.duplicated()][0]
        _refuse_copies(f"sample '{name}' has {(values.index == name).sum()} rows", path, table)
        values = mean_of_copies(values)
    return values


def _from_long(frame: pd.DataFrame, path: Path, table: ResponseTable) -> pd.DataFrame:
    for key in ("sample_column", "drug_column", "value_column"):
        require_column(frame, getattr(table, key), path, key)
    known = sorted(set(as_ids(frame[table.drug_column].unique())))
    drugs = [_known(drug, known, path) for drug in table.drugs or ([table.drug] if table.drug else known)]
    frame = frame[frame[table.drug_column].isin(_spellings(frame[table.drug_column], drugs))]
    frame = _preferred_ids(frame, path, table)
    long = pd.DataFrame(
        {
            "sample": _sample_names(frame[table.sample_column], path, table),
            "drug": as_ids(frame[table.drug_column]),
        }
    )
    long["value"] = number_matrix(frame[[table.value_column]], list(long["sample"]), path)[:, 0].astype(float)
    copies = long.duplicated(["sample", "drug"])
    if copies.any():
        first = long[copies].iloc[0]
        _refuse_copies(f"sample '{first['sample']}' and drug '{first['drug']}' have several rows", path, table)
    return long.groupby(["sample", "drug"])["value"].mean().unstack("drug").reindex(columns=drugs)


def _spellings(column: pd.Series, drugs: list[str]) -> list:
    """The column's own values (numbers perhaps) that name the drugs."""
    distinct = column.unique()
    return [v for v, name in zip(distinct, as_ids(distinct), strict=True) if name in set(drugs)]


def _preferred_ids(frame: pd.DataFrame, path: Path, table: ResponseTable) -> pd.DataFrame:
    """For a drug with several ids, only the rows of the id that the cohort file names."""
    for drug, ids in (table.drug_ids or {}).items():
        column = require_column(frame, table.drug_id_column, path, "drug_id_column")
        of_drug = np.array(_all_folded(frame[table.drug_column])) == drug.casefold()
        given = np.array(_all_folded(frame[column]))
        for one in ids:
            if _folded(one) not in given[of_drug]:
                known = nearest(one, sorted(set(given[of_drug])))
                raise InputError(f"{path}: drug '{drug}' has no {table.drug_id_column} {one} (drug_ids); {known}")
        frame = frame[~of_drug | np.isin(given, [_folded(i) for i in ids])]
    return frame


def _refuse_copies(what: str, path: Path, table: ResponseTable) -> None:
    if table.duplicates != "mean" and not table.cuts_names:
        raise InputError(f"{path}: {what}; keep one, choose rows with filter, or set duplicates = 'mean'")


def _known(drug: str, known: list[str], path: Path) -> str:
    """The table's own spelling of a drug, case ignored."""
    for name in known:
        if name.casefold() == drug.casefold():
            return name
    raise InputError(f"{path} has no drug '{drug}'; {nearest(drug, known)}")


def annotation_frame(frame: pd.DataFrame, path: Path, table: AnnotationTable) -> pd.DataFrame:
    """Columns 'tissue', 'group' and 'batch' (text, '' where unknown) for the samples that include and exclude leave.

    A table with several rows for a sample, such as a response table, must repeat the same values.
    """
    require_column(frame, table.sample_column, path, "sample_column")
    frame = select_rows(frame, path, table.include, "include")
    frame = select_rows(frame, path, table.exclude, "exclude", exclude=True)
    result = pd.DataFrame({"sample": _sample_names(frame[table.sample_column], path, table)})
    columns = {"tissue": table.tissue_column, "group": table.group_column, "batch": table.batch_column}
    for name, column in columns.items():
        result[name] = as_ids(frame[require_column(frame, column, path, f"{name}_column")]) if column else ""
    result = result.drop_duplicates()
    copies = result["sample"].duplicated()
    if copies.any():
        name = result["sample"][copies].iloc[0]
        raise InputError(f"{path}: sample '{name}' has rows that disagree; keep one row for each sample")
    return result.set_index("sample")
