"""A cohort file for a user's own tables, drafted by looking at them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort.cohort_file import shipped_content
from tl_jax.data.cohort.schema import ExpressionTable
from tl_jax.data.cohort.tables import expression_frame
from tl_jax.data.drafts.names import Match, match_names, side_counts
from tl_jax.data.drafts.response import guess_annotation, guess_direction, guess_response
from tl_jax.data.genes.names import UNKNOWN, kind_of
from tl_jax.data.scaling.units import COUNTS, LINEAR, detect_units
from tl_jax.data.tables.cells import examples
from tl_jax.data.tables.raw_tables import find_file, read_table
from tl_jax.errors import InputError

TRANSFORM = {COUNTS: "log_cpm", LINEAR: "log2"}
LEFT_OUT = 5  # names in a remark


@dataclass(frozen=True)
class Wishes:
    """What the user said; None or "": to be found out.

    source: a shipped cohort whose first domain becomes the source, or "" for none. source_tissues: "shipped", or "all"
    lines of the source, also of tissues that the shipped cohort leaves out. drug: of the target. value: column of the
    response. direction: "resistant" or "sensitive". unit: of the response.
    """

    name: str
    source: str = ""
    drug: str | None = None
    value: str | None = None
    direction: str | None = None
    unit: str | None = None
    source_tissues: str = "shipped"


@dataclass
class Draft:
    """content: of the TOML file. remarks: what was found and what to check."""

    content: dict
    remarks: list[str] = field(default_factory=list)


def draft_cohort(folder: Path, expression: Path, response: Path, annotation: Path | None, wishes: Wishes) -> Draft:
    """The cohort file's content for the tables; InputError, with the flag that settles it, where they do not say.

    folder: the data folder, which holds the tables; the file names them from there.
    """
    frame, table = read_table(expression, "keep"), read_table(response, "keep")
    match = match_names(frame, table)
    if match is None:
        ours, theirs = examples(map(str, frame.iloc[:3, 0])), examples(map(str, table.iloc[:3, 0]))
        raise InputError(
            f"{expression} and {response} share no sample names (the first columns begin {ours} and {theirs}; the "
            f"headings {examples(frame.columns[1:])} and {examples(table.columns[1:])}); give both the same names"
        )
    own, other = side_counts(match, frame, table)
    alone = (
        f"; {own - len(match.shared)} are in {expression.name} alone, {other - len(match.shared)} in {response.name}"
    )
    remarks = [f"{len(match.shared)} samples are in both tables, such as {examples(match.shared)}{alone}"]
    keys, values = response_keys(table, response, match, wishes, remarks)
    target = {
        "name": "target",
        "expression": {"path": relative(expression, folder), **expression_keys(frame, expression, match, remarks)},
        "response": {"path": relative(response, folder), **keys},
    }
    notes = annotation_keys(annotation, folder, frame, response, table, match, remarks)
    if notes:
        target["annotation"] = notes
    drug = values[0]
    if wishes.drug is None and len(values) > 1:
        remarks.append(
            f"the drug to predict is {drug}, of {len(values)}: {examples(values, LEFT_OUT)}; --drug names another"
        )
    content = {"name": wishes.name, "title": f"{wishes.name}: {drug}", "drug": drug}
    whole = with_source(content, target, wishes, remarks)
    for domain in whole["domain"] if "gene_ids" in target["expression"] else ():
        domain["expression"] = {**domain["expression"], "gene_ids": "auto"}  # current symbols must meet current symbols
    return Draft(whole, remarks)


def response_keys(table: pd.DataFrame, path: Path, match: Match, wishes: Wishes, remarks: list[str]):
    """Keys of [domain.response] and the drugs that it measures, the target's first."""
    if match.other:
        keys = guess_response(table, path, match.other, wishes.value, wishes.drug)
        keys = {**keys, "sample_column": match.other}
        if wishes.value is None and "value_column" in keys:
            remarks.append(f"the response is column '{keys['value_column']}' of {path.name}; --value names another")
    else:
        keys = {"format": "hgcc_auc", **({"drugs": [wishes.drug]} if wishes.drug else {})}
        remarks.append(f"{path.name} has drugs in its rows and samples in its columns")
    if "duplicates" in keys:
        copies = int(table.duplicated([match.other, keys["drug_column"]]).sum())
        remarks.append(f"{copies:,} repeated measurements of a sample and drug are averaged; filter chooses among them")
    keys |= match.other_cut.keys()
    column = str(keys.get("value_column", keys.get("unit", path.stem)))
    direction = wishes.direction or guess_direction(column) or guess_direction(path.stem)
    if direction is None:
        raise InputError(
            f"{path}: the name '{column}' does not say whether a high value means a resistant or a sensitive sample; "
            "add --direction=resistant or --direction=sensitive"
        )
    if wishes.direction is None:
        remarks.append(f"a high value is taken to mean {direction}, by the name '{column}': check it; --direction says")
    keys |= {"unit": wishes.unit or (column if "value_column" in keys else "response"), "direction": direction}
    return keys, drugs_of(table, keys, wishes)


def drugs_of(table: pd.DataFrame, keys: dict, wishes: Wishes) -> list[str]:
    """The drugs of the response, the one to predict first: that of --drug, or else the one measured most often."""
    if keys["format"] == "long":
        counted = table.dropna(subset=[keys["value_column"]])[keys["drug_column"]].astype(str).value_counts()
        names = counted.sort_index().sort_values(ascending=False, kind="stable").index.tolist()
    elif keys["format"] == "hgcc_auc":
        names = table.iloc[:, 0].astype(str).tolist()
    elif "drugs" in keys:
        names = sorted(map(str, keys["drugs"]), key=lambda name: (-int(table[name].notna().sum()), name))
    else:
        names = [keys["drug"]]
    own = [name for name in names if wishes.drug and name.casefold() == wishes.drug.casefold()]
    return own + [name for name in names if name not in own]


def expression_keys(frame: pd.DataFrame, path: Path, match: Match, remarks: list[str]) -> dict:
    """Keys of [domain.expression] beside the path."""
    column = "sample_column" if match.side == "samples" else "gene_column"
    text = [c for c in frame.columns if c != match.own and not pd.api.types.is_numeric_dtype(frame[c])]
    keys = {"orientation": match.side, column: match.own, **match.own_cut.keys()}
    if text:
        keys["ignore_columns"] = text
        remarks.append(f"columns of text are left out of the expression: {examples(text, LEFT_OUT)}")
    names = frame[match.own] if match.side == "genes" else frame.columns.drop([match.own, *text]).to_series()
    if names.astype(str).duplicated().any():
        keys["duplicate_genes"] = "mean"
        remarks.append(f"{int(names.astype(str).duplicated().sum())} repeated genes are averaged")
    numbers = frame.drop(columns=text)
    if numbers.isna().to_numpy().any():
        keys["missing_values"] = "drop_genes"
        remarks.append("genes with a missing value are dropped")
    table = ExpressionTable(path=str(path), **{k: tuple(v) if isinstance(v, list) else v for k, v in keys.items()})
    x = expression_frame(frame, path, table, set(match.shared), set())
    for key, value in match.own_cut.keys().items():
        given = len(frame) if match.side == "samples" else len(numbers.columns) - 1
        together = f"; {given - len(x)} fall together and are averaged" if len(x) < given else ""
        remarks.append(f"names of samples are cut by {key} = {value!r}{together}")
    kind = kind_of(x.columns)
    if kind not in ("symbol", UNKNOWN):
        keys["gene_ids"] = "auto"
        remarks.append(f"genes are named by {kind.replace('_', ' ')}; they are translated to current symbols")
    units = detect_units(x.loc[x.index.intersection(match.shared)].to_numpy(np.float64))
    keys["transform"] = TRANSFORM.get(units.kind, "none")
    remarks.append(f"the expression looks like {units}; transform = '{keys['transform']}'")
    return keys


def annotation_keys(
    annotation: Path | None,
    folder: Path,
    frame: pd.DataFrame,
    response: Path,
    table: pd.DataFrame,
    match: Match,
    remarks,
) -> dict:
    """Keys of [domain.annotation], from a table of its own or the text columns of the response; {} for none."""
    path, cut, column = response, match.other_cut, match.other
    if annotation is not None:
        path, table = annotation, read_table(annotation, "keep")
        own = match_names(frame, table)
        if own is None or not own.other:
            raise InputError(f"{annotation}: no column holds the samples of the expression table; correct its names")
        cut, column = own.other_cut, own.other
    found = guess_annotation(table, column) if column else {}
    if annotation is not None and not found:
        raise InputError(
            f"{annotation}: no column is called after a tissue, a patient or a batch; rename one, or leave it out"
        )
    if not found:
        return {}
    remarks.append("from " + path.name + ": " + ", ".join(f"{key} = '{name}'" for key, name in found.items()))
    return {"path": relative(path, folder), "sample_column": column, **cut.keys(), **found}


def with_source(content: dict, target: dict, wishes: Wishes, remarks: list[str]) -> dict:
    """The whole file: the first domain of a shipped cohort before the target, where one is named."""
    source = wishes.source
    if not source:
        remarks.append("no source: the target alone; --source=gdsc puts public cell lines before it")
        return {**content, "domain": [target]}
    shipped = shipped_content(source)
    if "domain" not in shipped:
        raise InputError(f"--source={source} has no tables; name another cohort")
    kept = {key: shipped[key] for key in ("source_drugs", "default_source", "fetch") if key in shipped}
    if content["drug"].casefold() == shipped["drug"].casefold() and shipped.get("marker"):
        kept["marker"] = shipped["marker"]
    return {**content, **kept, "domain": [of_tissues(shipped["domain"][0], wishes, remarks), target]}


def of_tissues(domain: dict, wishes: Wishes, remarks: list[str]) -> dict:
    """The source with the tissues that its shipped cohort leaves out, or without them, which is said."""
    notes = domain.get("annotation", {})
    left = [str(value) for values in notes.get("exclude", {}).values() for value in values]
    if not left:
        return domain
    if wishes.source_tissues == "all":
        remarks.append(f"the source holds the lines of all tissues, also {', '.join(left)}")
        return {**domain, "annotation": {key: value for key, value in notes.items() if key != "exclude"}}
    remarks.append(
        f"the source leaves out the lines of {', '.join(left)}, as the shipped cohort does; --source_tissues=all takes "
        "them in, unless they are among your samples"
    )
    return domain


def relative(path: Path, folder: Path) -> str:
    """A table's path from the data folder; InputError where it is not in there."""
    inside = os.path.relpath(find_file(path).absolute(), folder.absolute())
    if inside.startswith(".."):
        raise InputError(f"{path} is not in the data folder {folder}; move it there, or name its folder as --data_dir")
    return re.sub(r"\.(gz|zip)$", "", Path(inside).as_posix())
