"""What a study found of a model on samples that it had not seen, kept in the model's checkpoint folder.

A model predicts new samples whether or not it has ever predicted one: whoever uses it, by whatever way, must be told.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import per_fold
from tl_jax.evaluation.statistics.registry import from_record, record
from tl_jax.evaluation.statistics.verdict import ALPHA, CHOICE
from tl_jax.system.cluster import is_first
from tl_jax.system.files import write_json

FILE = "judged.json"


def keep_judged(results) -> None:
    """Write FILE beside every kept model. The latest study that made or reused a model counts.

    value: its mean per fold of the judging metric. p: of the permutation test. chosen: of the recommended model, the
    interval of a choice by inner folds. own: the interval of any other over samples. null where the study has none.
    """
    if not is_first():
        return
    settings, best = results.settings, results.recommended
    metrics = results.table("metrics")
    folds = per_fold(metrics[metrics["protocol"] == settings.protocol], settings.metric)
    for one in results.models:
        own = _of(folds, one.arm, one.source, settings.protocol)["value"]
        found = {"id": one.meta["id"], "metric": record(settings.metric), "quick": settings.quick}
        found |= {"folds": len(own), "value": own.mean(skipna=False) if len(own) else None}
        found["p"] = _first(_of(_extra(results, "permutations"), one.arm, one.source, settings.protocol), "p")
        is_best = bool(best) and (best.arm, best.source) == (one.arm, one.source)
        of = (CHOICE, "") if is_best else (one.arm, one.source)
        rows = _of(_extra(results, "intervals"), *of, settings.protocol)
        found["chosen" if is_best else "own"] = [_first(rows, end) for end in ("bca_low", "bca_high")]
        write_json(one.path / FILE, found)


def _extra(results, name: str) -> pd.DataFrame:
    tables = results.extra.get(name) or [pd.DataFrame(columns=["arm", "source", "protocol"])]
    return pd.concat(tables)


def _of(rows: pd.DataFrame, arm: str, source: str, protocol: str) -> pd.DataFrame:
    own = (rows["arm"] == arm) & (rows["source"].fillna("") == source)
    return rows[own & (rows["protocol"] == protocol)]


def _first(rows: pd.DataFrame, column: str) -> float | None:
    return float(rows[column].iloc[0]) if len(rows) and pd.notna(rows[column].iloc[0]) else None


def doubts(path: Path, meta: dict) -> list[str]:
    """Why a model's own study gives no reason to rely on it; empty where it does, or where no study judged it."""
    file = Path(path) / FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        return _doubts(found, meta["id"]) if found else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
        return [f"{file} cannot be read ({type(error).__name__}), so how good the model is stays unknown"]


def _doubts(found: dict, own: str) -> list[str]:
    """In words; the worst alone."""
    if found["id"] != own:
        return []
    judged, value, p = from_record(found["metric"]), found["value"], found["p"]
    if value is None:
        return [f"its own study could not judge the model: no {judged.per_fold} on unseen samples is defined"]
    reached = f"{judged.per_fold} {judged.text(float(value))} on samples of its own study that it had not seen"
    if judged.chance is not None and judged.sign * (value - judged.chance) <= 0:
        return [f"the model does not predict: {reached}, no better than chance"]
    if p is not None and p >= ALPHA:
        return [f"the model is not shown to predict: {reached}, and as well with shuffled responses (p = {p:.2g})"]
    # Where shuffled responses have judged the model itself, its own interval says nothing more.
    kept = found["chosen"] if "chosen" in found else found.get("own", ()) if p is None else ()
    ends = [end for end in kept if end is not None]
    if judged.chance is not None and ends and min(judged.sign * (end - judged.chance) for end in ends) <= 0:
        low, high = (judged.text(end) for end in sorted(ends))
        who = "a model chosen as this one was" if "chosen" in found else "over the samples of its own study it"
        words = f"{who} has {judged.label} {low} to {high} (95 %), which holds chance"
        return [f"the model is not shown to predict: {words}"]
    return []
