"""Loss by epoch, one panel per arm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.report.arms import Arm
from tl_jax.report.plots.style import (
    BLUE,
    DETAIL_WIDTH,
    GREY,
    NAME_WIDTH,
    VERMILLION,
    drawn_arms,
    grid,
    heading,
    label_axes,
    panel_page,
    save,
    sign,
    style,
)
from tl_jax.report.tables import shorten

HELD_OUT = "held-out fold (never used for stopping)"
LOG_SPAN = 30


def loss_curves(
    history: pd.DataFrame, stem: str | Path, title: str, loss_label: str = "loss (training objective)"
) -> tuple[Path, Path]:
    """Training and held-out loss by epoch, one panel per arm and source, on one scale.

    `history` has arm, source, protocol, epoch (from 1), train_loss and test_loss (means over
    runs) and their `_low` and `_high` (10th and 90th percentile over runs, drawn as a band).
    The scale is logarithmic where the values span more than 30-fold.

    Raises:
        InputError: no rows, or matplotlib is not installed.
    """
    with style():
        return save(loss_figure(history, title, loss_label), stem)


def loss_figure(history: pd.DataFrame, title: str, loss_label: str):
    """The figure of `loss_curves`; call it inside `style()`."""
    arms = drawn_arms(history)
    handles = [
        sign("training folds", color=BLUE, linestyle="-"),
        sign(HELD_OUT, color=VERMILLION, linestyle="--"),
    ]
    caption = "Lines: mean over runs (repeats x folds); bands: 10th to 90th percentile over runs."
    caption += " All panels share one scale." if len(arms) > 1 else ""
    figure = panel_page(len(arms), 1.75, 0.2, title, caption, handles)
    axes = grid(figure, len(arms))
    low, high, log = _loss_limits(history)
    for ax, arm in zip(axes, arms, strict=True):
        _curves(ax, arm)
        if log:
            plain_log_scale(ax)
        ax.set_ylim(low, high)
        ax.set_xlim(*_epoch_limits(history["epoch"]))
    label_axes(figure, axes, "epoch", f"{loss_label}, log scale" if log else loss_label)
    return figure


def plain_log_scale(ax) -> None:
    """A logarithmic axis labelled 2, 5, 10, 20 rather than in powers of ten."""
    from matplotlib.ticker import LogFormatter, LogLocator, NullLocator

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(10, 10)))
    ax.yaxis.set_minor_locator(NullLocator())


def _loss_limits(history: pd.DataFrame) -> tuple[float, float, bool]:
    """Lowest and highest value to show, and whether the scale is logarithmic."""
    names = [f"{part}_loss{end}" for part in ("train", "test") for end in ("", "_low", "_high")]
    values = history[[name for name in names if name in history]].to_numpy(float)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0, False
    low, high = values.min(), values.max()
    if low > 0 and high > LOG_SPAN * low:
        return low / 1.2, high * 1.2, True
    pad = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad, False


def _epoch_limits(epochs: pd.Series) -> tuple[float, float]:
    """First and last epoch, apart even where there is one."""
    first, last = epochs.min(), epochs.max()
    return (first, last) if last > first else (first - 1, last + 1)


def _curves(ax, arm: Arm) -> None:
    """Both losses of one arm."""
    heading(ax, shorten(arm.name, NAME_WIDTH), [shorten(arm.detail, DETAIL_WIDTH)] if arm.detail else [])
    rows = arm.rows.sort_values("epoch")
    epoch = rows["epoch"].to_numpy(float)
    # A single epoch has no line to draw.
    marker = "o" if len(rows) == 1 else None
    for part, color, line in (("train", BLUE, "-"), ("test", VERMILLION, "--")):
        mean = rows[f"{part}_loss"].to_numpy(float)
        if f"{part}_loss_low" in rows:
            low, high = (rows[f"{part}_loss_{end}"].to_numpy(float) for end in ("low", "high"))
            ax.fill_between(epoch, low, high, color=color, alpha=0.18, linewidth=0)
        ax.plot(epoch, mean, color=color, linestyle=line, linewidth=1.3, marker=marker)
    ax.xaxis.get_major_locator().set_params(integer=True, nbins=5)
    if not np.isfinite(rows[["train_loss", "test_loss"]].to_numpy(float)).any():
        ax.text(0.5, 0.5, "no finite loss", transform=ax.transAxes, ha="center", va="center", color=GREY)
