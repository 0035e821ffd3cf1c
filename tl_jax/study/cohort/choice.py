"""The choice of a source drug: made on the intermediate cohort only, written down, read by later experiments."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from tl_jax.data.domain import Cohort
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.reliability import label_quality
from tl_jax.evaluation.statistics.metrics import spearman_per_fold
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.stages import fingerprint
from tl_jax.system.cluster import is_first
from tl_jax.system.files import write_json

DECIDING = "copy_layer1"  # the published transfer decides where it was run


def choice_path(folder: Path, settings: Settings) -> Path:
    """Where the choice of one protocol stands."""
    return folder / f"best_source-{settings.protocol}{'-quick' if settings.quick else ''}.json"


def rank_sources(cohort: Cohort, drugs: list[str], metrics: pd.DataFrame, arm: str) -> list[dict]:
    """One row per source drug: label quality, mean per-fold Spearman on the intermediate, rank.

    metrics: of experiment 3. arm: the strategy whose Spearman decides. Pooled Spearman is not used:
    pooling over folds biases it downward. A fold without a Spearman (constant predictions) counts as 0, so
    that a model which mostly collapses is not ranked by its few lucky folds.
    """
    folds = spearman_per_fold(metrics[metrics.arm == arm])
    by_drug = {drug: folds.value[folds.source == drug] for drug in drugs}
    means = pd.Series({d: v.fillna(0).mean() if v.notna().any() else float("nan") for d, v in by_drug.items()})
    ranks = means.rank(ascending=False, method="first")
    return [
        {
            "drug": drug,
            **label_quality(cohort.stage("source").for_drug(drug), drug),
            "intermediate_spearman": float(means[drug]),
            "undefined_folds": int(by_drug[drug].isna().sum()),
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
    where = cohort.stage("intermediate").name
    record = {
        "drug": best["drug"],
        "decided_by": f"mean per-fold Spearman of {arm} on {where}, {settings.repeats} x {settings.folds}-fold",
        "note": "target labels were never seen; the deciding Spearman is optimistic, being the best of several",
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
