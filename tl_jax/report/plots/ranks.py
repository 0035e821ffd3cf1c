"""Critical-difference diagram: average ranks of methods over several cohorts or drugs."""

from __future__ import annotations

from pathlib import Path

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.ranks import Ranks, alike
from tl_jax.report.plots.style import BLUE, GREY, SHORT_NAME, VERMILLION, is_narrow, page, save, sign, style
from tl_jax.report.tables import number, shorten

ROW, NARROW_ROW, BAR = 0.25, 0.36, 0.16  # inches of a method's line, and of a bar
NAME = 34  # characters that fit beside the axis
WIDTH = 8.6


def critical_difference(ranks: Ranks, stem: str | Path, title: str) -> tuple[Path, Path]:
    """Demsar's diagram (2006, figure 1): methods on an axis of average ranks, the best on the left.

    A thick bar joins methods that Nemenyi's test does not tell apart; the bracket above the axis is the critical
    difference. Readable up to 12 methods; names are shortened to 34 characters.

    Raises:
        InputError: more than 20 methods, or matplotlib is not installed.
    """
    with style():
        return save(ranks_figure(ranks, title), stem)


def ranks_figure(ranks: Ranks, title: str, explained: bool = True):
    """The figure of `critical_difference`; call it inside `style()`. explained: whether its caption stands below it."""
    methods, bars, row_height = len(ranks.average), alike(ranks), NARROW_ROW if is_narrow() else ROW
    if methods > 20:
        raise InputError(f"{methods} methods are too many for a diagram of ranks; leave out all but 20")
    left = -(-methods // 2)  # methods named on the left, the others on the right
    depth = BAR * len(bars) + row_height * left + 0.15  # inches below the axis
    handles = [sign(f"critical difference ({number(ranks.critical_difference, '.2f')})", color=VERMILLION, lw=2)]
    if bars:
        handles.append(sign("not told apart", color=BLUE, lw=4))
    figure = page(WIDTH, depth + 0.55, title, caption(ranks) if explained else "", handles)
    ax = figure.add_subplot()
    ax.set_ylim(-depth, 0.4)
    draw_axis(ax, ranks)
    for place, (first, last) in enumerate(bars):
        ends = ranks.average.iloc[[first, last]] + [-0.03, 0.03]
        ax.plot(ends, [-BAR * (place + 0.75)] * 2, color=BLUE, linewidth=4, solid_capstyle="butt", zorder=3)
    for place, (name, rank) in enumerate(ranks.average.items()):
        on_left = place < left
        row = (place if on_left else methods - 1 - place) + (0.9 if is_narrow() else 0.5)
        draw_method(ax, str(name), rank, -(BAR * len(bars) + 0.1 + row_height * row), on_left, methods)
    return figure


def caption(ranks: Ranks) -> str:
    return (
        f"Average rank over {ranks.blocks} cohorts or drugs, 1 the best. Friedman: chi-square "
        f"{number(ranks.statistic, '.2f')}, p = {number(ranks.p, '.2g')}. Methods that a bar joins do not differ by "
        f"Nemenyi's test at {ranks.alpha:g}; that is no proof that they are equally good."
    )


def draw_axis(ax, ranks: Ranks) -> None:
    """Ranks from 1 to the number of methods along y = 0, and the bracket of the critical difference above."""
    methods = len(ranks.average)
    side = (0.1 if is_narrow() else 0.62) * (methods - 1)  # room for names, in ranks
    ax.set_xlim(1 - side, methods + side)
    ax.axis("off")
    ax.plot([1, methods], [0, 0], color="black", linewidth=1)
    for rank in range(1, methods + 1):
        ax.plot([rank, rank], [0, 0.05], color="black", linewidth=1)
        ax.text(rank, 0.08, str(rank), ha="center", va="bottom")
    end = min(1 + ranks.critical_difference, methods + side)
    ax.plot([1, end], [0.33, 0.33], color=VERMILLION, linewidth=2, solid_capstyle="butt")
    for tick in (1, end) if end < methods + side else (1,):
        ax.plot([tick, tick], [0.29, 0.37], color=VERMILLION, linewidth=1.2)


def draw_method(ax, name: str, rank: float, y: float, on_left: bool, methods: int) -> None:
    """A line from the method's rank down to its name and average rank at the side."""
    end = 1 - 0.04 * (methods - 1) if on_left else methods + 0.04 * (methods - 1)
    ax.plot([rank, rank, end], [0, y, y], color=GREY, linewidth=0.9, solid_joinstyle="miter")
    ax.plot([rank], [0], marker="o", markersize=4.5, color="black", zorder=4)
    parts = [number(rank, ".2f"), shorten(name, SHORT_NAME if is_narrow() else NAME)]
    text = "  ".join(parts[::-1] if on_left else parts)
    # On a narrow page names stand on their lines, so that the axis keeps its width.
    aside = {"xytext": (-4 if on_left else 4, 0), "ha": "right" if on_left else "left", "va": "center"}
    white = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    above = {"xytext": (0, 2), "ha": "left" if on_left else "right", "va": "bottom", "bbox": white, "zorder": 5}
    ax.annotate(text, (end, y), textcoords="offset points", **(above if is_narrow() else aside))
