"""Scores of every source before training, beside what transfer from it gained."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.sources.source_ranking import agreement_notes, rank_by_scores
from tl_jax.evaluation.sources.transferability import scores_with_labels, scores_without_labels
from tl_jax.evaluation.statistics.metrics import JUDGED, per_fold, sign
from tl_jax.models import build
from tl_jax.study.cohort.arms import Case
from tl_jax.study.core.arms import How
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.stages import scaled_rows
from tl_jax.study.core.views import Viewer

# Whose gain over scratch ranks the sources, the first of these that was run.
DECIDING = ("copy_layer1", "freeze_layer1", "feature_ridge")


def source_scores(problem: Problem, cases: list[Case], how: How) -> pd.DataFrame:
    """source, score, value: the mean over the first repeat's folds, from their training rows only."""
    rows, target, network = [], problem.domain, build(how.network)
    first = [f for f in problem.folds if f.fold.repeat == problem.folds[0].fold.repeat]
    for case in cases:
        look, domain, measured, found = Viewer(case.stages, network), case.upstream.plan.domain, target.measured, []
        rows_of_source = scaled_rows(case.upstream)[:, measured]
        for f in first:
            target_x, on_network = f.scaled_train(target), f.response.to_network(f.y)[f.fold.train]
            found.append(
                scores_with_labels(*look.hidden(target_x), on_network)
                | scores_without_labels(domain, domain.drugs[0], rows_of_source, target_x[:, measured])
            )
        for name, value in pd.DataFrame(found).mean().items():
            rows.append((case.way.source, name, float(value)))
    return pd.DataFrame(rows, columns=["source", "score", "value"])


def gains_of(metrics: pd.DataFrame, arm: str, metric: str = JUDGED) -> pd.DataFrame:
    """source, realised_gain: by how much the mean of the metric per fold of `arm` is better than that of scratch."""
    folds = per_fold(metrics, metric)
    means = sign(metric) * folds.groupby(["arm", "source"], sort=False)["value"].mean()
    own = means[means.index.get_level_values("arm") == arm].droplevel("arm")
    return (own - float(means["scratch"].iloc[0])).rename("realised_gain").reset_index()


def ranked_sources(problem: Problem, cases: list[Case], how: How, metrics: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """transferability and transferability_agreement; nothing where no deciding arm or no scratch was run."""
    arms = set(metrics["arm"])
    deciding = next((name for name in DECIDING if name in arms), None)
    cases = [case for case in cases if case.upstream is not None]
    if deciding is None or "scratch" not in arms or not cases:
        return {}
    table, agreement = rank_by_scores(source_scores(problem, cases, how), gains_of(metrics, deciding, problem.metric))
    if len(cases) > 1:  # one source has no rank
        how.ledger.remark(*agreement_notes(agreement))
    own = {"deciding_arm": deciding, "protocol": problem.protocol.name}
    return {"transferability": table.assign(**own), "transferability_agreement": agreement.assign(**own)}
