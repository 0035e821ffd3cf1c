"""What a forecast of an unscreened drug rests on: its three parts by themselves, and what each of them weighs.

TLJAX_DATA=FOLDER python -m benchmarks.new_drug

The 31 drugs of NCI-60, protocol honest, each in its turn taken for a drug of which no response is known
(many_targets --known_drugs --apart=drugs). Prints the mean over drugs of the mean Spearman per fold, and mean weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.domain import RESISTANT, Domain
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.evaluation.predictors.drug_profile import DrugProfile, fit_drug_profile
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.study.core.problem import Partition
from tl_jax.study.many_targets.known_drugs import among, enough, others_of
from tl_jax.study.many_targets.new_drug import Screen, said, weighed

PARTS = ("all other drugs", "those that act alike", "source drugs that act alike")


def forecasts(whole: Domain, drug: str, profile: DrugProfile, repeats: int) -> Iterator[tuple]:
    """(drug, part, Spearman, weight) of each fold; a part that says nothing of a drug is left out."""
    domain = whole.for_drug(drug)
    names, values = others_of(whole, domain)
    resistant = domain.direction == RESISTANT
    for fold in Partition(3, repeats).draw(domain.response, domain.groups):
        train, test = fold.train, fold.test
        z = fit_scaler(domain.x[train], "shrunken", profile.variance).apply(domain.x)
        kept = enough(values, train)
        screen = Screen(tuple(np.asarray(names)[kept].tolist()), among(values[:, kept], train), values[:, kept])
        weights, _ = weighed(screen, z, train, profile, resistant)
        own, truth = said(drug, screen, z, profile, resistant)[test], domain.response[test]
        yield drug, "together", spearman(truth, own @ weights), np.nan
        for name, part, weight in zip(PARTS, own.T, weights, strict=True):
            if np.ptp(part) > 0:
                yield drug, name, spearman(truth, part), weight


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args()
    cohort = load_cohort("nci60", targets=Targets("nci60_almanac_31drugs.csv"))
    source, whole = cohort.stage("source"), cohort.stage("target")
    with threadpool_limits(1):
        profile = fit_drug_profile(source.x, source.y, source.drugs, source.tissue)
        rows = [row for drug in whole.drugs for row in forecasts(whole, drug, profile, given.repeats)]
    table = pd.DataFrame(rows, columns=["drug", "part", "spearman", "weight"])
    each = table.groupby(["part", "drug"])[["spearman", "weight"]].mean()
    # Beside each part the whole on the same drugs.
    together = each.spearman["together"]
    for part, block in each.groupby("part"):
        beside = together[block.index.get_level_values("drug")].mean()
        print(
            f"{part:28} {len(block)} drugs: {block.spearman.mean():.3f}, together {beside:.3f}, "
            f"weight {block.weight.mean():.2f}"
        )


if __name__ == "__main__":
    main()
