"""One layout of cells, coloured by what was found and by what is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.report.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, page, panels

CAPTION = (
    "Each dot is a cell at the same place in every panel (UMAP of the cells' own expression; distances between groups "
    "mean little). No panel's colours moved a cell."
)
DOTS = 5000.0  # square points that all dots of a panel share
LIGHT, DARK = "#56B4E9", "#CC79A7"  # of Okabe and Ito's palette too
CLASSES = {0.0: ("resistant", ORANGE), 1.0: ("sensitive", BLUE)}
CLUSTERS = (BLUE, ORANGE, GREEN, VERMILLION, LIGHT, DARK, GREY)


def map_figure(cells: pd.DataFrame, title: str):
    """Panels of score, called class, true class (where any is known), cluster and pseudotime.

    Args:
        cells: x, y, score, label, cluster, pseudotime, and truth (1, 0 or NaN) if there is one.
    """
    draws = [_shaded("score", "score (high: sensitive)"), _classes("label", "called class")]
    if "truth" in cells and cells["truth"].notna().any():
        draws.append(_classes("truth", "true class"))
    draws += [_clusters, _shaded("pseudotime", "pseudotime")]
    rows, columns = panels(len(draws))
    figure = page(3.3 * columns, 2.8 * rows, title, CAPTION)
    grid = figure.add_gridspec(rows, columns)
    for place, draw in enumerate(draws):
        axis = figure.add_subplot(grid[place // columns, place % columns])
        draw(axis, cells, float(np.clip(DOTS / max(len(cells), 1), 1.0, 16.0)))
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def _shaded(column: str, title: str):
    def draw(axis, cells, size):
        known = cells[column].notna()
        axis.scatter(*cells.loc[~known, ["x", "y"]].to_numpy().T, s=size, color=GREY, linewidths=0)
        own = cells[known]
        ends = (
            own[column].quantile([0.01, 0.99]).to_numpy() if len(own) else (0, 1)
        )  # a lone cell may not pale the rest
        look = {"cmap": "cividis", "vmin": ends[0], "vmax": ends[1], "linewidths": 0}
        found = axis.scatter(own["x"], own["y"], s=size, c=own[column], **look)
        axis.figure.colorbar(found, ax=axis, shrink=0.7)
        axis.set_title(title, loc="left", fontsize=8.5, fontweight="bold")

    return draw


def _classes(column: str, title: str):
    def draw(axis, cells, size):
        parts = {name: (cells[column] == value, color) for value, (name, color) in CLASSES.items()}
        unknown = cells[column].isna()
        _groups(axis, cells, {"not known": (unknown, GREY), **parts} if unknown.any() else parts, size, title)

    return draw


def _clusters(axis, cells, size):
    """Clusters bear their number where most of their cells are: there may be more of them than colours."""
    for place, (number, own) in enumerate(cells.groupby("cluster")):
        axis.scatter(own["x"], own["y"], s=size, color=CLUSTERS[place % len(CLUSTERS)], linewidths=0)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8}
        axis.text(own["x"].median(), own["y"].median(), f"{number:.0f}", ha="center", va="center", fontsize=7, bbox=box)
    axis.set_title("cluster of cells", loc="left", fontsize=8.5, fontweight="bold")


def _groups(axis, cells, parts, size, title):
    """Groups in turn, each with its number of cells in the legend."""
    for name, (own, color) in parts.items():
        axis.scatter(cells.loc[own, "x"], cells.loc[own, "y"], s=size, color=color, linewidths=0, label=name)
    look = {"fontsize": 7, "frameon": False, "markerscale": float(np.sqrt(16 / size)), "handletextpad": 0}
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **look)
    axis.set_title(title, loc="left", fontsize=8.5, fontweight="bold")
