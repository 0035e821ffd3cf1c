"""Which of a study's models to use: chosen by cross-validation, with what such a choice is worth on unseen rows."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from tl_jax.evaluation.statistics.metrics import per_fold, sign
from tl_jax.evaluation.statistics.verdict import CHOICE


class Recommended(NamedTuple):
    """arm, source: of the model. value: its mean per fold of the judging metric on all samples, which is optimistic,
    being the best of `candidates`. honest: the same of a choice by inner folds, on rows that the choice never saw; NaN
    where none was made. path, id: of its checkpoint.
    """

    arm: str
    source: str
    value: float
    candidates: int
    honest: float
    path: str
    id: str


def recommend(results) -> Recommended | None:
    """The kept model with the best mean per fold under the study's own protocol; None where none has one.

    Where a choice by inner folds was made, among its candidates alone: only then does its result speak of this choice.
    Equal means go to the arm that runs first. A network that diverged, or an arm with undefined folds, has no mean
    worth a choice.
    """
    settings = results.settings
    metrics = results.table("metrics")
    folds = per_fold(metrics[metrics["protocol"] == settings.protocol], settings.metric)
    folds = folds.assign(source=folds["source"].fillna(""))
    means = folds.groupby(["arm", "source"], sort=False)["value"].agg(lambda v: v.mean(skipna=False))
    named = settings.extras.nested if settings.extras and CHOICE in means.index.get_level_values("arm") else None
    kept = {(one.arm, one.source): one for one in results.models}
    able = [key for key in means.index if key in kept and (named is None or key[0].split(" ")[0] in named)]
    values = (sign(settings.metric) * means.loc[able]).dropna() if able else pd.Series(dtype=float)
    if values.empty:
        return None
    best = values.idxmax()
    honest = means.get((CHOICE, ""), float("nan"))
    model = kept[best]
    return Recommended(*best, float(means[best]), len(values), float(honest), str(model.path), model.meta["id"])
