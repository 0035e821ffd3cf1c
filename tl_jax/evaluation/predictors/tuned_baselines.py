"""Baselines that are tuned by cross-validation inside the training rows; scikit-learn does the fitting.

Signature and rules: see `baselines`. Where an inner fold would leave fewer than three rows to fit on, nothing can be
tuned, and the mean of the training responses is predicted.
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import ElasticNet, ElasticNetCV
from sklearn.svm import SVR

# Share of the penalty that is L1; 0 is `ridge`. Penalties as shares of the one that leaves no gene, strongest first.
L1_RATIOS = (0.005, 0.05, 0.5)
RELATIVE_PENALTIES = np.logspace(0, -1.8, 10)
SEARCH_TOLERANCE, FINAL_TOLERANCE = 1e-2, 1e-5  # of the duality gap, as a share of the response's sum of squares
# Cost and tube in standard deviations of the training response, width in units of 1 / median squared distance.
COSTS = (0.1, 1.0, 10.0)
TUBES = (0.1, 0.5)
WIDTHS = (0.1, 1.0)
SUPPORT_TOLERANCE = 1e-4
TREES = 150
DEPTHS = (1, 3)
BOOSTING = {"learning_rate": 0.1, "subsample": 0.7, "max_features": "sqrt"}
MANY_ROWS = 200  # from here on three inner folds instead of five


def elastic_net(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """Elastic net on all genes with an intercept (Zou and Hastie 2005), by coordinate descent.

    Penalty and its L1 share by inner folds; equal errors go to the stronger penalty.
    """
    best = best_net(x_train, y_train, groups)
    if best is None:
        return unfitted(np.asarray(y_train, np.float64), x_test)
    middle, spread, final = best
    return middle + spread * final.predict(np.asarray(x_test, np.float64))


def best_net(x_train, y_train, groups) -> tuple[float, float, ElasticNet] | None:
    """(mean and spread of the response, the net fitted on the standardised one); None where nothing can be tuned."""
    x, y, folds = prepared(x_train, y_train, groups)
    if not folds:
        return None
    # The two penalties grow differently with the response, so that its unit would decide between them.
    middle, spread = y.mean(), y.std()
    z, best = (y - middle) / spread, None
    steepest = np.abs((x - x.mean(axis=0)).T @ z).max() / len(z)
    if not steepest > 0:
        return None
    for ratio in L1_RATIOS:
        penalties = RELATIVE_PENALTIES * steepest / ratio
        search = ElasticNetCV(l1_ratio=ratio, alphas=penalties, cv=folds, tol=SEARCH_TOLERANCE, max_iter=5000)
        errors = search.fit(x, z).mse_path_.mean(axis=1)
        pick = int(np.argmin(errors))
        if best is None or errors[pick] < best[0]:
            best = errors[pick], {"alpha": penalties[pick], "l1_ratio": ratio}
    return middle, spread, ElasticNet(**best[1], tol=FINAL_TOLERANCE, max_iter=50_000).fit(x, z)


def svr(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """Support vector regression with a radial kernel; cost, tube and width by inner folds."""
    best = best_support(x_train, y_train, groups)
    if best is None:
        return unfitted(np.asarray(y_train, np.float64), x_test)
    middle, spread, gamma, model = best
    x = np.asfortranarray(x_train, np.float64)
    across = np.exp(-gamma * squared_distances(np.asarray(x_test, np.float64), x))
    return middle + spread * model.predict(across)


def best_support(x_train, y_train, groups) -> tuple[float, float, float, SVR] | None:
    """(mean and spread of the response, width, the machine fitted on the standardised response); None where nothing can
    be tuned."""
    x, y, folds = prepared(x_train, y_train, groups)
    if not folds:
        return None
    within = squared_distances(x, x)
    np.fill_diagonal(within, 0.0)
    typical = np.median(within[np.triu_indices(len(x), 1)])
    if not typical > 0:
        return None
    middle, spread = y.mean(), y.std()
    z, best = (y - middle) / spread, None
    for width in WIDTHS:
        kernel = np.exp(-width / typical * within)
        for cost in COSTS:
            for tube in TUBES:
                error = np.mean([held_out_error(support(cost, tube), kernel, z, *fold) for fold in folds])
                if best is None or error < best[0]:
                    best = error, width, support(cost, tube).fit(kernel, z)
    return middle, spread, best[1] / typical, best[2]


def gradient_boosting(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """Boosted trees (Friedman 2001) on random rows and genes; their depth and number by inner folds.

    No tree at all, that is the mean, is among the choices.
    """
    trees = best_boosting(x_train, y_train, groups, seed)
    if trees is None:
        return unfitted(np.asarray(y_train, np.float64), x_test)
    return trees.predict(np.asarray(x_test, np.float64))


def best_boosting(x_train, y_train, groups, seed: int) -> GradientBoostingRegressor | None:
    """The fitted trees; None where nothing can be tuned, or where no tree is best."""
    x, y, folds = prepared(x_train, y_train, groups)
    if not folds:
        return None
    best = None
    for depth in DEPTHS:
        errors = np.mean([boosting_errors(boosted(depth, TREES, seed), x, y, *fold) for fold in folds], axis=0)
        pick = int(np.argmin(errors))
        if best is None or errors[pick] < best[0]:
            best = errors[pick], depth, pick
    _, depth, trees = best
    return boosted(depth, trees, seed).fit(x, y) if trees else None


def inner_folds(y: np.ndarray, groups, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """[(training rows, held-out rows)]: groups in order of their mean response are dealt out forth and back.

    Each fold thus spans the response, and the order of the rows does not matter unless groups tie.
    """
    codes = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    means = np.bincount(codes, weights=y) / np.bincount(codes)
    count = min(count, len(means))
    turn = np.concatenate([np.arange(count), np.arange(count)[::-1]])
    fold_of = np.empty(len(means), int)
    fold_of[np.argsort(means, kind="stable")] = np.resize(turn, len(means))
    held_out = fold_of[codes]
    return [(np.flatnonzero(held_out != k), np.flatnonzero(held_out == k)) for k in range(count)]


def prepared(x_train, y_train, groups):
    """(x, y, inner folds) in float64; no folds where there is nothing to tune on."""
    # Coordinate descent and trees walk along columns.
    x, y = np.asfortranarray(x_train, np.float64), np.asarray(y_train, np.float64)
    folds = inner_folds(y, groups, 3 if len(y) >= MANY_ROWS else 5)
    return x, y, folds if np.ptp(y) > 0 and min(len(train) for train, _ in folds) >= 3 else []


def unfitted(y: np.ndarray, x_test) -> np.ndarray:
    return np.full(len(x_test), y.mean())


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(len(a), len(b)) squared Euclidean distances, float64; the product in the precision of its arguments."""
    squares = (a.astype(np.float64) ** 2).sum(axis=1)[:, None] + (b.astype(np.float64) ** 2).sum(axis=1)[None, :]
    return np.maximum(squares - 2.0 * (a @ b.T), 0.0)


def support(cost: float, tube: float) -> SVR:
    return SVR(kernel="precomputed", C=cost, epsilon=tube, tol=SUPPORT_TOLERANCE)


def held_out_error(model, kernel, y, train, held_out) -> float:
    """Mean squared error of a model of a precomputed kernel on the rows it was not fitted on."""
    model.fit(kernel[np.ix_(train, train)], y[train])
    return float(np.mean((model.predict(kernel[np.ix_(held_out, train)]) - y[held_out]) ** 2))


def boosted(depth: int, trees: int, seed: int) -> GradientBoostingRegressor:
    return GradientBoostingRegressor(n_estimators=trees, max_depth=depth, random_state=seed, **BOOSTING)


def boosting_errors(model, x, y, train, held_out) -> np.ndarray:
    """(trees + 1,) mean squared error on held-out rows after 0, 1, 2 ... trees."""
    model.fit(x[train], y[train])
    stages = [np.full(len(held_out), y[train].mean()), *model.staged_predict(x[held_out])]
    return np.mean((np.asarray(stages) - y[held_out]) ** 2, axis=1)
