"""What preprocessing inside folds does for a target of counts from two runs: ridge on simulated cohorts.

python -m benchmarks.preprocessing --out=FOLDER
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from absl import flags

from experiments._command import run
from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.domain import Domain
from tl_jax.data.preprocessing.preprocess import Preprocess
from tl_jax.data.splits import partitions
from tl_jax.evaluation.predictors.baselines import BASELINES
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.report.tables import write_csv
from tl_jax.study.core.folds import scale_folds
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.system.progress import Progress

FLAGS = flags.FLAGS
GENES, FOLDS, REPEATS = 500, 3, 2
CHAINS = {
    "cpm_log": Preprocess(("cpm_log",)),
    "tmm_cpm_log": Preprocess(("tmm_cpm_log",)),
    "tmm_cpm_log, quantile": Preprocess(("tmm_cpm_log", "quantile")),
    "rank_normal": Preprocess(("rank_normal",)),
    "tmm_cpm_log, combat": Preprocess(("tmm_cpm_log", "combat"), combat_reference="run1"),
}


def sequenced(seed: int, n: int, effect: float, confounded: bool) -> Domain:
    """A target as counts of two runs, the second with levels of its own (sd `effect` in log2, per gene).

    confounded: run and response go together (80 % of the upper half in run 2, 20 % of the lower).
    """
    rng = np.random.default_rng([seed, n])
    chain, _ = simulate(seed=seed, genes=GENES, n_source=2, n_intermediate=2, n_target=n, target_counts=False)
    target = chain.stage("target")
    upper = target.response > np.median(target.response)
    second = rng.random(n) < (np.where(upper, 0.8, 0.2) if confounded else 0.5)
    level = target.x + np.outer(second, rng.normal(0, effect, GENES)) + rng.normal(0, 0.5, (n, 1))
    counts = rng.poisson(2.0**level)
    return replace(target, x=counts.astype(np.float32), batch=np.where(second, "run2", "run1"))


def measured(seeds: int) -> Iterator[tuple]:
    """(n, batch effect, confounded, seed, chain, mean Spearman per fold of ridge)."""
    for n, effect, confounded in SETTINGS:
        for seed in range(seeds):
            domain = sequenced(seed, n, effect, confounded)
            folds = partitions(domain.response, domain.groups, folds=FOLDS, repeats=REPEATS, seed=seed)
            for name, what in CHAINS.items():
                own = replace(domain, preprocess=what)
                scores = [ridge(own, f) for f in scale_folds(own, folds, PROTOCOLS["honest"])]
                yield n, effect, confounded, seed, name, float(np.mean(scores))


SETTINGS = [(n, effect, confounded) for n in (24, 60) for effect in (0.0, 1.0) for confounded in (False, True)]


def ridge(domain: Domain, f) -> float:
    """Spearman on a fold's held-out rows; 0 where it is not defined."""
    train, test = f.fold.train, f.fold.test
    rows = f.scaled_train(domain), domain.response[train], f.scaled_test(domain)
    rho = spearman(domain.response[test], BASELINES["ridge"](*rows, groups=domain.groups[train], marker=None, seed=0))
    return rho if np.isfinite(rho) else 0.0


def main() -> None:
    total = len(SETTINGS) * FLAGS.seeds * len(CHAINS)
    rows = []
    with Progress(total, "preprocessing", "ridges") as progress:
        for row in measured(FLAGS.seeds):
            rows.append(row)
            progress.advance(1)
    columns = ["n", "batch_effect", "confounded", "seed", "chain", "spearman"]
    table = pd.DataFrame(rows, columns=columns)
    keys = ["n", "batch_effect", "confounded", "chain"]
    summary = table.groupby(keys, sort=False)["spearman"].agg(["mean", "sem"]).reset_index()
    write_csv(Path(FLAGS.out) / "preprocessing.csv", summary)
    print(summary.pivot_table(index="chain", columns=keys[:3], values="mean", sort=False).round(2).to_string())
    print(f"largest standard error {summary['sem'].max():.3f}")


if __name__ == "__main__":
    flags.DEFINE_string("out", None, "folder for preprocessing.csv", required=True)
    flags.DEFINE_integer("seeds", 20, "simulated cohorts of each setting", 2)
    run(main)
