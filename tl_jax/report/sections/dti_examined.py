"""Sections of a study between protein families on what was examined beside its arms, at each training size."""

from __future__ import annotations

from tl_jax.report.blocks import Blocks, join, paragraph
from tl_jax.report.sections.cells import arm_cells, by_size, fixed, frame_table, in_order, whole
from tl_jax.report.sections.effect import permuted
from tl_jax.report.sections.sources import components
from tl_jax.report.sections.study import Study


def predicts(study: Study) -> Blocks:
    """Each arm beside the same arm on permuted labels."""
    return permuted(study, study.need("permutations"), study.metric.label)


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
    return join([paragraph(text), components(study, in_order(study.need("variance")))])
