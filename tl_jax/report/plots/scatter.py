"""Predicted against observed response, one panel per arm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.own_scale import OwnScale, own_scale
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import JUDGED, get
from tl_jax.evaluation.statistics.registry import Metric
from tl_jax.report.arms import Arm
from tl_jax.report.plots.style import (
    BLUE,
    DETAIL_WIDTH,
    GREY,
    NAME_WIDTH,
    ORANGE,
    VERMILLION,
    drawn_arms,
    grid,
    heading,
    label_axes,
    panel_page,
    save,
    sign,
    style,
    told,
)
from tl_jax.report.tables import number, shorten

MOST_PANELS = 12


def predicted_observed(
    predictions: pd.DataFrame, stem: str | Path, title: str, unit: str, metric: str = JUDGED
) -> tuple[Path, Path]:
    """Predicted against observed response, one panel per arm (at most 12, strategies first).

    `predictions` has arm, source, protocol, repeat, sample_id, y_true and y_pred (both in
    `unit`, that of the scale that was learned; ticks are in the unit that was measured). A point is a sample, its
    prediction averaged over repeats. The metric is computed per repeat over all its folds, then averaged over repeats.
    All panels share axes; predictions more than a quarter of the observed range beyond it become triangles at the edge.

    Raises:
        InputError: no rows, no finite observation, or matplotlib is not installed.
    """
    with style():
        return save(predicted_figure(predictions, title, unit, metric), stem)


def predicted_figure(predictions: pd.DataFrame, title: str, unit: str, metric: str = JUDGED):
    """The figure of `predicted_observed`; call it inside `style()`."""
    every, scale = drawn_arms(predictions), own_scale(unit)
    arms = every[:MOST_PANELS]
    observed = predictions["y_true"].to_numpy(float)
    if not np.isfinite(observed).any():
        raise InputError("there is nothing to draw: y_true has no finite value")
    handles, judged = _point_signs(arms), get(metric)
    caption = "Points: samples, held-out predictions averaged over repeats."
    if judged.known:
        caption += f" {judged.label}: over all folds of a repeat together, then the mean over repeats."
    if len(every) > len(arms):
        caption += f" The first {len(arms)} of {len(every)} arms are shown."
    figure = panel_page(len(arms), 1.85, 0.5, title, caption, handles)
    axes = grid(figure, len(arms))
    points = [arm.rows.groupby("sample_id")[["y_true", "y_pred"]].mean().dropna() for arm in arms]
    x_limits, y_limits = _response_limits(observed, np.concatenate([p["y_pred"].to_numpy(float) for p in points]))
    dense = sum(map(len, points)) > 4000
    for ax, arm, samples in zip(axes, arms, points, strict=True):
        ax.set_xlim(x_limits)
        ax.set_ylim(y_limits)
        _points(ax, arm, samples, dense, judged, scale)
        _own_ticks(ax, scale)
    label_axes(figure, axes, f"observed response: {scale.unit}", f"predicted response: {scale.unit}")
    return figure


def _point_signs(arms: list[Arm]) -> list:
    """Legend of `predicted_observed`: only the kinds of arm that are drawn."""
    look = {"linestyle": "none", "markersize": 4}
    kinds = {arm.baseline for arm in arms}
    signs = [sign("strategy", color=BLUE, marker="o", **look)] if False in kinds else []
    signs += [sign("baseline", color=ORANGE, marker="s", **look)] if True in kinds else []
    signs.append(sign("outside the axes", color=VERMILLION, marker="^", **look))
    return [*signs, sign("predicted = observed", color=GREY, linestyle=":")]


def _own_ticks(ax, scale: OwnScale) -> None:
    """Ticks in the unit that was measured, where the scale that was learned, and is drawn, is another."""
    if scale.transform != "none":
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(lambda at, _: f"{float(scale.back(at)):.3g}")


def _response_limits(observed: np.ndarray, predicted: np.ndarray):
    """Limits of x and y: both cover the observed range, y up to a quarter of it more on each side."""
    observed = observed[np.isfinite(observed)]
    low, high = observed.min(), observed.max()
    span = (high - low) or abs(high) or 1.0
    near = predicted[(predicted >= low - span / 4) & (predicted <= high + span / 4)]
    near = np.append(near, observed)
    pad = 0.05 * span
    return (low - pad, high + pad), (near.min() - pad, near.max() + pad)


def _points(ax, arm: Arm, samples: pd.DataFrame, dense: bool, judged: Metric, scale: OwnScale) -> None:
    """One arm's samples, the identity line and the heading."""
    color, marker = (ORANGE, "s") if arm.baseline else (BLUE, "o")
    x, y = samples["y_true"].to_numpy(float), samples["y_pred"].to_numpy(float)
    low, high = ax.get_ylim()
    above, below = y > high, y < low
    inside = ~(above | below)
    many = len(samples) > 150
    look = {"linestyle": "none", "alpha": 0.4 if many else 0.75, "rasterized": dense, "markeredgewidth": 0}
    ax.axline((low, low), slope=1, color=GREY, linestyle=":", linewidth=1)
    words = np.array(
        [
            f"{name}: observed {a:.3g}, predicted {b:.3g}"
            for name, a, b in zip(samples.index, scale.back(x), scale.back(y), strict=True)
        ]
    )
    size = 2.6 if many else 4.2
    told(*ax.plot(x[inside], y[inside], marker=marker, markersize=size, color=color, **look), words[inside])
    side = ax.get_xaxis_transform()
    for out, edge, shape in ((above, 0.97, "^"), (below, 0.03, "v")):
        # Just inside the edge, clear of the heading.
        placed = x[out], np.full(out.sum(), edge), shape
        told(*ax.plot(*placed, markersize=4, color=VERMILLION, transform=side), words[out])
    outside = int(above.sum() + below.sum())
    lines = [shorten(arm.detail, DETAIL_WIDTH)] if arm.detail else []
    lines.append(f"n = {len(samples)}" + (f", {outside} outside the axes" if outside else ""))
    if judged.known:
        value, repeats = _mean_of(judged, arm.rows)
        lines.append(
            f"{judged.label} {number(value, judged.spec())}" + (f" (mean of {repeats} repeats)" if repeats > 1 else "")
        )
    heading(ax, shorten(arm.name, NAME_WIDTH), lines)


def _mean_of(judged: Metric, rows: pd.DataFrame) -> tuple[float, int]:
    """Mean over repeats of a metric over all folds of a repeat, and the number of repeats that have one."""
    parts = [(part["y_true"], part["y_pred"]) for _, part in rows.groupby("repeat")]
    values = [judged(true.to_numpy(float), predicted.to_numpy(float)) for true, predicted in parts]
    defined = [value for value in values if np.isfinite(value)]
    return (float(np.mean(defined)) if defined else float("nan")), len(defined)
