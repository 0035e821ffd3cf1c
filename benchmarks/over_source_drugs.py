"""What is learnt over source drugs as tasks, judged on the 31 drugs of NCI-60: stacking weights and a learnt kernel.

TLJAX_DATA=FOLDER python -m benchmarks.over_source_drugs --out=FOLDER

Protocol honest. Nothing of a target comes into what is learnt, and of its held-out rows nothing into a prediction.
Prints weights, the mean Spearman per fold, gains over profile_gp with intervals over targets and over samples, seconds.
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

from benchmarks.meta_kernel import LOSSES, PARTS, Meta, learn, predicted
from benchmarks.source_tasks import ARMS, Task, rows_of, source_tasks, stacking_weights, task, told_by_arms
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.domain import Domain
from tl_jax.data.splits import Fold
from tl_jax.evaluation.predictors.drug_profile import DrugProfile, fit_drug_profile
from tl_jax.evaluation.statistics.blocks import gains
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.evaluation.statistics.over_targets import of_target, over_shared_samples
from tl_jax.study.core.problem import Partition

REFERENCE = "profile_gp"
SIZES = {0: (34, 16), 12: (10, 16)}  # {training rows kept of a target's fold, 0: all: (training, held-out) of a task}
KEYS = ["size", "target", "arm", "repeat", "fold", "sample_id", "y_true", "y_pred"]


class Learnt:
    """What is learnt over the tasks of one size: `stack` (arms,), `metas` {loss: Meta}."""

    def __init__(self, tasks: list[Task]):
        told = [told_by_arms(one) for one in tasks]
        self.stack = stacking_weights(told, [one.truth for one in tasks])
        self.metas = {loss: learn(tasks, loss) for loss in LOSSES}
        each = [[spearman(one.truth, p) for p in by.T] for one, by in zip(tasks, told, strict=True)]
        self.own = dict(zip(ARMS, np.mean(each, axis=0), strict=True))

    def arms(self, one: Task) -> dict[str, np.ndarray]:
        """{arm: (m,) scores of held-out rows} of a target's fold."""
        told = told_by_arms(one)
        found = dict(zip(ARMS, told.T, strict=True)) | {"stacked": told @ self.stack}
        for loss, (meta, _) in self.metas.items():
            found |= {f"kernel_by_{loss}": predicted(meta, one, True)}
            found |= {f"kernel_and_noise_by_{loss}": predicted(meta, one, False)}
        return found

    def words(self) -> Iterator[str]:
        yield "arms on tasks: " + ", ".join(f"{arm} {value:.3f}" for arm, value in self.own.items())
        yield "stacking weights: " + ", ".join(f"{arm} {w:.2f}" for arm, w in zip(ARMS, self.stack, strict=True))
        for loss, (meta, value) in self.metas.items():
            yield f"by {loss}, loss {value:.4f}: {parts(meta)}"


def parts(meta: Meta) -> str:
    words = [f"{name} {w:.2f}" for name, w in zip((*PARTS, "radial"), meta.weights, strict=True)]
    return ", ".join([*words, f"width {meta.width:.2f}", f"noise {meta.noise:.2f}"])


def on_target(domain: Domain, profile: DrugProfile, learnt: Learnt, size: int, repeats: int) -> Iterator[tuple]:
    """Every held-out row as `held_out` has it. size: of the training rows; 0: all."""
    for fold in Partition(3, repeats).draw(domain.response, domain.groups):
        rng = np.random.default_rng([400, size, fold.repeat, fold.fold])
        train = np.sort(rng.permutation(fold.train)[:size]) if size else fold.train
        fold = replace(fold, train=train)
        one = task(rows_of(domain.x, train, profile), train, fold.test, domain.response, domain.groups)
        yield from held_out(domain, fold, learnt.arms(one))


def held_out(domain: Domain, fold: Fold, arms: dict[str, np.ndarray]) -> Iterator[tuple]:
    """(arm, repeat, fold, sample, response, score) of the fold's held-out rows. arms: {arm: (m,) their scores}."""
    for arm, scores in arms.items():
        for row, score in zip(fold.test, scores, strict=True):
            sample, response = str(domain.samples[row]), float(domain.response[row])
            yield arm, fold.repeat, fold.fold, sample, response, float(score)


def judged(held: pd.DataFrame, groups: dict[str, str]) -> str:
    """Gains over REFERENCE, over targets and over samples."""
    by = held.groupby(["target", "arm", "repeat", "fold"])[["y_true", "y_pred"]]
    folds = by.apply(lambda rows: spearman(rows.y_true, rows.y_pred))
    blocks = folds.groupby(["target", "arm"]).mean().unstack()
    found = gains(blocks, REFERENCE).set_index("method")
    pooled = [of_target(rows.drop(columns=["size", "target"]), groups) for _, rows in held.groupby("target")]
    samples = over_shared_samples(pooled, REFERENCE).set_index("arm")
    lines = [f"{REFERENCE} {blocks[REFERENCE].mean():.3f}"]
    for arm, g in found.iterrows():
        s = samples.loc[arm]
        lines.append(
            f"{arm:32} {blocks[arm].mean():.3f} {g.gain:+.3f} [{g.ci_low:+.3f}, {g.ci_high:+.3f}] won {g.won:.0%}"
            f" over samples [{s.ci_low:+.3f}, {s.ci_high:+.3f}] p {s.p:.3f}, all arms {s.p_family:.3f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out", default="over_source_drugs")
    given, begun = parser.parse_args(), time.process_time()
    cohort = load_cohort("nci60", targets=Targets("nci60_almanac_31drugs.csv"))
    source, target = cohort.stage("source"), cohort.stage("target")
    groups = dict(zip(map(str, target.samples), map(str, target.groups), strict=True))
    found = []

    def said(words: str) -> None:
        print(f"[{time.process_time() - begun:.0f} s] {words}", flush=True)

    with threadpool_limits(1):
        profile = fit_drug_profile(source.x, source.y, source.drugs, source.tissue)
        for size, (train, test) in SIZES.items():
            drawn = source_tasks(source, blocks=given.blocks, lines=len(target), train=train, test=test)
            tasks = [one for _, one in drawn]
            said(f"{len(tasks)} tasks of {train} training rows")
            learnt = Learnt(tasks)
            for words in learnt.words():
                said(words)
            rows = [
                (size, drug, *row)
                for drug in target.drugs
                for row in on_target(target.for_drug(drug), profile, learnt, size, given.repeats)
            ]
            found.append(pd.DataFrame(rows, columns=KEYS))
            said(f"targets at {size or 'all'} training rows\n{judged(found[-1], groups)}")
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    pd.concat(found).to_csv(folder / "held_out.csv", index=False)


if __name__ == "__main__":
    main()
