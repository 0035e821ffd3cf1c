"""Who the samples of an expression table are, and which of its columns or rows are genes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort.schema import ExpressionTable, SampleTable
from tl_jax.data.genes.names import UNKNOWN, kind_of
from tl_jax.data.genes.others import no_genes, special_rows
from tl_jax.data.tables.cells import clean_ids, examples
from tl_jax.data.tables.losses import told
from tl_jax.data.tables.numbers import is_text
from tl_jax.data.tables.same_names import is_normal_tissue, normal_tissue_pattern
from tl_jax.errors import InputError


def cut_names(values: Iterable, path: Path, table: SampleTable) -> list[str]:
    """Names of samples, cut as the cohort file says."""
    return clean_ids(values, path, "sample", table.sample_prefix_length, table.sample_pattern)


def named_samples(frame: pd.DataFrame, path: Path, table: ExpressionTable) -> pd.DataFrame:
    """The samples under their cut names, without those that `leave_out` means."""
    names = pd.Index(map(str, frame.index))
    if table.leave_out:
        out = np.array([re.search(table.leave_out, name) is not None for name in names], dtype=bool)
        if out.all():
            raise InputError(f"{path}: leave_out = '{table.leave_out}' leaves no sample; correct it")
        told(f"{path}: {out.sum()} samples are left out by leave_out ({examples(names[out])})")
        frame, names = frame[~out], names[~out]
    cut = cut_names(names, path, table)
    if table.cuts_names:
        _refuse_tumour_and_normal(names.tolist(), cut, path)
    return frame.set_axis(cut, axis=0)


def _refuse_tumour_and_normal(names: list[str], cut: list[str], path: Path) -> None:
    """InputError where names that fall together are of a tumour and of normal tissue: no replicates."""
    tumours = {short: name for name, short in zip(names, cut, strict=True) if not is_normal_tissue(name)}
    mixed = [(tumours[c], n) for n, c in zip(names, cut, strict=True) if is_normal_tissue(n) and c in tumours]
    if mixed:
        what = f"'{mixed[0][1]}' would be averaged with '{mixed[0][0]}'"
        pattern = normal_tissue_pattern([name for _, name in mixed])
        raise InputError(f"{path}: {len(mixed)} samples are of normal tissue: {what}; set leave_out = '{pattern}'")


def other_rows(body: pd.DataFrame, names: list[str]) -> list[str]:
    """Names of rows of texts that are no genes, such as the sex of each sample above its expression."""
    text = body.iloc[:, 0].map(is_text).to_numpy()
    return no_genes(name for name, texts in zip(names, text, strict=True) if texts) if text.any() else []


def without_others(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The genes alone: what counters sum beside them, and clinical columns, are left out and said.

    Clinical words are looked for where the names are genes; special rows always.
    """
    names = list(map(str, frame.columns))
    others = special_rows(names)
    if len(others) < len(names) and (found := no_genes(names)):
        others = found if kind_of(names) != UNKNOWN or len(found) < len(names) / 2 else others
    if not others:
        return frame
    told(f"{path}: {len(others)} of {len(names):,} columns or rows are no genes and are left out ({examples(others)})")
    return frame.loc[:, ~frame.columns.isin(others)]
