"""Do scores that are known before training put sources in the order of what they then gain?

TLJAX_DATA=FOLDER python -m benchmarks.transferability

Simulated cohorts, whose sources are related to the target by known amounts and whose gains are measured on hundreds of
fresh samples too; and, where TLJAX_DATA names the folder of real data, drugs of GDSC2 as sources for the 31 drugs of
nci60_almanac_31drugs.csv as targets, on NCI-60.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from absl import flags
from scipy import stats

from benchmarks import common
from benchmarks.source_pictures import agreement_figure
from benchmarks.sources import ARMS, LEFT_OUT, Source, Target, measure, source_of
from experiments._command import run
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.simulate import SOURCE, simulate
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.sources.source_ranking import rank_by_scores
from tl_jax.evaluation.sources.transferability import SCORES
from tl_jax.system.progress import Progress

FLAGS = flags.FLAGS
COHORTS, SIMULATED, KNOWN, FRESH = 60, {"genes": 400, "n_source": 400}, 30, 400
ALMANAC = "nci60_almanac_31drugs.csv"
SOURCES, MEASURED = 40, 700  # source drugs on real data, and lines that each is measured on
REPEATS, FOLDS, SEED = 5, 3, 0
OWN = "the cohort's own target"
DIRECTION = {LEFT_OUT: True}
NAMES = (*SCORES, LEFT_OUT)


def simulated(cohorts: int) -> Iterator[tuple[Target, list[Source]]]:
    """Cohorts with two sources for each simulated drug, each related to the target by an amount of its own (0 to 1)."""
    for seed in range(cohorts):
        rng = np.random.default_rng([SEED, seed])
        sources = []
        for drug in SOURCE:
            for copy, amount in enumerate(rng.random(2)):
                # One seed: the same samples and expression each time, other labels of the source.
                chain, _ = simulate(
                    seed=seed, relatedness=float(amount), n_target=KNOWN + FRESH, target_counts=False, **SIMULATED
                )
                sources.append(source_of(f"{drug} {copy + 1}: {amount:.2f}", chain.stage("source"), drug))
        last = chain.stage("target")
        known, fresh = last.rows(np.arange(KNOWN)), last.rows(np.arange(KNOWN, KNOWN + FRESH))
        yield Target(f"cohort {seed}", known.x, known.response, known.groups, fresh.x, fresh.response), sources


def real(folder: Path, drugs: int | None) -> tuple[list[Target], list[Source], list[str]]:
    """(targets, sources, names of the cohort's own four sources); drugs: how many targets, or all.

    The cohort's own target comes first, on the same lines as the others.
    """
    if not (folder / ALMANAC).exists():
        raise InputError(f"{folder / ALMANAC} is missing; name the folder of real data in TLJAX_DATA")
    cohort = load_cohort("nci60", folder)
    table = pd.read_csv(folder / ALMANAC).set_index("cell_id")
    last, first = cohort.stage("target"), cohort.stage("source")
    rows = last.rows(np.isin(last.samples, table.dropna().index))
    table = table.loc[rows.samples]
    targets = [Target(OWN, rows.x, rows.response, rows.groups)]
    targets += [Target(name, rows.x, table[name].to_numpy(), rows.groups) for name in table.columns[:drugs]]
    known = [d for d in first.drugs if np.isfinite(first.y[:, first.column(d)]).sum() >= MEASURED]
    both = {name.casefold() for name in table.columns}
    chosen = [d for d in known if d in cohort.source_drugs or d.casefold() in both]
    others = np.random.default_rng(SEED).permutation([d for d in known if d not in chosen])
    chosen += [str(d) for d in others[: max(0, SOURCES - len(chosen)) if drugs is None else 2]]
    return targets, [source_of(d, first, d) for d in chosen], list(cohort.source_drugs)


def measured(target: Target, sources: list[Source], distances: dict, kind: str) -> pd.DataFrame:
    """`measure` on the partition of this study. Plain folds are the same for all targets of one expression."""
    folds = partitions(target.y, target.groups, folds=FOLDS, repeats=REPEATS, seed=SEED, kind=kind)
    return measure(target, sources, folds, distances).assign(cohort=target.name)


def agreements(found: pd.DataFrame, gain: str) -> pd.DataFrame:
    """One row per cohort and score: score, sources, spearman of their mean scores with their mean gains, cohort."""
    parts = [ranking(rows, gain)[1].assign(cohort=cohort) for cohort, rows in found.groupby("cohort", sort=False)]
    return pd.concat(parts, ignore_index=True)


def ranking(rows: pd.DataFrame, gain: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`rank_by_scores` of one cohort's means over folds."""
    means = rows.groupby("source", sort=False)[[*NAMES, gain]].mean().reset_index()
    scores = means.melt("source", NAMES, "score", "value")
    return rank_by_scores(scores, means.rename(columns={gain: "realised_gain"}), DIRECTION)


def choices(found: pd.DataFrame, gain: str) -> pd.DataFrame:
    """One row per cohort and score: gain of the source that the score of a fold's training rows puts first.

    `gain` is measured on rows that the score has not seen. "random": the mean over sources; "hindsight": the source
    of the largest mean gain, which no study can know.
    """
    parts = []
    for cohort, rows in found.groupby("cohort", sort=False):
        table = rows.pivot(index=["repeat", "fold"], columns="source")
        gains = table[gain].to_numpy(np.float64)
        chosen = {"random": gains.mean(), "hindsight": gains.mean(axis=0).max()}
        for name in NAMES:
            lower = name in SCORES and not SCORES[name].higher_is_better
            values = table[name].to_numpy(np.float64) * (-1 if lower else 1)
            values = np.where(np.isnan(values), -np.inf, values)
            best = values == values.max(axis=1, keepdims=True)  # equal ones: their mean
            chosen[name] = float(((gains * best).sum(axis=1) / best.sum(axis=1)).mean())
        parts.append(pd.DataFrame({"score": list(chosen), "gain": list(chosen.values()), "cohort": cohort}))
    return pd.concat(parts, ignore_index=True)


def mean_interval(values) -> dict:
    """Mean over cohorts with its 95 % t interval, and how many cohorts have a value."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return {
            "mean": float(values.mean()) if len(values) else None,
            "low": None,
            "high": None,
            "cohorts": len(values),
        }
    reach = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1)
    mean = float(values.mean())
    return {"mean": mean, "low": mean - float(reach), "high": mean + float(reach), "cohorts": len(values)}


def summary(found: pd.DataFrame, kind: str) -> dict:
    """{arm: {agreement, over_random: {score: mean over cohorts}, gain: {random, hindsight}}} of one kind of gain."""
    out = {}
    for arm in ARMS:
        agree, chosen = agreements(found, f"{kind}_{arm}"), choices(found, f"{kind}_{arm}")
        wide = chosen.pivot(index="cohort", columns="score", values="gain")
        out[arm] = {
            "agreement": {name: mean_interval(agree.loc[agree["score"] == name, "spearman"]) for name in NAMES},
            "over_random": {name: mean_interval(wide[name] - wide["random"]) for name in (*NAMES, "hindsight")},
            "gain": {name: mean_interval(wide[name]) for name in (*NAMES, "random", "hindsight")},
        }
    return out


def training_itself(found: pd.DataFrame) -> dict:
    """{arm: agreement over sources of the gain in cross-validation with that on fresh samples}, the bar for scores."""
    out = {}
    for arm in ARMS:
        means = found.groupby(["cohort", "source"])[[f"gain_{arm}", f"fresh_{arm}"]].mean()
        out[arm] = mean_interval([part.corr("spearman").iloc[0, 1] for _, part in means.groupby("cohort")])
    return out


def main() -> None:
    folder, quick = common.out_folder(), FLAGS.quick
    data = os.environ.get("TLJAX_DATA")
    report = {"machine": common.machine("transferability"), "quick": quick}
    report |= simulated_studies(3 if quick else COHORTS)
    if data:
        studies, own = real_studies(Path(data), 2 if quick else None)
        report["studies"] |= studies
        report["own_target"] = own
    for name, study in report["studies"].items():
        print(f"{name}\n{study_table(study)}\n")
    common.write_report(folder, "transferability", report, agreement_figure)


def simulated_studies(cohorts: int) -> dict:
    """Gains on fresh samples, and those that a study of the known samples would find."""
    parts = []
    with Progress(cohorts, "simulated", "cohorts") as progress:
        for target, sources in simulated(cohorts):
            parts.append(measured(target, sources, {}, "stratified"))
            progress.advance(1, target.name)
    found = pd.concat(parts, ignore_index=True)
    kinds = {"simulated, fresh samples": "fresh", "simulated, held-out rows": "gain"}
    return {
        "studies": {name: summary(found, kind) for name, kind in kinds.items()},
        "training_itself": training_itself(found),
    }


def real_studies(data: Path, drugs: int | None) -> tuple[dict, dict]:
    """The studies of all source drugs and of the cohort's own four; the four on the cohort's own target."""
    targets, sources, own = real(data, drugs)
    parts, distances = [], {}
    with Progress(len(targets), "real data", "targets") as progress:
        for target in targets:
            parts.append(measured(target, sources, distances, "plain"))
            progress.advance(1, target.name)
    found = pd.concat(parts, ignore_index=True)
    few = found[found["source"].isin(own)]
    studies = {
        f"NCI-60, {len(rows['source'].unique())} sources": summary(rows[rows["cohort"] != OWN], "gain")
        for rows in (found, few)
    }
    own_target = few[few["cohort"] == OWN]
    columns = [*NAMES, *(f"gain_{arm}" for arm in ARMS)]
    return studies, {
        "means": own_target.groupby("source", sort=False)[columns].mean().to_dict("index"),
        "agreement": {
            arm: ranking(own_target, f"gain_{arm}")[1].set_index("score")["spearman"].to_dict() for arm in ARMS
        },
    }


def study_table(study: dict) -> str:
    """Agreement and gain of the chosen source for people: mean over cohorts with its 95 % interval."""

    def cell(found: dict | None) -> str:
        if not found or found["mean"] is None:
            return ""
        reach = "" if found["low"] is None else f" ({found['low']:+.2f} to {found['high']:+.2f})"
        return f"{found['mean']:+.2f}{reach}"

    head = [f"{arm}: {what}" for arm in ARMS for what in ("agreement", "chosen - random", "gain of chosen")]
    rows = [("score", *head)]
    for name in (*NAMES, "random", "hindsight"):
        cells = [cell(study[arm][part].get(name)) for arm in ARMS for part in ("agreement", "over_random", "gain")]
        rows.append((name, *cells))
    return common.table(rows)


if __name__ == "__main__":
    run(main)
