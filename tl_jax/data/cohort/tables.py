"""Expression tables: which side holds the samples, are the names unique, are the values numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort import readers as formats
from tl_jax.data.cohort.expression_names import cut_names, named_samples, other_rows, without_others
from tl_jax.data.cohort.schema import ExpressionTable
from tl_jax.data.genes.names import GIVEN, GeneNames, check_kind, match_names, translate
from tl_jax.data.preprocessing.transforms import apply_transform, refuse_logged
from tl_jax.data.tables.cells import as_ids, clean_ids, examples, require_column
from tl_jax.data.tables.copies import mean_of_copies, sum_of_copies
from tl_jax.data.tables.excel_dates import date_names
from tl_jax.data.tables.losses import lost, told
from tl_jax.data.tables.numbers import holds_numbers, number_matrix
from tl_jax.errors import InputError


def read_expression(
    path: str | Path, known_genes: Iterable[str] = (), known_samples: Iterable[str] = (), **options
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (n, genes) float32, samples (n,) and genes (genes,) of an expression table, in the order of the file.

    options: the keys of [domain.expression] (schema.ExpressionTable), such as orientation or transform.
    known_genes, known_samples: names by which the orientation is recognised.
    """
    frame, file, table = _read(path, known_genes, known_samples, options)
    return _arrays(translated(frame, file, table)[0], table)


def read_for_model(
    path: str | Path, wanted: Iterable[str], **options
) -> tuple[np.ndarray, np.ndarray, np.ndarray, GeneNames]:
    """As read_expression, with the model's names (`wanted`) for the genes that it knows, and what became of names.

    options: gene_ids says what kind of names the table has; those that the model has too stay as they are. Columns of
    texts are left out and said.
    """
    wanted = [str(gene) for gene in wanted]
    frame, file, table = _read(path, {*wanted, *translate(wanted).names}, (), options, without_texts=True)
    found = match_names(frame.columns, wanted, table.gene_ids)
    check_kind(found, file)
    return *_arrays(frame.set_axis(list(found.names), axis=1), table), found


def _read(
    path, known_genes, known_samples, options, without_texts: bool = False
) -> tuple[pd.DataFrame, Path, ExpressionTable]:
    table = ExpressionTable(path=str(path), **options)
    file = formats.locate(Path(path), table)
    frame = formats.read(file, table)
    if without_texts and table.format == "table":
        frame = _without_texts(frame, file, table, set(known_genes))
    return expression_frame(frame, file, table, set(known_samples), set(known_genes)), file, table


def _without_texts(frame: pd.DataFrame, path: Path, table: ExpressionTable, known_genes: set[str]) -> pd.DataFrame:
    """A table without columns of texts beside that of the names."""
    own = table.gene_column or table.sample_column or _names_at(frame, False, known_genes)
    texts = [c for c in frame.columns if c != own and c not in table.ignore_columns and not holds_numbers(frame[c])]
    if texts and own in frame.columns:
        told(f"{path}: columns of texts are left out ({examples(texts)})")
        return frame[[own, *(c for c in frame.columns if c not in (own, *texts))]]
    return frame


def _arrays(frame: pd.DataFrame, table: ExpressionTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = apply_transform(table.transform, frame.to_numpy()).astype(np.float32)
    return x, np.array(frame.index, dtype=str), np.array(frame.columns, dtype=str)


def translated(frame: pd.DataFrame, path: Path, table: ExpressionTable) -> tuple[pd.DataFrame, GeneNames]:
    """Samples x genes with the genes' current symbols as `gene_ids` asks, and what became of the names.

    Ids of one gene are made one column as `duplicate_genes` says. InputError where the names are of another kind.
    """
    found = translate(frame.columns, table.gene_ids)
    check_kind(found, path)
    if found.together and table.duplicate_genes == "error":
        gene, names = next(iter(found.together.items()))
        remedy = "set duplicate_genes = 'mean', or 'sum' for counts"
        message = f"{len(found.together)} genes have several columns, such as {gene}: {examples(names)}"
        raise InputError(f"{path}: {message}; {remedy}")
    return _one_column_each(frame.set_axis(list(found.names), axis=1), table), found


def expression_frame(
    frame: pd.DataFrame, path: Path, table: ExpressionTable, known_samples: set[str], known_genes: set[str]
) -> pd.DataFrame:
    """Samples x genes, before any transform, from a table as read; names unique, values finite."""
    if table.format in formats.EXPRESSION:
        frame = formats.EXPRESSION[table.format].shape(frame, path, table)
    else:
        unknown = [c for c in table.ignore_columns if c not in frame.columns]
        if unknown:
            require_column(frame, unknown[0], path, "ignore_columns")
        frame = frame.drop(columns=list(table.ignore_columns))
        table = replace(table, orientation=_orientation(frame, path, table, known_samples, known_genes))
        frame = _samples_by_genes(frame, path, table, known_genes)
    frame = without_others(named_samples(frame, path, table), path)
    frame = _without_dates(frame, path, table)
    if not table.pool_by:  # whose single cells the reader has looked at
        refuse_logged(table.any_transform, frame.to_numpy(), f"{path}")
    frame = _unique_names(frame, path, table)
    return _without_gaps(frame, path, table)


def _orientation(frame, path: Path, table: ExpressionTable, known_samples: set[str], known_genes: set[str]) -> str:
    """'samples' or 'genes', whichever the rows hold; InputError where the cohort file says otherwise."""
    stated = table.orientation
    if stated == "auto" and bool(table.sample_column) != bool(table.gene_column):
        return "samples" if table.sample_column else "genes"
    rows = _names_found(frame, path, table, "samples", known_samples, known_genes)
    columns = _names_found(frame, path, table, "genes", known_samples, known_genes)
    if rows == columns and stated != "auto":
        return stated
    if rows == columns:
        seen = f"the first column begins {examples(as_ids(frame.iloc[:3, 0]))}, the heading {_heading(frame)}"
        known = [("samples", known_samples), ("genes", known_genes)]
        known = " and ".join(f"{what} such as {examples(sorted(names))}" for what, names in known if names)
        remedy = "correct the names, or set orientation to 'samples' or 'genes', whichever the rows hold"
        raise InputError(f"{path}: neither rows nor columns hold known names ({seen}; expected {known}); {remedy}")
    likely = "samples" if rows > columns else "genes"
    if stated != "auto" and stated != likely and min(rows, columns) == 0:
        message = f"orientation is '{stated}', but by their names the rows hold {likely}"
        raise InputError(
            f"{path}: {message} (first: {examples(as_ids(frame.iloc[:3, 0]))}); set orientation = '{likely}'"
        )
    return likely if stated == "auto" else stated


def _heading(frame: pd.DataFrame) -> str:
    return examples(list(frame.columns[1:]))


def _names_found(frame, path, table, orientation: str, known_samples: set[str], known_genes: set[str]) -> int:
    """How many names would be known if the rows held `orientation`."""
    column = table.sample_column if orientation == "samples" else table.gene_column
    column = column if column in frame.columns else frame.columns[0]
    rows, columns = as_ids(frame[column]), [c for c in frame.columns if c != column]
    samples, genes = (rows, columns) if orientation == "samples" else (columns, rows)
    if table.cuts_names:
        try:
            samples = cut_names(samples, path, table)
        except InputError:
            samples = []  # names that the pattern does not find are not the samples
    if table.gene_ids != GIVEN and known_genes:
        genes = [*genes, *translate(genes, table.gene_ids).names]
    return len(known_samples.intersection(samples)) + len(known_genes.intersection(genes))


def _samples_by_genes(frame: pd.DataFrame, path: Path, table: ExpressionTable, known_genes: set[str]) -> pd.DataFrame:
    """Samples (as the table calls them) x genes."""
    rows_are_samples = table.orientation == "samples"
    column, name = (table.sample_column, "sample_column") if rows_are_samples else (table.gene_column, "gene_column")
    column = require_column(frame, column, path, name) if column else _names_at(frame, rows_are_samples, known_genes)
    body = frame.drop(columns=column)
    if body.columns.empty:
        raise InputError(f"{path} has names but no values; save the table again")
    if not rows_are_samples:
        frame = _with_gene_names(frame, column, path)
        body = frame.drop(columns=column)
    row_names = clean_ids(frame[column], path, "sample" if rows_are_samples else "gene")
    if not rows_are_samples and (others := set(other_rows(body, row_names))):
        told(f"{path}: {len(others)} rows are no genes and are left out ({examples(sorted(others))})")
        body = body[[name not in others for name in row_names]]
        row_names = [name for name in row_names if name not in others]
    values = number_matrix(body, row_names, path)
    if rows_are_samples:
        return pd.DataFrame(values, index=row_names, columns=body.columns)
    return pd.DataFrame(values.T, index=list(body.columns), columns=row_names)


def _with_gene_names(frame: pd.DataFrame, column: str, path: Path) -> pd.DataFrame:
    """The rows that name a gene, as public formats are read; probes without a symbol are common."""
    blank = [f"data row {row + 1}" for row, name in enumerate(as_ids(frame[column])) if not name]
    lost(path, "rows", blank, len(frame), "name no gene", "name them, or choose another gene_column")
    return frame[[bool(name) for name in as_ids(frame[column])]] if blank else frame


def _names_at(frame: pd.DataFrame, rows_are_samples: bool, known_genes: set[str]) -> str:
    """The column of names: the first, or for genes the one of the first five that holds most of the known ones."""
    if rows_are_samples or not known_genes:
        return frame.columns[0]
    found = {c: len(known_genes.intersection(as_ids(frame[c]))) for c in frame.columns[:5]}
    return max(found, key=found.get)


def _without_dates(frame: pd.DataFrame, path: Path, table: ExpressionTable) -> pd.DataFrame:
    """Genes whose symbols a spreadsheet turned into dates are refused, or left out where the file says so.

    Where names are translated anyway, those that can mean one gene only are, and the report names the others.
    """
    dates = date_names(frame.columns)
    if not dates or (table.gene_ids != GIVEN and table.date_names == "error"):
        return frame
    if table.date_names == "drop":
        return frame.loc[:, ~frame.columns.isin(dates)]
    remedy = "write them anew as text (MARCHF1, SEPTIN2), or set gene_ids = 'auto' or date_names = 'drop'"
    raise InputError(f"{path}: a spreadsheet turned {len(dates)} gene names into dates ({examples(dates)}); {remedy}")


def _unique_names(frame: pd.DataFrame, path: Path, table: ExpressionTable) -> pd.DataFrame:
    """Copies of a sample or gene averaged where the cohort file allows it."""
    if not frame.index.is_unique:
        if table.duplicate_samples != "mean" and not table.cuts_names:
            name = frame.index[frame.index.duplicated()][0]
            remedy = "rename or drop the others, or set duplicate_samples = 'mean'"
            raise InputError(f"{path}: sample '{name}' occurs {(frame.index == name).sum()} times; {remedy}")
        frame = mean_of_copies(frame)
    if not frame.columns.is_unique:
        if table.duplicate_genes == "error":
            name = frame.columns[frame.columns.duplicated()][0]
            remedy = "keep one row for each gene, or set duplicate_genes = 'mean'"
            raise InputError(f"{path}: gene '{name}' occurs {(frame.columns == name).sum()} times; {remedy}")
        frame = _one_column_each(frame, table)
    return frame


def _one_column_each(frame: pd.DataFrame, table: ExpressionTable) -> pd.DataFrame:
    """Columns of one gene averaged, or added up where the cohort file says so."""
    if frame.columns.is_unique:
        return frame
    return (sum_of_copies if table.duplicate_genes == "sum" else mean_of_copies)(frame.T).T


def _without_gaps(frame: pd.DataFrame, path: Path, table: ExpressionTable) -> pd.DataFrame:
    gaps = np.isnan(frame.to_numpy())
    if not gaps.any():
        return frame
    if table.missing_values == "drop_genes":
        bad, worst = gaps.any(axis=0), gaps.sum(axis=1).argmax()
        most = f"sample '{frame.index[worst]}' has most of them ({gaps[worst].sum():,}): leave it out, or fill them in"
        lost(path, "genes", frame.columns[bad].tolist(), len(bad), "have a missing value", most)
        return frame.loc[:, ~bad]
    row, column = np.argwhere(gaps)[0]
    where = f"gene '{frame.columns[column]}' of sample '{frame.index[row]}'"
    remedy = "fill them in, or set missing_values = 'drop_genes'"
    raise InputError(
        f"{path}: {gaps.sum()} missing values in {gaps.any(axis=0).sum()} genes, first in {where}; {remedy}"
    )
