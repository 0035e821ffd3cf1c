"""The genes that move networks most, beside what the ridge makes of them."""

from __future__ import annotations

import pandas as pd

from tl_jax.report.plots.style import BLUE, ORANGE, beside, page, sign

GENES = 20
CAPTION = (
    "Mean absolute integrated gradient over cells, mean over runs. Blue: a high gene speaks for sensitive; orange, "
    "hatched: for resistant. The ridge's panel has the same genes in the same order, on its own scale."
)


def critical_figure(rows: pd.DataFrame, arms: list[str], title: str):
    """Bars of the first 20 genes of the last network, that network before it where there is one, and the ridge.

    Args:
        rows: arm, gene, importance, slope. arms: networks; the last is one after transfer.
    """
    shown = [*dict.fromkeys((arms[-1], arms[0])), "ridge"]
    tables = {arm: rows[rows["arm"] == arm].set_index("gene") for arm in shown}
    genes = tables[shown[0]]["importance"].sort_values(ascending=False, kind="stable").index[:GENES]
    handles = [
        sign("high speaks for sensitive", color=BLUE, linewidth=6),
        sign("high speaks for resistant", color=ORANGE, linewidth=6),
    ]
    height, places = beside(len(shown), 0.18 * len(genes) + 0.7)
    figure = page(2.8 * len(shown) + 0.6, height, title, CAPTION, handles)
    for place, axis in enumerate(figure.subplots(**places, sharey=True, squeeze=False).flat):
        own = tables[shown[place]].loc[genes[::-1]]
        for above, color, hatch in ((True, BLUE, ""), (False, ORANGE, "//")):
            part = own["importance"].where((own["slope"] >= 0) == above, 0.0)
            axis.barh(own.index, part, color=color, hatch=hatch, edgecolor="white", linewidth=0.3)
        axis.set_title(shown[place], loc="left", fontsize=8.5, fontweight="bold")
        axis.set_xlabel("mean |integrated gradient|")
    return figure
