"""The keys of [domain.expression], from a look at the table."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort import readers
from tl_jax.data.cohort.expression_names import other_rows
from tl_jax.data.cohort.schema import ExpressionTable
from tl_jax.data.cohort.schema_kinds import held
from tl_jax.data.cohort.tables import expression_frame
from tl_jax.data.drafts.look import Look
from tl_jax.data.drafts.names import Match, Side, sides_of_expression
from tl_jax.data.drafts.points import Points
from tl_jax.data.drafts.values import ask_of_negatives, ask_of_odd_samples
from tl_jax.data.genes.names import UNKNOWN, kind_of
from tl_jax.data.genes.others import ABOUT_GENES, no_genes
from tl_jax.data.scaling.units import COUNTS, LINEAR, detect_units
from tl_jax.data.tables.cells import as_ids, examples
from tl_jax.data.tables.excel_dates import date_names
from tl_jax.data.tables.numbers import MISSING, fault_text, faults, holds_numbers, placeholders
from tl_jax.data.tables.same_names import is_later_tumour, is_normal_tissue, normal_tissue_pattern

TRANSFORM = {COUNTS: "log_cpm", LINEAR: "log2"}
MANY_NAMES = 30  # genes from which names that nobody knows are worth a line
SHOWN = 5  # names in a remark
SEEN = 3000  # names by which a kind of genes is told
# What is cut from names of repeats: .1, _rep2, _R1, -2, a lane.
REPEAT = re.compile(
    r"([._ -]?(bio|tech)?(rep(licate|eat)?|r|dup|copy|lane|l|s|run|set|pool|rna(seq)?|expr)?[._ -]?\d{0,4}[a-d]?){0,3}"
    r"|aligned.*|[._-].*\.(bam|sam|txt|tsv|csv|gz)",
    re.IGNORECASE,
)
# Before a number these say when a sample was taken: no repeats, though `d` alone may be the fourth of them.
TIME = re.compile(
    r"[._ -]?(d|days?|t|tp|h|hrs?|hours?|w|wks?|weeks?|m|mo|months?|visit|cycle|c|v)[._ -]?\d+", re.IGNORECASE
)
_VALUES = re.compile(
    r"transcriptomics|expr\w*|tpm|fpkm|rpkm|counts?|values?|log2?\w*|abundance|intensity", re.IGNORECASE
)


def sides(look: Look) -> list[Side]:
    """Where the names of samples may stand in a look at an expression file."""
    if look.format == "table":
        long = long_columns(look.frame)
        if long:
            return [Side("long", long["sample_column"], as_ids(look.frame[long["sample_column"]].unique()))]
        return sides_of_expression(look.frame)
    found = [Side("cells", "", [str(name) for name in look.frame.index])]
    if look.obs is None:
        return found
    own = "geo_accession" if look.format == "geo_series_matrix" else look.obs.columns[0]
    for column in look.obs.columns.drop(own):
        several = look.obs[column].nunique() < len(look.obs) or look.format != "h5ad"
        if several and not pd.api.types.is_float_dtype(look.obs[column]):
            found.append(Side("cells", str(column), as_ids(look.obs[column])))
    return found


def long_columns(frame: pd.DataFrame) -> dict:
    """Keys of format = 'long' where a table has a row for each sample and gene; {} for any other."""
    if len(frame.columns) > 15 or len(frame) < 10:
        return {}
    names = {
        c: as_ids(frame[c]) for c in frame.columns if not pd.api.types.is_float_dtype(frame[c]) or _whole(frame[c])
    }
    distinct = {c: list(dict.fromkeys(n)) for c, n in names.items()}
    repeated = [c for c, own in distinct.items() if 1 < len(own) <= len(frame) / 2]
    genes = [c for c in repeated if kind_of(distinct[c][:SEEN]) != UNKNOWN and not _counts(distinct[c])]
    for gene in sorted(genes, key=lambda c: -len(distinct[c])):
        for sample in (c for c in repeated if c != gene):
            pairs = len(distinct[gene]) * len(distinct[sample])
            values = [c for c in frame.columns if c not in (gene, sample) and holds_numbers(frame[c])]
            if 0.5 * pairs <= len(frame) <= 2 * pairs and values:
                value = next((c for c in values if _VALUES.fullmatch(str(c))), values[0])
                return {"format": "long", "sample_column": sample, "gene_column": gene, "value_column": value}
    return {}


def _whole(column: pd.Series) -> bool:
    known = column.dropna()
    return bool((known % 1 == 0).all())


def _counts(names: list[str]) -> bool:
    """Whether names are 0, 1, 2, ...: row numbers, which are no ids."""
    return names in ([str(i) for i in range(len(names))], [str(i + 1) for i in range(len(names))])


def expression_keys(look: Look, match: Match, said: dict, measured: str, points: Points) -> dict:
    """Keys of [domain.expression] beside the path; what is wrong with the table becomes an open point.

    said: keys that the user states, which win. measured: column of the response where both are one table.
    """
    keys = {**look.keys, **match.own_cut.keys()}
    if match.side == "long":
        keys |= long_columns(look.frame)
    elif match.side == "cells":
        keys |= _cells(look, match, points)
    else:
        keys |= _columns(look, match, measured, points)
    keys |= said
    for key, value in match.own_cut.keys().items():
        points.say(f"names of samples in {look.path.name} are cut by {key} = {value!r}")
    with points.asking("expression"):
        frame = _frame(look, keys, match, points)
        _values(frame, look, keys, match, said, points)
    return keys


def _cells(look: Look, match: Match, points: Points) -> dict:
    if match.own and look.format != "h5ad":
        points.say(f"samples are called by '{match.own}' of {look.path.name}")
        return {"sample_column": match.own}
    if match.own:
        points.say(f"the cells of one '{match.own}' become one sample, their mean (pool_by)")
        return {"pool_by": match.own}
    return {"duplicate_samples": "mean"} if match.own_cut.keys() else {}


def _columns(look: Look, match: Match, measured: str, points: Points) -> dict:
    """Keys that say which columns of a plain table are names, values, or neither."""
    frame, genes_in_rows = look.frame, match.side == "genes"
    own = _gene_column(frame, match) if genes_in_rows else match.own
    keys: dict = {"orientation": match.side, "gene_column" if genes_in_rows else "sample_column": own}
    rest = [c for c in frame.columns if c != own]
    text = [c for c in rest if not holds_numbers(frame[c])]
    numbers = [c for c in rest if c not in text]
    cut = {match.own_cut.one(c) for c in numbers} & set(match.shared)
    if genes_in_rows:
        others = [c for c in numbers if ABOUT_GENES.fullmatch(c) and match.own_cut.one(c) not in cut]
    else:
        others = [c for c in no_genes(numbers) if c != own]
        others += [c for c in numbers if c == measured and c not in others]
    if text:
        points.say(f"columns of text are left out of the expression: {examples(text, SHOWN)}")
    if others:
        points.say(f"columns that are no genes or samples are left out of the expression: {examples(others, SHOWN)}")
    if text or others:
        keys["ignore_columns"] = [*text, *others]
    left = [c for c in numbers if c not in others]
    names = frame[own] if genes_in_rows else pd.Series(left)
    rows = as_ids(frame[own])
    others_in_rows = set(other_rows(frame[left], rows)) if genes_in_rows and left else set()
    kept = [name not in others_in_rows for name in rows]
    keys |= _missing(frame.loc[kept, left], [name for name in rows if name not in others_in_rows], look.path, points)
    if names.astype(str).duplicated().any():
        keys["duplicate_genes"] = "mean"
        points.say(f"{int(names.astype(str).duplicated().sum())} repeated genes are averaged")
    if frame[left].isna().to_numpy().any():
        keys["missing_values"] = "drop_genes"
        points.say("genes with a missing value are dropped")
    dates = date_names(as_ids(names))
    if dates and kind_of(as_ids(names)[:SEEN]) in ("symbol", UNKNOWN):
        keys["date_names"] = "drop"
        points.say(
            f"{len(dates)} genes are left out, since a spreadsheet turned their names into dates: {examples(dates)}"
        )
    return keys


def _gene_column(frame: pd.DataFrame, match: Match) -> str:
    """The column of gene names: of symbols, of other known names, else the first of texts; row numbers never."""
    best, first = None, None
    for column in frame.columns[:8]:
        names = as_ids(frame[column])
        if match.own_cut.one(str(column)) in match.shared or pd.api.types.is_bool_dtype(frame[column]):
            continue
        if _counts(names) or (pd.api.types.is_float_dtype(frame[column]) and not _whole(frame[column])):
            continue
        kind = kind_of([n for n in names if n][:SEEN])
        if kind == "symbol":
            return str(column)
        best = best or (str(column) if kind != UNKNOWN else None)
        first = first or (str(column) if not holds_numbers(frame[column]) else None)
    return best or first or match.own


def _missing(frame: pd.DataFrame, rows: list[str], path: Path, points: Points) -> dict:
    """{"missing": texts} where all cells that are no numbers mean a gap; an open point for any other."""
    texts: dict[str, str] = {}
    asked: list[str] = []
    for column, values in frame.items():
        bad = faults(values)
        cells = [str(values.iloc[row]).strip() for row in bad]
        wrong = [row for row, cell in zip(bad, cells, strict=True) if not MISSING.fullmatch(cell)]
        if wrong:
            asked.append(fault_text(values, wrong, rows, path, str(column)))
        for row, cell in zip(bad, cells, strict=True):
            texts.setdefault(cell, f"column '{column}', row '{rows[row]}'") if row not in wrong else None
    if asked:  # a mark that stands in every column is one question
        points.ask(asked[0], "expression")
        if len(asked) > 1:
            points.say(f"{len(asked)} columns of {path.name} have cells that are no numbers; one is named")
    for cell, where in texts.items():
        points.say(f"{path.name}: '{cell}' ({where}) is taken for a missing value")
    if texts:
        points.say("genes with a missing value are dropped")
    return {"missing": list(texts), "missing_values": "drop_genes"} if texts else {}


def _frame(look: Look, keys: dict, match: Match, points: Points) -> pd.DataFrame:
    """Samples x genes as the cohort file would read them, before any transform."""
    table = ExpressionTable(path=str(look.path), **{key: held(value) for key, value in keys.items()})
    names = as_ids(look.frame[match.own]) if match.side == "samples" else list(map(str, look.frame.columns))
    names = list(map(str, look.frame.index)) if match.side == "cells" else names
    fallen = _fallen(names, match)
    if any(map(is_normal_tissue, fallen)) and not all(map(is_normal_tissue, fallen)):
        normal = [n for n in names if is_normal_tissue(n)]
        keys["leave_out"] = normal_tissue_pattern(normal)
        points.say(f"{len(normal)} samples of normal tissue are left out ({examples(normal)}); tumours are kept")
        table = ExpressionTable(**{**table.__dict__, "leave_out": keys["leave_out"]})
    elif fallen and match.side != "cells":
        _ask_of_fallen(fallen, match, points)
    frame = look.frame
    if keys.get("missing") or match.side == "cells":
        frame = readers.read(look.path, table)
    return expression_frame(frame, look.path, table, set(match.shared), set())


def _fallen(names: list[str], match: Match) -> list[str]:
    """Names of samples that fall together with another once they are cut."""
    groups = defaultdict(list)
    for name in names if match.own_cut.keys() else ():
        groups[match.own_cut.one(name)].append(name)
    return [n for cut, own in groups.items() if cut in match.shared and len(own) > 1 for n in own]


def _ask_of_fallen(fallen: list[str], match: Match, points: Points) -> None:
    """Say that repeats are averaged; ask where what is cut off does not look like the number of a repeat."""
    rests = {name: name.replace(match.own_cut.one(name), "", 1) for name in fallen}
    odd = [n for n, rest in rests.items() if not REPEAT.fullmatch(rest) or TIME.fullmatch(rest) or is_later_tumour(n)]
    if odd and len(set(rests.values())) > 1:
        points.ask(
            f"{len(fallen)} samples would fall together and be averaged, such as {examples(fallen)}; if they are no "
            f"repeats, set leave_out = '{re.escape(rests[odd[-1]])}$' to leave these out, or rename them",
            "expression",
        )
        return
    many = len(fallen) - len({match.own_cut.one(n) for n in fallen})
    points.say(f"{many} fall together and are averaged, such as {examples(fallen)}")


def _values(frame: pd.DataFrame, look: Look, keys: dict, match: Match, said: dict, points: Points) -> None:
    """Kind of gene names, unit and transform; values that stand for gaps."""
    kind = kind_of(frame.columns)
    if kind not in ("symbol", UNKNOWN):
        keys.setdefault("gene_ids", "auto")
        points.say(f"genes are named by {kind.replace('_', ' ')}; they are translated to current symbols")
    if kind == UNKNOWN and len(frame.columns) >= MANY_NAMES:
        points.say(
            f"genes such as {examples(frame.columns)} have neither current symbols nor known ids: known markers and "
            "public lines cannot meet them; name genes by symbols (in capitals) or by Ensembl or Entrez ids"
        )
    x = frame.loc[frame.index.intersection(match.shared)].to_numpy(np.float64)
    gaps = placeholders(x.ravel())
    if gaps:
        shown = f"{gaps[0]:g}"
        points.ask(
            f"{look.path}: {int(np.isin(x, gaps).sum())} values of the expression are {shown}, far from all others; if "
            f"that means a missing value, set missing = ['{shown}']",
            "expression",
        )
    ask_of_negatives(frame, x, look.path, points)
    units = detect_units(look.frame.iloc[:2000].to_numpy(np.float64) if match.side == "cells" else x)
    if match.side != "cells":
        ask_of_odd_samples(
            frame.index.intersection(match.shared), x, units, look.path, bool(match.own_cut.keys()), points
        )
    keys.setdefault("transform", TRANSFORM.get(units.kind, "none"))
    points.say(f"the expression looks like {units}; transform = '{keys['transform']}'")
