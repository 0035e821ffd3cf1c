"""The figure of the study of transferability scores."""

from __future__ import annotations

from benchmarks.pictures import quick_mark
from tl_jax.report.plots.style import BLUE, GREY, ORANGE, page, sign, style

LOOKS = {"head": (BLUE, "o", -0.16), "shrunk": (ORANGE, "s", 0.16)}
ROW, HEAD = 0.26, 0.7  # inches of a score, and of a panel's title and axis
PARTS = {
    "agreement": "rank correlation over sources, score against gain",
    "over_random": "gain of the chosen source less that of a random one",
}


def agreement_figure(report: dict):
    """A row of panels per study: agreement of each score with the gains, and what choosing by it brings."""
    studies = report["studies"]
    names = list(next(iter(studies.values()))["head"]["agreement"])
    heights = [ROW * len(names) + HEAD] * len(studies)
    handles = [
        sign("frozen components, ridge head", color=BLUE, marker="o", lw=1.2),
        sign("ridge shrunk to the source", color=ORANGE, marker="s", lw=1.2),
    ]
    caption = (
        "Mean over cohorts (simulated) or targets (NCI-60) with its 95 % t interval; right of the line is better. "
        "Scores see training rows only. The targets of NCI-60 share their lines, which their intervals describe."
    )
    with style():
        figure = page(8.6, sum(heights), "Scores of a source before training" + quick_mark(report), caption, handles)
        axes = figure.subplots(len(studies), len(PARTS), squeeze=False, sharey=True, sharex="col")
        for row, (study, found) in zip(axes, studies.items(), strict=True):
            for ax, part in zip(row, PARTS, strict=True):
                draw(ax, found, part, names)
            row[0].set_title(study, loc="left", fontsize=9, fontweight="bold")
        axes[0, 0].invert_yaxis()
        for ax, text in zip(axes[-1], PARTS.values(), strict=True):
            ax.set_xlabel(text)
    return figure


def draw(ax, found: dict, part: str, names: list[str]) -> None:
    """One panel: a line of the figure per score, a mark with its interval per arm."""
    ax.axvline(0, color=GREY, lw=0.8)
    for arm, (color, mark, shift) in LOOKS.items():
        for place, name in enumerate(names):
            value = found[arm][part][name]
            if value["mean"] is not None:
                ax.plot(value["mean"], place + shift, color=color, marker=mark, ms=4, ls="")
            if value["low"] is not None:
                ax.plot([value["low"], value["high"]], [place + shift] * 2, color=color, lw=1.2)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
