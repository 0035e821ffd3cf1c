"""Tables and pictures of a finished study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from tl_jax.data.tables.cells import examples
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.comparisons import compare as compare_pairs
from tl_jax.evaluation.statistics.families import reference_of
from tl_jax.evaluation.statistics.metrics import JUDGED, get, per_fold
from tl_jax.evaluation.statistics.paired import holm
from tl_jax.evaluation.statistics.verdict import versus
from tl_jax.report.plots.loss import loss_figure
from tl_jax.report.plots.rows import arm_figure
from tl_jax.report.plots.scatter import predicted_figure
from tl_jax.report.plots.style import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tl_jax.api.study import Study

NEEDED = ("experiment", "protocol", "source", "arm", "repeat", "fold", "metric", "value", "n_train", "n_test")
PAIR = ["arm", "source"]
COLUMNS = {
    "mean_difference": "difference",
    **{name: name for name in ("ci_low", "ci_high")},
    **{name: name for name in ("test", "p", "p_family", "p_corrected", "p_holm")},
    **{name: name for name in ("p_better", "p_rope", "p_worse", "folds")},
}


def compare(
    metrics: pd.DataFrame,
    *,
    reference: str | None = None,
    metric: str = JUDGED,
    predictions: pd.DataFrame | None = None,
    groups: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Every arm against one, on the folds that they share.

    Args:
        metrics: of Study.metrics, or read from a metrics.csv. Several protocols are compared one by one.
        reference: name of the arm that the others are compared with; None: ridge, or scratch where there is no ridge.
        metric: by name.
        predictions: of Study.predictions, for the influence test of Spearman; None: the corrected t alone.
        groups: {sample_id: group} of related samples, which are one unit of that test.

    Returns:
        One row per protocol and arm, the largest gain first: arm, source, mean (per fold, in the metric's unit),
        difference (arm minus reference) with its 95 % interval ci_low to ci_high, test and its p, p_family (for all
        arms that start from a source, or all others), p_corrected (of the corrected resampled t) and p_holm (that for
        all rows of its protocol), p_better, p_rope and p_worse (probabilities that the arm is better, equivalent or
        worse), folds. Earlier looks at the same samples are not counted here; Study.comparisons has them.

    Raises:
        InputError: no such arm or metric, an arm that comes from several sources as the reference, or a column that is
            missing.
    """
    missing = [name for name in NEEDED if name not in metrics]
    if missing:
        raise InputError(f"metrics lack the column '{missing[0]}'; give Study.metrics")
    get(metric)
    rows = metrics[metrics["metric"] == metric].assign(source=lambda rows: rows["source"].fillna(""))
    if rows.empty:
        raise InputError(f"the metrics hold no {metric}; there are: {examples(dict.fromkeys(metrics['metric']), 12)}")
    if reference is None and (reference := reference_of(rows["arm"])) is None:
        raise InputError(
            f"neither ridge nor scratch was run; name the reference: {examples(dict.fromkeys(rows['arm']))}"
        )
    if reference not in set(rows["arm"]):
        raise InputError(f"no arm '{reference}'; there are: {', '.join(dict.fromkeys(rows['arm']))}")
    sources = rows.loc[rows["arm"] == reference, "source"].unique()
    if len(sources) > 1:
        raise InputError(f"'{reference}' comes from several sources ({examples(sources)}); choose their rows first")
    found = []
    for protocol, part in rows.groupby("protocol", sort=False):
        own = None if predictions is None else predictions[predictions["protocol"] == protocol]
        made = compare_pairs(part, by_source=False, predictions=own, groups=groups, reference=reference)
        table = versus(made, protocol, reference, metric)
        means = per_fold(part, metric).groupby(PAIR)["value"].mean().rename("mean")
        if len(table):
            table["p_holm"] = holm(table["p_corrected"])
            table = table.join(means, on=PAIR)
        found.append(table.assign(protocol=protocol))
    table = (
        pd.concat(found, ignore_index=True)
        .rename(columns=COLUMNS)
        .reindex(columns=[*PAIR, "mean", *COLUMNS.values(), "protocol"])
    )
    return table if table["protocol"].nunique() > 1 else table.drop(columns="protocol")


def table_of_arms(metrics: pd.DataFrame, metric: str) -> list[str]:
    """A line for each arm: its mean per fold and how many folds that is of."""
    if metrics.empty:
        return []
    values = per_fold(metrics, metric).groupby(PAIR, sort=False)["value"].agg(["mean", "count"])
    names = [f"{arm} from {source}" if source else arm for arm, source in values.index]
    wide = max(map(len, names), default=0)
    lines = zip(names, values["mean"], values["count"], strict=True)
    label, spec = get(metric).per_fold, get(metric).spec(3)
    return [f"  {name:<{wide}}  {label} {mean:{spec}} (mean of {count})" for name, mean, count in lines]


def draw_arms(study: Study, title: str) -> Figure:
    return arm_figure(study.metrics, title, study.results.settings.metric)


def draw_losses(study: Study, title: str) -> Figure:
    return loss_figure(study.history, title, "loss (training objective)")


def draw_predictions(study: Study, title: str) -> Figure:
    units = sorted({domain["unit"] for domain in study.results.data.values()})
    return predicted_figure(study.predictions, title, ", ".join(units), study.results.settings.metric)


KINDS: dict[str, Callable[[Study, str], Figure]] = {
    "arms": draw_arms,
    "losses": draw_losses,
    "predictions": draw_predictions,
}


def plot(study: Study, kind: str = "arms", *, title: str | None = None) -> Figure:
    """Draw a finished study.

    Args:
        study: of run_study.
        kind: "arms" (every fold of every arm), "losses" (by epoch), "predictions" (predicted against observed, in the
            response's unit).
        title: above the picture; None: the cohort's and the protocol.

    Returns:
        A matplotlib figure, which a notebook shows; figure.savefig("arms.png") keeps it.

    Raises:
        InputError: an unknown kind, nothing to draw, or matplotlib is not installed.
    """
    if kind not in KINDS:
        raise InputError(f"no picture '{kind}'; there are: {', '.join(KINDS)}")
    results = study.results
    with style():
        title = f"{results.cohort.title}, protocol {results.settings.protocol}" if title is None else title
        figure = KINDS[kind](study, title)
        figure._repr_png_ = lambda: png(figure)  # notebooks ask for it where no pyplot is at work
    return figure


def png(figure: Figure) -> bytes:
    """A figure as a notebook shows it."""
    from io import BytesIO

    with style():
        figure.savefig(buffer := BytesIO(), format="png", dpi=110)
    return buffer.getvalue()
