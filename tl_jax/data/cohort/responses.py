"""Response and annotation tables: from long, wide or public forms to one row per sample."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort.expression_names import cut_names
from tl_jax.data.cohort.response_scales import on_scale
from tl_jax.data.cohort.schema import AnnotationTable, ResponseTable, SampleTable
from tl_jax.data.formats.registry import RESPONSE
from tl_jax.data.tables.cells import as_ids, examples, nearest, nearest_drug, require_column
from tl_jax.data.tables.copies import AVERAGE, filters, mean_of_copies, told_apart
from tl_jax.data.tables.losses import lost, told
from tl_jax.data.tables.numbers import clipped, number_matrix
from tl_jax.data.tables.same_names import normal, renamed_line
from tl_jax.data.tables.selection import all_folded, folded, select_rows
from tl_jax.errors import InputError


def response_frame(frame: pd.DataFrame, path: Path, table: ResponseTable) -> pd.DataFrame:
    """Samples x drugs (float64, NaN where not measured) from a table as read, on the scale of `transform`.

    The drugs stand in the order asked for, or sorted. Raises InputError for unknown columns, drugs and
    filter values, text among the numbers, and samples measured twice (unless duplicates = 'mean').
    """
    known = RESPONSE.get(table.format)
    if known:
        frame, table = known.shape(frame, path, table)
    frame = select_rows(frame, path, table.filter, "filter")
    wide = known.wide if known else table.format == "wide"
    values = _from_wide(frame, path, table) if wide else _from_long(frame, path, table)
    return on_scale(values, table.transform, table.unit, path)


def named_rows(frame: pd.DataFrame, column: str, path: Path, table: SampleTable) -> pd.DataFrame:
    """The rows that name a sample, without those that `leave_out` means."""
    names = pd.Series(as_ids(frame[column]), index=frame.index)
    blank = frame.index[names == ""]
    lost(path, "rows", [f"data row {row + 1}" for row in blank], len(frame), "name no sample", "name them or drop them")
    out = names.str.contains(table.leave_out) if table.leave_out else names.isna()
    if out.any():
        told(f"{path}: {out.sum()} rows are left out by leave_out ({examples(names[out])})")
    return frame[(names != "") & ~out]


def _from_wide(frame: pd.DataFrame, path: Path, table: ResponseTable) -> pd.DataFrame:
    column = table.sample_column or frame.columns[0]
    require_column(frame, column, path, "sample_column")
    frame = named_rows(frame, column, path, table)
    body = frame.drop(columns=column)
    if table.value_column:
        require_column(body, table.value_column, path, "value_column")
        body = body[[table.value_column]]
    elif table.drugs:
        body = body[[_known(drug, list(body.columns), path) for drug in table.drugs]]
    else:
        body = body[sorted(body.columns)]
    rows = cut_names(frame[column], path, table)
    values = pd.DataFrame(_numbers(body, rows, path, table), index=rows, columns=body.columns)
    if table.value_column and table.drug:
        values.columns = [table.drug]
    if not values.index.is_unique:
        name = values.index[values.index.duplicated()][0]
        what = f"sample '{name}' has {(values.index == name).sum()} rows"
        others = frame.drop(columns=body.columns).assign(**{column: rows})  # what was measured tells nothing apart
        _refuse_copies(what, others, [column], path, table)
        values = mean_of_copies(values)
    return values


def _from_long(frame: pd.DataFrame, path: Path, table: ResponseTable) -> pd.DataFrame:
    for key in ("sample_column", "drug_column", "value_column"):
        require_column(frame, getattr(table, key), path, key)
    names = as_ids(frame[table.drug_column])
    asked = {normal(drug) for drug in (*table.drugs, table.drug) if drug}
    own = _one_spelling(names, frame[table.sample_column], path, asked)
    known = sorted(set(own.values()))
    drugs = [own[_known(drug, list(own), path)] for drug in table.drugs or ([table.drug] if table.drug else known)]
    wanted = set(drugs)
    frame = frame.assign(**{table.drug_column: [own[name] for name in names]})
    frame = frame[[name in wanted for name in frame[table.drug_column]]]
    frame = named_rows(_preferred_ids(frame, path, table), table.sample_column, path, table)
    long = pd.DataFrame(
        {
            "sample": cut_names(frame[table.sample_column], path, table),
            "drug": as_ids(frame[table.drug_column]),
        }
    )
    long["value"] = _numbers(frame[[table.value_column]], list(long["sample"]), path, table)[:, 0]
    copies = long.duplicated(["sample", "drug"])
    if copies.any():
        first = long[copies].iloc[0]
        what = f"sample '{first['sample']}' and drug '{first['drug']}' have several rows"
        own_names = frame.assign(**{table.sample_column: list(long["sample"])})
        _refuse_copies(what, own_names, [table.sample_column, table.drug_column], path, table)
    return long.groupby(["sample", "drug"])["value"].mean().unstack("drug").reindex(columns=drugs)


def _one_spelling(names: list[str], samples: pd.Series, path: Path, asked: set[str]) -> dict[str, str]:
    """{name of a drug: the spelling that is used}, the most frequent of those with one normal form; said.

    Spellings that one sample was measured under may be two screens and stay apart, unless the drug is asked for.
    """
    counted = Counter(names)
    forms: dict[str, list[str]] = {}
    for name in sorted(counted, key=lambda name: (-counted[name], name)):
        forms.setdefault(normal(name), []).append(name)
    own, rows = {name: name for name in counted}, np.array(names, dtype=object)
    for form, (first, *others) in forms.items():
        if others and asked and form not in asked:
            continue
        if others:
            hit = np.isin(rows, [first, *others])
            apart = pd.Series(rows[hit]).groupby(samples[hit].to_numpy()).nunique().gt(1).any()
            apart = apart and form not in asked
            if apart:
                told(f"{path}: {examples([first, *others])} are kept apart, since samples are measured under both")
            own |= {} if apart else dict.fromkeys(others, first)
    changed = {name: used for name, used in own.items() if name != used}
    if changed:
        told(f"{path}: {renamed_line(changed, 'spellings of drugs')}")
    return own


def _numbers(body: pd.DataFrame, rows: list[str], path: Path, table: ResponseTable) -> np.ndarray:
    """(rows, columns) float64; values beyond a limit (`>1000`) are taken at the limit where the file says so."""
    if table.censored == "clip":
        body = body.apply(lambda column: clipped(column, f"{path}: column '{column.name}'"))
    return number_matrix(body, rows, path).astype(float)


def _preferred_ids(frame: pd.DataFrame, path: Path, table: ResponseTable) -> pd.DataFrame:
    """For a drug with several ids, only the rows of the id that the cohort file names."""
    for drug, ids in (table.drug_ids or {}).items():
        column = require_column(frame, table.drug_id_column, path, "drug_id_column")
        of_drug = np.array(all_folded(frame[table.drug_column])) == drug.casefold()
        given = np.array(all_folded(frame[column]))
        for one in ids:
            if folded(one) not in given[of_drug]:
                known = nearest(one, sorted(set(given[of_drug])))
                raise InputError(f"{path}: drug '{drug}' has no {table.drug_id_column} {one} (drug_ids); {known}")
        frame = frame[~of_drug | np.isin(given, [folded(i) for i in ids])]
    return frame


def _refuse_copies(what: str, frame: pd.DataFrame, by: list[str], path: Path, table: ResponseTable) -> None:
    """InputError for rows of one name that are no repeats, or that nobody allowed to average.

    frame: the rows with their names as cut; by: the columns of names.
    """
    if table.cuts_names:  # rows of one cut name are repeats by what the file says
        return
    apart = told_apart(frame, by, table.value_column)
    if apart and table.duplicates != "mean":
        raise InputError(f"{path}: {what}, which differ in {', '.join(apart)}: no repeats; {filters(apart)}{AVERAGE}")
    if apart:
        told(f"{path}: rows of one name that differ in {', '.join(apart)} are averaged (duplicates = 'mean')")
    if table.duplicates != "mean":
        raise InputError(f"{path}: {what}; keep one, choose rows with filter, or set duplicates = 'mean'")


def _known(drug: str, known: list[str], path: Path) -> str:
    """The table's own spelling of a drug: exactly, without regard to case, then in its normal form."""
    if drug in known:
        return drug
    for form in (str.casefold, normal):
        for name in known:
            if form(name) == form(drug):
                return name
    raise InputError(f"{path} has no drug '{drug}'; {nearest_drug(drug, known)}")


def annotation_frame(frame: pd.DataFrame, path: Path, table: AnnotationTable) -> pd.DataFrame:
    """Columns 'tissue', 'group' and 'batch' (text, '' where unknown) for the samples that include and exclude leave.

    A table with several rows for a sample, such as a response table, must repeat the same values.
    """
    require_column(frame, table.sample_column, path, "sample_column")
    frame = select_rows(frame, path, table.include, "include")
    frame = select_rows(frame, path, table.exclude, "exclude", exclude=True)
    frame = named_rows(frame, table.sample_column, path, table)
    result = pd.DataFrame({"sample": cut_names(frame[table.sample_column], path, table)})
    columns = {"tissue": table.tissue_column, "group": table.group_column, "batch": table.batch_column}
    for name, column in columns.items():
        result[name] = as_ids(frame[require_column(frame, column, path, f"{name}_column")]) if column else ""
    result = result.drop_duplicates()
    copies = result["sample"].duplicated()
    if copies.any():
        name = result["sample"][copies].iloc[0]
        raise InputError(f"{path}: sample '{name}' has rows that disagree; keep one row for each sample")
    return result.set_index("sample")
