"""Scores of every source before training, beside what transfer from it gained."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.sources.source_ranking import agreement_notes, rank_by_scores
from tl_jax.evaluation.sources.transferability import scores_with_labels, scores_without_labels
from tl_jax.evaluation.statistics.metrics import JUDGED, per_fold, sign
from tl_jax.study.cohort.cases import Case, Run
from tl_jax.study.core.stages import scaled_rows
from tl_jax.study.core.views import viewer

# Whose gain over scratch ranks the sources, the first of these that was run.
DECIDING = ("copy_layer1", "freeze_layer1", "feature_ridge")


def source_scores(run: Run, group: list[Case]) -> pd.DataFrame:
    """source, score, value: the mean over the first repeat's folds, from their training rows only."""
    rows = []
    for case in group:
        look, stage = viewer(case.stages, run.settings.network), case.upstream
        first = [f for f in case.folds if f.fold.repeat == case.folds[0].fold.repeat]
        domain, measured, found = stage.plan.domain, case.domain.measured, []
        rows_of_source = scaled_rows(stage)[:, measured]
        for f in first:
            target_x, on_network = f.scaled_train(case.domain), f.response.to_network(f.y)[f.fold.train]
            found.append(
                scores_with_labels(*look.hidden(target_x), on_network)
                | scores_without_labels(domain, domain.drugs[0], rows_of_source, target_x[:, measured])
            )
        for name, value in pd.DataFrame(found).mean().items():
            rows.append((case.source, name, float(value)))
    return pd.DataFrame(rows, columns=["source", "score", "value"])


def gains_of(metrics: pd.DataFrame, arm: str, metric: str = JUDGED) -> pd.DataFrame:
    """source, realised_gain: by how much the mean of the metric per fold of `arm` is better than that of scratch."""
    folds = per_fold(metrics, metric)
    means = sign(metric) * folds.groupby(["arm", "source"], sort=False)["value"].mean()
    own = means[means.index.get_level_values("arm") == arm].droplevel("arm")
    return (own - float(means["scratch"].iloc[0])).rename("realised_gain").reset_index()


def ranked_sources(run: Run, group: list[Case], metrics: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """transferability.csv and transferability_agreement.csv; nothing where no deciding arm or no scratch was run."""
    arms = set(metrics["arm"])
    deciding = next((name for name in DECIDING if name in arms), None)
    group = [case for case in group if case.upstream is not None]
    if deciding is None or "scratch" not in arms or not group:
        return {}
    table, agreement = rank_by_scores(source_scores(run, group), gains_of(metrics, deciding, run.settings.metric))
    for note in agreement_notes(agreement):
        run.results.remark(note, run.say)
    return {
        "transferability": table.assign(deciding_arm=deciding, protocol=run.settings.protocol),
        "transferability_agreement": agreement.assign(deciding_arm=deciding, protocol=run.settings.protocol),
    }
