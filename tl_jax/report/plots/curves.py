"""Learning curves: the metric that judges by the number of training samples, with and without transfer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.metrics import JUDGED, get
from tl_jax.report.arms import arm_key
from tl_jax.report.plots.rows import chance_line
from tl_jax.report.plots.style import (
    BLUE,
    GREEN,
    NAME_WIDTH,
    ORANGE,
    VERMILLION,
    grid,
    heading,
    label_axes,
    panel_page,
    sign,
)
from tl_jax.report.tables import shorten

MOST_PANELS = 12
# Beside the colours, so that 15 lines stay apart, in print and for everyone.
COLORS = (BLUE, VERMILLION, GREEN, "#CC79A7", ORANGE)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h", "p")
CAPTION = (
    "Mean {label} over the test folds of all repeats, which are the same at every size; black, dashed: {reference}."
    " Intervals of the differences stand in the gain map."
)


def curve_figure(curves: pd.DataFrame, reference: str, metric: str = JUDGED):
    """One panel per source with its arms and the reference (at most 12 panels); call it inside `style()`.

    curves: arm, source, n_train, repeat, fold, value, of one protocol.
    """
    means = curves.groupby(["source", "arm", "n_train"])["value"].mean().reset_index()
    every = sorted(means.loc[means["arm"] != reference, "source"].unique(), key=lambda s: (s == "", s)) or [""]
    sources = every[:MOST_PANELS]
    names = means.loc[means["source"].isin(sources) & (means["arm"] != reference), "arm"].unique()
    looks = {name: look(k) for k, name in enumerate(sorted(names, key=lambda name: arm_key("", "", "", name)))}
    handles = [sign(shorten(name, 28), linewidth=1.2, markersize=4.5, **own) for name, own in looks.items()]
    base = {"color": "black", "linestyle": "--", "marker": ".", "linewidth": 1.4}
    judged = get(metric)
    caption = CAPTION.format(label=judged.label, reference=reference)
    if len(every) > len(sources):
        caption += f" The first {len(sources)} of {len(every)} sources are shown."
    figure = panel_page(len(sources), 2.0, 0.25, "", caption, [sign(shorten(reference, 28), **base), *handles])
    axes = grid(figure, len(sources))
    for ax, source in zip(axes, sources, strict=True):
        heading(ax, shorten(source or "no source", NAME_WIDTH), [])
        chance_line(ax.axhline, judged, linewidth=0.8)
        own = means[(means["source"] == source) & (means["arm"] != reference)]
        for name, rows in own.groupby("arm"):
            ax.plot(rows["n_train"], rows["value"], linewidth=1.2, markersize=4.5, **looks[name])
        ground = _reference(means, reference, source)
        ax.plot(ground["n_train"], ground["value"], markersize=5, **base)
        ax.xaxis.get_major_locator().set_params(integer=True, nbins=5)
    _share_limits(axes, means)
    label_axes(figure, axes, "training samples", judged.per_fold)
    return figure


def look(place: int) -> dict:
    """Colour and marker of the line at a place: 60 that differ."""
    return {"color": COLORS[place % len(COLORS)], "marker": MARKERS[place % len(MARKERS)]}


def _reference(means: pd.DataFrame, reference: str, source: str) -> pd.DataFrame:
    """The reference's curve: that of the panel's own source where it has one, else that without a source."""
    rows = means[means["arm"] == reference]
    own = rows[rows["source"] == source]
    return own if len(own) else rows[rows["source"] == ""]


def _share_limits(axes, means: pd.DataFrame) -> None:
    """One scale for all panels."""
    values, sizes = means["value"].dropna().to_numpy(), means["n_train"].to_numpy()
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    pad, side = 0.06 * ((high - low) or 1.0), 0.04 * (np.ptp(sizes) or 1.0)
    for ax in axes:
        ax.set_ylim(low - pad, high + pad)
        ax.set_xlim(sizes.min() - side, sizes.max() + side)
