"""One layout of cells, coloured by what was found and by what is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.report.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, is_narrow, page, panels

CAPTION = (
    "Each dot is a cell at the same place in every panel (UMAP of the cells' own expression; distances between groups "
    "mean little). No panel's colours moved a cell. Lines between clusters: PAGA, the wider the more connected."
)
TRANSFER = (
    "The network before and after transfer, at the places of the map above. Seeds agree where they rank a cell above "
    "or below the middle as their mean does: .5 is a coin's toss."
)
WIDEST = 10.8  # inches that a page shows without scrolling
SHOWN = 0.1  # connectivity of clusters from which a line is drawn
DOTS = 5000.0  # square points that all dots of a panel share
LIGHT, DARK = "#56B4E9", "#CC79A7"  # of Okabe and Ito's palette too
CLASSES = {0.0: ("resistant", ORANGE), 1.0: ("sensitive", BLUE)}
CLUSTERS = (BLUE, ORANGE, GREEN, VERMILLION, LIGHT, DARK, GREY)


def map_figure(cells: pd.DataFrame, title: str, paths: pd.DataFrame | None = None):
    """Panels of score, called class, true class (where any is known), cluster and pseudotime.

    Args:
        cells: x, y, score, label, cluster, pseudotime, and truth (1, 0 or NaN) if there is one. paths: one, other,
        connectivity of clusters.
    """
    draws = [_shaded("score", "score (high: sensitive)"), _classes("label", "called class")]
    draws += [*_truth(cells), _clusters(paths), _shaded("pseudotime", "pseudotime")]
    return _panels(draws, panels(len(draws))[1], cells, title, CAPTION)


def transfer_figure(cells: pd.DataFrame, title: str):
    """The same cells at the same places, a row before and one after transfer: true class (where any is known), score,
    called class (where something calls it) and agreement of seeds.

    Args:
        cells: x, y, truth and, each with _pretransfer and _transferred, score, label and agreement.
    """
    draws, own = [], _truth(cells)
    for ending, when in (("_pretransfer", "before"), ("_transferred", "after")):
        called = [_classes(f"label{ending}", f"called, {when}")] if f"label{ending}" in cells else []
        agreed = _shaded(f"agreement{ending}", f"seeds that agree, {when}", (0.5, 1.0))
        draws += [*own, _shaded(f"score{ending}", f"score, {when}"), *called, agreed]
    return _panels(draws, len(draws) // 2, cells, title, TRANSFER)


def _truth(cells):
    return [_classes("truth", "true class")] if "truth" in cells and cells["truth"].notna().any() else []


def _panels(draws, columns: int, cells: pd.DataFrame, title: str, caption: str):
    """A figure of the cells by each of the ways to draw them."""
    columns = 1 if is_narrow() else columns
    rows = -(-len(draws) // columns)
    side = min(3.3, WIDEST / columns)
    figure = page(side * columns, 0.85 * side * rows, title, caption)
    grid = figure.add_gridspec(rows, columns)
    for place, draw in enumerate(draws):
        axis = figure.add_subplot(grid[place // columns, place % columns])
        draw(axis, cells, float(np.clip(DOTS / max(len(cells), 1), 1.0, 16.0)))
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def _shaded(column: str, title: str, ends: tuple[float, float] | None = None):
    """Shades of a number between `ends`, or between its own 1st and 99th percentile: a lone cell may not pale the
    rest."""

    def draw(axis, cells, size):
        known = cells[column].notna()
        axis.scatter(*cells.loc[~known, ["x", "y"]].to_numpy().T, s=size, color=GREY, linewidths=0)
        own = cells[known]
        low, high = ends or (own[column].quantile([0.01, 0.99]) if len(own) else (0, 1))
        look = {"cmap": "cividis", "vmin": low, "vmax": high, "linewidths": 0}
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


def _clusters(paths):
    """Clusters bear their number where most of their cells are: there may be more of them than colours. Lines join
    those that hang together, the wider the more."""

    def draw(axis, cells, size):
        groups = dict(iter(cells.groupby("cluster")))
        middle = {number: (own["x"].median(), own["y"].median()) for number, own in groups.items()}
        for place, own in enumerate(groups.values()):
            axis.scatter(own["x"], own["y"], s=size, color=CLUSTERS[place % len(CLUSTERS)], linewidths=0)
        for row in () if paths is None else paths[paths["connectivity"] > SHOWN].itertuples():
            ends = zip(middle[row.one], middle[row.other], strict=True)
            axis.plot(*ends, color="black", alpha=0.6, linewidth=2.5 * row.connectivity)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8}
        for number, place in middle.items():
            axis.text(*place, f"{number:.0f}", ha="center", va="center", fontsize=7, bbox=box)
        axis.set_title("cluster of cells", loc="left", fontsize=8.5, fontweight="bold")

    return draw


def _groups(axis, cells, parts, size, title):
    """Groups in turn, each with its number of cells in the legend."""
    for name, (own, color) in parts.items():
        axis.scatter(cells.loc[own, "x"], cells.loc[own, "y"], s=size, color=color, linewidths=0, label=name)
    look = {"fontsize": 7, "frameon": False, "markerscale": float(np.sqrt(16 / size)), "handletextpad": 0}
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **look)
    axis.set_title(title, loc="left", fontsize=8.5, fontweight="bold")
