"""Coverage of the intervals by simulation: a few studies here, the recorded ones of docs/intervals.md marked slow.

python -m pytest -n 0 -s -m slow tests/evaluation/test_interval_coverage.py
"""

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.splits import partitions
from tl_jax.evaluation.statistics.conformal import cv_plus, cv_plus_over_repeats, held_out_intervals

GENES, NEW, LEVEL, PENALTY = 100, 20, 0.9, 30.0
NOISE = {
    "normal": lambda rng, size: rng.standard_normal(size),
    "heavy tails": lambda rng, size: rng.standard_t(3, size) / np.sqrt(3),
    "skewed": lambda rng, size: rng.exponential(size=size) - 1,
}


def ridge(gram, y, train, rows):
    """Predictions of `rows` by a ridge on `train`, from the Gram matrix of all."""
    mean = y[train].mean()
    dual = np.linalg.solve(gram[np.ix_(train, train)] + PENALTY * np.eye(len(train)), y[train] - mean)
    return mean + gram[np.ix_(rows, train)] @ dual


def study(rng, n, folds, repeats, noise):
    """{method: (covered, width)} of one simulated cohort; widths in standard deviations of the response."""
    x = rng.standard_normal((n + NEW, GENES))
    y = x[:, :5].sum(axis=1) / np.sqrt(5) + NOISE[noise](rng, n + NEW)
    gram, new = x @ x.T, np.arange(n, n + NEW)
    split = partitions(y[:n], np.arange(n), folds=folds, repeats=repeats, seed=int(rng.integers(2**31)))
    held_out, fold_of = np.empty((repeats, n)), np.empty((repeats, n), int)
    predictions, tables = np.empty((repeats, folds, NEW)), []
    for f in split:
        found = ridge(gram, y, f.train, np.concatenate([f.test, new]))
        held_out[f.repeat, f.test], fold_of[f.repeat, f.test] = found[: len(f.test)], f.fold
        predictions[f.repeat, f.fold] = found[len(f.test) :]
        columns = {"repeat": f.repeat, "fold": f.fold, "sample_id": f.test, "y_true": y[f.test]}
        tables.append(pd.DataFrame({**columns, "y_pred": found[: len(f.test)]}))
    rows = pd.concat(tables).assign(arm="ridge", source="", protocol="honest")
    every, once = held_out_intervals(rows, LEVEL), held_out_intervals(rows[rows["repeat"] == 0], LEVEL)
    once_rows = once["y_true"], (once["low"], once["high"])
    one = cv_plus(np.abs(y[:n] - held_out[0]), predictions[0][fold_of[0]], LEVEL)
    averaged = cv_plus_over_repeats(y[:n], held_out, fold_of, predictions, LEVEL)
    return {
        "CV+ of one repeat, new samples": judged(y[new], one),
        "CV+ over all repeats, new samples": judged(y[new], averaged),
        "held-out samples, all repeats": judged(every["y_true"], (every["low"], every["high"])),
        "held-out samples, one repeat": judged(*once_rows),
    }


def judged(y, bounds):
    low, high = (np.asarray(bound) for bound in bounds)
    return np.mean((low <= y) & (y <= high)), np.mean(high - low) / np.sqrt(2)


def simulated(n, folds, repeats, noise, studies, seed=0):
    """{method: (mean coverage, its standard error, mean width)}."""
    rng = np.random.default_rng(seed)
    found = [study(rng, n, folds, repeats, noise) for _ in range(studies)]
    return {
        method: (
            np.mean([one[method][0] for one in found]),
            np.std([one[method][0] for one in found]) / np.sqrt(studies),
            np.mean([one[method][1] for one in found]),
        )
        for method in found[0]
    }


def check(found, tolerance):
    for method, (coverage, error, _) in found.items():
        assert coverage > LEVEL - tolerance - 3 * error, (method, coverage)


@pytest.mark.full
def test_coverage_of_a_few_studies():
    found = simulated(22, 3, 4, "normal", 60)
    check(found, 0.02)
    assert np.isinf(found["held-out samples, one repeat"][2])  # folds of seven say nothing at this level
    assert found["CV+ over all repeats, new samples"][2] < 6


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize(("n", "folds"), [(22, 3), (58, 3), (83, 5)])
def test_recorded_coverage(n, folds, noise):
    found = simulated(n, folds, 10, noise, 500)
    for method, (coverage, error, width) in found.items():
        print(f"\n| {n} | {folds} | {noise} | {method} | {coverage:.3f} ± {error:.3f} | {width:.2f} |", end="")
    check(found, 0.02)
