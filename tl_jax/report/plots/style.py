"""What all pictures share: palette, page with title and caption, and files that do not vary."""

from __future__ import annotations

import textwrap
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from tl_jax.errors import InputError
from tl_jax.report.arms import Arm, split_arms
from tl_jax.report.tables import shorten
from tl_jax.system.files import write_atomic

# Okabe and Ito's palette, told apart with any common colour blindness.
BLUE, ORANGE, GREEN, VERMILLION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6E6E6E"
DPI = 150
MARGIN = 0.12  # inches around the page
CAPTION = "caption"
CAPTION_LINE = 0.15  # inches
NAME_WIDTH, DETAIL_WIDTH = 26, 34  # characters that fit above a panel
# Inches of a picture on a phone, where its text keeps its size, and the characters of names there.
NARROW, SHORT_NAME, SHORT_LINE = 3.75, 20, 29
_NARROW: ContextVar[bool] = ContextVar("narrow", default=False)
SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tl_jax",
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "text.usetex": False,
    "hatch.color": "white",
    "text.parse_math": False,  # a drug's name may hold a dollar sign
}


@contextmanager
def style(narrow: bool = False):
    """The settings of all pictures, narrow: for a phone; the user's own are back when the block ends."""
    try:
        import matplotlib
    except ImportError as error:
        raise InputError("pictures need matplotlib: pip install tl_jax[plots]") from error
    token = _NARROW.set(narrow)
    try:
        with matplotlib.rc_context(SETTINGS):
            yield
    finally:
        _NARROW.reset(token)


def is_narrow() -> bool:
    """Whether a picture is drawn for a phone."""
    return _NARROW.get()


def page(width: float, body: float, title: str, caption: str, handles=()):
    """A figure of `width` inches with room for axes of `body` inches between title, legend and caption.

    Title and caption are wrapped and their height is added, so that text never meets the axes.
    """
    from matplotlib.figure import Figure

    width = min(width, NARROW) if is_narrow() else width
    # A character of DejaVu Sans is about 0.08 inches wide at 12 points and 0.056 at 8; with some reserve.
    title_lines = textwrap.wrap(title, int((width - 2 * MARGIN) / 0.092))
    caption_lines = textwrap.wrap(caption, int((width - 2 * MARGIN) / 0.062))
    columns = max(1, min(len(handles), int((width - 2 * MARGIN) / _legend_width(handles))))
    legend_height = 0.2 * -(-len(handles) // columns) + (0.08 if handles else 0)
    top = MARGIN + 0.21 * len(title_lines) + (0.06 if title_lines else 0) + legend_height
    bottom = MARGIN + CAPTION_LINE * len(caption_lines) + (0.08 if caption_lines else 0)
    height, left = top + body + bottom, MARGIN / width
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(rect=(left, bottom / height, 1 - 2 * left, body / height), w_pad=0.05, h_pad=0.05)
    # Left out of the layout: their room is set aside above.
    place = {"in_layout": False, "ha": "left"}
    figure.text(left, 1 - MARGIN / height, "\n".join(title_lines), fontsize=12, va="top", **place)
    # Named, since a page that holds the figure takes the caption out and sets it itself.
    figure.text(left, MARGIN / height, "\n".join(caption_lines), color=GREY, va="bottom", gid=CAPTION, **place)
    if handles:
        corner = (left, 1 - (top - legend_height) / height)
        legend = figure.legend(
            handles=list(handles),
            loc="upper left",
            bbox_to_anchor=corner,
            ncols=columns,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            columnspacing=1.5,
        )
        legend.set_in_layout(False)
    return figure


def _legend_width(handles) -> float:
    """Inches of the widest legend entry: its text and its sign."""
    return max((0.056 * len(handle.get_label()) for handle in handles), default=0) + 0.55


def sign(label: str, **look):
    """A legend entry drawn as a line or marker."""
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **look)


def told(line, words) -> None:
    """Words for each marker of a line, in their order; a page shows them where the pointer rests."""
    line.told = list(words)


def panels(count: int) -> tuple[int, int]:
    """Rows and columns for `count` small multiples."""
    columns = (1 if count <= 3 else 2) if is_narrow() else count if count <= 3 else 3 if count in (5, 6, 9) else 4
    return -(-count // columns), columns


def beside(count: int, body: float) -> tuple[float, dict]:
    """Inches of height for `count` axes that share their rows, `body` high, and where `subplots` puts them: beside each
    other, on a phone below each other."""
    return (count * body, {"nrows": count}) if is_narrow() else (body, {"ncols": count})


def panel_page(count: int, panel: float, text: float, title: str, caption: str, handles):
    """A page for `count` panels of `panel` inches height with `text` inches of heading each."""
    rows, columns = panels(count)
    width = {1: 5.6, 2: 7.0, 3: 8.6}.get(columns, 10.6)
    panel = min(panel, 1.6) if is_narrow() else max(panel, {1: 3.2, 2: 2.6}.get(columns, 0))
    return page(width, rows * (panel + text + 0.15) + 0.45, title, caption, handles)


def grid(figure, count: int):
    """`count` axes in reading order; only the outer ones carry tick labels."""
    rows, columns = panels(count)
    cells = figure.add_gridspec(rows, columns)
    axes = []
    for i in range(count):
        ax = figure.add_subplot(cells[i // columns, i % columns])
        ax.tick_params(labelleft=i % columns == 0, labelbottom=i + columns >= count, which="both")
        axes.append(ax)
    return axes


def label_axes(figure, axes, x: str, y: str) -> None:
    """One label for all y axes of a `grid`, and one for the lowest x axis of each column."""
    _, columns = panels(len(axes))
    for i, ax in enumerate(axes):
        if i + columns >= len(axes) and not (is_narrow() and columns > 1):
            ax.set_xlabel(x)
    if is_narrow() and columns > 1:
        figure.supxlabel(x, fontsize=8)
    _, bottom, _, height = figure.get_layout_engine().get()["rect"]
    figure.supylabel(y, y=bottom + height / 2, fontsize=8)


def heading(ax, name: str, lines: list[str]) -> None:
    """A bold name and smaller lines above a panel, left-aligned."""
    place = ax.get_subplotspec()
    tight = is_narrow() and place is not None and place.get_gridspec().ncols > 1
    name = shorten(name, SHORT_NAME) if tight else name
    ax.set_title(name, loc="left", fontsize=8.5, fontweight="bold", pad=5 + 10.5 * len(lines))
    if lines:
        ax.annotate(
            "\n".join(shorten(line, SHORT_LINE) for line in lines) if tight else "\n".join(lines),
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=6.5 if is_narrow() else 7.5,
            linespacing=1.2,
            va="bottom",
        )


def drawn_arms(frame) -> list[Arm]:
    """The arms to draw; at least one."""
    if not len(frame):
        raise InputError("there is nothing to draw: the table has no rows")
    return split_arms(frame)


def save(figure, stem: str | Path) -> tuple[Path, Path]:
    """Write `stem.svg` and `stem.png` (150 dpi), each by atomic rename; equal figures give equal bytes."""
    settle(figure)
    svg = write_atomic(Path(f"{stem}.svg"), lambda p: figure.savefig(p, format="svg", dpi=DPI, metadata={"Date": None}))
    return svg, write_atomic(Path(f"{stem}.png"), lambda p: figure.savefig(p, format="png", dpi=DPI))


def settle(figure) -> None:
    """Fix the layout, so that equal figures give equal bytes."""
    # The layout solver varies in the last digits, and the SVG derives names from them: settle, then round.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for ax in figure.axes:
        ax.set_position([round(float(side), 6) for side in ax.get_position().bounds])
