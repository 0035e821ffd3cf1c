"""DepMap and CCLE: expression by ModelID, the older .gct, and CellMiner's workbooks of the NCI-60.

Sources: depmap.org (`OmicsExpressionProteinCodingGenesTPMLogp1.csv`, `CCLE_RNAseq_genes_rpkm_*.gct`), the Broad's
description of .gct 1.2 and 1.3, and discover.nci.nih.gov/cellminer.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.formats.registry import expression_reader
from tl_jax.data.tables.cells import as_ids, clean_ids, examples, require_column
from tl_jax.data.tables.copies import mean_of_copies
from tl_jax.data.tables.layouts import Layout
from tl_jax.data.tables.losses import told
from tl_jax.data.tables.numbers import number_matrix
from tl_jax.data.tables.raw_tables import table_content
from tl_jax.data.tables.sheets import rows_as_frame, sheet_rows
from tl_jax.data.tables.text_tables import text_frame
from tl_jax.errors import InputError

# 'TP53 (7157)', 'TSPAN6 (ENSG00000000003)', and 'X (nan)' where an id is unknown.
_GENE = re.compile(r"(\S+) \((\d+|ENS[A-Z]*\d+(\.\d+)?|nan|Unknown)\)$")
_DEFAULT = "IsDefaultEntryForModel"
_CELL = re.compile(r"[A-Z]{2,3}:\S")


@expression_reader("depmap", keys=("separator", "member"), place=2)
def depmap(frame: pd.DataFrame, path: Path, _table=None) -> pd.DataFrame:
    """Samples (ModelID, ACH-...) x gene symbols, log2(TPM + 1).

    A column is a gene where it is called `TP53 (7157)`; others are left out. Newer releases give several
    profiles of a model and say which is the default (IsDefaultEntryForModel): only these are kept.
    """
    genes = {c: m.group(1) for c in frame.columns if (m := _GENE.match(c))}
    if not genes:
        raise InputError(f"{path} has no columns such as 'TP53 (7157)'; set format = 'table' for a table of your own")
    if _DEFAULT in frame.columns:
        frame = frame[[str(v).strip().casefold() in ("yes", "true", "1", "1.0") for v in frame[_DEFAULT]]]
        if frame.empty:
            raise InputError(f"{path}: no row is a default entry ({_DEFAULT}); fetch the table again")
    column = "ModelID" if "ModelID" in frame.columns else frame.columns[0]
    names = clean_ids(frame[column], path, "sample")
    values = number_matrix(frame[list(genes)], names, path)
    return pd.DataFrame(values, index=names, columns=list(genes.values()))


def read_gct(path: Path, table) -> pd.DataFrame:
    """The values of a .gct 1.2 or 1.3: genes in the first column, then a column for each sample.

    Genes are `gene_column`, else Description (symbols) where there is one, else the first column.
    """
    content, _ = table_content(path, table.member, (".gct",))
    lines = content[: 1 << 12].decode("utf-8-sig", "replace").splitlines()
    version = lines[0].strip() if lines else ""
    sizes = lines[1].split() if len(lines) > 1 else []
    if len(sizes) != {"#1.2": 2, "#1.3": 4}.get(version) or not all(s.isdecimal() for s in sizes):
        raise InputError(f"{path} is no .gct file: it must begin with #1.2 or #1.3 and a line of sizes; fetch it again")
    frame = text_frame(content, path, ".tsv", Layout(separator="tab", header_row=3)).frame
    rows, samples, *more = map(int, sizes)
    # Of 1.3: columns of notes beside the names, and rows of notes about the samples above the values.
    notes, above = more or (1, 0)
    held = len(frame) - above
    if held < 1 or frame.shape[1] != samples + notes + 1:
        seen = f"{held} rows and {frame.shape[1] - notes - 1} samples"
        raise InputError(f"{path} announces {rows} rows and {samples} samples but holds {seen}; fetch it again")
    if held != rows:  # rows were chosen and the sizes left; a file cut short ends within a row, which is refused
        told(f"{path} announces {rows:,} rows and holds {held:,}; if nobody chose among them, fetch it again")
    named = list(frame.columns[: notes + 1])
    # Many a writer fills Description with one word, such as na: no names then.
    told_by = "Description" in named and frame["Description"].iloc[above:].nunique() > 1
    default = "Description" if told_by or (held == 1 and "Description" in named) else named[0]
    column = require_column(frame[named], table.gene_column or default, path, "gene_column")
    return frame[[column, *frame.columns[notes + 1 :]]].iloc[above:].reset_index(drop=True)


@expression_reader("gct", read=read_gct, keys=("gene_column", "member"), place=3)
def genes_in_rows(frame: pd.DataFrame, path: Path, _table=None) -> pd.DataFrame:
    """Samples x genes from a table whose first column names the genes; rows without a gene are left out."""
    names = as_ids(frame.iloc[:, 0])
    genes = [g for g in names if g]
    body = frame.iloc[[i for i, g in enumerate(names) if g], 1:]
    return pd.DataFrame(number_matrix(body, genes, path).T, index=body.columns, columns=genes)


def read_cellminer(path: Path, table) -> pd.DataFrame:
    """The table in a CellMiner workbook, below however many lines of notes."""
    content, ending = table_content(path, table.member)
    if ending not in (".xls", ".xlsx"):
        raise InputError(f"{path} holds no workbook but '{ending}'; name the .xls or .xlsx file (member = '...')")
    rows = sheet_rows(content, path, table.sheet)
    found = [sum(bool(_CELL.match(str(cell))) for cell in row) for row in rows[:100]]
    if max(found, default=0) < 2:
        remedy = "name the sheet with sheet = '...', or set format = 'table'"
        raise InputError(f"{path} has no row of cell lines such as 'BR:MCF7'; {remedy}")
    frame, _ = rows_as_frame(rows[int(np.argmax(found)) :], path)
    return frame


@expression_reader("cellminer", read=read_cellminer, keys=("gene_column", "sheet", "member"), place=5)
def cellminer(frame: pd.DataFrame, path: Path, table) -> pd.DataFrame:
    """Samples (`BR:MCF7`) x gene symbols of a CellMiner table, in its unit.

    `-`, `na` and blanks are missing. Rows without a gene are left out; several probes of a gene are averaged
    (missing values left out).
    """
    cells = [c for c in frame.columns if _CELL.match(c)]
    others = [c for c in frame.columns if c not in cells]
    if table.gene_column:
        column = require_column(frame, table.gene_column, path, "gene_column")
    else:
        # A footnote's letter may follow the name: 'Gene name d'.
        named = [c for c in others if re.match(r"gene (name|symbol)\b", c.strip(), re.IGNORECASE)]
        if not named:
            raise InputError(f"{path} has no column 'Gene name'; set gene_column to one of {examples(others, 8)}")
        column = named[0]
    genes = [g if g.casefold() not in ("-", "na") else "" for g in as_ids(frame[column])]
    kept = [g != "" for g in genes]
    body = frame.loc[kept, cells].map(_missing).infer_objects()
    genes = [g for g in genes if g]
    values = pd.DataFrame(number_matrix(body, genes, path).astype(np.float64), index=genes, columns=cells)
    return mean_of_copies(values).T


def _missing(cell):
    return np.nan if isinstance(cell, str) and cell.strip().casefold() in ("", "-", "na", "nan", "null") else cell
