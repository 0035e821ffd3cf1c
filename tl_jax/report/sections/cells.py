"""Numbers of a report as text, and tables of a data frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.registry import Metric
from tl_jax.evaluation.statistics.verdict import HONEST
from tl_jax.report.arms import arm_key
from tl_jax.report.blocks import Column, Table, Text, paragraph, table
from tl_jax.report.tables import UNDEFINED, number, shorten

Cell = Callable[[Mapping], object]
Ends = tuple[float, float]
ENDLESS: Ends = (-np.inf, np.inf)
CUT = "(cut)"  # behind an interval whose ends would lie beyond what is possible
CUT_MEANS = f". {CUT}: the interval would reach beyond what is possible"


def fixed(name: str, spec: str = ".2f") -> Cell:
    """The number in a column, with a sign where `spec` asks for one."""
    return lambda row: number(row[name], spec)


def whole(name: str) -> Cell:
    """A count."""
    return lambda row: number(row[name], ",.0f")


def share(name: str) -> Cell:
    """A share in percent."""
    return lambda row: UNDEFINED if not np.isfinite(row[name]) else f"{row[name]:.0%}"


def word(name: str) -> Cell:
    """Text; a dash where there is none."""
    return lambda row: row[name] or UNDEFINED


def shorter(name: str, width: int = 60) -> Cell:
    """Text of any length, its middle left out where it is long."""
    return lambda row: shorten(str(row[name]), width) or UNDEFINED


def p_value(name: str) -> Cell:
    """A p-value, not below .001."""
    return lambda row: p_text(row[name])


def after_looks(rows: pd.DataFrame) -> dict[str, Cell]:
    """A column of p charged for looks, where the table has one: an earlier version charged cohorts alone."""
    return {"p after all looks": p_value("p_after_looks")} if "p_after_looks" in rows else {}


def p_text(value: float) -> str:
    """A p-value as text."""
    return "< 0.001" if np.isfinite(value) and value < 0.001 else number(value)


def between(low: str, high: str, spec: str = "+.2f", possible: Ends = ENDLESS) -> Cell:
    """An interval."""
    return lambda row: interval(row[low], row[high], spec, possible)


def difference(judged: Metric, low: str = "ci_low", high: str = "ci_high", decimals: int = 2) -> Cell:
    """An interval of a difference of two values of a metric."""
    return between(low, high, f"+{judged.spec(decimals)}", farthest(judged))


def farthest(judged: Metric) -> Ends:
    """How far two values of a metric can lie apart, downwards and upwards."""
    return -judged.reach, judged.reach


def interval(low: float, high: float, spec: str = "+.2f", possible: Ends = ENDLESS) -> str:
    """Two ends as text, cut where they lie beyond what is possible; a dash where neither is defined."""
    ends = [number(np.clip(end, *possible), spec) for end in (low, high)]
    if ends == [UNDEFINED, UNDEFINED]:
        return UNDEFINED
    beyond = low < possible[0] or high > possible[1]
    return " to ".join(ends) + f" {CUT}" * bool(beyond)


def frame_table(
    caption: str, frame: pd.DataFrame, cells: Mapping[str, Cell], words: tuple[str, ...] = (), heads: int = 1
) -> Table:
    """A table of a frame: {heading: cell of a row}; the headings of `words` and the first `heads` hold text."""
    columns = [Column(name, k >= heads and name not in words) for k, name in enumerate(cells)]
    rows = [[cell(row) for cell in cells.values()] for row in frame.to_dict("records")]
    if any(str(cell).endswith(CUT) for row in rows for cell in row):
        caption += CUT_MEANS
    return table(caption, columns, rows, heads, frame)


def arm_cells(frame: pd.DataFrame) -> dict[str, Cell]:
    """The columns that name an arm: its source and protocol only where the table has any, or several."""
    cells: dict[str, Cell] = {"arm": word("arm")}
    if "source" in frame and (frame["source"] != "").any():
        cells["source"] = word("source")
    if "protocol" in frame and frame["protocol"].nunique() > 1:
        cells["protocol"] = word("protocol")
    return cells


def by_size(frame: pd.DataFrame) -> dict[str, Cell]:
    """The column of the training size, in studies that have several."""
    return {"training compounds": whole("size")} if "size" in frame else {}


def missing(name: str) -> Text:
    """A line in the place of a table that the folder does not hold."""
    return paragraph(f"No {name}.csv with rows in this folder.", kind="note")


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows by protocol, honest first, then the arms in the order of all tables."""
    names = [frame[name] if name in frame else [""] * len(frame) for name in ("protocol", "source", "arm")]
    keys = [(key[0] != HONEST, arm_key("", *key)) for key in zip(*names, strict=True)]
    return frame.iloc[sorted(range(len(frame)), key=keys.__getitem__)]
