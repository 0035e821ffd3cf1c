"""Sections of a study between protein families on what was examined beside its arms, at each training size."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.evaluation.draws.draw_verdict import FAULT
from tl_jax.evaluation.draws.reach import WITHIN
from tl_jax.evaluation.predictors.shallow import RANKS_ONLY
from tl_jax.report.blocks import Absent, Blocks, Column, join, paragraph, table
from tl_jax.report.sections.cells import (
    after_looks,
    arm_cells,
    between,
    by_size,
    fixed,
    frame_table,
    in_order,
    p_value,
    share,
    whole,
    word,
)
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


def calibration(study: Study) -> Blocks:
    """How far probabilities are from shares, at the largest size."""
    rows = study.need("metrics")
    rows = rows[(rows["size"] == rows["size"].max()) & rows["metric"].isin(["brier", "log_loss", "ece"])]
    means = rows.groupby(["source", "arm", "metric"], sort=False)["value"].mean().unstack("metric").reset_index()
    means = means[~means["arm"].str.endswith(RANKS_ONLY) & ~means["arm"].str.contains(FAULT, regex=False)]
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "Brier score": fixed("brier", ".3f"),
        "log loss": fixed("log_loss", ".3f"),
        "expected calibration error": fixed("ece", ".3f"),
    }
    note = (
        "Means over draws at the largest size, 0 is best. Values of a support vector classifier rank compounds and are "
        "no probabilities, so they are left out. Draws are balanced while the test set is not: that alone shifts them."
    )
    return join([paragraph(note), frame_table("Calibration", means, cells, words=("source",))])


def compounds(study: Study) -> Blocks:
    """How like the test compounds are to what the models were trained on."""
    rows = study.need("test_compounds")
    near = {
        name.removeprefix("nearest_in_"): pd.to_numeric(rows[name]) for name in rows if name.startswith("nearest_in_")
    }
    if not near:
        raise Absent("similarity is defined for fingerprints only")
    lines = [
        [name, *(f"{np.quantile(v, q):.2f}" for q in (0.05, 0.5, 0.95)), f"{(v < WITHIN).mean():.0%}"]
        for name, v in near.items()
    ]
    heads = ("training compounds", "5 %", "median", "95 %", f"test compounds below {WITHIN:g}")
    caption = f"Tanimoto similarity of {len(rows)} test compounds to the nearest training compound"
    text = (
        "A test compound unlike all training compounds is outside what a model can know; its prediction means little."
    )
    return join([paragraph(text), table(caption, [Column(h, k > 0) for k, h in enumerate(heads)], lines)])


def reach(study: Study) -> Blocks:
    """How the models that were kept fare near their training compounds and far from them."""
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "similarity": between("from_similarity", "to_similarity", ".1f"),
        "test compounds": whole("n"),
        "active": share("active"),
        "probability below .1 or above .9": share("confident"),
        "MCC": fixed("mcc"),
        "AUROC": fixed("auroc"),
        "Brier score": fixed("brier"),
    }
    caption = "Final models on the test compounds, by similarity to the nearest compound of the pool"
    return frame_table(caption, study.need("reach"), cells, words=("source", "similarity"))


def source_test(study: Study) -> Blocks:
    """Whether networks use what a source family's labels carry, at each size."""
    rows, judged = study.need("source_test"), study.metric
    cells = arm_cells(rows) | by_size(rows)
    cells |= {judged.label: fixed("observed", judged.spec()), "permuted: mean": fixed("null_mean", judged.spec())}
    cells |= {"permutations": whole("permutations"), f"at least {judged.as_good}": whole("at_least")}
    cells |= {"p": p_value("p"), "p after Holm": p_value("p_holm"), **after_looks(rows)}
    text = (
        "The source was trained again on labels shuffled among its compounds. A small p says that what the labels of "
        "this source carry is used by this network; it does not say that the network beats one without a source."
    )
    shown = frame_table("The source test", rows, cells, words=("source",))
    return join([paragraph(text), shown])
