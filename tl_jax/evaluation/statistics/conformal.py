"""Prediction intervals from the models of a cross-validation: jackknife+ and CV+ (Barber et al. 2021).

Residuals and predictions in, bounds out; nothing is fitted here. A level of .9 aims at intervals that hold nine of ten
new responses. What is proven for any data is less: 1 - 2 (1 - level), for CV+ less another sqrt(2 / n); in practice
coverage lies near the level. It holds on average over samples, not for each kind of sample, and for new samples drawn
as the training samples were. docs/intervals.md says what holds where, and how it was checked.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.errors import InputError

LEAVE_TWO_OUT = "jackknife+ (leave two out)"
IDENTITY = ["arm", "source", "protocol"]
COLUMNS = [*IDENTITY, "sample_id", "y_true", "y_pred", "low", "high", "level", "method"]


def cv_plus(residuals, predictions, level: float) -> tuple[np.ndarray, np.ndarray]:
    """(low, high), each (m,), of m new samples; Barber et al. 2021, section 3.

    residuals: (n,) absolute, of each training sample under the model that did not see it.
    predictions: (n, m) of the new samples, row i by the model that did not see training sample i; of K fold models
    these are `of_models[fold_of]`. As many models as samples give jackknife+.
    Bounds are infinite where n is too small for the level. InputError for a level outside 0 to 1.
    """
    residuals, predictions = np.asarray(residuals, np.float64), np.asarray(predictions, np.float64)
    if residuals.ndim != 1 or predictions.ndim != 2 or len(predictions) != len(residuals):
        raise ValueError(f"residuals {residuals.shape} and predictions {predictions.shape}: (n,) and (n, m) are needed")
    rank = rank_of(level, len(residuals))
    if rank > len(residuals):
        return np.full(predictions.shape[1], -np.inf), np.full(predictions.shape[1], np.inf)
    low = -np.sort(residuals[:, None] - predictions, axis=0)[rank - 1]
    return low, np.sort(predictions + residuals[:, None], axis=0)[rank - 1]


def rank_of(level: float, n: int) -> int:
    """Which of n sorted values bounds a new one with probability `level`: the (n + 1) level-th, rounded up."""
    if not 0 < level < 1:
        raise InputError(f"level {level:g} of a prediction interval: it must lie between 0 and 1, such as 0.9")
    return int(np.ceil(level * (n + 1) - 1e-9))  # .9 * 10 is a little more than 9


def cv_plus_over_repeats(y, held_out, fold_of, predictions, level: float) -> tuple[np.ndarray, np.ndarray]:
    """(low, high), each (m,), around predictions that are averaged over the repeats of a cross-validation.

    y: (n,). held_out: (repeats, n) predictions of each sample by the model that did not see it. fold_of: (repeats, n)
    which model that was. predictions: (repeats, folds, m) of the new samples.
    Both sides are averaged over the models that did not see training sample i. Where all repeats have the same folds
    and differ in seeds only, that average is itself one learner, and the guarantee of CV+ stands. Where the folds
    differ no finite-sample guarantee is known to us; the coverage was simulated (docs/intervals.md).
    """
    held_out, fold_of, predictions = np.asarray(held_out), np.asarray(fold_of), np.asarray(predictions)
    residuals = np.abs(np.asarray(y, np.float64) - held_out.mean(axis=0))
    unseen = [one[folds] for one, folds in zip(predictions, fold_of, strict=True)]
    return cv_plus(residuals, np.mean(unseen, axis=0), level)


def held_out_intervals(predictions: pd.DataFrame, level: float = 0.9) -> pd.DataFrame:
    """An interval for every held-out sample, from nothing that has seen it. Columns: COLUMNS, in the response's unit.

    predictions: arm, source, protocol, repeat, fold, sample_id, y_true, y_pred; each sample once per repeat.

    For sample j and another sample i, the models of the folds that held out both are taken and averaged. They give j's
    prediction and i's residual, and neither involves j's response. Over all i these are exactly the leave-two-out
    values of the proof of jackknife+, which treats all samples alike: coverage is at least 1 - 2 (1 - level) where
    every pair was held out together at least once. A pair that never was is left out, which the proof does not cover.
    With one repeat, i runs over j's own fold, all by one model: that is split conformal, and coverage is at least
    `level`. Too few such samples for the level give infinite bounds. y_pred is the mean over repeats.
    """
    found = [
        one_arm(rows, level).assign(**dict(zip(IDENTITY, key, strict=True)))
        for key, rows in predictions.groupby(IDENTITY, sort=False, dropna=False)
    ]
    return pd.concat(found, ignore_index=True)[COLUMNS] if found else pd.DataFrame(columns=COLUMNS)


def one_arm(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """The intervals of one arm's held-out samples, in the order of their first appearance."""
    table = rows.pivot(index="sample_id", columns="repeat", values=["y_pred", "fold"]).loc[rows["sample_id"].unique()]
    y_pred, fold = (table[name].to_numpy(np.float64) for name in ("y_pred", "fold"))
    if not np.isfinite(y_pred).all():
        name = rows["arm"].iloc[0]
        raise InputError(f"arm {name} has no prediction of some held-out samples; no intervals can be made of it")
    y_true = rows.groupby("sample_id", sort=False)["y_true"].first().to_numpy(np.float64)
    low, high = np.empty(len(y_true)), np.empty(len(y_true))
    for j in range(len(y_true)):
        together = fold == fold[j]  # (n, repeats): held out by the same model
        count = together.sum(axis=1)
        others = np.flatnonzero((count > 0) & (np.arange(len(count)) != j))
        mates, count = together[others], count[others]
        residuals = np.abs(y_true[others] - (mates * y_pred[others]).sum(axis=1) / count)
        own = (mates * y_pred[j]).sum(axis=1) / count
        (low[j],), (high[j],) = cv_plus(residuals, own[:, None], level)
    return pd.DataFrame(
        {
            "sample_id": table.index,
            "y_true": y_true,
            "y_pred": y_pred.mean(axis=1),
            "low": low,
            "high": high,
            "level": level,
            "method": LEAVE_TWO_OUT,
        }
    )
