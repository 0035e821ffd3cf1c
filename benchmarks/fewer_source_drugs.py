"""How many source drugs a profile needs: random drugs of the source, judged on the 31 drugs of NCI-60.

TLJAX_DATA=FOLDER python -m benchmarks.fewer_source_drugs

Protocol honest, one repeat of 3 folds. Every draw is a source fit of its own: line means and the profile's centre know
no other drug. Prints the mean Spearman per fold of profile_gp, mean and range over draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.domain import Domain
from tl_jax.evaluation.predictors.drug_profile import DrugProfile, fit_drug_profile
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.profile_arms import predicted
from tl_jax.study.core.protocol import PROTOCOLS

COUNTS = (10, 30, 100)


def mean_over(problems: Sequence[Problem], profile: DrugProfile) -> float:
    """Mean over targets of the mean Spearman per fold."""
    each = [
        np.mean([spearman(p.domain.response[f.fold.test], predicted(profile, (), p.domain, f)) for f in p.folds])
        for p in problems
    ]
    return float(np.mean(each))


def drawn(source: Domain, count: int, seed: int) -> DrugProfile:
    """The profile of `count` random drugs of the source, as if no other had been screened."""
    picked = np.sort(np.random.default_rng([count, seed]).permutation(len(source.drugs))[:count])
    names = [source.drugs[k] for k in picked]
    return fit_drug_profile(source.x, source.y[:, picked], names, source.tissue)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=4)
    given = parser.parse_args()
    cohort = load_cohort("nci60", targets=Targets("nci60_almanac_31drugs.csv"))
    source, whole = cohort.stage("source"), cohort.stage("target")
    problems = [Problem.drawn(whole.for_drug(drug), Partition(3), PROTOCOLS["honest"]) for drug in whole.drugs]
    with threadpool_limits(1):
        every = fit_drug_profile(source.x, source.y, source.drugs, source.tissue)
        print(f"all {len(every.drugs)}: {mean_over(problems, every):.3f}", flush=True)
        for count in COUNTS:
            found = [mean_over(problems, drawn(source, count, seed)) for seed in range(given.draws)]
            print(f"{count}: {np.mean(found):.3f} ({min(found):.3f} to {max(found):.3f})", flush=True)


if __name__ == "__main__":
    main()
