"""The choice of a source drug: made on the intermediate cohort only, written down, read by later experiments."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.domain import Cohort
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.reliability import label_quality
from tl_jax.evaluation.statistics.metrics import JUDGED, constant_folds, get, per_fold, to_choose_from
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.stages import fingerprint
from tl_jax.system.cluster import is_first
from tl_jax.system.files import write_json

DECIDING = "copy_layer1"  # the published transfer decides where it was run


def choice_path(folder: Path, settings: Settings) -> Path:
    """Where the choice of one protocol stands."""
    return folder / f"best_source-{settings.protocol}{'-quick' if settings.quick else ''}.json"


def rank_sources(
    cohort: Cohort,
    drugs: list[str],
    metrics: pd.DataFrame,
    arm: str,
    metric: str = JUDGED,
    predictions: pd.DataFrame | None = None,
) -> list[dict]:
    """One row per source drug: label quality, mean of the metric per fold on the intermediate, rank.

    metrics, predictions: of experiment 3. arm: the strategy whose metric decides. Its pooled value is not used:
    pooling over folds biases a Spearman downward. A network that diverged counts by the rule of
    `metrics.to_choose_from`. undefined_folds: those that say nothing, because predictions were constant (which counts
    0) or because the metric is not defined; without `predictions` the constant ones are not counted.
    """
    folds = per_fold(metrics[metrics.arm == arm], metric)
    values = folds.pivot(index=["repeat", "fold"], columns="source", values="value").reindex(columns=drugs)
    comparable = to_choose_from(values, metric)
    means = pd.Series({drug: comparable[drug].mean() for drug in drugs})
    ranks = means.rank(ascending=False, method="first")
    silent = values.isna().sum()
    if predictions is not None:
        own = predictions[(predictions["arm"] == arm) & np.isfinite(predictions["y_pred"])]
        silent += pd.Series({drug: constant_folds(own[own["source"] == drug]) for drug in drugs})
    means *= get(metric).sign
    return [
        {
            "drug": drug,
            **label_quality(cohort.stage("source").for_drug(drug), drug),
            f"intermediate_{metric}": float(means[drug]),
            "undefined_folds": int(silent[drug]),
            "rank": None if pd.isna(ranks[drug]) else int(ranks[drug]),
            "chosen": False,
        }
        for drug in drugs
    ]


def data_of_choice(cohort: Cohort) -> dict[str, str]:
    """Fingerprints of the data that the choice may depend on."""
    return {role: fingerprint(cohort.stage(role)) for role in ("source", "intermediate")}


def write_choice(folder: Path, cohort: Cohort, settings: Settings, ranking: list[dict], arm: str) -> Path | None:
    """Write the drug of rank 1 and how it was chosen, and mark it in `ranking`; None if no drug could be ranked."""
    best = next((row for row in ranking if row["rank"] == 1), None)
    if best is None:
        return None
    best["chosen"] = True
    where, label = cohort.stage("intermediate").name, get(settings.metric).label
    record = {
        "drug": best["drug"],
        "decided_by": f"mean per-fold {label} of {arm} on {where}, {settings.repeats} x {settings.folds}-fold",
        "note": f"target labels were never seen; the deciding {label} is optimistic, being the best of several",
        "settings": settings.as_dict(),
        "data": data_of_choice(cohort),
        "ranking": ranking,
    }
    path = choice_path(folder, settings)
    return write_json(path, record) if is_first() else path


def read_choice(folder: Path, cohort: Cohort, settings: Settings) -> dict:
    """The choice that experiment 3 wrote for this cohort and protocol.

    A missing one, an unreadable one and one made on other data are refused.
    """
    path = choice_path(folder, settings)
    remedy = "run experiments.exp3_source_to_intermediate first, or name a drug with --source_drug"
    if not path.exists():
        raise InputError(f"no source drug was chosen yet ({path} is absent); {remedy}")
    try:
        record = json.loads(path.read_text())
        drug, data, hidden = record["drug"], record["data"], tuple(record["settings"]["hidden"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}); {remedy}") from error
    if data != data_of_choice(cohort):
        raise InputError(f"{path} was decided on other data than this cohort's; {remedy}")
    if hidden != settings.hidden:
        raise InputError(f"{path} was decided with --hidden={','.join(map(str, hidden))}, not this network; {remedy}")
    return {"drug": drug, "decided_by": record.get("decided_by", ""), "path": str(path)}
