"""One page of a study that has no sections of its own: the verdict, its tables, its settings and its remarks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.report.page.style import CSS
from tl_jax.report.page.tags import Column, Html, bullets, definitions, join, paragraph, table, tag
from tl_jax.report.tables import UNDEFINED, number
from tl_jax.system.files import write_atomic

NAME = "report.html"
MOST_ROWS = 200  # of a table that the page shows; the file has all


class Overview(NamedTuple):
    """words: the verdict, from the tables `needed` and summary.json. shown: {file: (title, {column: heading})}."""

    words: Callable[[dict[str, pd.DataFrame], dict], str]
    needed: tuple[str, ...]
    shown: dict[str, tuple[str, dict[str, str]]]


def many_targets_words(tables: dict[str, pd.DataFrame], summary: dict) -> str:
    """Which arm gains most over a kernel ridge on the target's own genes, and how sure that is."""
    gains, targets = tables["gains"], tables["targets"]
    protocol, count = gains["protocol"].iloc[0], targets["target"].nunique()
    rows = gains[(gains["protocol"] == protocol) & (gains["reference"] == "kernel_ridge")].dropna(subset=["gain"])
    moved = rows[~rows["arm"].isin(["ridge", "kernel_ridge"])]
    over = f"Over {count} target{'' if count == 1 else 's'} (protocol {protocol})"
    if moved.empty:
        return f"{over} no arm that uses the source could be compared with kernel_ridge."
    best = moved.sort_values("gain", ascending=False, kind="stable").iloc[0]
    text = f"{over} {best['arm']} is the best arm that uses the source: {best['gain']:+.3f} Spearman over kernel_ridge"
    if pd.isna(best["ci_low"]):
        return f"{text}; there are too few targets for an interval over them."
    sure = best["ci_low"] > 0 or best["ci_high"] < 0
    chosen = f", not corrected for being the best of {len(moved)} arms" if len(moved) > 1 else ""
    bounds = f"95 % interval over targets {best['ci_low']:+.3f} to {best['ci_high']:+.3f}{chosen}"
    return f"{text} ({bounds}); {'it leaves out 0' if sure else 'it holds 0, so nothing is claimed'}."


def grid_words(tables: dict[str, pd.DataFrame], summary: dict) -> str:
    """The chosen point, and what it reached on inner folds and on the test set."""
    best, test = summary["best"], summary["test"]
    point = ", ".join(f"{name} {value}" for name, value in best["point"].items())
    name = best["objective"]
    return (
        f"Of {len(tables['grid']):,} points the one with {point} has the highest mean {name.upper()} on the inner "
        f"folds ({number(best['inner'][name])}); on the test compounds, asked once, it reaches MCC "
        f"{number(test['mcc'])} and AUROC {number(test['auroc'])}."
    )


GAINS = {"protocol": "protocol", "reference": "over", "arm": "arm", "gain": "gain", "ci_low": "low", "ci_high": "high"}
TARGETS = {"protocol": "protocol", "target": "target", "arm": "arm", "n": "samples", "spearman": "Spearman per fold"}
POINT = {name: name for name in ("layers", "width", "batch", "rate", "dropout", "epochs")}
SCORES = {"mcc": "MCC", "mcc_sd": "its sd over folds", "auroc": "AUROC", "auroc_sd": "its sd over folds "}
OVERVIEWS = {
    "many_targets": Overview(
        many_targets_words,
        ("gains", "targets"),
        {
            "gains": ("Gains over arms on the target's own genes", {**GAINS, "targets": "targets", "won": "share won"}),
            "ranks": ("Average ranks over targets", {"protocol": "protocol", "arm": "arm", "average_rank": "rank"}),
            "targets": ("Each target", {**TARGETS, "pooled_spearman": "pooled Spearman", "rmse": "RMSE"}),
        },
    ),
    "dti_grid_search": Overview(
        grid_words,
        ("grid",),
        {
            "grid": ("Points of the grid on the inner folds", {**POINT, **SCORES}),
            "test": ("The chosen point on the test compounds", {"metric": "metric", "value": "value"}),
        },
    ),
}


def write_overview(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write `report.html` into a results folder, or to `out`, by atomic rename; the same tables give the same bytes.

    Raises:
        InputError: no summary.json of a study that OVERVIEWS knows, or a table that is missing or cannot be read.
    """
    folder = Path(folder)
    summary, tables = read_overview(folder)
    page = overview_page(folder, summary, tables)
    place = Path(out) if out else folder / NAME
    return write_atomic(place, lambda path: path.write_text(page, encoding="utf-8", newline="\n"))


def overview_words(folder: str | Path) -> str:
    """The verdict on a study whose page is an overview."""
    summary, tables = read_overview(Path(folder))
    return OVERVIEWS[summary["experiment"]].words(tables, summary)


def read_overview(folder: Path) -> tuple[dict, dict[str, pd.DataFrame]]:
    """summary.json and the tables that the page shows; those that the folder lacks are left out."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        shown = OVERVIEWS[summary["experiment"]].shown
        needed = OVERVIEWS[summary["experiment"]].needed
        paths = {name: folder / f"{name}.csv" for name in shown}
        there = {name: path for name, path in paths.items() if path.is_file() or name in needed}
        return summary, {name: pd.read_csv(path) for name, path in there.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} cannot be shown: {error}; name the --out folder of a study that has ended"
        ) from error


def overview_page(folder: Path, summary: dict, tables: dict[str, pd.DataFrame]) -> str:
    """The page as text."""
    known = OVERVIEWS[summary["experiment"]]
    heading = f"{summary['experiment']}: {summary.get('title', '')}"
    parts = [
        section(title, shown(tables[name], heads, name))
        for name, (title, heads) in known.shown.items()
        if name in tables
    ]
    absent = [
        f"{title}: no {name}.csv in this folder." for name, (title, _) in known.shown.items() if name not in tables
    ]
    notes = summary.get("notes") or []
    parts += [section("Notes of the run", bullets(notes))] if notes else []
    parts += [section("Settings, versions, device, time", definitions("As in summary.json", settings(summary)))]
    files = sorted([f"{name}.csv" for name in tables] + ["summary.json"])
    prints = [(name, tag("code", hashlib.sha256((folder / name).read_bytes()).hexdigest())) for name in files]
    parts += [section("Tables this page was made of", definitions("Files and their SHA-256", prints))]
    parts += [section("Left out", bullets(absent))] if absent else []
    top = paragraph(tag("strong", "Verdict. "), known.words(tables, summary), class_="verdict", id="verdict")
    head = tag("head", tag("meta", charset="utf-8"), tag("title", heading), tag("style", Html(CSS)))
    body = tag("body", tag("header", tag("h1", heading), top), tag("main", *parts))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def section(title: str, content: Html) -> Html:
    return tag("section", tag("h2", title), content)


def shown(frame: pd.DataFrame, heads: dict[str, str], name: str) -> Html:
    """The named columns of a table that it has."""
    own = {column: head for column, head in heads.items() if column in frame}
    columns = [Column(head.strip(), pd.api.types.is_numeric_dtype(frame[column])) for column, head in own.items()]
    rows = [[cell(value) for value in row] for row in frame[list(own)].head(MOST_ROWS).itertuples(index=False)]
    rest = len(frame) - len(rows)
    more = [paragraph(f"{rest:,} more rows stand in {name}.csv.", class_="note")] if rest > 0 else []
    return join([table(f"{name}.csv", columns, rows), *more])


def cell(value) -> str:
    if isinstance(value, float):
        return UNDEFINED if pd.isna(value) else f"{value:.4g}"
    return str(value)


def settings(summary: dict) -> list[tuple[str, str]]:
    """The entries of summary.json that say how the study was run, one line each."""
    names = ("settings", "recipe", "device", "versions", "wall_seconds", "flags")
    return [entry for name in names if summary.get(name) for entry in flat(name, summary[name])]


def flat(name: str, held) -> list[tuple[str, str]]:
    """(path, value) of an entry and all that is inside it."""
    if isinstance(held, dict):
        return [entry for key, inner in held.items() for entry in flat(f"{name}: {key}", inner)]
    return [(name, held if isinstance(held, str) else json.dumps(held))]
