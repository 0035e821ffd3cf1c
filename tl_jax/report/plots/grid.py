"""A grid search: for each axis, the best and the median point of each value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.report.plots.style import BLUE, GREY, ORANGE, grid, heading, label_axes, panel_page, save, sign, style

AXES = {
    "layers": "hidden layers",
    "width": "units of a layer",
    "batch": "batch size",
    "rate": "learning rate",
    "dropout": "dropout",
    "epochs": "epochs",
}
BEST = {"color": BLUE, "marker": "o", "linestyle": "-"}
MEDIAN = {"color": ORANGE, "marker": "s", "linestyle": "--"}
CHOSEN = {"color": GREY, "linestyle": ":"}
CAPTION = (
    "Mean {metric} over inner folds of the training pool, best and median over all points with that value of an axis."
    " The best of many points is optimistic: judge by the test set. Points left out because they diverged: {gone}."
)


def profiles(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """axis, value, points (that did not diverge), best, median: one row for each value of each axis."""
    rows = []
    for axis in AXES:
        for value, part in table.groupby(axis):
            own = part[metric].dropna()
            rows.append((axis, value, len(own), own.max(), own.median()))
    return pd.DataFrame(rows, columns=["axis", "value", "points", "best", "median"])


def grid_profiles(
    table: pd.DataFrame, stem: str | Path, title: str, *, metric: str = "mcc", chosen: dict | None = None
) -> tuple[Path, Path]:
    """Write the profiles as `stem.svg` and `stem.png`, a panel for each axis with more than one value.

    table: one row per point with the columns of AXES and `metric`. chosen: {axis: value} of a point to mark.
    Raises InputError where every axis has one value or no point has a number, or where matplotlib is missing.
    """
    with style():
        return save(profiles_figure(table, title, metric=metric, chosen=chosen), stem)


def profiles_figure(table: pd.DataFrame, title: str, *, metric: str = "mcc", chosen: dict | None = None):
    """The figure of `grid_profiles`; call it inside `style()`."""
    rows = profiles(table, metric)
    several = [axis for axis in AXES if (rows["axis"] == axis).sum() > 1]
    if not several or rows["best"].isna().all():
        raise InputError("no profile to draw: every axis of the grid has one value, or every point diverged")
    signs = [sign("best", markersize=4, **BEST), sign("median", markersize=4, **MEDIAN)]
    signs += [sign("chosen", **CHOSEN)] if chosen else []
    caption = CAPTION.format(metric=metric.upper(), gone=f"{table[metric].isna().sum():,} of {len(table):,}")
    figure = panel_page(len(several), 1.5, 0.2, title, caption, signs)
    axes = grid(figure, len(several))
    values = rows[["best", "median"]].to_numpy(float)
    pad = 0.05 * (np.nanmax(values) - np.nanmin(values) or 1.0)
    for ax, axis in zip(axes, several, strict=True):
        part = rows[rows["axis"] == axis]
        _profile(ax, part, None if chosen is None else chosen.get(axis))
        ax.set_ylim(np.nanmin(values) - pad, np.nanmax(values) + pad)
        heading(ax, AXES[axis], [])
    label_axes(figure, axes, "", metric.upper())
    return figure


def _profile(ax, rows: pd.DataFrame, chosen) -> None:
    """One axis: its values evenly spaced, since they are steps of a grid."""
    x = np.arange(len(rows))
    ax.plot(x, rows["best"], markersize=4, **BEST)
    ax.plot(x, rows["median"], markersize=4, **MEDIAN)
    for place in np.flatnonzero(rows["value"].to_numpy() == chosen):
        ax.axvline(place, zorder=0, **CHOSEN)
    ax.set_xticks(x, [f"{value:g}" for value in rows["value"]])
    ax.tick_params(labelbottom=True)
    ax.set_xlim(-0.4, len(rows) - 0.6)
