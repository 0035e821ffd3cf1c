"""The profile process on the 31 drugs of NCI-60: learning curves, and how often its intervals hold.

TLJAX_DATA=FOLDER python -m benchmarks.profile_gp --out=FOLDER

Protocol honest. Curves: training rows of each fold thinned to n; 52 rows are ten folds. Coverage: intervals of the
process's own variance, and CV+ over three inner folds of the training rows, at 80 and 90 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from absl import flags
from threadpoolctl import threadpool_limits

from experiments._command import run
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.domain import Domain
from tl_jax.data.splits import Fold
from tl_jax.evaluation.predictors.baselines import BASELINES
from tl_jax.evaluation.predictors.drug_profile import DrugProfile, fit_drug_profile
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.profile_gp import intervals
from tl_jax.evaluation.statistics.conformal import cv_plus
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.report.tables import write_csv
from tl_jax.study.core.arms import fitted
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.profile_arms import predicted
from tl_jax.study.core.protocol import PROTOCOLS

FLAGS = flags.FLAGS
SIZES, MOST, LEVELS = (8, 12, 20, 30, 38), 10, (0.8, 0.9)


def arms_of(domain: Domain, profile: DrugProfile) -> dict:
    """{arm: predict(domain, fold)}."""
    alike = acts_alike(domain.drugs[0], profile.drugs).drugs
    return {
        "ridge": partial(fitted, BASELINES["ridge"]),
        "repaired_ridge": partial(fitted, BASELINES["repaired_ridge"], scaler="floored"),
        "profile_gp": partial(predicted, profile, ()),
        "profile_gp_mechanism": partial(predicted, profile, alike),
    }


def curves(domain: Domain, arms: dict) -> Iterator[tuple]:
    """(drug, training rows, arm, Spearman) of each fold."""
    problem = Problem.drawn(domain, Partition(3), PROTOCOLS["honest"])
    wide = Problem.drawn(domain, Partition(MOST, kind="plain"), PROTOCOLS["honest"])
    for size in SIZES:
        for f in problem.folds:
            rng = np.random.default_rng([400, size, f.fold.fold])
            train = np.sort(rng.permutation(f.fold.train)[:size])
            (thin,) = problem.scaled([replace(f.fold, train=train)])
            for arm, predict in arms.items():
                yield domain.drugs[0], size, arm, spearman(domain.response[f.fold.test], predict(domain, thin))
    # Folds of six rows say little each: one number over all held-out rows, ranked within folds of one model.
    for arm, predict in arms.items():
        told = np.empty(len(domain))
        for f in wide.folds:
            told[f.fold.test] = predict(domain, f)
        yield domain.drugs[0], 52, arm, spearman(domain.response, told)


def covered(domain: Domain, arms: dict, profile: DrugProfile) -> Iterator[tuple]:
    """(drug, arm, kind, level, held-out row covered, width over the response's sd)."""
    problem = Problem.drawn(domain, Partition(3), PROTOCOLS["honest"])
    spread = domain.response.std()
    for f in problem.folds:
        truth = domain.response[f.fold.test]
        for arm in ("repaired_ridge", "profile_gp"):
            own = f.rescaled(domain, *(("floored",) if arm == "repaired_ridge" else ("shrunken", profile.variance)))
            rows = own.scaled_train(domain), f.y[f.fold.train], own.scaled_test(domain)
            inner = inside(problem, f)
            residuals, guesses = left_out(domain, f, inner, arms[arm])
            for level in LEVELS:
                pairs = {"process": intervals(*rows, level, None if arm == "repaired_ridge" else profile)}
                pairs["CV+"] = cv_plus(residuals, guesses, level)
                for kind, (low, high) in pairs.items():
                    for hit, width in zip((low <= truth) & (truth <= high), (high - low) / spread, strict=True):
                        yield domain.drugs[0], arm, kind, level, bool(hit), float(width)


def inside(problem: Problem, f: ScaledFold) -> list[Fold]:
    """Three folds of a fold's training rows."""
    train, domain = f.fold.train, problem.domain
    drawn = Partition(3).draw(domain.response[train], domain.groups[train])
    return [Fold(0, one.fold, train[one.train], train[one.test]) for one in drawn]


def left_out(domain: Domain, f: ScaledFold, inner: list[Fold], predict) -> tuple[np.ndarray, np.ndarray]:
    """((n,) absolute residuals of the training rows, (n, m) what the model without each says of the held-out rows)."""
    problem = Problem(domain, (), PROTOCOLS["honest"])
    residuals, guesses = [], []
    for one in inner:
        both = np.r_[one.test, f.fold.test]
        (scaled,) = problem.scaled([replace(one, test=both)])
        told = predict(domain, scaled)
        residuals.append(np.abs(domain.response[one.test] - told[: len(one.test)]))
        guesses.append(np.tile(told[len(one.test) :], (len(one.test), 1)))
    return np.concatenate(residuals), np.concatenate(guesses)


def work() -> None:
    cohort = load_cohort("nci60", targets=Targets("nci60_almanac_31drugs.csv"))
    source, whole, found, hits = cohort.stage("source"), cohort.stage("target"), [], []
    with threadpool_limits(1):
        profile = fit_drug_profile(source.x, source.y, source.drugs, source.tissue)
        for drug in whole.drugs:
            domain = whole.for_drug(drug)
            arms = arms_of(domain, profile)
            found += curves(domain, arms)
            hits += covered(domain, arms, profile)
    folder = Path(FLAGS.out)
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(found, columns=["drug", "n_train", "arm", "spearman"])
    cover = pd.DataFrame(hits, columns=["drug", "arm", "kind", "level", "covered", "width"])
    write_csv(folder / "curves.csv", table)
    write_csv(folder / "coverage.csv", cover)
    means = table.groupby(["n_train", "drug", "arm"]).spearman.mean().groupby(["n_train", "arm"]).mean().unstack()
    print(means.round(3).to_string())
    print(cover.groupby(["arm", "kind", "level"])[["covered", "width"]].mean().round(3).to_string())


if __name__ == "__main__":
    flags.DEFINE_string("out", "profile_gp", "folder of the tables")
    run(work)
