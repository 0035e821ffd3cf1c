"""Fitted models in closed form as named arrays: what a checkpoint holds of a baseline, and how it predicts.

Arrays are float32 or int32. `evaluate` needs numpy alone: neither what fitted a model nor its version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from tl_jax.evaluation.predictors.tuned_baselines import squared_distances

LEAF = -1
RANKED = "ranked_"  # kinds that predict scores, of which a monotone way leads to the response's unit


class Form(NamedTuple):
    """kind: a name of FORMS, or of a form that reads source models. arrays: its numbers by name."""

    kind: str
    arrays: dict[str, np.ndarray]


def linear(coef, intercept: float) -> Form:
    """intercept + x @ coef (genes,)."""
    return Form("linear", {"coef": np.asarray(coef, np.float32), "intercept": np.float32(intercept)})


def radial_kernel(rows, weights, gamma: float, intercept: float) -> Form:
    """intercept + sum over training rows of weights exp(-gamma |x - row|^2)."""
    numbers = {"weights": weights, "gamma": gamma, "intercept": intercept}
    return Form("kernel", {"rows": np.asarray(rows, np.float32)} | {k: np.float32(v) for k, v in numbers.items()})


def ranked(form: Form, back) -> Form:
    """A form of scores with the way back to the response's unit (ranked.Back)."""
    way = {"knots": np.asarray(back.knots, np.float32), "levels": np.asarray(back.levels, np.float32)}
    return Form(f"{RANKED}{form.kind}", {**form.arrays, **way})


def trees(fitted: list, base: float, rate: float) -> Form:
    """base + rate times the sum of some trees of scikit-learn (their `tree_`), one row each, padded."""
    most = max((tree.node_count for tree in fitted), default=1)

    def padded(name: str, kind, fill) -> np.ndarray:
        found = np.full((len(fitted), most), fill, kind)
        for k, tree in enumerate(fitted):
            values = getattr(tree, name)
            found[k, : tree.node_count] = at_most(values) if name == "threshold" else np.ravel(values)
        return found

    names = {"feature": "feature", "left": "children_left", "right": "children_right"}
    arrays = {own: padded(theirs, np.int32, LEAF) for own, theirs in names.items()}
    arrays |= {name: padded(name, np.float32, 0) for name in ("threshold", "value")}
    return Form("trees", {**arrays, "base": np.float32(base), "rate": np.float32(rate)})


def constant(kind: str, genes: int, value: float) -> Form:
    """The same value for every row, as a form of any kind."""
    nothing = np.zeros((1, genes))
    return {
        "linear": lambda: linear(nothing[0], value),
        "kernel": lambda: radial_kernel(nothing, [0.0], 1.0, value),
        "trees": lambda: trees([], value, 0.0),
    }[kind]()


def at_most(values: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above each float64: x <= value stays the same for every float32 x."""
    found = np.asarray(values, np.float32)
    return np.where(found > values, np.nextafter(found, np.float32(-np.inf)), found)


def by_line(arrays: Mapping, x: np.ndarray) -> np.ndarray:
    return arrays["intercept"] + x @ np.asarray(arrays["coef"], np.float64)


def by_kernel(arrays: Mapping, x: np.ndarray) -> np.ndarray:
    across = np.exp(-float(arrays["gamma"]) * squared_distances(x, np.asarray(arrays["rows"], np.float64)))
    return arrays["intercept"] + across @ np.asarray(arrays["weights"], np.float64)


def by_trees(arrays: Mapping, x: np.ndarray) -> np.ndarray:
    x, total = x.astype(np.float32), np.zeros(len(x))
    for k in range(len(arrays["feature"])):
        feature, left, right, threshold, value = (
            arrays[name][k] for name in ("feature", "left", "right", "threshold", "value")
        )
        node = np.zeros(len(x), int)
        while (inner := left[node] != LEAF).any():
            goes_left = x[np.arange(len(x)), np.maximum(feature[node], 0)] <= threshold[node]
            node = np.where(inner, np.where(goes_left, left[node], right[node]), node)
        total += value[node]
    return arrays["base"] + float(arrays["rate"]) * total


def by_ranks(inner: str, arrays: Mapping, x: np.ndarray) -> np.ndarray:
    return np.interp(FORMS[inner](arrays, x), arrays["knots"], arrays["levels"])


def stacked(forms: list[Form]) -> dict[str, np.ndarray]:
    """{name: (forms, ...)} of forms of one kind, padded by what changes no prediction: weight 0, a tree of nothing."""
    found = {}
    for name in forms[0].arrays:
        arrays = [np.asarray(form.arrays[name]) for form in forms]
        shape = np.max([a.shape for a in arrays], axis=0).astype(int) if arrays[0].ndim else ()
        fill = LEAF if arrays[0].dtype.kind == "i" else 0
        found[name] = np.full((len(forms), *shape), fill, arrays[0].dtype)
        for k, values in enumerate(arrays):
            found[name][(k, *map(slice, values.shape))] = values
    return found


FORMS: dict[str, Callable[[Mapping, np.ndarray], np.ndarray]] = {
    "linear": by_line,
    "kernel": by_kernel,
    "trees": by_trees,
    f"{RANKED}linear": partial(by_ranks, "linear"),
    f"{RANKED}kernel": partial(by_ranks, "kernel"),
}


def evaluate(kind: str, arrays: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """(m,) float64 predictions in the response's own unit of (m, genes) scaled rows."""
    return np.asarray(FORMS[kind](arrays, np.asarray(x, np.float64)), np.float64)
