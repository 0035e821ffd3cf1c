"""Which drug of the source domain may serve, judged before any training."""

from __future__ import annotations

import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.scaling.scaled import prepare
from tl_jax.errors import InputError
from tl_jax.evaluation.sources.transferability import scores_without_labels


def rank_sources(cohort: Cohort) -> pd.DataFrame:
    """Every source drug with what can be said of it before training, without a look at the target's responses.

    On real cohorts sources that scores chose lost on average to using none (docs/transferability.md): read the table
    to leave out what cannot work, such as responses that hardly vary, and let a study decide between the others.

    Args:
        cohort: of load_cohort or Cohort.from_frames, with a source and a target.

    Returns:
        One row per source drug, the widest responses first: source, samples (measured for it), label_range (5 to 95 %
        range of its responses, in their unit), label_repeatability (Spearman of two measurements, NaN without a
        second one), mmd and coral (distances of the scaled expression to the target's, smaller is closer).

    Raises:
        InputError: the cohort has one domain only.
    """
    if not isinstance(cohort, Cohort):
        raise InputError(f"cohort is of type {type(cohort).__name__}; give tl_jax.load_cohort(...)")
    if len(cohort.domains) < 2:
        raise InputError(f"cohort {cohort.name} has one domain, so there is no source; add one before the target")
    target = cohort.stage("target").for_drug(cohort.drug)
    target_x, rows = prepare(target)[1], []
    for drug in cohort.source_drugs:
        source = cohort.stage("source").for_drug(drug)
        own = scores_without_labels(source, drug, prepare(source)[1][:, target.measured], target_x[:, target.measured])
        rows.append({"source": drug, "samples": len(source), **own})
    columns = ["source", "samples", "label_range", "label_repeatability", "mmd", "coral"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["label_range", "source"], ascending=[False, True], ignore_index=True)
