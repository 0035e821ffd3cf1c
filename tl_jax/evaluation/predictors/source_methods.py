"""Transfer in closed form: a ridge on the target that knows what a source has learnt.

Each is `f(views, x_train, y_train, x_test, *, groups) -> (m,) predictions` beside the baselines: x_train (n, genes) and
x_test (m, genes) scaled expression, y_train (n,) response, groups (n,) of the training rows; views: what each source
says of these rows, one view unless the method is for many. Penalties are tuned on the training rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import RidgeCV

from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS, predict_with_kernels, ridge
from tl_jax.evaluation.predictors.profile_gp import profile_gp, profile_gp_mechanism

# Prior variance of the source's direction beside that of all genes together.
TRUST = (0.0, 0.1, 1.0, 10.0)


class SourceView(NamedTuple):
    """What one source says of a fold's rows, (n, ...) for the training rows and (m, ...) for the held-out ones.

    features: (rows, units) activations of its last hidden layer, dropout off. prediction: (rows,) of the source model
    on the network's scale. linear: (rows,) of the ridge of its own samples.
    """

    train_features: np.ndarray
    test_features: np.ndarray
    train_prediction: np.ndarray
    test_prediction: np.ndarray
    train_linear: np.ndarray
    test_linear: np.ndarray


@dataclass(frozen=True)
class Method:
    """A method and whether it takes all sources of a route at once.

    drugs: it reads the profile of all drugs of the source instead (profile_gp), and no model on a way to the target.
    """

    name: str
    function: Callable[..., np.ndarray]
    many: bool = False
    drugs: bool = False


def feature_ridge(views: Sequence[SourceView], x_train, y_train, x_test, *, groups=None) -> np.ndarray:
    """Feature extraction: ridge on the source network's last hidden layer (Yosinski et al. 2014: frozen features)."""
    (view,) = views
    return ridge(view.train_features, y_train, view.test_features, groups=groups)


def shrunken_ridge(views: Sequence[SourceView], x_train, y_train, x_test, *, groups=None) -> np.ndarray:
    """Ridge on all genes, shrunk towards a multiple of the source's coefficients instead of towards zero.

    Coefficients a w_source + d, with normal priors on a and d: kernel ridge whose kernel is the genes' own plus the
    source's direction. How far the source is trusted (TRUST, 0 included) and the penalty are tuned by
    leave-one-group-out.
    """
    (view,) = views
    train, test = np.asarray(x_train, np.float64), np.asarray(x_test, np.float64)
    center = train.mean(axis=0)
    train, test = train - center, test - center
    within, across = train @ train.T, test @ train.T
    mean, sd = view.train_linear.mean(), view.train_linear.std()
    if not sd > 0:
        return ridge(x_train, y_train, x_test, groups=groups)
    s_train, s_test = ((np.asarray(part, np.float64) - mean) / sd for part in (view.train_linear, view.test_linear))
    unit = np.trace(within) / len(train)
    kernels = [
        (within + trust * unit * np.outer(s_train, s_train), across + trust * unit * np.outer(s_test, s_train))
        for trust in TRUST
    ]
    return predict_with_kernels(kernels, y_train, groups)


def average_sources(views: Sequence[SourceView], x_train, y_train, x_test, *, groups=None) -> np.ndarray:
    """The mean over sources of feature_ridge's predictions."""
    return np.mean([feature_ridge([view], x_train, y_train, x_test, groups=groups) for view in views], axis=0)


def stack_sources(views: Sequence[SourceView], x_train, y_train, x_test, *, groups=None) -> np.ndarray:
    """Stacking: ridge on the predictions of all source models (Wolpert 1992; Breiman 1996), one column a source."""
    train, test = (np.column_stack([getattr(v, f"{part}_prediction") for v in views]) for part in ("train", "test"))
    mean, sd = train.mean(axis=0), train.std(axis=0)
    sd = np.where(sd > 0, sd, 1.0)
    return ridge((train - mean) / sd, y_train, (test - mean) / sd, groups=groups)


MECHANISM = "profile_gp_mechanism"
METHODS = {
    method.name: method
    for method in (
        Method("feature_ridge", feature_ridge),
        Method("shrunken_ridge", shrunken_ridge),
        Method("average_sources", average_sources, many=True),
        Method("stack_sources", stack_sources, many=True),
        Method("profile_gp", profile_gp, drugs=True),
        Method(MECHANISM, profile_gp_mechanism, drugs=True),
    )
}


def source_coefficients(x: np.ndarray, y: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """(genes,) coefficients of a ridge on a source's own scaled samples (n, genes), penalty by leave-one-out.

    before: (genes,) coefficients of the stage before it on the way to the target; the ridge is then shrunk towards a
    multiple of them, as shrunken_ridge is.
    """
    x = np.asarray(x, np.float64)
    unit = np.square(x - x.mean(axis=0)).sum() / len(x)
    plain = RidgeCV(RELATIVE_ALPHAS * unit).fit(x, y)
    best, coefficients = plain.best_score_, plain.coef_
    direction = np.zeros(len(x)) if before is None else x @ before
    if not direction.std() > 0:
        return coefficients
    for trust in TRUST[1:]:
        size = np.sqrt(trust * unit) / direction.std()
        found = RidgeCV(RELATIVE_ALPHAS * unit).fit(np.column_stack([x, size * direction]), y)
        if found.best_score_ > best:
            best, coefficients = found.best_score_, found.coef_[:-1] + found.coef_[-1] * size * before
    return coefficients


def reads_ways(names) -> bool:
    """Whether any of some methods reads a model on a way to the target."""
    return any(not METHODS[name].drugs for name in names)
