"""What the scaling of genes is worth to networks and to arms that start from one, paired by fold.

python -m benchmarks.scaling_networks --targets=10 --seeds=8 --out=scaling_networks.csv

As benchmarks.scaling, with the published recipe and widths. Transferred networks start from that of the cohort's own
source drug. Real targets: the first of NCI-60's 31 drugs by alphabet.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from tempfile import TemporaryDirectory

import pandas as pd

from benchmarks.scaling import COLUMNS, told
from tl_jax.data.chain import Cohort
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.simulate import DEFAULT_SOURCE, simulate
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.scaling.choice import SCALINGS
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings

STRATEGIES = "scratch,freeze_layer1"
SOURCE = "Temozolomide"  # of the real chain


def rows(cohort: Cohort, source_drug: str, given: argparse.Namespace, folder: str) -> pd.DataFrame:
    """One row for each scaling, strategy and fold of the cohort's drug."""
    found, wanted = [], tuple(given.strategies.split(","))
    for kind in SCALINGS:
        settings = Settings(
            strategies=wanted,
            source_drugs=(source_drug,),
            repeats=given.repeats,
            scaling=kind,
            source_test=(),
            checkpoint_dir=folder,
        )
        plan = prepare(EXPERIMENTS["exp6_source_to_target"], settings, cohort)
        table = run_plan(plan, finals=False).table("metrics")
        table = table[(table["metric"] == "spearman") & (table["fold"] != "pooled") & table["arm"].isin(wanted)]
        found.append(table.rename(columns={"value": "spearman"}).assign(scaling=kind))
    return pd.concat(found)


def chains(given: argparse.Namespace):
    """(kind of data, target, chain, source drug), each target by itself."""
    for seed in range(given.seeds):
        cohort = simulate(f"seed{seed}", seed=seed, genes=1000, n_target=58, target_counts=bool(seed % 2))[0]
        yield "simulated", cohort.name, cohort, DEFAULT_SOURCE
    if given.targets and "TLJAX_DATA" in os.environ:
        whole = load_cohort("nci60", targets=Targets("nci60_almanac_31drugs.csv"))
        target = whole.stage("target")
        for drug in sorted(target.drugs)[: given.targets]:
            yield "nci60", drug, replace(whole, domains=(*whole.domains[:-1], target.for_drug(drug)), drug=drug), SOURCE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--targets", type=int, default=10)
    parser.add_argument("--strategies", default=STRATEGIES)
    parser.add_argument("--out", default="scaling_networks.csv")
    given, found = parser.parse_args(), []
    with TemporaryDirectory() as folder:
        for of, target, cohort, source_drug in chains(given):
            found.append(rows(cohort, source_drug, given, folder).assign(data=of, target=target)[COLUMNS])
            pd.concat(found).to_csv(given.out, index=False)
    told(pd.concat(found))


if __name__ == "__main__":
    main()
