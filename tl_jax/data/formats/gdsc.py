"""GDSC and HGCC, as their portals give them.

gdsc_rma: GDSC basal expression, `Cell_line_RMA_proc_basalExp.txt` (also .zip, .gz).
gdsc_fitted: `GDSC{1,2}_fitted_dose_response_{25Feb20,24Jul22,27Oct23}.xlsx`, or the portal's .csv of the same.
hgcc_auc: HGCC drug response, `HGCC_drug_response_AUC.txt`, or a table derived from it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from tl_jax.data.formats.registry import expression_reader, response_reader
from tl_jax.data.tables.cells import as_ids, require_column
from tl_jax.data.tables.copies import mean_of_copies
from tl_jax.data.tables.numbers import number_matrix
from tl_jax.errors import InputError

_COSMIC = re.compile(r"DATA\.(\d+)(\.\d+)?$")
# What releases and the portal's own .csv call the columns, without regard to case, blanks and signs.
_ALIASES = {
    "COSMIC_ID": ("cosmicid", "cosmicsampleid", "cosmic"),
    "DRUG_NAME": ("drugname", "drug"),
    "DRUG_ID": ("drugid",),
    "AUC": ("auc",),
    "LN_IC50": ("lnic50", "ic50"),
}


@expression_reader("gdsc_rma", keys=("separator", "member"), place=1, repeated=True)
def gdsc_rma(frame: pd.DataFrame, path: Path, _table=None) -> pd.DataFrame:
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


GDSC_KEYS = {
    "sample_column": "COSMIC_ID",
    "drug_column": "DRUG_NAME",
    "value_column": "AUC",
    "drug_id_column": "DRUG_ID",
    "duplicates": "mean",
}
PRISM_KEYS = {
    "sample_column": "depmap_id",
    "drug_column": "name",
    "value_column": "auc",
    "drug_id_column": "broad_id",
    "duplicates": "mean",
}


@response_reader("gdsc_fitted", presets=GDSC_KEYS, place=1)
@response_reader("prism", presets=PRISM_KEYS, place=3)
def gdsc_fitted(frame: pd.DataFrame, path: Path, table) -> tuple[pd.DataFrame, object]:
    """The rows that name a sample, and the cohort's table with columns under the file's own names.

    A column that is there under the name asked for is used as it is; otherwise its known other names are
    tried (`Cosmic ID`, `Drug Name`).
    """
    found = {_plain(c): c for c in frame.columns}
    changes = {}
    for key in ("sample_column", "drug_column", "value_column", "drug_id_column"):
        wanted = getattr(table, key)
        names = [found[a] for a in (_plain(wanted), *_ALIASES.get(wanted, ())) if a in found]
        if wanted not in frame.columns and names:
            changes[key] = names[0]
    table = replace(table, **changes)
    column = require_column(frame, table.sample_column, path, "sample_column")
    return frame[[name != "" for name in as_ids(frame[column])]], table


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


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


@response_reader("hgcc_auc", wide=True, presets={"duplicates": "mean"}, place=2, repeated=True)
def hgcc_table(frame: pd.DataFrame, path: Path, table) -> tuple[pd.DataFrame, object]:
    """`hgcc_auc` with the cohort's table as it is."""
    return hgcc_auc(frame, path), table
