"""Do the columns of a second screen help where drugs that act alike lead one to expect a response?

TLJAX_DATA=FOLDER python -m benchmarks.mechanism_screens --out=FOLDER

GDSC1 on the lines of the source, fitted by itself: its drugs join those of GDSC2 in the expectation of
profile_gp_mechanism, and nowhere else. Protocol honest, the 31 drugs of NCI-60. Prints gains over profile_gp and over
profile_gp_mechanism, over targets and over samples.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.deep_kernel import with_share
from benchmarks.over_source_drugs import KEYS, held_out, judged
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.domain import RESISTANT, Domain
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.evaluation.predictors.drug_profile import DrugProfile, fit_drug_profile
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.profile_gp import TRUST
from tl_jax.evaluation.predictors.ranked import rankit
from tl_jax.study.core.problem import Partition

OTHER_SCREEN = "GDSC1"
HALVES = (1 / 2, 1 / 2)
ONE, BOTH = "profile_gp_mechanism", "with both screens"


def second_profile(source: Domain, table: pd.DataFrame) -> DrugProfile:
    """The profile of another screen on the lines of the source. table: long, columns cell_id, drug, dataset, AUC."""
    own = table[table["dataset"] == OTHER_SCREEN]
    wide = own.pivot_table(index="cell_id", columns="drug", values="AUC").reindex(map(str, source.samples))
    return fit_drug_profile(source.x, wide.to_numpy(), tuple(wide.columns), source.tissue)


def expected(z: np.ndarray, profiles: Sequence[DrugProfile], drug: str, resistant: bool) -> np.ndarray:
    """(n,) mean score of the drugs of all profiles that act as `drug` does, each times its reliability; else 0."""
    listed = [profile.some(acts_alike(drug, profile.drugs).drugs) for profile in profiles]
    scores = np.hstack([one.scores(z) * one.reliability for one in listed])
    sign = 1 if resistant else -1
    return sign * TRUST * scores.mean(axis=1) if scores.shape[1] else np.zeros(len(z))


def on_target(domain: Domain, profile: DrugProfile, second: DrugProfile, repeats: int) -> Iterator[tuple]:
    """(arm, repeat, fold, sample, response, score) of every held-out row."""
    resistant = domain.direction == RESISTANT
    for fold in Partition(3, repeats).draw(domain.response, domain.groups):
        train, test, y = fold.train, fold.test, rankit(domain.response[fold.train])
        z = fit_scaler(domain.x[train], "shrunken", profile.variance).apply(domain.x).astype(np.float64)
        views = [z, profile.scores(z)]
        found = {"profile_gp": with_share(views, HALVES, train, test, y)}
        for arm, profiles in ((ONE, [profile]), (BOTH, [profile, second])):
            o = expected(z, profiles, domain.drugs[0], resistant)
            found[arm] = with_share(views, HALVES, train, test, y - o[train]) + o[test]
        yield from held_out(domain, fold, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", default="mechanism_screens")
    given, begun = parser.parse_args(), time.process_time()
    cohort = load_cohort("nci60", targets=Targets("nci60_almanac_31drugs.csv"))
    source, target = cohort.stage("source"), cohort.stage("target")
    table = pd.read_parquet(Path(os.environ["TLJAX_DATA"]) / "gdsc_response.parquet")
    with threadpool_limits(1):
        profile = fit_drug_profile(source.x, source.y, source.drugs, source.tissue)
        second = second_profile(source, table)
        print(
            f"{OTHER_SCREEN}: {len(second.drugs)} drugs, mean reliability {second.reliability.mean():.3f}", flush=True
        )
        more = [d for d in target.drugs if acts_alike(d, second.drugs).drugs]
        rows = [
            (0, d, *row) for d in target.drugs for row in on_target(target.for_drug(d), profile, second, given.repeats)
        ]
    print(f"{len(more)} of {len(target.drugs)} targets have drugs there that act alike")
    held = pd.DataFrame(rows, columns=KEYS)
    groups = dict(zip(map(str, target.samples), map(str, target.groups), strict=True))
    print(judged(held, groups))
    print(judged(held[held["arm"] != "profile_gp"].replace({"arm": {ONE: "profile_gp"}}), groups))
    print(f"{time.process_time() - begun:.0f} s of processor time")
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    held.to_csv(folder / "held_out.csv", index=False)


if __name__ == "__main__":
    main()
