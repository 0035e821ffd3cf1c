"""Summaries of metrics as data frames, as text for the terminal and as CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.metrics import JUDGED, get, is_pooled
from tl_jax.evaluation.statistics.registry import NO_UNIT
from tl_jax.report.arms import IDENTITY, arm_key, with_identity
from tl_jax.system.files import write_atomic

WIDTH = 100
FORMULA = ("=", "+", "-", "@", "\t")  # OWASP, "CSV Injection"
UNDEFINED = "\N{EN DASH}"
COLUMN_ORDER = ("experiment", "arm", "source", "protocol", "repeat", "fold", "epoch", "sample_id", "metric", "value")
BESIDE = ("rmse", "mae", "r2")  # shown beside the metric that judges


def beside(metric: str) -> list[str]:
    """The metrics that tables of arms show beside the one that judges."""
    return [name for name in BESIDE if name != metric]


def arm_note(metric: str) -> str:
    """What the columns of `arm_table` are."""
    judged, others = get(metric), [get(name) for name in beside(metric)]
    errors = ", ".join(one.label for one in others if one.unit != NO_UNIT)
    plain = [one.label for one in others if one.unit == NO_UNIT]
    return (
        f"{judged.per_fold}: mean ± sd over repeats x folds; pooled: median [min, max] over repeats\n"
        f"{', '.join([f'{errors} [unit of the response]', *plain])}: mean over folds; "
        f"undef: folds without a {judged.label}, left out"
    )


def summarise(metrics: pd.DataFrame, metric: str = JUDGED) -> pd.DataFrame:
    """One row per (experiment, source, protocol, arm) of a table of metrics.

    `metrics` has one row per experiment, arm, source, protocol, repeat, fold and metric;
    a fold "pooled" stands for all folds of a repeat together. The result counts the
    runs (repeat x fold) and the undefined per-fold values of the metric that judges, which
    every mean leaves out; an empty mean is NaN. RMSE and MAE keep the unit of the response.

    Raises:
        InputError: a column is missing.
    """
    missing = {"arm", "repeat", "fold", "metric", "value"} - set(metrics.columns)
    if missing:
        raise InputError(f"metrics lack the column {sorted(missing)[0]}; write them with the experiment's own script")
    groups = with_identity(metrics).groupby(list(IDENTITY), sort=False)
    rows = [
        dict(zip(IDENTITY, key, strict=True)) | _numbers(rows, metric)
        for key, rows in sorted(groups, key=lambda item: arm_key(*item[0]))
    ]
    names = ["experiment", "source", "protocol", "arm", *_numbers(metrics.iloc[:0], metric)]
    return pd.DataFrame(rows, columns=names)


def _numbers(rows: pd.DataFrame, judged: str) -> dict[str, float]:
    """The numbers of one arm."""
    whole_repeats = is_pooled(rows)
    folds, pooled = rows[~whole_repeats], rows[whole_repeats]

    def values(part: pd.DataFrame, metric: str) -> pd.Series:
        return part.loc[part["metric"] == metric, "value"].astype(float)

    own, whole = values(folds, judged), values(pooled, judged)
    return {
        "n_runs": len(folds[["repeat", "fold"]].drop_duplicates()),
        "n_undefined": int(own.isna().sum()),
        f"{judged}_mean": own.mean(),
        f"{judged}_sd": own.std(ddof=1),
        f"pooled_{judged}_median": whole.dropna().median(),  # pandas 2 warns where all is undefined
        f"pooled_{judged}_min": whole.min(),
        f"pooled_{judged}_max": whole.max(),
        **{f"{name}_mean": values(folds, name).mean() for name in beside(judged)},
    }


def arm_table(summary: pd.DataFrame, metric: str = JUDGED) -> str:
    """A summary as fixed-width text of at most 100 columns.

    One block per experiment and protocol; in it strategies under their source, then the
    baselines. Undefined numbers are a dash.
    """
    note, others = arm_note(metric), [get(name).label for name in beside(metric)]
    head = ("arm", get(metric).per_fold, "pooled", *others, "runs", "undef")
    if summary.empty:
        return f"{note}\n(no arms)"
    rows = sorted(with_identity(summary).to_dict("records"), key=lambda row: arm_key(*(row[n] for n in IDENTITY)))
    # One set of widths, so that the columns of the blocks stand under each other.
    lines = fixed_width(head, [_arm_cells(row, metric) for row in rows])
    text, block, group = [note], None, None
    for row, line in zip(rows, lines[1:], strict=True):
        if (row["experiment"], row["protocol"]) != block:
            block, group = (row["experiment"], row["protocol"]), None
            name = ", ".join(filter(None, block))
            text += ["", *([shorten(name, WIDTH)] if name else []), lines[0]]
        if _group(row) != group:
            group = _group(row)
            text.append(shorten(group, WIDTH))
        text.append(line)
    return "\n".join(text)


def _group(row: dict) -> str:
    """The line above the arms of one source, or above the baselines."""
    if is_baseline(row["arm"]):
        return "baselines"
    return f"source {row['source']}" if row["source"] else "no source"


def _arm_cells(row: dict, metric: str) -> list[str]:
    """One arm's cells."""
    names = *(f"pooled_{metric}_{end}" for end in ("min", "max", "median")), f"{metric}_sd", f"{metric}_mean"
    low, high, pooled, spread, fold = (number(row[name], get(metric).spec(3)) for name in names)
    return [
        "  " + row["arm"],
        fold if fold == UNDEFINED else f"{fold} ± {spread}",
        pooled if pooled == UNDEFINED else f"{pooled} [{low}, {high}]",
        *(number(row[f"{name}_mean"], "#.3g") for name in beside(metric)),
        str(row["n_runs"]),
        str(row["n_undefined"]),
    ]


def source_table(quality: list[dict], metric: str = JUDGED) -> str:
    """Source drugs, best rank first, as fixed-width text of at most 100 columns.

    Each row has drug, n, median, q25, q75, dynamic_range, replicate_n, replicate_spearman,
    intermediate_METRIC, rank and chosen; an absent, None or NaN entry is a dash.
    """
    head = ("drug", "rank", "chosen", "n", "median [q25, q75]", "range", "repl. n", "repl. rho", "intermediate")
    rows = [_source_cells(row, metric) for row in sorted(quality, key=rank_key)]
    note = (
        "Response: median [quartiles] and dynamic range in its own unit; repl. rho: Spearman of"
        f"\nreplicate labels; intermediate: {get(metric).label} on the intermediate cohort"
    )
    return "\n".join([note, "", *fixed_width(head, rows)])


def rank_key(row: dict) -> tuple:
    """Sort key of a source drug: ranked ones by rank, then the others by name."""
    rank = row.get("rank")
    unranked = rank is None or pd.isna(rank)
    return unranked, 0 if unranked else rank, str(row.get("drug", ""))


def _source_cells(row: dict, metric: str) -> list[str]:
    """One source drug's cells."""
    low, middle, high = (number(row.get(name), "#.3g") for name in ("q25", "median", "q75"))
    return [
        str(row.get("drug", "")),
        number(row.get("rank"), ".0f"),
        "yes" if row.get("chosen") else "",
        number(row.get("n"), ".0f"),
        middle if middle == UNDEFINED else f"{middle} [{low}, {high}]",
        number(row.get("dynamic_range"), "#.3g"),
        number(row.get("replicate_n"), ".0f"),
        number(row.get("replicate_spearman")),
        number(row.get(f"intermediate_{metric}"), get(metric).spec(3)),
    ]


def number(value, spec: str = ".3f") -> str:
    """`value` as text, or a dash where it is None, NaN or infinite."""
    if value is None or not np.isfinite(value):
        return UNDEFINED
    text = format(float(value), spec).rstrip(".")
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text


def shorten(text: str, width: int) -> str:
    """`text` in at most `width` characters, with an ellipsis in the middle where it is longer."""
    if len(text) <= width:
        return text
    kept = max(width - 1, 2)
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def fixed_width(head: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    """Lines of a table, header first; the first column is left-aligned and may be shortened to fit."""
    table = [list(head), *rows]
    name, *widths = (max(len(row[i]) for row in table) for i in range(len(head)))
    name = max(8, min(name, WIDTH - sum(widths) - 2 * len(widths)))
    lines = []
    for first, *cells in table:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
        lines.append("  ".join([shorten(first, name).ljust(name), *padded]).rstrip())
    return lines


def no_formula(value):
    """A cell that no spreadsheet takes for a formula, nor any reader for two lines; anything but such text as it is."""
    if not isinstance(value, str):
        return value
    value = value.replace("\r", " ")  # pandas does not quote it
    if not value.startswith(FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def write_csv(path: Path, frame: pd.DataFrame) -> Path:
    """Write `frame` by atomic rename: numbers with nine digits, undefined ones empty.

    Columns that identify a row come first in a fixed order, the others follow as they are. Names that a spreadsheet
    would run as a formula get an apostrophe in front: they come from other people's tables.
    """
    first = [name for name in COLUMN_ORDER if name in frame]
    ordered = frame[first + [name for name in frame if name not in first]].infer_objects()
    text = [name for name in ordered if not pd.api.types.is_numeric_dtype(ordered[name])]
    ordered = ordered.assign(**{name: ordered[name].map(no_formula) for name in text}).rename(columns=no_formula)
    return write_atomic(
        path, lambda p: ordered.to_csv(p, index=False, float_format="%.9g", lineterminator="\n", encoding="utf-8")
    )
