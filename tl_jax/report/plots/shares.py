"""Where the spread of repeats comes from, and what a leak adds: a row per arm."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.metrics import JUDGED, get
from tl_jax.report.arms import split_arms
from tl_jax.report.plots.rows import chance_line, name_rows
from tl_jax.report.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, page, sign
from tl_jax.report.tables import number, shorten

ROW = 0.26
LOOKS = ((BLUE, "white"), (ORANGE, "black"), (GREEN, "black"), ("#D9D9D9", "black"), (VERMILLION, "black"))
HATCHES = ("", "//", "\\\\", "", "xx")


def variance_figure(variance: pd.DataFrame, metric: str = JUDGED):
    """The share of each component in the variance of a result, stacked, a row per arm; call it inside `style()`."""
    arms = split_arms(variance)
    parts = list(dict.fromkeys(variance["component"]))
    looks = {part: (*LOOKS[k % len(LOOKS)], HATCHES[k % len(HATCHES)]) for k, part in enumerate(parts)}
    handles = [sign(part, color=look[0], linewidth=6) for part, look in looks.items()]
    what = get(metric).label
    caption = f"Share of each component in the variance of {what}; from left to right in the order of the legend."
    figure = page(7.2, ROW * len(arms) + 0.6, "", caption, handles)
    ax = figure.add_subplot()
    for place, arm in enumerate(arms):
        start = 0.0
        for part, (color, ink, hatch) in looks.items():
            wide = float(arm.rows.loc[arm.rows["component"] == part, "share"].sum())
            if not wide > 0:
                continue
            ax.barh(place, wide, left=start, height=0.7, color=color, hatch=hatch, edgecolor="white", linewidth=0.6)
            if wide >= 0.08:
                box = {"facecolor": color, "edgecolor": "none", "pad": 1.2}
                middle = start + wide / 2
                ax.text(middle, place, number(wide, ".2f"), ha="center", va="center", color=ink, fontsize=7.5, bbox=box)
            start += wide
    name_rows(ax, [_name(arm) for arm in arms])
    ax.set_xlim(0, 1)
    ax.set_xlabel("share of the variance")
    return figure


def protocol_figure(protocols: pd.DataFrame, metric: str = JUDGED):
    """Each arm under `honest` and under `as_published`, a row per arm; call it inside `style()`."""
    arms = split_arms(protocols)
    handles = [
        sign("honest", color=BLUE, marker="o", markersize=5.5, linestyle="none"),
        sign("as_published", color=VERMILLION, marker="^", markersize=5.5, linestyle="none"),
    ]
    caption = "The same arms on the same folds; the line between the two is what the leak adds or takes."
    figure = page(7.2, ROW * len(arms) + 0.6, "", caption, handles)
    ax = figure.add_subplot()
    chance_line(ax.axvline, get(metric), linewidth=1)
    for place, arm in enumerate(arms):
        ends = arm.rows[["honest", "as_published"]].iloc[0].to_numpy(float)
        if not np.isfinite(ends).all():
            ax.text(0.5, place, "undefined", transform=ax.get_yaxis_transform(), ha="center", va="center", color=GREY)
            continue
        ax.plot(ends, [place, place], color=GREY, linewidth=1.2, zorder=1)
        ax.plot(ends[:1], [place], marker="o", markersize=5.5, color=BLUE)
        ax.plot(ends[1:], [place], marker="^", markersize=5.5, color=VERMILLION)
    name_rows(ax, [_name(arm) for arm in arms])
    ax.set_xlabel(get(metric).per_fold)
    return figure


def _name(arm) -> str:
    """Label of a row."""
    return shorten(arm.name, 26) + (f", {shorten(arm.detail, 24)}" if arm.detail else "")
