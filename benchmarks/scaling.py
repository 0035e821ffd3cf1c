"""What the scaling of genes is worth: standard, floored and shrunken under every closed form, paired by fold.

python -m benchmarks.scaling --repeats=2 --out=scaling.csv

Real targets: the 31 drugs of NCI-60 (TLJAX_DATA). Simulated ones: chains with known truth, one for each seed. Protocol
honest. Prints the mean over targets of the mean Spearman per fold, and the gain over `standard` with the share won.
"""

from __future__ import annotations

import argparse
import os
from functools import partial

import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.scaling.choice import SCALINGS, rescaled
from tl_jax.evaluation.predictors.baselines import BASELINES
from tl_jax.evaluation.predictors.drug_profile import fit_drug_profile
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.study.core.arms import fitted
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.profile_arms import predicted
from tl_jax.study.core.protocol import PROTOCOLS

FORMS = ("ridge", "elastic_net", "kernel_ridge", "svr", "random_forest", "repaired_ridge", "ranked_ridge")
SLOW = ("elastic_net", "random_forest")  # on the first repeat alone
COLUMNS = ["data", "target", "scaling", "arm", "repeat", "fold", "spearman"]


def rows(cohort, targets, repeats: int, of: str):
    """One row for each target, scaling, form and fold."""
    source = cohort.stage("source")
    profile = fit_drug_profile(source.x, source.y, source.drugs, source.tissue)
    arms = {name: partial(fitted, BASELINES[name], seed=400, marker=None) for name in FORMS}
    arms["profile_gp"] = partial(predicted, profile, ())  # scales in its own way: the same three times
    for kind in SCALINGS:
        whole = rescaled(cohort, kind).stage("target")
        for drug in targets:
            problem = Problem.drawn(whole.for_drug(drug), Partition(3, repeats), PROTOCOLS["honest"])
            for f in problem.folds:
                for name, predict in arms.items():
                    if name in SLOW and f.fold.repeat:
                        continue
                    value = spearman(problem.domain.response[f.fold.test], predict(problem.domain, f))
                    yield of, drug if of == "nci60" else cohort.name, kind, name, f.fold.repeat, f.fold.fold, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--out", default="scaling.csv")
    given, found = parser.parse_args(), []
    with threadpool_limits(1):
        for seed in range(given.seeds):
            cohort = simulate(f"seed{seed}", seed=seed, genes=1000, n_target=58, target_counts=bool(seed % 2))[0]
            found += rows(cohort, [cohort.drug], given.repeats, "simulated")
        if "TLJAX_DATA" in os.environ:
            cohort = load_cohort("nci60", targets=Targets("nci60_almanac_31drugs.csv"))
            found += rows(cohort, cohort.stage("target").drugs, given.repeats, "nci60")
    table = pd.DataFrame(found, columns=COLUMNS)
    table.to_csv(given.out, index=False)
    told(table)


def told(table: pd.DataFrame) -> None:
    """Print each arm's mean over targets and its gains over `standard`."""
    means = table.groupby(["data", "target", "arm", "scaling"]).spearman.mean().unstack()
    for data, own in means.groupby("data"):
        print(data, own.index.get_level_values("target").nunique(), "targets")
        for arm, block in own.groupby("arm"):
            words = [f"{kind} {block[kind].mean():.3f}" for kind in SCALINGS]
            for kind in SCALINGS[1:]:
                gain = block[kind] - block["standard"]
                words.append(f"{kind} {gain.mean():+.3f} +- {gain.sem():.3f}, won {(gain > 0).mean():.0%}")
            print(f"  {arm:16}", "; ".join(words))


if __name__ == "__main__":
    main()
