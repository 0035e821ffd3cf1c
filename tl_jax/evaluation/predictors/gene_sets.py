"""Ridge on scores of gene sets: a score is the mean of a set's genes, each z-scored by training rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tl_jax.evaluation.predictors.baselines import ridge
from tl_jax.evaluation.predictors.fits import ridge as fit_ridge
from tl_jax.evaluation.predictors.forms import Form, linear

SCALER = "standard"  # what the scores want of the scaling of genes, whatever the cohort's own is


def shares(sets: Sequence[np.ndarray], genes: int) -> np.ndarray:
    """(genes, sets): 1 / size of a set where the gene is in it. sets: indices of genes, none of them empty."""
    found = np.zeros((genes, len(sets)))
    for k, own in enumerate(sets):
        found[own, k] = 1 / len(own)
    return found


def pathways(x_train, y_train, x_test, *, sets, groups=None, marker=None, seed=0) -> np.ndarray:
    """Ridge on the scores, its penalty by leave-one-group-out on the training rows; other arguments as in baselines.

    sets: indices of genes.
    """
    each = shares(sets, x_train.shape[1])
    return ridge(np.asarray(x_train, np.float64) @ each, y_train, np.asarray(x_test, np.float64) @ each, groups=groups)


def fit_pathways(x_train, y_train, *, sets, groups=None, marker=None, seed=0) -> Form:
    """The same as a linear form of the genes."""
    each = shares(sets, x_train.shape[1])
    found = fit_ridge(np.asarray(x_train, np.float64) @ each, y_train, groups=groups).arrays
    return linear(each @ np.asarray(found["coef"], np.float64), found["intercept"])
