"""Sections of a study between protein families on what was examined beside its arms, at each training size."""

from __future__ import annotations

from tl_jax.report.blocks import Blocks, join, paragraph
from tl_jax.report.sections.cells import arm_cells, by_size, fixed, frame_table, in_order, p_value, whole
from tl_jax.report.sections.effect import permuted
from tl_jax.report.sections.sources import components
from tl_jax.report.sections.study import Study


def predicts(study: Study) -> Blocks:
    """Each arm beside the same arm on permuted labels."""
    return permuted(study.need("permutations"), study.metric, study.metric.label)


def nested(study: Study) -> Blocks:
    """What a choice by inner folds took, and what it reached there."""
    rows, judged = study.need("nested_choices"), study.metric
    inner = f"inner_{judged.name}"
    keys = ["size", "arm", "source", "protocol"]
    counts = (
        rows.groupby(keys, sort=True)[inner].agg(["size", "mean"]).set_axis(["draws", "mean"], axis=1).reset_index()
    )
    cells = arm_cells(counts) | by_size(counts) | {"chosen in draws": whole("draws")}
    cells[f"mean {judged.label} on inner folds"] = fixed("mean", judged.spec())
    text = (
        "In each draw the candidate that did best on inner folds of its training compounds predicts the test "
        "compounds; the arm nested_choice among all arms is what came of it. The inner value is optimistic, being the "
        "best of several."
    )
    caption = "What the choice by inner folds took"
    return join([paragraph(text), frame_table(caption, in_order(counts), cells, words=("source", "protocol"))])


def variance(study: Study) -> Blocks:
    """Shares of partition, initialisation and batch order, at each size."""
    text = "What a new seed would change: other training compounds, another initialisation, another batch order."
    return join([paragraph(text), components(in_order(study.need("variance")), study.metric.label)])


def source_test(study: Study) -> Blocks:
    """Whether networks use what a source family's labels carry, at each size."""
    rows, judged = study.need("source_test"), study.metric
    cells = arm_cells(rows) | by_size(rows)
    cells |= {judged.label: fixed("observed", judged.spec()), "permuted: mean": fixed("null_mean", judged.spec())}
    cells |= {"permutations": whole("permutations"), f"at least {judged.as_good}": whole("at_least")}
    cells |= {"p": p_value("p"), "p after Holm": p_value("p_holm")}
    text = (
        "The source was trained again on labels shuffled among its compounds. A small p says that what the labels of "
        "this source carry is used by this network; it does not say that the network beats one without a source."
    )
    shown = frame_table("The source test", rows, cells, words=("source",))
    return join([paragraph(text), shown])
