"""Expression in long form: a row for each sample and gene, as in CoderData's transcriptomics or a melted frame."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.formats.registry import expression_reader
from tl_jax.data.tables.cells import clean_ids, require_column
from tl_jax.data.tables.copies import filters, told_apart
from tl_jax.data.tables.layouts import Layout
from tl_jax.data.tables.numbers import number_matrix
from tl_jax.data.tables.selection import select_rows
from tl_jax.errors import InputError

COLUMNS = ("sample_column", "gene_column", "value_column")


@expression_reader("long", keys=(*(f.name for f in fields(Layout)), *COLUMNS, "filter"), place=8)
def long_table(frame: pd.DataFrame, path: Path, table) -> pd.DataFrame:
    """Samples x genes from a row for each of both; NaN where a pair is not there.

    Pairs that stand there several times are averaged where duplicate_genes says so, unless a column tells them apart.
    """
    for key in COLUMNS:
        if not getattr(table, key):
            raise InputError(f"{path}: format = 'long' needs the key '{key}'")
        require_column(frame, getattr(table, key), path, key)
    frame = select_rows(frame, path, table.filter, "filter")
    sample, gene = table.sample_column, table.gene_column
    named = frame[sample].notna() & frame[gene].notna()
    frame = frame[named]
    samples, genes = clean_ids(frame[sample], path, "sample"), clean_ids(frame[gene], path, "gene")
    value = number_matrix(frame[[table.value_column]], samples, path)[:, 0].astype(np.float64)
    copies = pd.DataFrame({"sample": samples, "gene": genes}).duplicated()
    if copies.any():
        _refuse_copies(frame, path, table, samples[int(copies.argmax())], genes[int(copies.argmax())])
    rows, names = pd.factorize(np.array(samples, dtype=object))
    columns, symbols = pd.factorize(np.array(genes, dtype=object))
    total, count = np.zeros((2, len(names), len(symbols)))
    known = ~np.isnan(value)
    np.add.at(total, (rows[known], columns[known]), value[known])
    np.add.at(count, (rows[known], columns[known]), 1)
    x = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return pd.DataFrame(x, index=list(names), columns=list(symbols))


def _refuse_copies(frame: pd.DataFrame, path: Path, table, sample: str, gene: str) -> None:
    """InputError for pairs that are no repeats, or that nobody allowed to average."""
    what = f"sample '{sample}' and gene '{gene}' have several rows"
    apart = told_apart(frame, [table.sample_column, table.gene_column], table.value_column)
    if apart:
        raise InputError(f"{path}: {what}, which differ in {', '.join(apart)}: no repeats; {filters(apart)}")
    if table.duplicate_genes == "error":
        raise InputError(f"{path}: {what}; keep one, or set duplicate_genes = 'mean'")
