"""How often the source test is wrong and what it finds, on simulated cohorts of 22 and 58 samples.

python -m benchmarks.calibration.sources

The arm is the package's ridge shrunk towards a source ridge; the source's labels are permuted as a study permutes them.
Null studies: sources whose labels have nothing to do with the target's. Beside it the corrected t-test and the test of
influence of that arm against ridge on the target's genes alone. Writes calibration_sources.json.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from absl import flags
from threadpoolctl import threadpool_limits

from benchmarks.calibration.jobs import SIGNALS
from benchmarks.calibration.studies import (
    GENES,
    N_SOURCE,
    TEST_ROWS,
    chain,
    correlation,
    folds_of,
    partition_seed,
    rows_needed,
    training_rows,
)
from benchmarks.calibration.summary import rate
from experiments._command import run
from tl_jax.data.cohort.simulate import DEFAULT_SOURCE, DRUG
from tl_jax.data.splits import partitions
from tl_jax.evaluation.predictors.baselines import ridge
from tl_jax.evaluation.predictors.many_directions import many_coefficients, many_shrunken_ridge
from tl_jax.evaluation.statistics.added_value import added_value
from tl_jax.evaluation.statistics.influence import influence, influence_test
from tl_jax.evaluation.statistics.paired import corrected_t
from tl_jax.evaluation.statistics.source_test import needed, sequential
from tl_jax.study.core.permuted_stages import shuffled_labels
from tl_jax.system.files import check_writable, write_json
from tl_jax.system.progress import Progress, say
from tl_jax.system.runtime import versions

FLAGS = flags.FLAGS
SIZES, REPEATS, DRAWS = (22, 58), 10, 24
RELATED = (0.0, 0.3, 0.5, 0.7, 0.85, 1.0)  # of transfer studies
GAINS = (-1.0, 0.0, 0.02, 0.075, 0.125, 0.175, 0.25, 0.4)  # bins of true gains, those of the power table
SEEDS = 40_000  # seeds of this benchmark begin here, apart from those of the others


@dataclass(frozen=True)
class Plan:
    """nulls, transfers: studies of each size, shared out over signals (and relatedness)."""

    nulls: int = 120
    transfers: int = 120
    permutations: int = needed(1)


QUICK = Plan(3, 6, 19)


def jobs(plan: Plan) -> Iterator[tuple[str, int, str, float, int]]:
    """(kind, n, signal, relatedness, seed) of every study."""
    for place, (kind, n) in enumerate((kind, n) for n in SIZES for kind in ("null", "transfer")):
        for k in range(plan.nulls if kind == "null" else plan.transfers):
            related = 0.0 if kind == "null" else RELATED[k // len(SIGNALS) % len(RELATED)]
            yield kind, n, tuple(SIGNALS)[k % len(SIGNALS)], related, SEEDS + 2_000 * place + k


def study(kind: str, n: int, signal: str, related: float, seed: int, permutations: int) -> dict:
    """One study: what every test says, and the true gain over ridge on the target's genes."""
    size = n if kind == "null" else rows_needed(n, 1, DRAWS)
    cohort, _ = chain(size, SIGNALS[signal], seed, relatedness=related, n_source=N_SOURCE)
    source, target = cohort.domains[0].for_drug(DEFAULT_SOURCE), cohort.domains[-1].for_drug(DRUG)
    labels = [source.response, *shuffled_labels(source, seed, range(1, permutations + 1))]
    x = scaled(source.x.astype(np.float64), np.arange(len(source)))
    sources = many_coefficients(x, np.stack(labels, axis=1))
    found = tests(target.x[:n].astype(np.float64), target.response[:n], sources, seed)
    gain = np.nan if kind == "null" else true_gain(n, target, sources[:, :1])
    return {"kind": kind, "n": n, "signal": signal, "relatedness": related, "seed": seed, "gain": gain, **found}


def tests(x: np.ndarray, y: np.ndarray, sources: np.ndarray, seed: int) -> dict:
    """p of the source test, of its stand-in without folds, and of the arm against ridge (two-sided)."""
    folds = folds_of(len(y))
    scores, plain, number = [], [], np.zeros((REPEATS, len(y)), int)
    ours, theirs = np.zeros((REPEATS, len(y))), np.zeros((REPEATS, len(y)))
    for fold in partitions(y, np.arange(len(y)), folds=folds, repeats=REPEATS, seed=partition_seed(seed)):
        rows = scaled(x, fold.train)
        train, test, held = rows[fold.train], rows[fold.test], y[fold.test]
        made = many_shrunken_ridge(train, y[fold.train], test, train @ sources, test @ sources)
        scores.append(correlation(held, made.T))
        ours[fold.repeat, fold.test], number[fold.repeat, fold.test] = made[:, 0], fold.fold
        theirs[fold.repeat, fold.test] = ridge(train, y[fold.train], test)
        plain.append(float(correlation(held, theirs[fold.repeat, fold.test])))
    scores = np.asarray(scores)
    means = scores.mean(axis=0)
    whole = scaled(x, np.arange(len(y)))
    t = corrected_t(scores[:, 0] - plain, 1 / (folds - 1))
    return {
        "source_test": sequential(means[0], means[1:], None).p,
        "gls": added_value(y, whole @ sources[:, 0], whole)[1],
        "influence": influence_test(influence(y, ours, number), influence(y, theirs, number)).p,
        "corrected_t": t.p,
        "observed_gain": float(means[0] - np.mean(plain)),
    }


def true_gain(n: int, target, source: np.ndarray) -> float:
    """The mean gain in held-out groups of a fold's size, over training sets of the population."""
    later = target.rows(np.arange(n, len(target)))
    x, y, size, held = later.x.astype(np.float64), later.response, training_rows(n), round(n / folds_of(n))
    test = np.arange(len(y) - TEST_ROWS, len(y))[: TEST_ROWS // held * held]
    gains = []
    for k in range(DRAWS):
        train = np.arange(k * size, (k + 1) * size)
        rows = scaled(x, train)
        told = rows[train] @ source, rows[test] @ source
        one = many_shrunken_ridge(rows[train], y[train], rows[test], *told)[:, 0]
        other = ridge(rows[train], y[train], rows[test])
        truth = y[test].reshape(-1, held)
        gains.append(np.mean(correlation(truth, one.reshape(-1, held)) - correlation(truth, other.reshape(-1, held))))
    return float(np.mean(gains))


def scaled(x: np.ndarray, train: np.ndarray) -> np.ndarray:
    return (x - x[train].mean(axis=0)) / (x[train].std(axis=0) + 1e-9)


def summarise(table: pd.DataFrame) -> dict:
    """Shares of studies with p at most .05, with 95 % binomial intervals."""
    tests = ("source_test", "gls", "influence", "corrected_t")
    null, moved = table[table.kind == "null"], table[table.kind == "transfer"]
    rates = []
    for n, part in null.groupby("n"):
        for signal, own in [*part.groupby("signal", sort=False), ("all", part)]:
            rates += [{"n": n, "signal": signal, "test": test, **rate(own[test] <= 0.05)} for test in tests]
    power = []
    bins = pd.cut(moved["gain"], GAINS, right=True)
    for (n, where), own in moved.groupby(["n", bins], observed=True):
        both = (own["source_test"] <= 0.05) & (own["influence"] / 2 <= 0.05) & (own["observed_gain"] > 0)
        found = {test: own[test] <= 0.05 for test in tests} | {"source_test_and_one_sided_influence": both}
        ends = {"low": float(where.left), "high": float(where.right)}
        power += [
            {"n": n, "gain_above": ends["low"], "gain_to": ends["high"], "test": test, **rate(hits)}
            for test, hits in found.items()
        ]
    return {"null": rates, "power": power}


flags.DEFINE_string("out", None, "folder for the results; default: docs, or results/calibration with --quick")
flags.DEFINE_bool("quick", False, "a handful of studies: a test of the script, no measurement")


def main() -> None:
    folder = Path(FLAGS.out or ("results/calibration" if FLAGS.quick else "docs"))
    check_writable(folder, "--out")
    plan, started, rows = QUICK if FLAGS.quick else Plan(), time.process_time(), []
    todo = list(jobs(plan))
    with threadpool_limits(1), Progress(len(todo), "calibration", "studies") as progress:
        for one in todo:
            rows.append(study(*one, plan.permutations))
            progress.advance(1)
    settings = {"nulls": plan.nulls, "transfers": plan.transfers, "permutations": plan.permutations}
    settings |= {"repeats": REPEATS, "genes": GENES, "source_samples": N_SOURCE, "draws": DRAWS, "versions": versions()}
    report = {"quick": FLAGS.quick, "settings": settings, **summarise(pd.DataFrame(rows))}
    report["processor_seconds"] = round(time.process_time() - started)
    say(f"results: {write_json(folder / 'calibration_sources.json', report)}")


if __name__ == "__main__":
    run(main)
