"""Average ranks of methods over many targets."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.report.plots_style import BLUE, GREY, page, save, style
from tl_jax.report.tables import shorten

ROW = 0.24  # inches per method


def average_ranks(average: pd.Series, difference: float, blocks: int, stem: str | Path, title: str):
    """Methods by average rank over blocks (1 the best), each with a bar of the critical difference's width.

    Two methods differ by Nemenyi's test where their bars do not touch (Demsar 2006). Writes stem.svg and stem.png.

    Raises:
        InputError: fewer than two methods, or matplotlib is not installed.
    """
    if len(average) < 2:
        raise InputError("there is nothing to draw: fewer than two methods with a rank")
    ranked = average.sort_values(kind="stable")
    caption = (
        f"Average rank over {blocks} targets, 1 the best. Bars: Nemenyi's critical difference at 5 % "
        f"({difference:.2f}); two methods differ where their bars do not touch. The targets share their samples."
    )
    with style():
        figure = page(7.0, ROW * len(ranked) + 0.6, title, caption)
        ax = figure.subplots()
        ax.grid(axis="x", color=GREY, alpha=0.2, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.errorbar(
            ranked, range(len(ranked)), xerr=difference / 2, fmt="o", color=BLUE, markersize=5, capsize=3, linewidth=1.4
        )
        ax.set_yticks(range(len(ranked)), [shorten(str(name), 40) for name in ranked.index])
        ax.set_ylim(len(ranked) - 0.5, -0.5)
        ax.set_xlabel("average rank (no unit)")
        return save(figure, stem)
