"""Several results folders side by side: the arms that they share, paired where the very same samples were held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.comparisons import INFLUENCED, ROPE, comparison, influence_of, main_test, of_study
from tl_jax.evaluation.statistics.families import family_p
from tl_jax.evaluation.statistics.metrics import get, held_out_ratio, per_fold
from tl_jax.evaluation.statistics.metrics import sign as sign_of
from tl_jax.evaluation.statistics.paired import holm
from tl_jax.report.sections.study import Study, read_study

PAIR = ["arm", "source"]
FOLD = ["repeat", "fold"]
TESTED = (
    *("folds", "mean_difference", "ci_low", "ci_high", "test", "p", "p_family", "p_corrected"),
    *("p_better", "p_rope", "p_worse", "rope"),
)
# Of study.json: what says how a study was run, rather than what came out or how long it took.
RECORDED = ("experiment", "flags", "settings", "cohort", "data", "versions", "device", "code")


@dataclass(frozen=True)
class Compared:
    """Studies by label in the order given, and their tables.

    arms: label, protocol, arm, source, mean, sd, folds. differences: a later folder minus the first, arm by arm.
    settings: what was not the same, one column per label. remarks: why folds could not be paired.
    """

    studies: dict[str, Study]
    metric: str
    arms: pd.DataFrame
    differences: pd.DataFrame
    settings: pd.DataFrame
    remarks: list[str]


def compared(folders: Sequence[str | Path], metric: str | None = None, names: Sequence[str] | None = None) -> Compared:
    """Read two or more results folders of cohort studies and compare each with the first.

    Args:
        folders: as --out of experiments 1 to 7 and of the two-step study left them.
        metric: by name; None: the one by which the first was judged.
        names: what the studies are called; None: the last parts of their paths that tell them apart.

    Returns:
        Arms are the same where name and source are; each study is read under its judged protocol. Differences are
        paired over the folds in which both studies held out the same samples with the same observed values, and
        tested: Spearman by the influence test with each sample as a unit, other metrics by the corrected resampled t;
        where there are none, means stand side by side without a test. p_family counts all arms of a later folder.

    Raises:
        InputError: fewer than two folders, one given twice, one that is no finished study, or a metric that one lacks.
    """
    if len(folders) < 2:
        raise InputError("name two or more results folders: tl_jax compare results/A results/B")
    if len({Path(folder).resolve() for folder in folders}) < len(folders):
        raise InputError("a results folder was named twice; name each once")
    names = labels(folders) if names is None else list(names)
    if len(set(names)) < len(folders):
        raise InputError("two studies have the same name; rename one of their folders")
    studies = dict(zip(names, [read_study(Path(folder)) for folder in folders], strict=True))
    metric = metric or next(iter(studies.values())).metric.name
    get(metric)
    for label, study in studies.items():
        if metric not in set(study.metrics["metric"]):
            raise InputError(f"the study {label} holds no {metric}; choose another --metric")
    first, *others = studies
    remarks, found = [], []
    for other in others:
        rows, remark = difference(studies[first], studies[other], metric)
        found.append(rows.assign(minus=first, label=other))
        remarks += [f"{other} and {first}: {remark}"] if remark else []
    differences = pd.concat(found, ignore_index=True)
    differences["p_holm"] = holm(differences["p_corrected"])
    columns = ["label", "minus", *PAIR, *TESTED, "p_holm"]
    arms = pd.concat([means(study, metric).assign(label=label) for label, study in studies.items()], ignore_index=True)
    return Compared(studies, metric, arms, differences[columns], unlike(studies), remarks)


def labels(folders: Sequence[str | Path]) -> list[str]:
    """Short names that tell the folders apart: as many of the last parts of their paths as that needs."""
    parts = [Path(folder).resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return names


def judged_folds(study: Study, metric: str) -> pd.DataFrame:
    """Rows of the metric per fold under the judged protocol."""
    return per_fold(study.metrics[study.metrics["protocol"] == study.protocol], metric)


def means(study: Study, metric: str) -> pd.DataFrame:
    """protocol, arm, source, mean, sd, folds."""
    each = judged_folds(study, metric).groupby(PAIR, sort=False)["value"]
    return each.agg(mean="mean", sd="std", folds="count").reset_index().assign(protocol=study.protocol)


def difference(first: Study, other: Study, metric: str) -> tuple[pd.DataFrame, str]:
    """(arms that both have, other minus first; why nothing is paired, or "")."""
    one, two = (judged_folds(study, metric) for study in (first, other))
    both, remark = shared_folds(first, other)
    ratio, sign = held_out_ratio(one), sign_of(metric)
    later, earlier = (
        {arm: part.set_index(FOLD)["value"] for arm, part in rows.groupby(PAIR, sort=False)} for rows in (two, one)
    )
    rows, tests = [], []
    influences = [held_out(study, {repeat for repeat, _ in both}, metric) for study in (other, first)]
    for arm, source in (arm for arm in earlier if arm in later):
        a, b = (own[arm, source].reindex(both).to_numpy(float) for own in (later, earlier))
        known = np.isfinite(a) & np.isfinite(b)
        wide = ROPE * (np.abs([*a[known], *b[known]]).mean() if sign < 0 and known.any() else 1)
        found = comparison(a[known], b[known], ratio, sign, wide)
        tests.append(influence_of(*(own.get((source, arm)) for own in influences), found["mean_difference"]))
        rows.append({"arm": arm, "source": source, **found, **main_test(found, tests[-1])})
    if not rows:
        remark = "they share no arm of the same name and source"
    table = pd.DataFrame(rows, columns=[*PAIR, *TESTED])
    return table.assign(p_family=family_p(table["p"], tests, table["source"])), remark


def held_out(study: Study, repeats: set[float], metric: str) -> dict:
    """{(source, arm): influence} on some repeats, for the metric that it is of."""
    if metric != INFLUENCED or not repeats:
        return {}
    rows = study.table("predictions")
    rows = rows[(rows["protocol"] == study.protocol) & rows["repeat"].isin(repeats)]
    rows = rows.assign(fold=rows["fold"].astype(float))
    # Arm by arm: here an arm is compared with itself alone, and need not share its folds with others.
    return {arm: one for _, part in rows.groupby(PAIR, sort=False) for arm, one in of_study(part).items()}


def shared_folds(first: Study, other: Study) -> tuple[list[tuple[float, float]], str]:
    """((repeat, fold) of the repeats that both partitioned alike; what could not be paired, and why)."""
    one, two = partitions(first), partitions(other)
    if not one or not two:
        return [], "without predictions.csv nobody can tell whether their folds are the same, so nothing is paired"
    same = [repeat for repeat in one if one[repeat] == two.get(repeat)]
    if same:
        left = max(len(one), len(two)) - len(same)
        words = f"{len(same)} repeats have the same folds and are paired; {left} have not and are left out"
        return [(repeat, fold) for repeat in same for fold in one[repeat]], words if left else ""
    samples = [set().union(*({name for name, _ in rows} for rows in own[min(own)].values())) for own in (one, two)]
    if samples[0] != samples[1]:
        return [], "they judged other samples, so nothing is paired and no difference is tested"
    return [], "they drew other folds (or observed other values) of the same samples, so nothing is paired"


def partitions(study: Study) -> dict[float, dict[float, frozenset]]:
    """{repeat: {fold: the (sample, observed value) that were held out}}; a fold's training rows are the other folds."""
    rows = study.table("predictions")
    found: dict[float, dict[float, frozenset]] = {}
    for (repeat, fold), part in rows[rows["protocol"] == study.protocol].groupby(FOLD):
        found.setdefault(repeat, {})[fold] = frozenset(zip(part["sample_id"], part["y_true"], strict=True))
    return found


def unlike(studies: dict[str, Study]) -> pd.DataFrame:
    """what, and one column per study: the recorded settings, data and versions that are not the same in all."""
    records = [flat({key: study.record[key] for key in RECORDED if key in study.record}) for study in studies.values()]
    names = dict.fromkeys(name for record in records for name in record)
    rows = [[name, *(record.get(name, "") for record in records)] for name in names]
    return pd.DataFrame([row for row in rows if len(set(row[1:])) > 1], columns=["what", *studies])


def flat(content, name: str = "") -> dict[str, str]:
    """{path of keys: value as text} of nested records."""
    if isinstance(content, dict):
        pairs = [flat(value, f"{name}.{key}" if name else str(key)) for key, value in content.items()]
        return {key: value for part in pairs for key, value in part.items()}
    return {name: str(content)}
