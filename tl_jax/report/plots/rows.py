"""Dot plots with one row per arm or per source drug."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import JUDGED, get, is_pooled
from tl_jax.evaluation.statistics.registry import Metric
from tl_jax.report.arms import Arm, split_arms
from tl_jax.report.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SHORT_NAME,
    VERMILLION,
    beside,
    is_narrow,
    page,
    save,
    sign,
    style,
)
from tl_jax.report.tables import UNDEFINED, number, rank_key, shorten

ROW = 0.27  # inches per row
MOST_DRUGS = 40


def arm_comparison(metrics: pd.DataFrame, stem: str | Path, title: str, metric: str = JUDGED) -> tuple[Path, Path]:
    """A metric per fold of every arm, with its mean and the median of its pooled values.

    `metrics` is the long table of an experiment (arm, source, protocol, repeat, fold,
    metric, value; fold "pooled" for all folds of a repeat together).

    Raises:
        InputError: the table lacks the metric, or matplotlib is not installed.
    """
    with style():
        return save(arm_figure(metrics, title, metric), stem)


def arm_figure(metrics: pd.DataFrame, title: str, metric: str = JUDGED):
    """The figure of `arm_comparison`; call it inside `style()`."""
    judged, rows = get(metric), metrics[metrics["metric"] == metric]
    if not len(rows):
        raise InputError(f"there is nothing to draw: the metrics have no {metric}")
    arms = split_arms(rows)
    handles = _arm_signs(arms)
    caption = (
        f"Dots: {judged.label} in each test fold, over all repeats. Pooled: all folds of a repeat together; median"
        " over repeats. Folds overlap in their training rows, so the spread is no confidence interval."
        " Right: mean over folds / median pooled; folds without a value (constant truth, diverged network) left out."
    )
    figure = page(8.6, ROW * len(arms) + 0.6, title, caption, handles)
    ax = figure.add_subplot()
    chance_line(ax.axvline, judged, linewidth=1)
    for place, arm in enumerate(arms):
        _arm_row(ax, place, arm, judged.spec())
        if place and (arm.baseline, arm.source) != (arms[place - 1].baseline, arms[place - 1].source):
            ax.axhline(place - 0.5, color=GREY, linewidth=0.5, alpha=0.6)
    name_rows(ax, [shorten(arm.name, 26) + (f", {shorten(arm.detail, 22)}" if arm.detail else "") for arm in arms])
    ax.set_xlabel(f"{judged.label}, predicted against observed ({judged.unit})")
    return figure


def _arm_signs(arms: list[Arm]) -> list:
    """Legend of `arm_comparison`: only the kinds of arm that are drawn."""
    look = {"linestyle": "none", "markersize": 4, "alpha": 0.6}
    kinds = {arm.baseline for arm in arms}
    signs = [sign("fold, strategy", color=BLUE, marker="o", **look)] if False in kinds else []
    signs += [sign("fold, baseline", color=ORANGE, marker="s", **look)] if True in kinds else []
    signs.append(sign("mean over folds", color="black", marker="D", markersize=5, linestyle="none"))
    return [*signs, sign("median pooled", markeredgecolor=VERMILLION, **_HOLLOW)]


_HOLLOW = {"marker": "^", "markersize": 6.5, "linestyle": "none", "markerfacecolor": "white", "markeredgewidth": 1.4}


def chance_line(draw: Callable, judged: Metric, **look) -> None:
    """A dotted line where predictions lie that know nothing; none for a metric where that depends on the data."""
    if judged.chance is not None:
        draw(judged.chance, color=GREY, linestyle=":", **look)


def _arm_row(ax, place: int, arm: Arm, spec: str) -> None:
    """Folds, mean and pooled median of one arm."""
    pooled_rows = is_pooled(arm.rows)
    folds = arm.rows.loc[~pooled_rows, "value"].astype(float)
    values = folds.dropna().to_numpy()
    color, marker = (ORANGE, "s") if arm.baseline else (BLUE, "o")
    # Spread by a fixed sequence instead of at random, so that a picture can be repeated.
    shift = ((np.arange(len(values)) * 0.618) % 1 - 0.5) * 0.5
    ax.plot(values, place + shift, linestyle="none", marker=marker, markersize=4, color=color, alpha=0.35, mew=0)
    mean, pooled = folds.mean(), arm.rows.loc[pooled_rows, "value"].astype(float).dropna().median()
    ax.plot([pooled], [place], markeredgecolor=VERMILLION, zorder=3, **_HOLLOW)
    ax.plot([mean], [place], linestyle="none", marker="D", markersize=4.5, color="black", zorder=4)
    text = f"{number(mean, spec)} / {number(pooled, spec)}"
    undefined = len(folds) - len(values)
    if undefined and not is_narrow():
        text += f"  ({undefined} of {len(folds)} undefined)"
    ax.annotate(
        text, (1, place), xycoords=ax.get_yaxis_transform(), xytext=(6, 0), textcoords="offset points", va="center"
    )


def name_rows(ax, names: list[str]) -> None:
    """Row labels, first row on top."""
    ax.set_yticks(range(len(names)), [shorten(name, SHORT_NAME) for name in names] if is_narrow() else names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GREY, alpha=0.2, linewidth=0.6)
    ax.set_axisbelow(True)


def source_ranking(rows: list[dict], stem: str | Path, title: str, metric: str = JUDGED) -> tuple[Path, Path]:
    """Source drugs by rank: a metric on the intermediate cohort, label reliability, dynamic range.

    `rows` as for `tables.source_table`. More than 40 drugs: the first 40 and the chosen ones.

    Raises:
        InputError: no rows, or matplotlib is not installed.
    """
    with style():
        return save(source_figure(rows, title, metric), stem)


def source_figure(rows: list[dict], title: str, metric: str = JUDGED):
    """The figure of `source_ranking`; call it inside `style()`."""
    if not rows:
        raise InputError("there is nothing to draw: no source drugs")
    ranked = sorted(rows, key=rank_key)
    shown = [row for place, row in enumerate(ranked) if place < MOST_DRUGS or row.get("chosen")]
    caption = (
        "Label reliability: Spearman between replicate measurements of the same cell lines (number of pairs at"
        f" the right). {UNDEFINED}: not measured or undefined."
    )
    if len(shown) < len(ranked):
        caption += f" {len(shown)} of {len(ranked)} drugs are shown: the best {MOST_DRUGS} and the chosen."
    handles = [
        sign("chosen", color=GREEN, marker="D", markersize=5.5, linestyle="none"),
        sign("other source drug", color=BLUE, marker="o", markersize=4.5, linestyle="none"),
    ]
    height, places = beside(3, ROW * len(shown) + 0.85)
    figure = page(9.6, height, title, caption, handles)
    axes = figure.subplots(**places, sharey=True)
    for ax, (name, head, unit) in zip(axes, _measures(get(metric)), strict=True):
        _measure(ax, shown, name)
        ax.set_title(head, loc="left", fontsize=8.5, fontweight="bold")
        ax.set_xlabel(unit)
    name_rows(axes[0], [_drug_label(row) for row in shown])
    for ax in axes:
        ax.tick_params(axis="y", length=0)
        for label, row in zip(ax.get_yticklabels(), shown, strict=False):
            label.set_fontweight("bold" if row.get("chosen") else "normal")
    return figure


def _measures(judged: Metric) -> tuple[tuple[str, str, str], ...]:
    """Column, heading and unit of each panel."""
    return (
        (f"intermediate_{judged.name}", "On the intermediate cohort", f"{judged.label} ({judged.unit})"),
        ("replicate_spearman", "Label reliability", "Spearman of replicates (no unit)"),
        ("dynamic_range", "Dynamic range", "unit of the response"),
    )


def _drug_label(row: dict) -> str:
    """Rank, name and number of labelled samples."""
    rank = number(row.get("rank"), ".0f")
    rank = "" if rank == UNDEFINED else f"{rank}. "
    n = number(row.get("n"), ".0f")
    return f"{rank}{shorten(str(row.get('drug', '')), 28)} (n = {n})"


def _measure(ax, rows: list[dict], name: str) -> None:
    """One measure of all drugs, on lines from zero."""
    ax.grid(axis="x", color=GREY, alpha=0.2, linewidth=0.6)
    ax.axvline(0, color=GREY, linewidth=1)
    for place, row in enumerate(rows):
        value = row.get(name)
        side = ax.get_yaxis_transform()
        if name == "replicate_spearman":
            text = number(row.get("replicate_n"), ".0f")
            ax.annotate(
                text, (1, place), xycoords=side, xytext=(4, 0), textcoords="offset points", va="center", color=GREY
            )
        if number(value) == UNDEFINED:
            ax.text(0.5, place, UNDEFINED, transform=side, ha="center", va="center", color=GREY)
            continue
        color, marker = (GREEN, "D") if row.get("chosen") else (BLUE, "o")
        ax.plot([0, value], [place, place], color=color, linewidth=1, alpha=0.5)
        ax.plot([value], [place], marker=marker, markersize=5, color=color, linestyle="none")
