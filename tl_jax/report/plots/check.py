"""Pictures of a checked cohort: a map of all samples, and the response of each domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.evaluation.checks.outlying import Map
from tl_jax.report.plots.style import (
    BLUE,
    DETAIL_WIDTH,
    GREEN,
    NAME_WIDTH,
    ORANGE,
    VERMILLION,
    grid,
    heading,
    label_axes,
    panel_page,
    sign,
)
from tl_jax.report.tables import shorten

# A domain has a colour and a marker, so that colour is never alone.
LOOKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (VERMILLION, "X"), ("black", "D"))
MOST_PANELS = 8
BINS = 15


def map_figure(maps: Sequence[Map], domains: Sequence[Domain]):
    """All samples on two principal components, a panel per map; call it inside `style()`."""
    looks = [LOOKS[k % len(LOOKS)] for k in range(len(domains))]
    handles = [
        sign(
            f"{shorten(d.name, NAME_WIDTH)} ({len(d):,})", color=color, marker=marker, linestyle="none", markersize=4.5
        )
        for d, (color, marker) in zip(domains, looks, strict=True)
    ]
    caption = "Points: samples. Components of all domains together; percent: share of the variance over all genes."
    figure = panel_page(len(maps), 2.4, 0.35, "", caption, handles)
    axes = grid(figure, len(maps))
    for ax, one in zip(axes, maps, strict=True):
        start = 0
        for domain, (color, marker) in zip(domains, looks, strict=True):
            x, y = one.scores[start : start + len(domain)].T
            start += len(domain)
            # Small domains lie on top, since a source of hundreds would hide them.
            size = 3 if len(domain) > 150 else 4.5
            ax.plot(x, y, linestyle="none", marker=marker, color=color, markersize=size, markeredgewidth=0,
                    alpha=0.75, zorder=2 + 1 / len(domain))  # fmt: skip
        heading(ax, one.title, [f"component 1: {one.shares[0]:.0%}, component 2: {one.shares[1]:.0%}"])
        ax.tick_params(labelleft=True, labelbottom=True)
    label_axes(figure, axes, "component 1", "component 2")
    return figure


def response_figure(shown: Sequence[tuple[Domain, str]]):
    """Histograms of the response, a panel per domain and drug (at most 8); call it inside `style()`."""
    panels = shown[:MOST_PANELS]
    caption = "Samples measured, by response in the unit above each panel."
    if len(shown) > len(panels):
        caption += f" The first {len(panels)} of {len(shown)} are shown."
    figure = panel_page(len(panels), 1.7, 0.55, "", caption, [])
    axes = grid(figure, len(panels))
    for ax, (domain, drug) in zip(axes, panels, strict=True):
        y = domain.y[:, domain.column(drug)]
        y = y[np.isfinite(y)]
        ax.hist(y, bins=BINS, color=BLUE, edgecolor="white", linewidth=0.5)
        lines = [shorten(domain.name, DETAIL_WIDTH), shorten(f"{domain.unit}, high = {domain.direction}", DETAIL_WIDTH)]
        heading(ax, shorten(drug, NAME_WIDTH), lines)
        ax.tick_params(labelleft=True, labelbottom=True)
        ax.xaxis.get_major_locator().set_params(nbins=4)
        ax.yaxis.get_major_locator().set_params(integer=True, nbins=4)
    label_axes(figure, axes, "response", "samples")
    return figure
