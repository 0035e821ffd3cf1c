"""What every test says of one study: two-sided p-values by name, and the probabilities of the Bayesian test."""

from __future__ import annotations

import numpy as np
from scipy import stats

from benchmarks.calibration.studies import Study, correlation
from tl_jax.evaluation.statistics.comparisons import ROPE
from tl_jax.evaluation.statistics.detectable import detectable_difference
from tl_jax.evaluation.statistics.paired import corrected_t, correlated_bayes, naive_wilcoxon

RESAMPLES = 199
# name: words for tables. The first two are the package's own.
TESTS = {
    "corrected_t": "corrected resampled t-test over folds",
    "bayes": "Bayesian correlated t-test: P(better) or P(worse) above .95, ROPE .05",
    "wilcoxon_repeats": "Wilcoxon over the pooled Spearmans of repeats (the usual practice)",
    "t_repeats": "paired t-test over the pooled Spearmans of repeats",
    "t_folds": "paired t-test over folds",
    "wilcoxon_folds": "Wilcoxon over folds",
    "swap": "swap permutation over samples",
    "bootstrap": "percentile bootstrap over samples",
}


def verdict(study: Study) -> dict[str, float]:
    """p of the tests over folds and repeats; better, same, worse: the Bayesian probabilities; the mean difference,
    its corrected interval, and the difference that the test would find with a power of .8."""
    folds, repeats = study.per_fold(), study.pooled()
    test = corrected_t(folds, study.ratio)
    worse, same, better = correlated_bayes(folds, study.ratio, ROPE)
    return {
        "corrected_t": test.p,
        "bayes": 1 - max(better, worse),
        "wilcoxon_repeats": naive_wilcoxon(repeats),
        "t_repeats": float(stats.ttest_1samp(repeats, 0).pvalue),
        "t_folds": float(stats.ttest_1samp(folds, 0).pvalue),
        "wilcoxon_folds": naive_wilcoxon(folds),
        **{"better": better, "same": same, "worse": worse, "difference": float(folds.mean())},
        **{"low": test.low, "high": test.high, "detectable": detectable_difference(folds, study.ratio)},
    }


def resampled(study: Study, rng: np.random.Generator) -> dict[str, float]:
    """p of the two tests that take samples for the unit; statistic: mean difference of the pooled Spearman."""
    n, observed = len(study.y), study.pooled().mean()
    flip = rng.random((RESAMPLES, 1, n)) < 0.5
    swapped = difference(study.y, np.where(flip, study.b, study.a), np.where(flip, study.a, study.b))
    rows = rng.integers(0, n, (RESAMPLES, n))
    drawn = difference(study.y[rows][:, None], *(v[:, rows].swapaxes(0, 1) for v in (study.a, study.b)))
    below = (1 + np.sum(drawn <= 0)) / (1 + RESAMPLES)
    above = (1 + np.sum(drawn >= 0)) / (1 + RESAMPLES)
    # As good as the observed up to rounding counts: swapping all samples gives it back with the other sign.
    reached = np.sum(np.abs(swapped) >= abs(observed) - 1e-12)
    return {"swap": float((1 + reached) / (1 + RESAMPLES)), "bootstrap": float(min(1.0, 2 * min(below, above)))}


def difference(y: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(resamples,) mean over repeats of Spearman(y, a) - Spearman(y, b); a and b (resamples, repeats, n)."""
    return (correlation(y, a) - correlation(y, b)).mean(axis=-1)


def looks(study: Study, after: tuple[int, ...]) -> dict[str, list[float]]:
    """p-values that one sees who looks after so many repeats, again and again."""
    seen = [Study(study.y, study.a[:k], study.b[:k], study.fold[:k]) for k in after]
    return {
        "corrected_t": [corrected_t(s.per_fold(), s.ratio).p for s in seen],
        "wilcoxon_repeats": [naive_wilcoxon(s.pooled()) for s in seen],
    }
