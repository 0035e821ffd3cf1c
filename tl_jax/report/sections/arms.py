"""Sections on single arms: spread over folds, predicted against observed, prediction intervals, losses."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.statistics.registry import NO_UNIT, Metric, get
from tl_jax.report.arms import split_arms
from tl_jax.report.blocks import Absent, Blocks, Figure, join, paragraph
from tl_jax.report.plots.intervals import prediction_figure
from tl_jax.report.plots.loss import loss_figure
from tl_jax.report.plots.rows import arm_figure
from tl_jax.report.plots.scatter import predicted_figure
from tl_jax.report.sections.cells import arm_cells, fixed, in_order, interval, share, whole
from tl_jax.report.sections.leading import arm_table, leading
from tl_jax.report.sections.response import cut_at, measure, possible, within
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import beside, summarise

MOST_LOSSES = 12


def distributions(study: Study) -> Blocks:
    """The metric of every fold, and all metrics of every arm."""
    metrics, judged = study.judged(study.metrics), study.metric
    if not (metrics["metric"] == judged.name).any():
        raise Absent(f"metrics.csv has no {judged.name}")
    arms, name, spec = in_order(summarise(study.metrics, judged.name)), judged.name, judged.spec()
    others = [get(one) for one in beside(name)]
    cells = arm_cells(arms) | {
        judged.per_fold: fixed(f"{name}_mean", spec),
        "sd": fixed(f"{name}_sd", spec),
        "pooled median": fixed(f"pooled_{name}_median", spec),
        "pooled range": lambda row: interval(row[f"pooled_{name}_min"], row[f"pooled_{name}_max"], spec),
        **{one.label: fixed(f"{one.name}_mean", one.spec()) for one in others},
        "runs": whole("n_runs"),
        "undefined": whole("n_undefined"),
    }
    drawn = leading(study, metrics)
    count = len(drawn[["arm", "source"]].drop_duplicates())
    return join(
        [
            paragraph(
                "The spread over folds and repeats is no confidence interval: repeats reuse the same samples."
                + pooled_bias(judged)
            ),
            Figure(
                "folds",
                lambda: arm_figure(drawn, "", name),
                f"{judged.label} of every test fold for {count} arms, with means and pooled medians; the table has the "
                "means",
                f"{judged.per_fold} of each arm, protocol {study.protocol}.",
            ),
            arm_table(
                study,
                f"{errors_of(judged)} in the unit of the response ({measure(study)}), means over folds",
                arms,
                cells,
                words=("source", "protocol"),
            ),
        ]
    )


def pooled_bias(judged: Metric) -> str:
    """What is known of the metric over all folds of a repeat together; "" where nothing is."""
    if not judged.pooled_bias:
        return ""
    return (
        f" Pooled {judged.label}, over all folds of a repeat together, is biased {judged.pooled_bias} in small "
        "cohorts: where held-out samples lie high, their training rows lie low."
    )


def errors_of(judged: Metric) -> str:
    """The shown metrics that have the unit of the response."""
    shown = dict.fromkeys([judged.name, *beside(judged.name)])
    return " and ".join(get(name).label for name in shown if get(name).unit != NO_UNIT)


def scatter(study: Study) -> Blocks:
    """Predicted against observed."""
    rows = study.judged(study.need("predictions"))
    if not rows["y_true"].notna().any():
        raise Absent("predictions.csv has no observed value")
    first, judged = by_rank(study, rows), study.metric
    return Figure(
        "scatter",
        lambda: predicted_figure(first, "", measure(study), judged.name),
        f"predicted against observed response of {rows['sample_id'].nunique()} samples, a panel for each of "
        f"{len(split_arms(first))} arms",
        "Predicted against observed, held-out samples only"
        + ("." if len(first) == len(rows) else f"; the arms with the {judged.best} {judged.per_fold}."),
    )


def by_rank(study: Study, rows: pd.DataFrame, most: int = 12) -> pd.DataFrame:
    """The rows of the arms in sight, with the best mean per fold where there are more than `most`."""
    rows = leading(study, rows)
    arms = rows[["arm", "source"]].drop_duplicates()
    if len(arms) <= most:
        return rows
    return rows.merge(study.means.merge(arms)[["arm", "source"]].head(most))


def prediction_intervals(study: Study) -> Blocks:
    """Intervals of held-out samples, and how often they hold the observed value."""
    rows = study.judged(study.need("prediction_intervals"))
    ends = possible(study, rows["y_true"])
    first = within(by_rank(study, rows, 6), ends)
    groups = []
    for (arm, source, method, level), part in rows.groupby(["arm", "source", "method", "level"], sort=False):
        defined = part.dropna(subset=["low", "high", "y_true"])
        held = (defined["low"] <= defined["y_true"]) & (defined["y_true"] <= defined["high"])
        width = (defined["high"] - defined["low"]).median()
        key = {"arm": arm, "source": source, "method": method, "level": level}
        groups.append({**key, "n": len(defined), "held": held.mean(), "width": width})
    table = in_order(pd.DataFrame(groups))
    cells = arm_cells(table) | {
        "method": lambda row: row["method"],
        "samples": whole("n"),
        "asked level": share("level"),
        "observed inside": share("held"),
        "median width": fixed("width", "#.3g"),
    }
    return join(
        [
            Figure(
                "predictions",
                lambda: prediction_figure(first, measure(study)),
                f"prediction intervals of held-out samples, a panel for each of {len(split_arms(first))} arms; the "
                "table says how many hold the observed value",
                f"Protocol {study.protocol}.{cut_at(ends)}",
            ),
            arm_table(
                study, "How often the intervals hold the observed value", table, cells, words=("source", "method")
            ),
        ]
    )


def losses(study: Study) -> Blocks:
    """Loss by epoch."""
    rows = by_rank(study, study.judged(study.need("history")), MOST_LOSSES)
    return Figure(
        "losses",
        lambda: loss_figure(rows, "", "loss (training objective)"),
        f"training and held-out loss by epoch, a panel for each of {len(split_arms(rows))} arms",
        "Loss by epoch. Held-out losses are drawn only; nothing was chosen or stopped by them.",
    )
