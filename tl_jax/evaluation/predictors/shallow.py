"""Shallow classifiers beside the networks: the published three, logistic regression and the prior.

Each is `f(x_train, y_train, x_test, seed) -> (m,)` in 0 to 1: x_train (n, features) and x_test (m, features) raw
features or a source's activations, y_train (n,) 0 or 1. Above .5 is the model's own call of 1, which a test holds it
to. Settings are scikit-learn's defaults, as published, with a seed. The names with `_tuned` choose theirs by AUROC in
three stratified inner folds of the training rows; below three rows of either class they stay with the defaults.
Training rows of one class give that class's label for every test row. Test rows are only predicted.

The value of `svc` ranks as its decision function does and calls as it calls; it is no probability (`RANKS_ONLY`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit
from sklearn.base import ClassifierMixin
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from tl_jax.errors import InputError

Shallow = Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]
TUNED = "_tuned"
INNER_FOLDS = 3
# The defaults first: a tie goes to them. Widths of the radial kernel in units of scikit-learn's "scale".
COSTS, WIDTHS = (1.0, 0.1, 10.0), (1.0, 0.3, 3.0)
GRIDS = {
    "random_forest": {"min_samples_leaf": (1, 3), "max_features": ("sqrt", 0.2)},
    "gradient_boosting": {"max_depth": (3, 1), "n_estimators": (100, 300)},
    "logistic": {"C": (1.0, 0.01, 0.1, 10.0)},
}
RANKS_ONLY = ("svc", "svc_tuned")  # Brier score, log loss and calibration of these mean nothing


def model(name: str, seed: int) -> ClassifierMixin:
    """A classifier with the published settings: SVC (RBF, C 1), 100 trees, 100 boosted trees of depth 3 at .1."""
    if name == "svc":
        return SVC(random_state=seed)
    if name == "random_forest":
        return RandomForestClassifier(n_estimators=100, random_state=seed)
    if name == "gradient_boosting":
        return GradientBoostingClassifier(n_estimators=100, learning_rate=0.1, max_depth=3, random_state=seed)
    # More steps than by default: activations of a network are not scaled.
    return LogisticRegression(max_iter=5000, random_state=seed)


def mean(x_train, y_train, x_test, seed: int = 0) -> np.ndarray:
    """The share of 1 in the training rows for every test row; on a balanced draw it calls nothing."""
    return np.full(len(x_test), np.mean(y_train, dtype=np.float64))


def fitted(name: str, x_train, y_train, x_test, seed: int = 0) -> np.ndarray:
    """(m,) values of one classifier, tuned where its name says so."""
    # Trees split and kernels round in float64; rows of two precisions would part train from test.
    x, new = np.asarray(x_train, np.float64), np.asarray(x_test, np.float64)
    y = np.asarray(y_train).astype(int)
    fewest = min(np.sum(y == 1), np.sum(y == 0))
    if fewest == 0:
        return mean(x, y, new)
    own = name.removesuffix(TUNED)
    classifier = model(own, seed)
    if name.endswith(TUNED) and fewest >= INNER_FOLDS:
        classifier = GridSearchCV(
            classifier,
            grid(own, x),
            scoring="roc_auc",
            cv=StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=seed),
        )
    return value(classifier.fit(x, y), new)


def value(classifier: ClassifierMixin, new: np.ndarray) -> np.ndarray:
    """The probability of 1, or where a classifier has none the logistic function of its decision function."""
    if hasattr(classifier, "predict_proba"):
        return classifier.predict_proba(new)[:, 1]
    decision = classifier.decision_function(new)
    # A decision of 1e-17 above 0 is a call of 1 and must not round to .5.
    return np.where(decision > 0, np.maximum(expit(decision), np.nextafter(0.5, 1)), expit(decision))


def grid(name: str, x: np.ndarray) -> dict:
    """The settings to choose from."""
    if name != "svc":
        return GRIDS[name]
    spread = x.shape[1] * x.var()
    return {"C": COSTS, "gamma": tuple(width / spread for width in WIDTHS) if spread > 0 else ("scale",)}


def _named(name: str) -> Shallow:
    def function(x_train, y_train, x_test, seed: int = 0) -> np.ndarray:
        return fitted(name, x_train, y_train, x_test, seed)

    function.__name__ = name
    return function


# In the order of tables and pictures.
PUBLISHED = ("svc", "random_forest", "gradient_boosting")
DEFAULT = ("mean", "logistic", *PUBLISHED)
SHALLOW: dict[str, Shallow] = {
    "mean": mean,
    **{f"{name}{end}": _named(f"{name}{end}") for end in ("", TUNED) for name in ("logistic", *PUBLISHED)},
}


def check_names(names) -> None:
    """Raise InputError for a shallow classifier that does not exist."""
    for name in names:
        if name not in SHALLOW:
            raise InputError(f"no shallow classifier '{name}'; there are: {', '.join(SHALLOW)}")
