"""Baselines that belong in every table beside a network.

Each is `f(x_train, y_train, x_test, *, groups, marker, seed) -> (m,) predictions`:
x_train (n, genes) and x_test (m, genes) scaled expression, y_train (n,) response,
groups (n,) of the training rows (samples of one group are left out together) or None,
marker the column of the marker gene or None, seed for what is random.
Test rows are only predicted: nothing is fitted on them, hyper-parameters included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.kernels import centred_kernels
from tl_jax.evaluation.predictors.profile_gp import repaired_ridge
from tl_jax.evaluation.predictors.ranked import rankit, unexplained, way_back
from tl_jax.evaluation.predictors.tabpfn_baseline import installed, tabpfn
from tl_jax.evaluation.predictors.tuned_baselines import elastic_net, gradient_boosting, squared_distances, svr

# Ridge penalties in units of the kernel's mean eigenvalue, strongest first: a tie goes to the plainer model.
RELATIVE_ALPHAS = np.logspace(4, -3, 15)
# Widths of the radial kernel in units of 1 / median squared distance; the smallest is all but linear.
RELATIVE_GAMMAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
ON_RANKS = "ranked_"  # how the names of baselines begin that learn ranks
FOREST = {"n_estimators": 150, "oob_score": True}
FOREST_GRID = ({"max_features": "sqrt"}, {"max_features": "sqrt", "min_samples_leaf": 5})


def mean(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """The mean of the training responses for every test row."""
    return np.full(len(x_test), np.mean(y_train, dtype=np.float64))


def marker_gene(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """Least squares on one gene, slope and sign learnt from the training rows. ValueError without a marker."""
    if marker is None:
        raise ValueError("marker_gene needs the column of the marker gene")
    slope, middle, level = line(x_train[:, marker], y_train)
    return level + slope * (np.asarray(x_test[:, marker], np.float64) - middle)


def line(values, y_train) -> tuple[float, float, float]:
    """(slope, mean of the values, mean response) of least squares on one column; slope 0 where it does not vary."""
    gene, y = np.asarray(values, np.float64), np.asarray(y_train, np.float64)
    spread = np.sum((gene - gene.mean()) ** 2)
    slope = np.sum((gene - gene.mean()) * (y - y.mean())) / spread if spread > 0 else 0.0
    return slope, gene.mean(), y.mean()


def ridge(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """Linear ridge on all genes with an intercept, penalty by leave-one-group-out on the training rows."""
    train, test = np.asarray(x_train, np.float64), np.asarray(x_test, np.float64)
    # Centring the genes first leaves the model alone and spares the Gram matrix cancellation.
    center = train.mean(axis=0)
    train, test = train - center, test - center
    return predict_with_kernels([(train @ train.T, test @ train.T)], y_train, groups)


def kernel_ridge(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """Radial kernel ridge with an intercept, penalty and width by leave-one-group-out on the training rows."""
    train, test = np.asarray(x_train, np.float64), np.asarray(x_test, np.float64)
    within, gammas = radial(train)
    if not gammas:
        return mean(x_train, y_train, x_test)
    across = squared_distances(test, train)
    return predict_with_kernels([(np.exp(-g * within), np.exp(-g * across)) for g in gammas], y_train, groups)


def radial(train: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """((n, n) squared distances of float64 rows, the widths to try; none where all rows are the same)."""
    within = squared_distances(train, train)
    np.fill_diagonal(within, 0.0)
    typical = np.median(within[np.triu_indices(len(train), 1)]) if len(train) > 1 else 0.0
    return within, [g / typical for g in RELATIVE_GAMMAS] if typical > 0 else []


def random_forest(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """Random forest, leaf size by out-of-bag error on the training rows.

    Out-of-bag error does not know groups: related samples favour the smaller leaf.
    """
    forest = best_forest(x_train, y_train, seed)
    return mean(x_train, y_train, x_test) if forest is None else forest.predict(x_test)


def best_forest(x_train, y_train, seed: int) -> RandomForestRegressor | None:
    """The fitted forest; None where there are too few rows for any."""
    y = np.asarray(y_train, np.float64)
    if len(y) < 3:
        return None
    jobs = 2 if len(y) >= 200 else 1  # on few rows starting threads costs more than it saves
    best = None
    for setting in FOREST_GRID:
        forest = RandomForestRegressor(random_state=seed, n_jobs=jobs, **FOREST, **setting).fit(x_train, y)
        error = np.mean((forest.oob_prediction_ - y) ** 2)
        if best is None or error < best[0]:
            best = error, forest
    # One thread adds the trees in one order, so that the sum repeats to the last bit.
    return best[1].set_params(n_jobs=1)


def on_ranks(function: Callable) -> Callable:
    """A baseline that learns normal scores of the responses' ranks, its predictions led back to the response's unit."""

    def predict(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
        both = np.concatenate([x_test, x_train])
        found = function(x_train, rankit(y_train), both, groups=groups, marker=marker, seed=seed)
        return way_back(y_train, unexplained(found[len(x_test) :]))(found[: len(x_test)])

    predict.__doc__ = f"{(function.__doc__ or '').strip().partition('.')[0]}; fitted to ranks."
    return predict


# In the order of tables and pictures.
KNOWN: dict[str, Callable] = {
    "mean": mean,
    "marker_gene": marker_gene,
    "ridge": ridge,
    "repaired_ridge": repaired_ridge,
    "elastic_net": elastic_net,
    "kernel_ridge": kernel_ridge,
    "svr": svr,
    "random_forest": random_forest,
    "gradient_boosting": gradient_boosting,
    "tabpfn": tabpfn,
    **{f"{ON_RANKS}{one.__name__}": on_ranks(one) for one in (ridge, elastic_net, kernel_ridge, svr)},
}
# What a baseline wants of the scaling of genes, whatever the cohort's own is.
SCALED_AS = {"repaired_ridge": "floored"}
# Those that can be run here.
BASELINES = {name: function for name, function in KNOWN.items() if name != "tabpfn" or installed()}
# Not run unless asked for: they would make a study on a small target slower by a tenth or more.
ON_REQUEST = ("gradient_boosting", "tabpfn", *(name for name in KNOWN if name.startswith(ON_RANKS)))
DEFAULT = tuple(name for name in BASELINES if name not in ON_REQUEST)


# Arms of one gene, of a list of genes and of sets of genes: each study has its own.
MARKER, SIGNATURE, PATHWAYS = "marker:", "signature", "pathways"


def is_baseline(name: str) -> bool:
    """Whether an arm's name is that of a baseline, also of those that are named after genes."""
    return name in KNOWN or name.startswith(MARKER) or name in (SIGNATURE, PATHWAYS)


def signature(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """Least squares on the mean of the genes that it is given, as they are scaled."""
    slope, middle, level = line(np.asarray(x_train, np.float64).mean(axis=1), y_train)
    return level + slope * (np.asarray(x_test, np.float64).mean(axis=1) - middle)


def available(marker: int | None) -> list[str]:
    """Names of the baselines that can run: all, less `marker_gene` when there is no marker."""
    return [name for name in BASELINES if name != "marker_gene" or marker is not None]


def check_names(names) -> None:
    """Raise InputError for a baseline that does not exist or whose package is missing."""
    for name in names:
        if name.startswith(MARKER) and name != MARKER:
            continue
        if name in KNOWN and name not in BASELINES:
            raise InputError(f"--baselines={name} needs a package that is not installed: pip install {name}")
        if name not in BASELINES:
            raise InputError(f"no baseline '{name}'; there are: {', '.join(BASELINES)}, {MARKER}GENE")


class Dual(NamedTuple):
    """A kernel ridge as it was tuned: the kernel `which` of several, its weights (n,) of the training rows, and the
    mean response, which stands for the intercept of centred kernels."""

    which: int
    weights: np.ndarray
    mean: float


def predict_with_kernels(kernels, y_train, groups):
    """Predictions of the (kernel, penalty) with the smallest left-out error; kernels: [(within, across)]."""
    best = best_dual([within for within, _ in kernels], y_train, groups)
    if best is None:  # all training rows are the same
        return np.full(len(kernels[0][1]), np.mean(y_train, dtype=np.float64))
    return best.mean + centred_kernels(*kernels[best.which])[1] @ best.weights


def best_dual(withins, y_train, groups) -> Dual | None:
    """The (kernel, penalty) with the smallest left-out error; None where all training rows are the same."""
    y = np.asarray(y_train, np.float64)
    best = None
    for which, within in enumerate(withins):
        found = tuned(centred_kernels(within, within)[0], y, groups)
        if found and (best is None or found[0] < best[0]):
            best = *found, which
    if best is None:
        return None
    _, alpha, values, vectors, which = best
    return Dual(which, vectors @ ((vectors.T @ (y - y.mean())) / (values + alpha)), float(y.mean()))


def tuned(within, y, groups):
    """(left-out error, penalty, eigenvalues, eigenvectors) of the best penalty for a centred (n, n) training kernel.

    None where all training rows are the same.
    """
    values, vectors = np.linalg.eigh(within)
    values = np.maximum(values, 0.0)
    alphas = RELATIVE_ALPHAS * values.mean()
    if not alphas[-1] > 0:
        return None
    errors = left_out_errors(values, vectors, y, groups, alphas)
    pick = int(np.argmin(errors))
    return errors[pick], alphas[pick], values, vectors


def left_out_errors(values, vectors, y, groups, alphas) -> np.ndarray:
    """(len(alphas),) mean squared error of leave-one-group-out kernel ridge with an intercept, in closed form.

    values, vectors: eigendecomposition of the centred (n, n) training kernel. groups: (n,) or None.
    With smoother H (intercept included) the left-out residuals of a group g are
    (I - H_gg)^-1 (y - H y)_g, so no model is refitted (Allen 1974 for single rows). A single group has no
    left-out error; the error is then the same for all penalties and the first is taken.
    """
    n = len(y)
    codes = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    if codes.max() == 0:
        return np.zeros(len(alphas))
    sizes = np.bincount(codes)
    alone = sizes[codes] == 1
    together = [np.flatnonzero(codes == g) for g in np.flatnonzero(sizes > 1)]
    response = y - y.mean()
    projected, squared = vectors.T @ response, vectors**2
    errors = np.empty(len(alphas))
    for i, alpha in enumerate(alphas):
        shrink = values / (values + alpha)
        residual = response - vectors @ (shrink * projected)
        left_out = residual / np.where(alone, 1 - 1 / n - squared @ shrink, 1.0)
        for rows in together:
            block = np.eye(len(rows)) - 1 / n - (vectors[rows] * shrink) @ vectors[rows].T
            left_out[rows] = np.linalg.solve(block, residual[rows])
        errors[i] = np.mean(left_out**2)
    return errors
