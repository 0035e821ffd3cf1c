"""The choice of a source drug: made on the intermediate cohort only, written down, read by later experiments."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.reliability import label_quality
from tl_jax.evaluation.statistics.metrics import JUDGED, constant_folds, get, per_fold, to_choose_from
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.stages import fingerprint
from tl_jax.system.cluster import agree, is_first
from tl_jax.system.files import digest, write_json

CHOOSER = "exp3_source_to_intermediate"
DECIDING = "copy_layer1"  # the published transfer decides where it was run
REMEDY = "run experiments.exp3_source_to_intermediate with these flags, or name a drug with --source_drug"
FILES = "best_source-*.json"
# Flags that shape the models which the ranking speaks of: a choice made with others is none.
MEANING = ("protocol", "metric", "drug", "hidden", "seed", "optimizer", "quick")
# Flags that shape how well the ranking is known, or that mean another stage in a later experiment: they are told.
TOLD = ("repeats", "folds", "split", "epochs", "learning_rate", "batch_size")


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


def flags_of(cohort: Cohort, settings: Settings) -> dict:
    """The flags that a choice depends on; the drug of the intermediate as the cohort resolves it."""
    flags = {name: getattr(settings, name) for name in (*MEANING, *TOLD, "scaling")} | {"drug": cohort.drug.casefold()}
    return json.loads(json.dumps(flags))


def choice_path(folder: Path, record: dict) -> Path:
    """Where a choice stands: named by protocol and drug, then by all that determines it."""
    flags = record["flags"]
    drug = "".join(c if c.isalnum() else "_" for c in flags["drug"])
    own = digest(flags, record["data"], record["strategy"])[:8]
    return folder / f"best_source-{flags['protocol']}{'-quick' if flags['quick'] else ''}-{drug}-{own}.json"


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
        "strategy": arm,
        "flags": flags_of(cohort, settings),
        "settings": settings.as_dict(),
        "data": data_of_choice(cohort),
        "ranking": ranking,
    }
    path = choice_path(folder, record)
    return write_json(path, record) if is_first() else path


def read_choice(folder: Path, cohort: Cohort, settings: Settings) -> dict:
    """The choice that experiment 3 wrote for this cohort, drug and protocol, as process 0 finds it.

    Args:
        settings: as the user gave them to the experiment that reads it. A choice made with another drug, network, seed,
        optimizer or mode is refused; one with other folds, repeats or training of the evaluated stage is taken, and
        that is told.
    Returns:
        drug, decided_by, path, notes.
    """
    return agree(chosen(folder, cohort, settings) if is_first() else None)


def chosen(folder: Path, cohort: Cohort, settings: Settings) -> dict:
    own = flags_of(cohort, EXPERIMENTS[CHOOSER].resolved(settings))
    records = [(path, read_record(path)) for path in sorted(folder.glob(FILES))]
    records = [(path, one) for path, one in records if one["flags"]["protocol"] == own["protocol"]]
    if not records:
        raise InputError(
            f"no source drug was chosen yet under --protocol={own['protocol']} ({folder / FILES} is absent); {REMEDY}"
        )
    same = [(path, one) for path, one in records if not refused(one, own, cohort)]
    if not same:
        path, nearest = min(records, key=lambda pair: len(refused(pair[1], own, cohort)))
        raise InputError(f"{path} was decided {'; '.join(refused(nearest, own, cohort))}; {REMEDY}")
    # Whoever set epochs or folds for experiment 3 finds that very choice; else the one that differs least.
    same.sort(key=lambda pair: len(told(pair[1], own)))
    least = [pair for pair in same if len(told(pair[1], own)) == len(told(same[0][1], own))]
    if len({one["drug"] for _, one in least}) > 1:
        names = ", ".join(f"{path.name} ({one['drug']})" for path, one in least)
        raise InputError(f"{folder} holds several choices for these flags: {names}; name a drug with --source_drug")
    path, record = least[0]
    notes = [f"that choice was made with {', '.join(told(record, own))}"] if told(record, own) else []
    return {"drug": record["drug"], "decided_by": record["decided_by"], "path": str(path), "notes": notes}


def read_record(path: Path) -> dict:
    """A choice as it was written."""
    try:
        record = json.loads(path.read_text())
        wanted = [record[name] for name in ("drug", "decided_by", "strategy", "data")]
        missing = [name for name in (*MEANING, *TOLD) if name not in record["flags"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} cannot be read ({type(error).__name__}), or is of an older version; delete it and {REMEDY}"
        ) from error
    if missing or not all(wanted):
        raise InputError(
            f"{path} does not say with which --{missing[0] if missing else 'data'}; delete it and {REMEDY}"
        )
    return record


def refused(record: dict, own: dict, cohort: Cohort) -> list[str]:
    """Why a choice speaks of other models than those of these flags."""
    flags = record["flags"]
    found = [
        f"with {flag(name, flags[name])}, not {flag(name, own[name])}" for name in MEANING if flags[name] != own[name]
    ]
    if record["data"] == data_of_choice(cohort):
        return found
    # The scaling is of the data that are compared: it is the reason where it differs, and none where they agree.
    theirs, ours = flags.get("scaling"), own["scaling"]
    scaled = f"with {flag('scaling', theirs)}, not {flag('scaling', ours)}"
    return [*found, scaled if theirs != ours else "on other data than this cohort's"]


def told(record: dict, own: dict) -> list[str]:
    """Flags of a choice that differ from these and leave its meaning as it is."""
    return [flag(name, record["flags"][name]) for name in TOLD if record["flags"][name] != own[name]]


def flag(name: str, value) -> str:
    """A flag as it is typed."""
    if value is None or value == []:
        return f"the default --{name}"
    if isinstance(value, bool):
        return f"--{'' if value else 'no'}{name}"
    return f"--{name}={','.join(map(str, value)) if isinstance(value, list) else value}"
