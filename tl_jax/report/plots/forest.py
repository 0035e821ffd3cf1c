"""Forest plot: each arm minus the reference, with what is probable."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.families import ALPHA
from tl_jax.evaluation.statistics.metrics import JUDGED, get
from tl_jax.report.plots.rows import name_rows
from tl_jax.report.plots.style import BLUE, GREY, ORANGE, VERMILLION, beside, is_narrow, page, sign
from tl_jax.report.tables import number, shorten

ROW = 0.23  # inches per row
WIDTH = 8.2
PALE = "#D9D9D9"
# Column of the comparisons, legend, colour, hatching.
PARTS = (
    ("p_worse", "worse", VERMILLION, "////"),
    ("p_rope", "equivalent", PALE, ""),
    ("p_better", "better", BLUE, ""),
)
CAPTION = (
    "First: mean difference in {per_fold} and its 95 % interval{direction}; filled: p after all corrections below .05."
    " Then: probability that the arm is worse, equivalent (within {rope}) or better. The line parts transfer from"
    " baselines."
)


def forest_figure(rows: pd.DataFrame, baseline: list[bool], metric: str = JUDGED):
    """Rows of evaluation/verdict.py's `versus`, top to bottom as they are; `baseline`: which are baselines.

    Call it inside `style()`.
    """
    look = {"linestyle": "-", "markersize": 5}
    handles = [sign("transfer", color="black", marker="o", **look)] if not all(baseline) else []
    handles += [sign("baseline", color=ORANGE, marker="s", **look)] if any(baseline) else []
    handles += [sign(f"P({name})", color=color, linewidth=6) for _, name, color, _ in PARTS]
    judged = get(metric)
    side = f" ({judged.direction})" if judged.direction else ""
    rope = number(rows["rope"].median(), judged.spec())
    caption = CAPTION.format(per_fold=judged.per_fold, direction=side, rope=rope)
    height, places = beside(2, ROW * len(rows) + 0.65)
    figure = page(WIDTH, height, "", caption, handles)
    left, right = figure.subplots(**places, sharey=True, width_ratios=None if is_narrow() else (3, 2))
    left.axvline(0, color=GREY, linewidth=1)
    for place, (row, plain) in enumerate(zip(rows.to_dict("records"), baseline, strict=True)):
        _difference(left, place, row, plain)
        _probabilities(right, place, row)
        if place and plain and not baseline[place - 1]:
            for ax in (left, right):
                ax.axhline(place - 0.5, color=GREY, linewidth=0.7)
    name_rows(left, [_label(row) for row in rows.to_dict("records")])
    left.set_xlim(*_limits(rows))
    end = "\n" if is_narrow() else " "
    left.set_xlabel(f"{judged.per_fold} minus that of{end}{shorten(str(rows['reference'].iloc[0]), 20)}{side}")
    right.set_xlim(0, 1)
    right.set_xlabel("probability")
    right.tick_params(axis="y", length=0)
    return figure


def _label(row: dict) -> str:
    """Name of a row."""
    return shorten(row["arm"], 24) + (f", {shorten(row['source'], 24)}" if row["source"] else "")


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits that hold every interval and zero."""
    values = rows[["mean_difference", "ci_low", "ci_high"]].to_numpy(float)
    values = np.append(values[np.isfinite(values)], 0.0)
    pad = 0.06 * (np.ptp(values) or 1.0)
    return values.min() - pad, values.max() + pad


def _difference(ax, place: int, row: dict, plain: bool) -> None:
    """A mean difference and its interval."""
    color, marker = (ORANGE, "s") if plain else ("black", "o")
    if not np.isfinite(row["mean_difference"]):
        ax.text(0.5, place, "undefined", transform=ax.get_yaxis_transform(), ha="center", va="center", color=GREY)
        return
    ax.plot([row["ci_low"], row["ci_high"]], [place, place], color=color, linewidth=1.3)
    face = color if row["p_after_looks"] < ALPHA else "white"
    ax.plot([row["mean_difference"]], [place], marker=marker, markersize=5, color=color, markerfacecolor=face)


def _probabilities(ax, place: int, row: dict) -> None:
    """Three shares of one bar, each with its number where it is wide enough."""
    start = 0.0
    for name, _, color, hatch in PARTS:
        wide = row[name]
        if not np.isfinite(wide) or wide <= 0:
            continue
        ax.barh(place, wide, left=start, height=0.72, color=color, hatch=hatch, edgecolor="white", linewidth=0.6)
        if wide >= 0.13:
            dark = color == PALE
            box = None if dark else {"facecolor": color, "edgecolor": "none", "pad": 1.2}
            text = {"ha": "center", "va": "center", "fontsize": 7.5, "color": "black" if dark else "white"}
            ax.text(start + wide / 2, place, number(wide, ".2f"), fontweight="bold", bbox=box, **text)
        start += wide
