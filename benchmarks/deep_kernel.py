"""A deep kernel on the 31 drugs of NCI-60: the last hidden layer of a network for all source drugs in the process.

TLJAX_DATA=FOLDER python -m benchmarks.deep_kernel --seeds=1,2 --out=FOLDER

Protocol honest. The network is that of many_targets, trained on the source alone; its last layer's linear kernel takes
a share of the process beside genes and profile. Prints gains over profile_gp, over targets and over samples, seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.over_source_drugs import KEYS, held_out, judged
from benchmarks.source_tasks import told
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.evaluation.predictors.drug_profile import DrugProfile, fit_drug_profile
from tl_jax.evaluation.predictors.gaussian import linear_kernels
from tl_jax.evaluation.predictors.ranked import rankit
from tl_jax.keys import Repeats, run_key
from tl_jax.study.core.problem import Partition
from tl_jax.study.many_targets.settings import ManySettings
from tl_jax.training.multitask import MultiTask, look, measured_drugs, train_multitask

# Shares of genes, profile and last layer.
SHARES = {"thirds": (1 / 3, 1 / 3, 1 / 3), "quarters": (1 / 2, 1 / 4, 1 / 4), "instead": (1 / 2, 0, 1 / 2)}
SHARES |= {"layer alone": (0, 0, 1)}
OWN = (1 / 2, 1 / 2, 0)


def with_share(views: list[np.ndarray], shares: tuple, train: np.ndarray, test: np.ndarray, y: np.ndarray):
    """(m,) scores by the process whose kernel is the sum of the views' linear ones, each of mean diagonal 1."""
    within, across = 0.0, 0.0
    for view, share in zip(views, shares, strict=True):
        own, beside, _ = linear_kernels(view[train], view[test])
        size = np.mean(np.diag(own))
        within, across = within + share * own / size, across + share * beside / size
    return told((within, across), y)


def on_target(domain: Domain, profile: DrugProfile, networks: dict[int, MultiTask], repeats: int) -> Iterator[tuple]:
    """(arm, repeat, fold, sample, response, score) of every held-out row."""
    for fold in Partition(3, repeats).draw(domain.response, domain.groups):
        train, test, y = fold.train, fold.test, rankit(domain.response[fold.train])
        z = fit_scaler(domain.x[train], "shrunken", profile.variance).apply(domain.x)
        floored = fit_scaler(domain.x[train], "floored").apply(domain.x).astype(np.float64)
        genes, scores = z.astype(np.float64), profile.scores(z)
        found = {"repaired_ridge": with_share([floored], (1,), train, test, y)}
        for seed, network in networks.items():
            layer = look(network, z).features.astype(np.float64)
            views = [genes, scores, layer]
            found["profile_gp"] = with_share(views, OWN, train, test, y)
            found |= {f"{name}, seed {seed}": with_share(views, own, train, test, y) for name, own in SHARES.items()}
        yield from held_out(domain, fold, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out", default="deep_kernel")
    given, begun = parser.parse_args(), time.process_time()
    cohort = load_cohort("nci60", targets=Targets("nci60_almanac_31drugs.csv"))
    source, target = cohort.stage("source"), cohort.stage("target")
    settings = ManySettings(cohort="nci60")
    scaled, networks = measured_drugs(replace(source, scaler="standard"), settings.min_lines), {}
    for seed in map(int, given.seeds.split(",")):
        key = run_key(seed, Repeats.FINAL)
        networks[seed] = train_multitask(key, scaled, settings.recipe, settings.hidden)
        print(f"[{time.process_time() - begun:.0f} s] network {seed}, loss {networks[seed].loss[-1]:.3f}", flush=True)
    with threadpool_limits(1):
        profile = fit_drug_profile(source.x, source.y, source.drugs, source.tissue)
        rows = [
            (0, drug, *row)
            for drug in target.drugs
            for row in on_target(target.for_drug(drug), profile, networks, given.repeats)
        ]
    held = pd.DataFrame(rows, columns=KEYS)
    print(judged(held, dict(zip(map(str, target.samples), map(str, target.groups), strict=True))))
    print(f"{time.process_time() - begun:.0f} s of processor time")
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    held.to_csv(folder / "held_out.csv", index=False)


if __name__ == "__main__":
    main()
