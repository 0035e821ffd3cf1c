"""A cohort from pandas frames in memory: the same steps as from a cohort file, with the frames in the tables' place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.cohort.cohort_file import cohort_of
from tl_jax.data.cohort.frame_words import WHERE, check_drugs, check_expression, check_texts, in_words_of_frames
from tl_jax.data.cohort.schema import parse_cohort
from tl_jax.data.tables.cells import as_ids, examples
from tl_jax.errors import InputError

SAMPLE = "sample"
NOTES = {"groups": "group_column", "tissue": "tissue_column"}


class Frames:
    """Frames by the names that stand in a cohort file's place of paths."""

    def __init__(self):
        self.held: dict[str, pd.DataFrame] = {}

    def keep(self, name: str, frame: pd.DataFrame) -> str:
        self.held[name] = frame
        return name

    def path(self, table) -> Path:
        return Path(table.path)

    def read(self, table) -> tuple[pd.DataFrame, Path]:
        return self.held[table.path], Path(table.path)


def from_frames(
    frames: Mapping[str, tuple[pd.DataFrame, pd.Series | pd.DataFrame]],
    *,
    name: str,
    title: str,
    drug: str | None,
    source_drugs,
    default_source: str | None,
    marker: str,
    missing_genes: str,
    per_domain: Mapping[str, Any],
    expression: Mapping[str, Any],
) -> Cohort:
    """See Cohort.from_frames. per_domain: unit, direction, scaler, groups and tissue as they were given."""
    if not isinstance(frames, Mapping) or not frames:
        raise InputError(f"{WHERE}: give a dictionary such as {{'source': (expression, response), 'target': (...)}}")
    check_texts(name=name, title=title, drug=drug, default_source=default_source, marker=marker)
    check_options(frames, per_domain, expression)
    held = Frames()
    domains = [described(str(role), pair, held, drug, per_domain, expression) for role, pair in frames.items()]
    first, last = (tuple(held.held[domains[end]["response"]["path"]].columns[1:]) for end in (0, -1))
    if drug is None and len(last) != 1:
        raise InputError(f"{WHERE}: the last domain has {len(last)} drugs ({', '.join(last[:8])}); name one as drug=")
    check_drugs(last, domains[-1]["name"], drug=drug)
    check_drugs(first, domains[0]["name"], source_drugs=source_drugs, default_source=default_source or None)
    content = {
        "name": name,
        "title": title,
        "drug": last[0] if drug is None else drug,
        "source_drugs": list(source_drugs or []),
        "default_source": default_source or "",
        "marker": marker,
        "missing_genes": missing_genes,
        "domain": domains,
    }
    with in_words_of_frames():
        return cohort_of(parse_cohort(content, Path(WHERE)), held, "honest", Path(WHERE))


def check_options(frames: Mapping, per_domain: Mapping[str, Any], expression: Mapping[str, Any]) -> None:
    """Refuse options by domain that name none of the frames, and options of the wrong type."""
    for option, given in per_domain.items():
        by_domain = isinstance(given, Mapping)
        if option in NOTES and given is not None and not by_domain:
            raise InputError(f"{WHERE}: {option} is {kind(given)}; give {{domain: Series by sample}}")
        stray = [key for key in given if key not in frames] if by_domain else []
        if stray:
            known = ", ".join(map(str, frames))
            raise InputError(f"{WHERE}: {option} names the domain '{stray[0]}'; there are: {known}")
    if not isinstance(expression, Mapping):
        raise InputError(f"{WHERE}: expression is {kind(expression)}; give {{key: value}} as in docs/cohorts.md")
    check_expression(expression)


def described(
    role: str, pair, held: Frames, drug: str | None, per_domain: Mapping[str, Any], expression: Mapping[str, Any]
) -> dict:
    """A domain as a cohort file would describe it; its frames are put among those held. drug: names a Series without a
    name."""
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        raise InputError(f"{WHERE}: domain '{role}' needs a pair (expression frame, response)")
    wide, measured = pair
    if not isinstance(wide, pd.DataFrame):
        raise InputError(f"{WHERE}: the expression of '{role}' is {kind(wide)}; give a DataFrame of samples x genes")
    if isinstance(measured, pd.Series):
        measured = measured.to_frame(drug or "response" if measured.name is None else measured.name)
    if not isinstance(measured, pd.DataFrame):
        raise InputError(
            f"{WHERE}: the response of '{role}' is {kind(measured)}; give a Series by sample, or samples x drugs"
        )
    own = {option: of_domain(given, role) for option, given in per_domain.items()}
    rows = {*as_ids(wide.index), *as_ids(measured.index)}  # expression may cut its names to the response's
    found = {
        "name": role,
        "expression": {**table(f"expression of '{role}'", wide, held), "orientation": "samples", **expression},
        "response": {**table(f"response of '{role}'", measured, held), "format": "wide"},
    }
    found["response"] |= {option: own[option] for option in ("unit", "direction") if own[option] is not None}
    if own["scaler"] is not None:
        found["scaler"] = own["scaler"]
    notes = {option: noted(own[option], option, role, rows) for option in NOTES if own[option] is not None}
    if notes:
        frame = pd.DataFrame(notes).astype(object)
        found["annotation"] = table(f"notes on '{role}'", frame.where(frame.notna(), ""), held)
        found["annotation"] |= {NOTES[option]: option for option in notes}
    return found


def kind(value) -> str:
    """What a wrong value is."""
    return f"of type {type(value).__name__}"


def of_domain(given, role: str):
    """An option's value for one domain: given for each by name, or one for all."""
    return given.get(role) if isinstance(given, Mapping) else given


def noted(values, option: str, role: str, rows: set[str]) -> pd.Series:
    """Groups or tissues by sample; rows: the samples that there are."""
    if not isinstance(values, pd.Series):
        raise InputError(f"{WHERE}: {option} of '{role}' is {kind(values)}; give a Series by sample")
    if any(isinstance(value, list | tuple | set | dict) for value in values):
        raise InputError(f"{WHERE}: {option} of '{role}' holds lists; give one name for each sample")
    values = values.set_axis(as_ids(values.index))
    if not values.index.is_unique:
        again = values.index[values.index.duplicated()][0]
        raise InputError(f"{WHERE}: {option} of '{role}' names the sample '{again}' twice; keep one")
    if not rows & set(values.index):
        there = f"it names {examples(values.index)}, the domain has {examples(sorted(rows - {''}))}"
        raise InputError(f"{WHERE}: {option} of '{role}' names none of its samples; {there}")
    return values


def table(name: str, frame: pd.DataFrame, held: Frames) -> dict:
    """Keep a frame under a name, its samples as the first column: what a cohort file says of such a table."""
    if isinstance(frame.index, pd.MultiIndex) or isinstance(frame.columns, pd.MultiIndex):
        raise InputError(f"{name} has several levels of names; give each sample and column one name")
    if not len(frame) or not len(frame.columns):
        raise InputError(f"{name} has the shape {frame.shape[0]} x {frame.shape[1]}; it needs samples and columns")
    columns = as_ids(frame.columns)
    if "" in columns:
        raise InputError(f"{name}: column {columns.index('') + 1} has no name; give it one or drop it")
    if len(set(columns)) < len(columns) and name.startswith("response"):
        again = next(one for one in columns if columns.count(one) > 1)
        raise InputError(f"{name} has the column '{again}' twice; keep one")
    names = (SAMPLE, *(f"{SAMPLE}{number}" for number in range(2, len(columns) + 3)))
    column = next(one for one in names if one not in columns)
    body = frame.set_axis(columns, axis=1).reset_index(drop=True)
    body.insert(0, column, as_ids(frame.index))
    return {"path": held.keep(name, body), "sample_column": column}
