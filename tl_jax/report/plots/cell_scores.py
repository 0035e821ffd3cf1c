"""Scores of single cells: how they are spread, and where the line to sensitive lies."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.report.plots.style import BLUE, GREY, ORANGE, page, sign

BINS = 40
CAPTION = (
    "Number of cells by score, the mean over draws of the bulk lines; right is sensitive. The dotted line is the "
    "threshold that held-out lines settled."
)


def scores_figure(cells: pd.DataFrame, threshold: float, title: str):
    """The histogram of `sens_score`, by `sens_label`.

    Args:
        cells: one row per cell. threshold: NaN for none.
    """
    looks = {0: ("called resistant", ORANGE, "//"), 1: ("called sensitive", BLUE, "")}
    handles = [sign(name, color=color, linewidth=6) for name, color, _ in looks.values()]
    figure = page(7.0, 3.0, title, CAPTION, handles)
    axis = figure.add_subplot()
    edges = np.histogram_bin_edges(cells["sens_score"], BINS)
    below = np.zeros(BINS)  # on each other: the threshold may lie inside a bar
    for label, (_, color, hatch) in looks.items():
        own, look = cells.loc[cells["sens_label"] == label, "sens_score"], {"color": color, "hatch": hatch}
        counts, _, _ = axis.hist(own, edges, bottom=below, edgecolor="white", linewidth=0.3, **look)
        below = below + counts
    if np.isfinite(threshold):
        axis.axvline(threshold, color=GREY, linestyle=":")
    axis.set_xlabel("sensitivity score (minus the predicted response)")
    axis.set_ylabel("cells")
    return figure
