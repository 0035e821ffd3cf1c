"""What one score of rows of two classes is worth: as an order, as calls, as a probability.

Truth is (n,) 0 or 1. Where it holds one class only, what needs two is NaN, and `reason` says why.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, f1_score

from tl_jax.evaluation.draws.classification import (
    auroc,
    average_precision,
    balanced_accuracy,
    calibration_error,
    count,
    f1,
    mcc,
)

NOTHING = float("nan")


def reason(truth: np.ndarray) -> str:
    """Why some of the numbers are undefined; "" where none is."""
    if len(truth) == 0:
        return "no cell has a truth"
    if 0 < truth.sum() < len(truth):
        return ""
    return f"one class only: all {len(truth):,} are {'sensitive' if truth.all() else 'resistant'}"


def of_order(truth: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """AUROC, average precision beside prevalence, and the MCC of as many calls as there are sensitive rows."""
    share = float(truth.mean()) if len(truth) else NOTHING
    both = not reason(truth)
    return {
        "auroc": auroc(truth, score),
        "average_precision": average_precision(truth, score),
        "prevalence": share,
        "mcc_at_true_share": float(mcc(count(truth, score > np.quantile(score, 1 - share)))) if both else NOTHING,
    }


def of_calls(truth: np.ndarray, calls: np.ndarray) -> dict[str, float]:
    """MCC, balanced accuracy, F1, F1 weighted by class, recall of each class, AMI and ARI of 0 or 1 called (n,).

    Weighted F1 is what many papers give alone; it stays high where one class is never called.
    """
    counted, both = count(truth, calls), not reason(truth)
    sensitive, resistant = counted.tp + counted.fn, counted.tn + counted.fp
    functions = {
        "mcc": lambda: mcc(counted),
        "balanced_accuracy": lambda: balanced_accuracy(counted),
        "f1": lambda: f1(counted),
        "weighted_f1": lambda: f1_score(truth, calls, average="weighted", zero_division=0),
        "ami": lambda: adjusted_mutual_info_score(truth, calls),
        "ari": lambda: adjusted_rand_score(truth, calls),
    }
    return {name: float(function()) if both else NOTHING for name, function in functions.items()} | {
        "recall_sensitive": float(counted.tp / sensitive) if sensitive else NOTHING,
        "recall_resistant": float(counted.tn / resistant) if resistant else NOTHING,
        "called_sensitive": float(np.mean(calls)) if len(calls) else NOTHING,
    }


def of_probability(truth: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Brier score and expected calibration error (10 bins of equal width); both are of one class too."""
    if not len(truth):
        return {"brier": NOTHING, "ece": NOTHING}
    return {
        "brier": float(np.mean((probability - truth) ** 2)),
        "ece": calibration_error(truth, probability),
    }
