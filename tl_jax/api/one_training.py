"""One training as a pure function of a key, a start, rows and a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tl_jax.config import NetworkConfig, Recipe
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaled import prepare
from tl_jax.data.scaling.scaling import ResponseScale, fit_response_scale
from tl_jax.errors import InputError
from tl_jax.models import build
from tl_jax.training.fit import complete
from tl_jax.training.fit import fit as fit_leaves
from tl_jax.training.fit import predict as predict_rows
from tl_jax.types import Batch, Network, Transfer, Variables, named


class Fitted(NamedTuple):
    """What a training gives; a tree of arrays, so that jax.vmap gives one with a leading axis.

    Args:
        variables: all of them, {"params": {layer: {leaf: array}}}; leaves that were frozen are those of the start.
        history: {"train_loss": (epochs,), "train_mae": (epochs,)} and, with held-out rows, test_loss and test_mae.
        prediction: (m,) of the held-out rows after the last epoch, on the network's scale; None without them.
    """

    variables: Variables
    history: dict[str, jax.Array]
    prediction: jax.Array | None = None

    def __repr__(self) -> str:
        return named("Fitted", **self._asdict())


def network(name: str = "two_step", *, hidden: Sequence[int] = (1000, 100), outputs: int = 1) -> Network:
    """A network by name.

    Args:
        name: "two_step" (Ju et al. 2025) or another that is registered.
        hidden: units of each hidden layer, from the genes on.
        outputs: responses that it predicts, one column each.

    Returns:
        Network: pure functions; equal arguments give the same object, hence the same compiled programs.

    Raises:
        InputError: an unknown name, or widths that are no positive whole numbers.
    """
    if isinstance(hidden, str | int) or not hidden or any(type(units) is not int or units < 1 for units in hidden):
        raise InputError(f"hidden={hidden!r}: give a list of positive whole numbers, such as (1000, 100)")
    return build(NetworkConfig(name, tuple(hidden), outputs))


def scaled(domain: Domain, drug: str | None = None) -> tuple[jax.Array, jax.Array, ResponseScale]:
    """All rows of a domain as a network takes them, scaled by their own statistics.

    Where rows are held out, scale by the training rows alone: `scaled(domain.rows(train))`; run_study does.

    Args:
        domain: such as cohort["target"].
        drug: one of several; samples without a measurement of it are left out.

    Returns:
        x (n, genes) float32, without units; y (n,) float32 on the network's 0 to 10, where high means resistant; the
        response's scale, whose from_network(prediction) is in the response's own unit.

    Raises:
        InputError: several drugs and none named, an unknown one, or a response that has gaps or is constant.
    """
    if drug is None and len(domain.drugs) != 1:
        raise InputError(f"domain {domain.name} has {len(domain.drugs)} drugs; name one: {', '.join(domain.drugs[:8])}")
    domain = domain.for_drug(drug or domain.drugs[0])
    scale = fit_response_scale(domain.response, domain.direction, domain.unit)
    y = jnp.asarray(scale.to_network(domain.response), jnp.float32)
    return jnp.asarray(prepare(domain)[1]), y, scale


def fit(
    key: jax.Array, start: Transfer, batch: Batch, recipe: Recipe, *, network: Network, test: Batch | None = None
) -> Fitted:
    """Train once: a pure function, which jax.jit compiles and jax.vmap runs for many keys or rates at once.

    A lane of a vmap equals the same training alone to rounding (about 2e-5), not bit for bit.

    Args:
        key: jax.random.key(...) of the run; shuffles and dropout come from it.
        start: where it starts and what may move, such as Transfer.fresh(network.init(key, genes)).
        batch: the training rows, x (n, genes) and y (n,) on the network's scale; w (n,) where some are padding.
        recipe: epochs, learning rate and so on; its numbers may be traced.
        network: of tl_jax.network, or your own.
        test: held-out rows, for curves and predictions only.

    Returns:
        Fitted: variables, history and the prediction of the held-out rows.

    Raises:
        InputError: x and y of different lengths, or a name where a network is wanted.
        ValueError: leaves to train that the network does not have.
    """
    if not isinstance(network, Network):
        raise InputError(f"network={network!r}: give a Network, such as tl_jax.network('two_step')")
    config, hparams = recipe.fit_config(), recipe.hparams().arrays()
    test = None if test is None else weighted(test)
    result = fit_leaves(key, start, weighted(batch), test, hparams, network=network, config=config)
    prediction = None if result.prediction is None else result.prediction[-1]
    return Fitted(complete(start, result.trained), result.history, prediction)


def weighted(batch: Batch) -> Batch:
    """The same rows as jax arrays, with ones for weights where there are none; a traced array stays what it is."""
    x, y, w, mask = (None if part is None else jnp.asarray(part) for part in batch)
    if x.ndim != 2 or y is None or len(y) != len(x):
        found = "none" if y is None else y.shape
        raise InputError(f"a batch needs x (n, genes) and y (n,); they have the shapes {x.shape} and {found}")
    return Batch(x, y, jnp.ones(len(x), x.dtype) if w is None else w, mask)


def predict(variables: Variables, x: jax.Array, network: Network) -> jax.Array:
    """Predictions of rows, dropout off.

    Args:
        variables: such as fit(...).variables.
        x: (n, genes), scaled as the training rows were.
        network: that the variables belong to.

    Returns:
        (n,) or (n, outputs) on the network's scale; ResponseScale.from_network gives the response's own unit.

    Raises:
        InputError: rows with another number of genes than the network's first layer has.
    """
    first = variables["params"].get(network.layers[0], {}).get("kernel")
    if first is not None and (jnp.ndim(x) != 2 or len(first) != x.shape[1]):
        raise InputError(f"x has the shape {jnp.shape(x)}; these variables take (n, {len(first)})")
    return predict_rows(variables, jnp.asarray(x), network)
