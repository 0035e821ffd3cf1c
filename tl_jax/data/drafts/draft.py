"""A cohort file for a user's own tables, drafted by looking at them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from tl_jax.data.cohort.cohort_file import shipped_content
from tl_jax.data.cohort.schema import AnnotationTable
from tl_jax.data.cohort.schema_kinds import wanted_values
from tl_jax.data.drafts.annotation import guess_annotation
from tl_jax.data.drafts.expression import expression_keys, sides
from tl_jax.data.drafts.look import Look, looks
from tl_jax.data.drafts.matching import ask_of_columns, ask_of_names, best_match, no_match, say_match
from tl_jax.data.drafts.measures import check_values, meaning
from tl_jax.data.drafts.names import Match, match_names
from tl_jax.data.drafts.points import UNKNOWN, Points
from tl_jax.data.drafts.response import guess_response, wanted
from tl_jax.data.tables.cells import as_ids, examples
from tl_jax.data.tables.raw_tables import find_file
from tl_jax.data.tables.same_names import REPEAT, normal
from tl_jax.data.tables.selection import select_rows
from tl_jax.errors import InputError

LEFT_OUT = 5  # names in a remark


@dataclass(frozen=True)
class Wishes:
    """What the user said; None, "" or {}: to be found out.

    source: a shipped cohort whose first domain becomes the source, or "" for none. source_tissues: "shipped", or "all"
    lines of the source, also of tissues that the shipped cohort leaves out. drug: of the target. several: whether more
    than one drug is chosen of the loaded cohort, so that none is named here. value: column of the response. direction:
    "resistant" or "sensitive". unit: of the response. groups: column whose samples share a fold. expression_keys,
    response_keys: of a cohort file, which win over what is found.
    """

    name: str
    source: str = ""
    drug: str | None = None
    value: str | None = None
    direction: str | None = None
    unit: str | None = None
    expression_keys: dict = field(default_factory=dict)
    response_keys: dict = field(default_factory=dict)
    source_tissues: str = "shipped"
    several: bool = False
    groups: str | None = None


@dataclass
class Draft:
    """content: of the TOML file. remarks: what was found and what to check. open: what the user must settle first."""

    content: dict
    remarks: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)


def draft_cohort(folder: Path, expression: Path, response: Path, annotation: Path | None, wishes: Wishes) -> Draft:
    """The cohort file's content for the tables, with the points that they leave open, each with the flag that settles
    it; InputError where a file cannot be read at all or stands outside the data folder.

    folder: the data folder, which holds the tables; the file names them from there.
    """
    places = relative(expression, folder), relative(response, folder)
    wishes, points = with_keys(wishes), Points()
    look, answer, match = best_match(expression, response, wishes.expression_keys, wishes.response_keys)
    if match is None:
        points.ask(no_match(look, answer))
    target: dict = {"name": "target"}
    own_response, drugs = {}, [wishes.drug or UNKNOWN]
    if match is not None:
        say_match(match, look, answer, points)
        ask_of_names(match, look, answer, points)
        if "sample_column" not in wishes.response_keys:
            ask_of_columns(match, answer, points)
        if places[0] == places[1] and look.keys == answer.keys:
            points.say(f"expression and response are one table, {look.path.name}: its measured column is no gene")
        with points.asking("response"):
            own_response, drugs = response_keys(answer, match, wishes, points)
        measured = own_response.get("value_column", "") if places[0] == places[1] else ""
        own_expression = expression_keys(look, match, wishes.expression_keys, measured, points)
    else:
        own_expression = {**look.keys, **wishes.expression_keys}
        own_response = {**answer.keys, "direction": wishes.direction or UNKNOWN, **wishes.response_keys}
    target["expression"] = {"path": places[0], **own_expression}
    target["response"] = {"path": places[1], **({"direction": UNKNOWN} if not own_response else {}), **own_response}
    with points.asking(""):
        notes = annotation_keys(annotation, folder, look, answer, match, points, wishes.groups) if match else {}
        target |= {"annotation": notes} if notes else {}
    _ask_of_repeats(target, match, points)
    drug = drugs[0]
    if wishes.drug is None and len(drugs) > 1 and not wishes.several:
        points.say(f"the drug to predict is {drug}, of {len(drugs)}: {examples(drugs, LEFT_OUT)}; --drug names another")
    content = {"name": wishes.name, "title": f"{wishes.name}: {drug}", "drug": drug}
    whole = with_source(content, target, wishes, points.remarks)
    for domain in whole["domain"] if "gene_ids" in target["expression"] else ():
        domain["expression"] = {**domain["expression"], "gene_ids": "auto"}  # current symbols must meet current symbols
    return Draft(whole, points.remarks, points.open)


def with_keys(wishes: Wishes) -> Wishes:
    """The wishes with what response_keys say of value, direction and unit; InputError where a flag says otherwise."""
    for name, key in (("value", "value_column"), ("direction", "direction"), ("unit", "unit")):
        said, flag = wishes.response_keys.get(key), getattr(wishes, name)
        if said is not None and flag not in (None, said):
            raise InputError(f"--{name}={flag}, but --response_keys say {key} = '{said}'; keep one of the two")
        if said is not None:
            wishes = replace(wishes, **{name: said})
    return wishes


def response_keys(answer: Look, match: Match, wishes: Wishes, points: Points) -> tuple[dict, list[str]]:
    """Keys of [domain.response] and the drugs that it measures, the target's first."""
    table, path, said = answer.frame, answer.path, wishes.response_keys
    if match.other:
        narrowed = _filtered(table, path, said)
        keys = guess_response(narrowed, path, match.other, wishes, points)
        keys = {**keys, "sample_column": match.other}
        if wishes.value is None and "value_column" in keys:
            points.say(f"the response is column '{keys['value_column']}' of {path.name}; --value names another")
    else:
        known = as_ids(table.iloc[:, 0])
        keys = {"format": "hgcc_auc"}
        if wishes.drug:
            keys["drugs"] = [wanted(wishes.drug, known, path, points)]
        points.say(f"{path.name} has drugs in its rows and samples in its columns")
    keys = {**answer.keys, **keys, **match.other_cut.keys(), **said}
    keys |= meaning(table, path, keys, wishes, points)
    if match.other:
        keys |= {k: v for k, v in check_values(table, path, match.other, keys, points).items() if k not in said}
    return keys, drugs_of(table, keys, wishes)


def _filtered(table: pd.DataFrame, path: Path, said: dict) -> pd.DataFrame:
    """The rows that a stated filter keeps."""
    return select_rows(table, path, wanted_values(said.get("filter", {})), "filter")


def drugs_of(table: pd.DataFrame, keys: dict, wishes: Wishes) -> list[str]:
    """The drugs of the response, the one to predict first: that of --drug, or else the one measured most often."""
    if wishes.drug and keys.get("drugs"):
        return list(keys["drugs"])
    if keys["format"] == "long":
        if keys["value_column"] == UNKNOWN:
            return [UNKNOWN]
        counted = table.dropna(subset=[keys["value_column"]])[keys["drug_column"]].astype(str).value_counts()
        return counted.sort_index().sort_values(ascending=False, kind="stable").index.tolist()
    if keys["format"] == "hgcc_auc":
        return table.iloc[:, 0].astype(str).tolist()
    if "drugs" in keys:
        return sorted(map(str, keys["drugs"]), key=lambda name: (-int(table[name].notna().sum()), name))
    return [keys["drug"]]


def annotation_keys(
    annotation: Path | None,
    folder: Path,
    look: Look,
    answer: Look,
    match: Match,
    points: Points,
    groups: str | None = None,
) -> dict:
    """Keys of [domain.annotation], from a table of its own or the text columns of the response; {} for none."""
    path, table, cut, column, layout = answer.path, answer.frame, match.other_cut, match.other, answer.keys
    if annotation is not None:
        other = next(looks(annotation, AnnotationTable, {}))
        path, table, layout = annotation, other.frame, other.keys
        own = match_names(look.frame, table, sides(look))
        if own is None or not own.other:
            raise InputError(f"{annotation}: no column holds the samples of the expression table; correct its names")
        cut, column = own.other_cut, own.other
    found = guess_annotation(table, column, path, groups) if column else {}
    if groups is not None and not found:
        raise InputError(f"--groups={groups}: {path} has no row for each sample; name a table that has by --annotation")
    if annotation is not None and not found:
        raise InputError(
            f"{annotation}: no column is called after a tissue, a patient or a batch; rename one, or leave it out"
        )
    if not found:
        return {}
    points.say("from " + path.name + ": " + ", ".join(f"{key} = '{name}'" for key, name in found.items()))
    return {"path": relative(path, folder), **layout, "sample_column": column, **cut.keys(), **found}


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
    inside = os.path.relpath((path if path.is_dir() else find_file(path)).absolute(), folder.absolute())
    if inside.startswith(".."):
        raise InputError(f"{path} is not in the data folder {folder}; move it there, or name its folder as --data_dir")
    return re.sub(r"\.(gz|zip)$", "", Path(inside).as_posix())


def _ask_of_repeats(target: dict, match: Match | None, points: Points) -> None:
    """Samples that are repeats of one by their names share a fold: they become groups of the file."""
    if match is None or "group_column" in target.get("annotation", {}):
        return
    groups = repeats_of(match.shared)
    if groups:
        target["groups"] = groups
        many = sum(map(len, groups))
        points.say(
            f"{many} samples are repeats of {len(groups)} by their names, such as {examples(groups[0])}: they share a "
            "fold (groups); without that a model is tested on samples that it has trained on"
        )


def repeats_of(names: Iterable[str]) -> list[list[str]]:
    """Names that differ by the number of a repeat alone, in groups of several."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(normal(REPEAT.sub("", name)), []).append(name)
    return [own for own in groups.values() if len(own) > 1]
