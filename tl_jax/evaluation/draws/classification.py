"""Metrics of a classifier of two classes: from labels, from scores, and of many resamples at once.

Truth is (n,) 0 or 1, a probability (n,) in 0 to 1; a row is called 1 where its probability is above the threshold, so
that exactly .5 is 0, as the published code's rounding has it. Undefined values:

- MCC is 0 where the truth or the calls hold one class only, as published (Chicco and Jurman 2020 give the same limit).
- F1 is 0 without a true or called 1; balanced accuracy is the recall of the classes that the truth holds.
- AUROC is NaN where the truth holds one class; average precision is 0 without a 1.
- Everything is NaN where a probability is not finite (a network that diverged).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from tl_jax.evaluation.statistics.registry import metric

BINS = 10
PROBABILITY_FLOOR = 1e-15  # log loss of a certain mistake stays finite


class Counts(NamedTuple):
    """True and false positives and negatives: numbers or arrays of one shape; weighted counts are fine."""

    tp: np.ndarray
    fp: np.ndarray
    tn: np.ndarray
    fn: np.ndarray


def mcc(c: Counts) -> np.ndarray:
    """Matthews correlation coefficient (Matthews 1975); 0 where a margin is empty."""
    tp, fp, tn, fn = (np.asarray(part, np.float64) for part in c)
    # Two roots instead of one: the product of four margins of millions of rows would lose digits.
    spread = np.sqrt((tp + fp) * (tn + fn)) * np.sqrt((tp + fn) * (tn + fp))
    return _ratio(tp * tn - fp * fn, spread)


def f1(c: Counts) -> np.ndarray:
    """F1 of class 1."""
    tp, fp, _, fn = (np.asarray(part, np.float64) for part in c)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def balanced_accuracy(c: Counts) -> np.ndarray:
    """Mean recall over the classes in the truth."""
    tp, fp, tn, fn = (np.asarray(part, np.float64) for part in c)
    classes = (tp + fn > 0).astype(float) + (tn + fp > 0)
    return _ratio(_ratio(tp, tp + fn) + _ratio(tn, tn + fp), classes)


def accuracy(c: Counts) -> np.ndarray:
    """Share of right calls."""
    tp, fp, tn, fn = (np.asarray(part, np.float64) for part in c)
    return _ratio(tp + tn, tp + fp + tn + fn)


LABEL_METRICS: dict[str, Callable[[Counts], np.ndarray]] = {
    "mcc": mcc,
    "f1": f1,
    "balanced_accuracy": balanced_accuracy,
    "accuracy": accuracy,
}
METRICS = ("mcc", "auroc", "auprc", "f1", "balanced_accuracy", "accuracy", "brier", "log_loss", "ece")
LOWER_IS_BETTER = ("brier", "log_loss", "ece")


def score_classifier(
    y_true, probability, threshold: float = 0.5, *, auroc_from_labels: bool = False
) -> dict[str, float]:
    """Every metric of METRICS by name, for (n,) truth and probabilities.

    auroc_from_labels: the AUROC of the calls instead of the probabilities, which is the balanced accuracy; the
    released TL4DTI code reports it under the name of AUROC. Only to repeat its numbers.
    Brier score, log loss (natural logarithm) and ECE judge the probabilities as such: they say nothing of a score
    that only ranks. ValueError for a truth other than 0 and 1 or a probability outside 0 to 1.
    """
    truth, p = checked(y_true, probability)
    if not np.isfinite(p).all():
        return dict.fromkeys(METRICS, float("nan"))
    calls = p > threshold
    found = {name: float(metric(count(truth, calls))) for name, metric in LABEL_METRICS.items()}
    found["auroc"] = auroc(truth, calls.astype(float) if auroc_from_labels else p)
    found["auprc"] = float(average_precision_score(truth, p)) if truth.any() else 0.0
    found["brier"] = float(brier_score_loss(truth, p, pos_label=1))
    clipped = np.clip(p, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    found["log_loss"] = float(log_loss(truth, clipped, labels=[0, 1]))
    found["ece"] = calibration_error(truth, p)
    return {name: found[name] for name in METRICS}


def auroc(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve, ties counting half; NaN where the truth holds one class."""
    return float(roc_auc_score(truth, score)) if 0 < truth.sum() < len(truth) else float("nan")


def average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under precision over recall, as a sum over thresholds; NaN where the truth holds one class."""
    return float(average_precision_score(truth, score)) if 0 < truth.sum() < len(truth) else float("nan")


def checked(y_true, probability) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64; ValueError where they are not what the module's head says."""
    truth, p = np.asarray(y_true, np.float64), np.asarray(probability, np.float64)
    if truth.ndim != 1 or truth.shape != p.shape or truth.size == 0:
        raise ValueError(f"shapes {truth.shape} and {p.shape}: expected two equal (n >= 1,)")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("the truth of a classifier is 0 or 1")
    if (p < 0).any() or (p > 1).any():
        raise ValueError("a probability lies outside 0 to 1; pass sigmoid(logit), not the logit")
    return truth, p


def count(truth: np.ndarray, calls: np.ndarray, weights: np.ndarray | None = None) -> Counts:
    """The four counts of truth (n,) against calls (n,) or (draws, n).

    weights (resamples, n): how often each row was drawn; the counts are then (resamples, draws), one product of
    matrices for all of them.
    """
    yes, one = np.asarray(calls, np.float64), np.asarray(truth, np.float64)
    if weights is None:
        return Counts(*((part).sum(axis=-1) for part in _cells(one, yes)))
    return Counts(*(weights @ np.atleast_2d(part).T for part in _cells(one, yes)))


def resampled(metric: str, truth: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(resamples, draws) values of one metric.

    truth (n,), probability (draws, n), weights (resamples, n): how often each row was drawn. metric: one of
    LABEL_METRICS, auroc, or brier.
    """
    if metric in LABEL_METRICS:
        return LABEL_METRICS[metric](count(truth, probability > 0.5, weights))
    if metric == "auroc":
        return np.column_stack([_auroc_rows(truth, row, weights) for row in probability])
    if metric == "brier":
        return weights @ ((probability - truth) ** 2).T / weights.sum(axis=1, keepdims=True)
    raise ValueError(f"'{metric}' cannot be resampled; use one of {', '.join((*LABEL_METRICS, 'auroc', 'brier'))}")


def auroc_left_out(truth: np.ndarray, score: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(clusters,) AUROC without each cluster's rows; NaN where one class is left.

    truth (n,) 0 or 1, score (n,), codes (n,) from 0. What a row adds to the sum over pairs is counted once, so that
    this costs one sort instead of one for each cluster (`resampled` with weights gives the same).
    """
    one = truth > 0.5
    wins = np.where(one, _pairs(score, score[~one]), one.sum() - _pairs(score, score[one]))
    groups = codes.max() + 1
    ones, zeros = (np.bincount(codes[part], minlength=groups) for part in (one, ~one))
    within = np.zeros(groups)  # pairs of a cluster with itself are taken out for both of their rows
    for k in np.flatnonzero((ones > 0) & (zeros > 0)):
        own = codes == k
        within[k] = _pairs(score[own & one], score[own & ~one]).sum()
    total = wins[one].sum() - np.bincount(codes, wins, groups) + within
    pairs = (one.sum() - ones) * ((~one).sum() - zeros)
    return np.divide(total, pairs, out=np.full(groups, np.nan), where=pairs > 0)


def _pairs(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How many of the others lie below each score, ties counting half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")) / 2


def calibration_table(y_true, probability, bins: int = BINS) -> pd.DataFrame:
    """One row per equal-width bin: low, high, predicted (mean), observed (share of 1), count; NaN in an empty bin.

    A bin holds its upper edge, the first its lower one too.
    """
    size, predicted, observed = _binned(*checked(y_true, probability), bins)
    edges = np.linspace(0, 1, bins + 1)
    return pd.DataFrame(
        {"low": edges[:-1], "high": edges[1:], "predicted": predicted, "observed": observed, "count": size}
    )


def calibration_error(y_true, probability, bins: int = BINS) -> float:
    """Expected calibration error (Naeini et al. 2015): |predicted - observed| over equal-width bins, by their count.

    It is above 0 for a perfectly calibrated model of few rows, and depends on the number of bins.
    """
    size, predicted, observed = _binned(*checked(y_true, probability), bins)
    full = size > 0
    return float((np.abs(predicted - observed)[full] * size[full]).sum() / size.sum())


def _binned(truth: np.ndarray, p: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean probability and share of 1 of each bin."""
    place = np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), p, "left") - 1, 0, bins - 1)
    size = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (p, truth)]
    return size, *(np.divide(s, size, out=np.full(bins, np.nan), where=size > 0) for s in sums)


def _auroc_rows(truth: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(resamples,) weighted AUROC of one score; NaN where a resample holds one class."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    ones, zeros = (
        np.add.reduceat(weights[:, order] * part[order], starts, axis=1) for part in (truth, 1 - truth)
    )  # of each group of tied scores
    below = np.cumsum(zeros, axis=1) - zeros / 2
    pairs = ones.sum(axis=1) * zeros.sum(axis=1)
    return np.divide((ones * below).sum(axis=1), pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def _cells(one: np.ndarray, yes: np.ndarray):
    """Indicators of true and false positives, true and false negatives."""
    return one * yes, (1 - one) * yes, (1 - one) * (1 - yes), one * (1 - yes)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, and 0 where below is 0."""
    below = np.asarray(below, np.float64)
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0)


@metric("mcc", classes=True, label="MCC", range=(-1, 1), chance=0.0)
def mcc_of(truth: np.ndarray, p: np.ndarray) -> float:
    """MCC of probabilities against labels, (n,) each."""
    return score_classifier(truth, p)["mcc"]


@metric("auroc", classes=True, label="AUROC", range=(0, 1), chance=0.5)
def auroc_of(truth: np.ndarray, p: np.ndarray) -> float:
    """AUROC of probabilities against labels, (n,) each."""
    return score_classifier(truth, p)["auroc"]
