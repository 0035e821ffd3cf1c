"""Public file formats that need more than a plain table reader. Sources: the portals' own files.

gdsc_rma: GDSC basal expression, `Cell_line_RMA_proc_basalExp.txt` (also .zip, .gz).
hgcc_auc: HGCC drug response, `HGCC_drug_response_AUC.txt`, or a table derived from it.
gdsc_fitted (the GDSC workbook of fitted curves) is a long table with known column names: see schema.PRESETS.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from tl_jax.data.cells import as_ids, number_matrix, require_column
from tl_jax.errors import InputError

# Formats whose headings repeat names on purpose (replicates).
REPEATED_COLUMNS = ("gdsc_rma", "hgcc_auc")

_COSMIC = re.compile(r"DATA\.(\d+)(\.\d+)?$")


def gdsc_rma(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """GDSC expression as samples (COSMIC ids) x genes, float64, RMA log2.

    Columns of the file: GENE_SYMBOLS, GENE_title, DATA.<COSMIC_ID>. Rows without a symbol are dropped.
    An id that returns with a suffix (DATA.909976.1) is a second array of the same line: both are
    averaged, as is a symbol on several rows.
    """
    require_column(frame, "GENE_SYMBOLS", path, "format = 'gdsc_rma'")
    matches = {c: _COSMIC.match(c) for c in frame.columns}
    ids = {c: m.group(1) for c, m in matches.items() if m}
    if not ids:
        raise InputError(f"{path} has no columns DATA.<COSMIC_ID>; set format = 'table' for a table of your own")
    symbols = as_ids(frame["GENE_SYMBOLS"])
    named = [s != "" for s in symbols]
    genes = [s for s in symbols if s]
    data = frame.loc[named, list(ids)]
    values = pd.DataFrame(number_matrix(data, genes, path).T, index=list(ids.values()), columns=genes)
    return mean_of_copies(mean_of_copies(values).T).T


def hgcc_auc(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """HGCC response as a wide table: the column 'sample' first, then one column for each drug.

    Known forms: first column (no heading) drugs, other columns cultures; or `cell.line, AUC_<drug>, ...`.
    """
    if "cell.line" in frame.columns:
        drugs = [c for c in frame.columns if c.startswith("AUC_")]
        if not drugs:
            raise InputError(f"{path} has a column 'cell.line' but none that begins with 'AUC_'; name it AUC_<drug>")
        wide = frame[["cell.line", *drugs]]
        return wide.set_axis(["sample", *(d.removeprefix("AUC_") for d in drugs)], axis=1)
    drugs = as_ids(frame.iloc[:, 0])
    if len(set(drugs)) < len(drugs):
        repeated = next(d for d in drugs if drugs.count(d) > 1)
        raise InputError(f"{path}: drug '{repeated}' has {drugs.count(repeated)} rows; drop or rename the others")
    values = pd.DataFrame(number_matrix(frame.iloc[:, 1:], drugs, path).T, columns=drugs)
    values.insert(0, "sample", list(frame.columns[1:]))
    return values


def mean_of_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that share a name averaged (missing values left out), in order of first appearance."""
    return frame if frame.index.is_unique else frame.groupby(level=0, sort=False).mean()


def sum_of_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that share a name added up, missing where one of them is, in order of first appearance."""
    if frame.index.is_unique:
        return frame
    copies = frame.groupby(level=0, sort=False)
    return copies.sum().where(copies.count().eq(copies.size(), axis=0))
