"""Intervals: of the metric of each arm, and of each sample's prediction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.data.own_scale import own_scale
from tl_jax.evaluation.statistics.intervals import fisher_holds
from tl_jax.evaluation.statistics.metrics import JUDGED, get
from tl_jax.report.arms import split_arms
from tl_jax.report.plots.rows import chance_line, name_rows
from tl_jax.report.plots.style import (
    BLUE,
    DETAIL_WIDTH,
    NAME_WIDTH,
    VERMILLION,
    grid,
    heading,
    label_axes,
    page,
    panel_page,
    sign,
    told,
)
from tl_jax.report.tables import number, shorten

ROW = 0.25
MOST_PANELS = 6


class Bar(NamedTuple):
    """A kind of interval: its columns are NAME_low and NAME_high."""

    name: str
    words: str
    color: str
    marker: str
    line: str
    shift: float

    @property
    def legend(self) -> dict:
        return {"markersize": 4.5} if self.line == "-" else {"markersize": 4.5, "linestyle": self.line}


BARS = (
    Bar("bca", "BCa bootstrap over samples", BLUE, "o", "-", -0.14),
    Bar("fisher", "Fisher z", VERMILLION, "s", "--", 0.14),
)


def bars_of(metric: str) -> tuple[Bar, ...]:
    """The kinds of interval that a metric has."""
    return BARS if fisher_holds(metric) else BARS[:1]


def interval_figure(intervals: pd.DataFrame, metric: str = JUDGED):
    """A metric of each arm with its BCa interval, and Fisher's where there is one, a row per arm; inside `style()`."""
    arms, judged, bars = split_arms(intervals), get(metric), bars_of(metric)
    level = number(100 * intervals["level"].median(), ".0f")
    handles = [sign(f"{level} % {one.words}", color=one.color, marker=one.marker, **one.legend) for one in bars]
    caption = f"{judged.label} of each sample's prediction averaged over repeats: all held-out samples together."
    figure = page(7.2, ROW * len(arms) + 0.6, "", caption, handles)
    ax = figure.add_subplot()
    chance_line(ax.axvline, judged, linewidth=1)
    for place, arm in enumerate(arms):
        row = arm.rows.iloc[0]
        for one in bars:
            at = place + (one.shift if len(bars) > 1 else 0)
            ax.plot([row[f"{one.name}_low"], row[f"{one.name}_high"]], [at] * 2, color=one.color, linestyle=one.line)
            ax.plot([row[metric]], [at], marker=one.marker, markersize=4.5, color=one.color)
    name_rows(ax, [shorten(arm.name, 26) + (f", {shorten(arm.detail, 24)}" if arm.detail else "") for arm in arms])
    ax.set_xlabel(f"{judged.label}, all held-out samples")
    return figure


def prediction_figure(intervals: pd.DataFrame, unit: str):
    """Prediction intervals by sample, in the order of the observed response, a panel per arm; inside `style()`.

    intervals: as prediction_intervals.csv, on the response's own scale. unit: of the scale that was learned.
    """
    every = split_arms(intervals)
    arms = every[:MOST_PANELS]
    handles = [
        sign("interval", color=BLUE, linewidth=2.5, alpha=0.5),
        sign("observed, inside", color="black", marker="o", markersize=3.5, linestyle="none"),
        sign("observed, outside", color=VERMILLION, marker="X", markersize=5.5, linestyle="none"),
    ]
    caption = "Samples from left to right by their observed response; intervals of held-out samples."
    if len(every) > len(arms):
        caption += f" The first {len(arms)} of {len(every)} arms are shown."
    figure = panel_page(len(arms), 2.0, 0.4, "", caption, handles)
    axes = grid(figure, len(arms))
    scale = own_scale(unit)
    low, high = _limits(pd.concat([arm.rows for arm in arms]))
    for ax, arm in zip(axes, arms, strict=True):
        rows = arm.rows.sort_values(["y_true", "sample_id"], kind="stable")
        place, true = np.arange(1, len(rows) + 1), rows["y_true"].to_numpy(float)
        inside = ((rows["low"] <= rows["y_true"]) & (rows["y_true"] <= rows["high"])).to_numpy()
        ax.vlines(place, rows["low"], rows["high"], color=BLUE, alpha=0.5, linewidth=2 if len(rows) < 80 else 1)
        words = np.array([told_of(row) for row in rows.to_dict("records")])
        size = 3 if len(rows) < 80 else 2
        told(*ax.plot(place[inside], true[inside], "o", color="black", markersize=size), words[inside])
        told(*ax.plot(place[~inside], true[~inside], "X", color=VERMILLION, markersize=5), words[~inside])
        lines = [shorten(arm.detail, DETAIL_WIDTH)] if arm.detail else []
        heading(ax, shorten(arm.name, NAME_WIDTH), [*lines, f"{inside.sum()} of {len(rows)} inside"])
        if scale.transform == "log10":
            ax.set_yscale("log")
            low = max(low, rows.loc[rows["low"] > 0, "low"].min())
        ax.set_ylim(low, high)
        ax.xaxis.get_major_locator().set_params(integer=True, nbins=5)
    label_axes(figure, axes, "samples by observed response", f"response: {scale.unit}" if unit else "response")
    return figure


def told_of(row: dict) -> str:
    """What a page tells of one sample."""
    words = f"{row['sample_id']}: observed {row['y_true']:.3g}, "
    if not np.isfinite([row["low"], row["high"]]).all():
        return words + "no interval: too few residuals"
    return words + f"interval {row['low']:.3g} to {row['high']:.3g}"


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits that hold all observed values and all but the widest intervals."""
    true = rows["y_true"].dropna().to_numpy(float)
    ends = rows[["low", "high"]].to_numpy(float)
    ends = ends[np.isfinite(ends)]
    if not len(true) or not len(ends):
        return 0.0, 1.0
    low, high = min(true.min(), np.quantile(ends, 0.02)), max(true.max(), np.quantile(ends, 0.98))
    pad = 0.05 * ((high - low) or 1.0)
    return low - pad, high + pad
