"""What a kept model makes of each gene: attributions of single samples, signed effects, and how stable they are.

Attributions are integrated gradients from the average sample, in the response's own unit: exact for a linear model. The
effect of a gene is the slope of its attributions on its scaled values, which for a linear model is its coefficient.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.tree_util import Partial

from tl_jax.data.scaling.scaling import NETWORK_TOP, SENSITIVE, ResponseScale
from tl_jax.evaluation.predictors.forms import RANKED
from tl_jax.interpret.integrated_gradients import integrated_gradients
from tl_jax.study.core.fold_models import FoldModels
from tl_jax.study.core.respond import Closed, sources_of
from tl_jax.trees import unflatten
from tl_jax.types import Network, Variables

STEPS = 24
TOP = 50


class Explained(NamedTuple):
    """attributions: (n, genes), unit of the response. effects: (genes,) per spread of a gene. stability: gene, share of
    fold models whose effect has the same sign (`same_sign`), and share that have it among their TOP largest (`top`)."""

    attributions: np.ndarray
    effects: np.ndarray
    stability: pd.DataFrame


def attribute(
    network: Network | Closed, variables: Variables, x: np.ndarray, response: ResponseScale
) -> np.ndarray | None:
    """(n, genes) attributions of scaled rows x; None of a form that has no gradient (trees)."""
    if isinstance(network, Closed) and network.kind == "trees":
        return None
    if isinstance(network, Closed) and network.kind == "linear":
        return np.asarray(x, np.float64) * np.asarray(variables["params"]["coef"], np.float64)
    found = integrated_gradients(Partial(predictor(network), variables["params"]), x.astype(np.float32), n_steps=STEPS)
    unit = 1.0
    if not isinstance(network, Closed):
        unit = (response.high - response.low) / NETWORK_TOP * (-1 if response.direction == SENSITIVE else 1)
    return unit * np.asarray(found.values, np.float64)


def predictor(network: Network | Closed):
    """f(params, x (m, genes)) -> (m,), traceable."""
    if not isinstance(network, Closed):
        return lambda params, x: network.apply({"params": params}, x).prediction
    if network.kind.startswith(RANKED):
        inner = by_line if network.kind == f"{RANKED}linear" else by_kernel
        return lambda params, x: jnp.interp(inner(params, x), params["knots"], params["levels"])
    return by_kernel if network.kind == "kernel" else on_sources(network)


def by_line(params, x):
    return params["intercept"] + x @ params["coef"]


def by_kernel(params, x):
    squares = (x**2).sum(axis=1)[:, None] + (params["rows"] ** 2).sum(axis=1)[None] - 2 * x @ params["rows"].T
    return params["intercept"] + jnp.exp(-params["gamma"] * squares) @ params["weights"]


def on_sources(network: Closed):
    inner = network.network

    def apply(params, x):
        names = sources_of(params)
        if network.reads == "hidden":
            last = len(inner.layers) - 1
            read = [inner.prefix({"params": params[name]}, x, last).prediction for name in names]
            return params["intercept"] + jnp.concatenate(read, axis=1) @ params["coef"]
        read = [inner.apply({"params": params[name]}, x).prediction for name in names]
        return params["intercept"] + jnp.stack(read, axis=1) @ params["coef"]

    return apply


def slopes(attributions: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(genes,) of each gene's attributions on its scaled values, by least squares through the average sample."""
    squares = np.square(x, dtype=np.float64).sum(axis=0)
    return (attributions * x).sum(axis=0, dtype=np.float64) / np.where(squares > 0, squares, np.inf)


def explain(
    network: Network | Closed,
    variables: Variables,
    x: np.ndarray,
    response: ResponseScale,
    folds: FoldModels | None,
    genes: np.ndarray,
) -> Explained | None:
    """Everything above of one model on its own training rows; None of trees.

    Args:
        x: (n, genes) scaled. folds: its fold models, whose effects are taken on the same rows; None: no stability.
    """
    own = attribute(network, variables, x, response)
    if own is None:
        return None
    effects, found = slopes(own, x), []
    for k in range(0 if folds is None else len(folds.responses)):
        params = unflatten({name: jnp.asarray(leaf[k]) for name, leaf in folds.leaves.items()})
        found.append(slopes(attribute(network, {"params": params}, x, folds.responses[k]), x))
    table = pd.DataFrame({"gene": genes, "same_sign": np.nan, "top": np.nan})
    if found:
        each = np.stack(found)
        ranks = (-np.abs(each)).argsort(axis=1).argsort(axis=1)
        table["same_sign"] = (np.sign(each) == np.sign(effects)).mean(axis=0)
        table["top"] = (ranks < min(TOP, len(genes))).mean(axis=0)
    return Explained(own, effects, table)
