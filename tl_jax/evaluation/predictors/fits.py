"""The baselines as fitted models: each gives the Form that predicts what the baseline of its name predicts.

Each is `f(x_train, y_train, *, groups, marker, seed) -> Form`, with the arguments of `baselines`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tl_jax.evaluation.predictors.baselines import ON_RANKS, best_dual, best_forest, line, radial
from tl_jax.evaluation.predictors.forms import Form, constant, evaluate, linear, radial_kernel, ranked, trees
from tl_jax.evaluation.predictors.profile_gp import fit_repaired_ridge
from tl_jax.evaluation.predictors.ranked import rankit, unexplained, way_back
from tl_jax.evaluation.predictors.source_methods import TRUST
from tl_jax.evaluation.predictors.tuned_baselines import BOOSTING, best_boosting, best_net, best_support


def mean(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    return linear(np.zeros(x_train.shape[1]), np.mean(y_train, dtype=np.float64))


def marker_gene(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    slope, middle, level = line(x_train[:, marker], y_train)
    coef = np.zeros(x_train.shape[1])
    coef[marker] = slope
    return linear(coef, level - slope * middle)


def ridge(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    train = np.asarray(x_train, np.float64)
    center = train.mean(axis=0)
    train = train - center
    best = best_dual([train @ train.T], y_train, groups)
    if best is None:
        return mean(x_train, y_train)
    coef = train.T @ best.weights
    return linear(coef, best.mean - center @ coef)


def elastic_net(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    best = best_net(x_train, y_train, groups)
    if best is None:
        return mean(x_train, y_train)
    middle, spread, net = best
    return linear(spread * net.coef_, middle + spread * net.intercept_)


def kernel_ridge(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    train = np.asarray(x_train, np.float64)
    distances, gammas = radial(train)
    withins = [np.exp(-gamma * distances) for gamma in gammas]
    best = best_dual(withins, y_train, groups) if withins else None
    if best is None:
        return constant("kernel", x_train.shape[1], np.mean(y_train, dtype=np.float64))
    # The weights add up to nothing, so that of a centred kernel the columns' means alone are left.
    columns = withins[best.which].mean(axis=0)
    return radial_kernel(x_train, best.weights, gammas[best.which], best.mean - columns @ best.weights)


def svr(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    best = best_support(x_train, y_train, groups)
    if best is None:
        return constant("kernel", x_train.shape[1], np.mean(y_train, dtype=np.float64))
    middle, spread, gamma, machine = best
    rows, weights = np.asarray(x_train)[machine.support_], spread * machine.dual_coef_[0]
    return radial_kernel(rows, weights, gamma, middle + spread * machine.intercept_[0])


def random_forest(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    forest = best_forest(x_train, y_train, seed)
    if forest is None:
        return constant("trees", x_train.shape[1], np.mean(y_train, dtype=np.float64))
    return trees([one.tree_ for one in forest.estimators_], 0.0, 1 / len(forest.estimators_))


def gradient_boosting(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    found = best_boosting(x_train, y_train, groups, seed)
    base = np.mean(y_train, dtype=np.float64)
    if found is None:
        return constant("trees", x_train.shape[1], base)
    return trees([one.tree_ for one in found.estimators_[:, 0]], base, BOOSTING["learning_rate"])


def signature(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    slope, middle, level = line(np.asarray(x_train, np.float64).mean(axis=1), y_train)
    genes = x_train.shape[1]
    return linear(np.full(genes, slope / genes), level - slope * middle)


# TabPFN has no arrays of its own: it reads the training rows anew with every prediction.
FITS: dict[str, Callable[..., Form]] = {
    one.__name__: one
    for one in (mean, marker_gene, ridge, elastic_net, kernel_ridge, svr, random_forest, gradient_boosting)
} | {"repaired_ridge": fit_repaired_ridge}


def on_ranks(fit: Callable[..., Form]) -> Callable[..., Form]:
    """As baselines.on_ranks: a fit of ranks, with the way back to the response's unit."""

    def fitted(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
        form = fit(x_train, rankit(y_train), groups=groups, marker=marker, seed=seed)
        return ranked(form, way_back(y_train, unexplained(evaluate(form.kind, form.arrays, x_train))))

    return fitted


FITS |= {f"{ON_RANKS}{fit.__name__}": on_ranks(fit) for fit in (ridge, elastic_net, kernel_ridge, svr)}


def feature_ridge(views, x_train, y_train, *, groups=None, directions=()) -> Form:
    return ridge(views[0].train_features, y_train, groups=groups)


def shrunken_ridge(views, x_train, y_train, *, groups=None, directions=()) -> Form:
    """directions: (genes,) coefficients of each source."""
    train, middle, sd = np.asarray(x_train, np.float64), views[0].train_linear.mean(), views[0].train_linear.std()
    if not sd > 0:
        return ridge(x_train, y_train, groups=groups)
    center = train.mean(axis=0)
    train, told = train - center, (np.asarray(views[0].train_linear, np.float64) - middle) / sd
    within = train @ train.T
    unit = np.trace(within) / len(train)
    best = best_dual([within + trust * unit * np.outer(told, told) for trust in TRUST], y_train, groups)
    if best is None:
        return mean(x_train, y_train)
    along = TRUST[best.which] * unit * (told @ best.weights) / sd
    coef = train.T @ best.weights + along * directions[0]
    return linear(coef, best.mean - center @ (train.T @ best.weights) - along * middle)


def average_sources(views, x_train, y_train, *, groups=None, directions=()) -> Form:
    found = [feature_ridge([view], x_train, y_train, groups=groups).arrays for view in views]
    coef = np.concatenate([one["coef"] for one in found]) / len(found)
    return linear(coef, np.mean([one["intercept"] for one in found], dtype=np.float64))


def stack_sources(views, x_train, y_train, *, groups=None, directions=()) -> Form:
    told = np.column_stack([view.train_prediction for view in views])
    middle, sd = told.mean(axis=0), told.std(axis=0)
    sd = np.where(sd > 0, sd, 1.0)
    found = ridge((told - middle) / sd, y_train, groups=groups).arrays
    return linear(found["coef"] / sd, found["intercept"] - middle @ (found["coef"] / sd))


# Transfer in closed form: {name: (its fit, what it reads of the source models)}; "" reads the genes.
SOURCE_FITS: dict[str, tuple[Callable[..., Form], str]] = {
    "feature_ridge": (feature_ridge, "hidden"),
    "shrunken_ridge": (shrunken_ridge, ""),
    "average_sources": (average_sources, "hidden"),
    "stack_sources": (stack_sources, "prediction"),
}
