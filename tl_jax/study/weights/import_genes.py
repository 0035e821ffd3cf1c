"""Genes and scaler of weights from outside: both by name, never by position."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort.genes import align_matrix
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.scaling.scaling import Scaler, fit_scaler
from tl_jax.data.tables.cells import as_ids, examples, require_column
from tl_jax.data.tables.raw_tables import find_file, read_table
from tl_jax.errors import InputError
from tl_jax.types import Variables

COLUMNS = ("gene", "center", "scale")


def reordered(
    variables: Variables, genes: Sequence[str], wanted: Sequence[str], *, zero_missing: bool, drop_extra: bool
) -> tuple[Variables, dict[str, int]]:
    """The variables with layer 1 on `wanted` genes, by name, and {"genes_of_zero_weight", "genes_dropped"}.

    zero_missing: a wanted gene that the weights lack gets weights of 0, so that it adds nothing. drop_extra: a gene of
    the weights that is not wanted is left out, as if it were at its average, 0, in every sample. Without these
    InputError names how many there are.
    """
    place = {gene: row for row, gene in enumerate(genes)}
    missing = [gene for gene in wanted if gene not in place]
    extra = sorted(set(genes) - set(wanted))
    if len(missing) == len(wanted):
        sides = f"wanted {examples(wanted)}; the weights have {examples(genes)}"
        raise InputError(f"none of the {len(wanted)} genes is in the weights ({sides}); use the same kind of names")
    for found, allowed, what, remedy in (
        (missing, zero_missing, "genes of the cohort are not in the weights", "--missing_genes=zero_weight"),
        (extra, drop_extra, "genes of the weights are not in the cohort", "--extra_genes=drop"),
    ):
        if found and not allowed:
            raise InputError(f"{len(found)} {what}, first '{found[0]}'; check the names, or add {remedy}")
    first = variables["params"]["layer1"]
    rows = np.array([place.get(gene, -1) for gene in wanted])
    kernel = np.where((rows >= 0)[:, None], first["kernel"][rows], np.zeros((), first["kernel"].dtype))
    params = {**variables["params"], "layer1": {**first, "kernel": np.ascontiguousarray(kernel)}}
    return {"params": params}, {"genes_of_zero_weight": len(missing), "genes_dropped": len(extra)}


def scaler_of_file(path: str | Path, genes: Sequence[str]) -> Scaler:
    """The scaler in a table with the columns gene, center and scale, in the units of the expression.

    Rows are found by name; further genes are left alone. InputError for a gene without a row or with two, and for
    values that are not finite or a scale that is not above 0.
    """
    file = find_file(path)
    frame = read_table(file)
    gene, *rest = (require_column(frame, column, file, column) for column in COLUMNS)
    names = as_ids(frame[gene])
    table = pd.DataFrame({one: pd.to_numeric(frame[one], errors="coerce").to_numpy(np.float64) for one in rest}, names)
    repeated = table.index[table.index.duplicated()]
    if len(repeated):
        raise InputError(f"{path} has two rows for gene '{repeated[0]}'; keep one")
    missing = [one for one in genes if one not in table.index]
    if missing:
        raise InputError(f"{path} has no row for {len(missing)} of {len(genes)} genes, first '{missing[0]}'")
    table = table.loc[list(genes)]
    wrong = table.index[~(np.isfinite(table).all(axis=1) & (table["scale"] > 0)).to_numpy()]
    if len(wrong):
        raise InputError(f"{path}: gene '{wrong[0]}' needs a finite center and a scale above 0")
    return Scaler(*(table[one].to_numpy(np.float32) for one in ("center", "scale")))


def scaler_of_table(path: str | Path, genes: Sequence[str], kind: str, transform: str) -> Scaler:
    """A scaler fitted on an expression table that has all genes, after `transform`."""
    x, _, found = read_expression(path, known_genes=genes, transform=transform)
    matrix, coverage = align_matrix(x, found, genes)
    if coverage < 1:
        known = set(found)
        missing = [gene for gene in genes if gene not in known]
        raise InputError(f"{path} lacks {len(missing)} of {len(genes)} genes, first '{missing[0]}'; all are needed")
    if len(matrix) < 2:
        raise InputError(f"{path} has {len(matrix)} sample; a scaler needs at least 2")
    return fit_scaler(matrix, kind)


def part_of(scaler: tuple[np.ndarray, np.ndarray], genes: Sequence[str], wanted: Sequence[str]) -> Scaler:
    """A model's own scaler on `wanted` genes; InputError where it lacks one."""
    place = {gene: row for row, gene in enumerate(genes)}
    missing = [gene for gene in wanted if gene not in place]
    if missing:
        words = f"the model's own scaler lacks {len(missing)} genes, first '{missing[0]}'"
        raise InputError(f"{words}; give --scaler, --fit_scaler_on or --scale_by=cohort")
    rows = np.array([place[gene] for gene in wanted])
    return Scaler(*(np.ascontiguousarray(part[rows]) for part in scaler))
