"""The choice of a source drug: made on the intermediate cohort only, written down, read by later experiments."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from tl_jax.data.domain import Cohort
from tl_jax.errors import InputError
from tl_jax.evaluation.reliability import label_quality
from tl_jax.files import write_json
from tl_jax.study.settings import Settings
from tl_jax.study.stages import fingerprint


def choice_path(folder: Path, settings: Settings) -> Path:
    """Where the choice of one protocol stands."""
    return folder / f"best_source-{settings.protocol}{'-quick' if settings.quick else ''}.json"


def rank_sources(cohort: Cohort, drugs: list[str], metrics: pd.DataFrame, arm: str) -> list[dict]:
    """One row per source drug: label quality, mean per-fold Spearman on the intermediate, rank, chosen.

    metrics: of experiment 3. arm: the strategy whose Spearman decides. Pooled Spearman is not used:
    pooling over folds biases it downward.
    """
    folds = metrics[(metrics.metric == "spearman") & (metrics.arm == arm) & (metrics.fold.astype(str) != "pooled")]
    means = folds.groupby("source").value.mean()
    ranks = means.rank(ascending=False, method="first")
    rows = []
    for drug in drugs:
        value = float(means.get(drug, float("nan")))
        rank = int(ranks[drug]) if drug in ranks and ranks[drug] == ranks[drug] else None
        quality = label_quality(cohort.stage("source").for_drug(drug), drug)
        rows.append({"drug": drug, **quality, "intermediate_spearman": value, "rank": rank, "chosen": rank == 1})
    return rows


def data_of_choice(cohort: Cohort) -> dict[str, str]:
    """Fingerprints of the data that the choice may depend on."""
    return {role: fingerprint(cohort.stage(role)) for role in ("source", "intermediate")}


def write_choice(folder: Path, cohort: Cohort, settings: Settings, ranking: list[dict], arm: str) -> Path | None:
    """Write the chosen drug and why; nothing if no drug could be ranked."""
    chosen = [row["drug"] for row in ranking if row["chosen"]]
    if not chosen:
        return None
    record = {
        "drug": chosen[0],
        "decided_by": f"mean per-fold Spearman of {arm} on {cohort.stage('intermediate').name}",
        "note": "target labels were never seen; the deciding Spearman is optimistic, being the best of several",
        "protocol": settings.protocol,
        "seed": settings.seed,
        "repeats": settings.repeats,
        "folds": settings.folds,
        "data": data_of_choice(cohort),
        "ranking": ranking,
    }
    return write_json(choice_path(folder, settings), record)


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
        drug, data = record["drug"], record["data"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}); {remedy}") from error
    if data != data_of_choice(cohort):
        raise InputError(f"{path} was decided on other data than this cohort's; {remedy}")
    return {"drug": drug, "decided_by": record.get("decided_by", ""), "path": str(path)}
