"""Transfer between protein families: a map of source x method x training size, and curves over the training size.

Both read one row per source ("" for arms without one), arm and size: value, and where there is one an interval ci_low,
ci_high. Size 0 is an arm without training compounds (zero-shot).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.report.plots.curves import MOST_PANELS, look
from tl_jax.report.plots.style import (
    GREY,
    NAME_WIDTH,
    SHORT_NAME,
    grid,
    heading,
    is_narrow,
    label_axes,
    page,
    panel_page,
    save,
    sign,
    style,
)
from tl_jax.report.tables import number, shorten

ROW, CELL = 0.24, 0.62  # inches
MOST_ROWS = 80
# Diverging from brown to blue-green: told apart with any common colour blindness, and in grey by the printed signs.
GAINS, LEVELS = "BrBG", "cividis"
GAIN_CAPTION = (
    "Gain in {metric} over {reference}. \u25b2 or \u25bc, bold: the 95 % interval lies above or below 0; others are not"
    " told apart from 0. Each interval is for its own cell alone; over the whole map some would miss by chance."
)
LEVEL_CAPTION = "Mean {metric} over draws."
CURVE_CAPTION = (
    "Mean {metric} on one test set over draws of training compounds; bands: 95 % intervals over draws and test"
    " compounds. Sizes on a logarithmic axis."
)
# Dashes of arms without a source; dots are left to the published curves.
REFERENCES = ((4, 2), (6, 1.5, 1.5, 1.5), (8, 3), (6, 1, 1, 1, 1, 1), (2.5, 2.5), (10, 2, 3, 2))
LEVEL = {"marker": None, "linestyle": (0, (5, 1.5, 1, 1.5))}  # of an arm without training compounds


def transfer_heatmap(
    rows: pd.DataFrame, stem: str | Path, title: str, *, reference: str = "", metric: str = "MCC"
) -> tuple[Path, Path]:
    """Write the map as `stem.svg` and `stem.png`: rows source and method, columns training sizes.

    reference: the arm that values are gains over; without one they are levels. More than 80 rows: the first 80.
    Raises InputError for a table without values, or two values for one cell, or where matplotlib is missing.
    """
    with style():
        return save(heatmap_figure(rows, title, reference=reference, metric=metric), stem)


def size_curves(
    rows: pd.DataFrame, stem: str | Path, title: str, *, metric: str = "MCC", published: pd.DataFrame | None = None
) -> tuple[Path, Path]:
    """Write the curves as `stem.svg` and `stem.png`: a panel per source, at most 12.

    Arms without a source are black or grey lines in every panel, size 0 is a level across. published: source ("" for
    every panel), arm, size, value, dotted in the colour of our arm of that name. Raises InputError as above.
    """
    with style():
        return save(curves_figure(rows, title, metric=metric, published=published), stem)


def heatmap_figure(rows: pd.DataFrame, title: str, *, reference: str = "", metric: str = "MCC"):
    """The figure of `transfer_heatmap`; call it inside `style()`."""
    table = _checked(rows)
    places = {source: k for k, source in enumerate(dict.fromkeys(table["source"]))}
    keys = list(dict.fromkeys(zip(table["source"], table["arm"], strict=True)))
    keys.sort(key=lambda key: (key[0] == "", places[key[0]]))
    shown, sizes = keys[:MOST_ROWS], sorted(table["size"].unique())
    caption = (GAIN_CAPTION if reference else LEVEL_CAPTION).format(metric=metric, reference=reference)
    if len(shown) < len(keys):
        caption += f" The first {len(shown)} of {len(keys)} rows are shown."
    figure = page(max(5.5, 3.4 + CELL * len(sizes)), ROW * len(shown) + 0.75, title, caption)
    ax = figure.add_subplot()
    values = table.pivot(index=["source", "arm"], columns="size", values="value").reindex(index=shown, columns=sizes)
    cells = values.to_numpy(float)
    limits = _limits(cells, bool(reference))
    image = ax.imshow(cells, aspect="auto", cmap=GAINS if reference else LEVELS, vmin=limits[0], vmax=limits[1])
    known = table.set_index(["source", "arm", "size"])
    for i, j in np.ndindex(cells.shape):
        if (*shown[i], sizes[j]) in known.index:
            _cell(ax, j, i, known.loc[(*shown[i], sizes[j])], image, bool(reference))
    _name_cells(ax, shown, sizes)
    bar = figure.colorbar(image, ax=ax, fraction=0.04, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(f"gain in {metric}" if reference else metric)
    return figure


def curves_figure(rows: pd.DataFrame, title: str, *, metric: str = "MCC", published: pd.DataFrame | None = None):
    """The figure of `size_curves`; call it inside `style()`."""
    table = _checked(rows)
    every = list(dict.fromkeys(table.loc[table["source"] != "", "source"])) or [""]
    sources = every[:MOST_PANELS]
    with_source = dict.fromkeys(table.loc[table["source"].isin(sources) & (table["source"] != ""), "arm"])
    alone = dict.fromkeys(table.loc[table["source"] == "", "arm"])
    looks = {arm: look(k) | {"linewidth": 1.4} for k, arm in enumerate(with_source)}
    flat = [arm for arm in looks if (table.loc[table["arm"] == arm, "size"] == 0).all()]
    looks |= {arm: looks[arm] | LEVEL for arm in flat}
    grounds = {arm: _ground(k) for k, arm in enumerate(alone)}
    signs = [sign(shorten(arm, 28), markersize=4, **own) for arm, own in (*looks.items(), *grounds.items())]
    caption = CURVE_CAPTION.format(metric=metric)
    if published is not None:
        signs.append(sign("published (other data), same colour", color=GREY, linestyle=":", linewidth=1.4))
    if len(every) > len(sources):
        caption += f" The first {len(sources)} of {len(every)} sources are shown."
    figure = panel_page(len(sources), 2.2, 0.25, title, caption, signs)
    axes = grid(figure, len(sources))
    for ax, source in zip(axes, sources, strict=True):
        heading(ax, shorten(source or "no source", NAME_WIDTH), [])
        ax.axhline(0, color=GREY, linewidth=0.6)
        for (place, arm), part in table[table["source"].isin(("", source))].groupby(["source", "arm"], sort=False):
            own = looks[arm] if place else grounds[arm]
            _curve(ax, part.sort_values("size"), own, band=bool(place) or source == "")
        if published is not None:
            _published(ax, published[published["source"].isin(("", source))], looks, grounds)
    _scale(axes, table, published)
    label_axes(figure, axes, "training compounds", metric)
    return figure


def _checked(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with a value; InputError where there are none, or two for one cell."""
    table = rows.assign(source=rows["source"].fillna("")) if "source" in rows else rows.assign(source="")
    table = table[np.isfinite(table["value"].astype(float))]
    if table.empty:
        raise InputError("there is nothing to draw: the table has no finite value")
    twice = table[table.duplicated(["source", "arm", "size"])]
    if len(twice):
        source, arm, size = twice[["source", "arm", "size"]].iloc[0]
        raise InputError(f"two values for {arm} {source} at {size} compounds; choose one metric and protocol")
    return table


def _limits(cells: np.ndarray, gain: bool) -> tuple[float, float]:
    """Colour limits: symmetric about 0 for gains."""
    if not gain:
        return float(np.nanmin(cells)), float(np.nanmax(cells))
    reach = float(np.nanmax(np.abs(cells))) or 1.0
    return -reach, reach


def _cell(ax, x: int, y: int, row: pd.Series, image, gain: bool) -> None:
    """The number of a cell, dark on light and light on dark."""
    value = float(row["value"])
    red, green, blue, _ = image.cmap(image.norm(value))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.47
    known = gain and "ci_low" in row and np.isfinite(row["ci_low"])
    above, below = (known and row["ci_low"] > 0), (known and row["ci_high"] < 0)
    text = ("\u25b2" if above else "\u25bc" if below else "") + number(value, "+.2f" if gain else ".2f")
    weight = "bold" if above or below else "normal"
    ax.text(x, y, text, ha="center", va="center", fontsize=7, color="white" if dark else "black", fontweight=weight)


def _name_cells(ax, keys: list[tuple[str, str]], sizes: list) -> None:
    """Row and column labels, and a line between sources."""
    ax.set_xticks(range(len(sizes)), [f"{size:g}" for size in sizes])
    ax.set_yticks(
        range(len(keys)), [shorten(f"{s}, {a}" if s else a, SHORT_NAME if is_narrow() else 40) for s, a in keys]
    )
    ax.set_xlabel("training compounds")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for place in range(1, len(keys)):
        if keys[place][0] != keys[place - 1][0]:
            ax.axhline(place - 0.5, color="black", linewidth=1.2)


def _ground(place: int) -> dict:
    """Look of an arm without a source: black, then grey, each with dashes of its own."""
    shade = ("black", GREY)[place % 2]
    return {"color": shade, "linestyle": (0, REFERENCES[place % len(REFERENCES)]), "linewidth": 1.2}


def _curve(ax, part: pd.DataFrame, own: dict, band: bool) -> None:
    """One arm: its line and band, or a level across where it has no training compounds."""
    flat = part[part["size"] == 0]
    if len(flat):
        ax.axhline(float(flat["value"].iloc[0]), **own | LEVEL)
        if len(part) == 1:
            return
        part = part[part["size"] > 0]
    x = part["size"].to_numpy(float)
    ax.plot(x, part["value"].to_numpy(float), markersize=4, **own)
    if band and "ci_low" in part and np.isfinite(part["ci_low"].astype(float)).any():
        low, high = (part[name].to_numpy(float) for name in ("ci_low", "ci_high"))
        ax.fill_between(x, low, high, color=own["color"], alpha=0.13, linewidth=0)


def _published(ax, rows: pd.DataFrame, looks: dict, grounds: dict) -> None:
    """Dotted curves of arms that are drawn here too."""
    for arm, part in rows.groupby("arm", sort=False):
        own = looks.get(arm) or grounds.get(arm)
        if own:
            part = part.sort_values("size")
            ax.plot(part["size"], part["value"], color=own["color"], linestyle=":", linewidth=1.4)


def _scale(axes, table: pd.DataFrame, published: pd.DataFrame | None) -> None:
    """One logarithmic x axis with the measured sizes as ticks, and one y axis, for all panels."""
    sizes = np.asarray(sorted(table.loc[table["size"] > 0, "size"].unique()), float)
    frames = [table] if published is None else [table, published]
    columns = [f[name].to_numpy(float) for f in frames for name in ("value", "ci_low", "ci_high") if name in f]
    values = np.concatenate([*columns, [0.0]])
    means = np.concatenate([f["value"].to_numpy(float) for f in frames])
    # Two draws give intervals far beyond what a correlation can be; they must not squeeze the curves.
    values = np.clip(values[np.isfinite(values)], min(-1, np.nanmin(means)), max(1, np.nanmax(means)))
    pad = 0.05 * (np.ptp(values) or 1.0)
    # Ticks nearer than half their size would print over each other in a narrow panel.
    ticks = [sizes[k] for k in range(len(sizes)) if k == 0 or sizes[k] >= 1.9 * sizes[k - 1]] if len(sizes) else []
    for ax in axes:
        ax.set_ylim(values.min() - pad, values.max() + pad)
        if len(sizes):
            ax.set_xscale("log")
            ax.set_xlim(sizes[0] / 1.2, sizes[-1] * 1.2)
            ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.minorticks_off()
