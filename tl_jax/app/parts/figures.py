"""Figures of plotly from tables of finished studies: shapes beside colours, names on hover, nothing computed anew."""

from __future__ import annotations

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tl_jax.report.blocks import printable
from tl_jax.report.tables import shorten

# Okabe and Ito's palette, as in the report's pictures; each class has a shape too.
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#8A8A8A"
LIGHT = "#3E9BD6"  # for outlines, seen on a light page and on a dark one
SHAPES = ("circle", "square", "diamond", "cross", "triangle-up", "x")
COLOURS = (BLUE, ORANGE, "#009E73", "#D55E00", "#56B4E9", "#CC79A7")
# Classes of cells look as in the report's pictures; other classes take colours and shapes in turn.
LOOKS = {"resistant": (ORANGE, "square", "/"), "sensitive": (BLUE, "circle", ""), "not known": (GREY, "x", "x")}
ALPHA = 0.05
ROW, HEAD = 40, 90  # pixels
SHOWN = "shown"  # the column of cells that holds their names as plotly shows them
OUTLINED = 5_000  # cells up to which each dot has an outline: it doubles what WebGL has to draw
LAYERS = 12  # of a map of classes at most: each costs the browser a little


def text(value: object, width: int = 60) -> str:
    """Any text as plotly shows it letter by letter: plotly reads a few tags of HTML in every text."""
    return html.escape(shorten(printable(str(value)), width))


def forest(rows: pd.DataFrame, title: str) -> go.Figure:
    """Each arm minus the reference with its interval; filled where p after all corrections is below .05."""
    rows = rows[np.isfinite(rows["mean_difference"])].iloc[::-1]
    names = [arm_name(row) for row in rows.to_dict("records")]
    clear = rows["p_after_looks"].fillna(1.0) < ALPHA
    ends = {
        "type": "data",
        "symmetric": False,
        "color": GREY,
        "array": rows["ci_high"] - rows["mean_difference"],
        "arrayminus": rows["mean_difference"] - rows["ci_low"],
    }
    moved = rows["source"] != ""
    colours = np.where(moved, LIGHT, ORANGE)
    kinds = zip(np.where(moved, "circle", "square"), clear, strict=True)
    shape = [name if full else f"{name}-open" for name, full in kinds]
    figure = go.Figure(
        go.Scatter(
            x=rows["mean_difference"],
            y=names,
            error_x=ends,
            mode="markers",
            marker={"symbol": shape, "size": 11, "color": colours, "line": {"width": 2, "color": colours}},
            customdata=np.stack([rows["ci_low"], rows["ci_high"], rows["p_after_looks"]], axis=1),
            hovertemplate="%{y}<br>%{x:+.3f} (95 % %{customdata[0]:+.3f} to %{customdata[1]:+.3f})"
            "<br>p for all arms and looks %{customdata[2]:.3f}<extra></extra>",
        )
    )
    figure.add_vline(x=0, line_width=1, line_color=GREY)
    figure.update_layout(
        height=HEAD + ROW * max(len(rows), 2),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis_title=text(title.split(", protocol")[0], 70),
        yaxis={"automargin": True},
    )
    return figure


def arm_name(row: dict) -> str:
    """An arm with its source, on two lines: a phone is narrow."""
    name = text(row["arm"], 24)
    return f"{name}<br>{text(row['source'], 24)}" if row["source"] else name


def observed(rows: pd.DataFrame, unit: str) -> go.Figure:
    """Predicted against observed: rows of sample_id, y_true, y_pred, low and high over repeats."""
    ends = {"array": rows["high"] - rows["y_pred"], "arrayminus": rows["y_pred"] - rows["low"], "symmetric": False}
    figure = go.Figure(
        go.Scatter(
            x=rows["y_true"],
            y=rows["y_pred"],
            error_y={"type": "data", "width": 0, "thickness": 1, "color": GREY, **ends},
            mode="markers",
            marker={"size": 9, "color": BLUE, "symbol": "circle"},
            text=[text(name) for name in rows["sample_id"]],
            hovertemplate="%{text}<br>observed %{x:.4g}<br>predicted %{y:.4g}<extra></extra>",
        )
    )
    lowest, highest = rows["y_true"].min(), rows["y_true"].max()
    figure.add_shape(
        type="line", x0=lowest, y0=lowest, x1=highest, y1=highest, line={"color": GREY, "dash": "dot", "width": 1}
    )
    figure.update_layout(
        height=420,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis_title=f"observed {text(unit, 30)}".strip(),
        yaxis_title=f"predicted {text(unit, 30)}".strip(),
        showlegend=False,
    )
    return figure


def cells_map(places: pd.DataFrame, values: pd.Series, title: str) -> go.Figure:
    """Cells at x and y, coloured by a number or by a class, drawn by WebGL. places: cell, x, y, shown where it has it.

    Of 50,000 cells a browser gets no number that it does not need: places as float32, values once. Cells are drawn in
    an order that was drawn at random once: where clouds overlap, no class and no end of a scale hides the other.
    """
    figure = go.Figure()
    if SHOWN not in places:
        places = named(places)
    order = np.random.default_rng(0).permutation(len(places))
    places, values = places.iloc[order], values.iloc[order]
    size = float(np.clip(7 - np.log10(max(len(places), 1)), 3, 7))
    if pd.api.types.is_numeric_dtype(values):
        low, high = values.quantile([0.01, 0.99]) if values.notna().any() else (0, 1)
        look = {"color": values.to_numpy(np.float32), "colorscale": "Cividis", "cmin": low, "cmax": high, "size": size}
        look |= {"colorbar": {"title": "", "thickness": 12}}
        figure.add_trace(layer(places, look, text(title), True))
    else:
        figure.add_traces(interleaved(places, values.astype(str), size))
    figure.update_layout(
        height=460,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": -0.04},
        xaxis={"visible": False},
        yaxis={"visible": False, "scaleanchor": "x"},
        uirevision="map",  # zoom stays where the colour changes
    )
    return figure


def interleaved(places: pd.DataFrame, values: pd.Series, size: float) -> list[go.Scattergl]:
    """Classes in layers, a few cells of each class in turn: plotly draws one trace whole before the next.

    The order of the classes turns from layer to layer, so that none is always on top. The layers of a class share an
    entry of the legend, which shows or hides all of them.
    """
    turn, named_once, layers = list(enumerate(sorted(set(values)))), set(), []
    for rows in np.array_split(np.arange(len(values)), max(LAYERS // max(len(turn), 1), 1)):
        part, own = values.iloc[rows], places.iloc[rows]
        turn.reverse()
        for number, name in turn:
            cells = own[(part == name).to_numpy()]
            if cells.empty:
                continue
            colour, shape, _ = look_of(name, number)
            made = layer(cells, {"color": colour, "symbol": shape, "size": size}, text(name))
            layers.append(made.update(legendgroup=name, legendrank=number + 1, showlegend=name not in named_once))
            named_once.add(name)
    return layers


def look_of(name: object, number: int) -> tuple[str, str, str]:
    """Colour, shape and hatching of a class."""
    return LOOKS.get(str(name), (COLOURS[number % 6], SHAPES[number % 6], ("", "/", "x")[number % 3]))


def named(places: pd.DataFrame) -> pd.DataFrame:
    """The cells with their names as plotly shows them."""
    return places.assign(**{SHOWN: [text(name) for name in places["cell"]]})


def layer(places: pd.DataFrame, look: dict, name: str, numbers: bool = False) -> go.Scattergl:
    """Some cells of a map. numbers: their colour is a number, which is shown on hover."""
    more = "<br>%{marker.color:.3g}" if numbers else ""
    # The darkest shades are seen on a dark page by their outline, where cells are few enough to be told apart.
    line = {"width": 0.5, "color": GREY} if len(places) <= OUTLINED else {"width": 0}
    return go.Scattergl(
        x=places["x"].to_numpy(np.float32),
        y=places["y"].to_numpy(np.float32),
        mode="markers",
        marker=look | {"line": line},
        name=name,
        text=places[SHOWN],
        hovertemplate=f"%{{text}}{more}<extra>{name}</extra>",
        showlegend=not numbers,
    )


def histogram(score: pd.Series, groups: pd.Series | None, threshold: float) -> go.Figure:
    """How scores are spread, by class where one is known, with the threshold."""
    figure = go.Figure()
    parts = (
        [("all cells", score)] if groups is None else [(name, score[groups == name]) for name in sorted(set(groups))]
    )
    bins = {"start": float(score.min()), "end": float(score.max()), "size": float(np.ptp(score) or 1.0) / 50}
    for number, (name, own) in enumerate(parts):
        colour, _, hatch = look_of(name, number)
        look = {"color": colour, "pattern": {"shape": hatch}}
        figure.add_trace(
            go.Histogram(x=own.to_numpy(np.float32), name=text(name), opacity=0.65, marker=look, xbins=bins)
        )
    figure.add_vline(x=threshold, line_dash="dash", line_color=GREY, annotation_text="threshold")
    figure.update_layout(
        barmode="overlay",
        height=300,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        legend={"orientation": "h", "y": -0.3},
        xaxis_title="score (high: sensitive)",
        yaxis_title="cells",
    )
    return figure
