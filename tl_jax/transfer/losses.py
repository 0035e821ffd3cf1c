"""What keeps two domains from being told apart: distances between samples, by name, and a reversed gradient.

A distance takes weighted rows of both: distance(a (n, d), weight_a (n,), b (m, d), weight_b (m,)) -> scalar. A new one
is a function under @distance() in any file of this folder.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.errors import InputError

Distance = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the mean squared distance (Long et al. 2015 sum such kernels)

DISTANCES: dict[str, Distance] = {}


def distance() -> Callable[[Distance], Distance]:
    """Register a distance between samples under its own name."""

    def register(function: Distance) -> Distance:
        taken = DISTANCES.get(function.__name__)
        if taken and taken.__module__ != function.__module__:
            raise InputError(f"a distance named '{function.__name__}' exists already; give yours another name")
        DISTANCES[function.__name__] = function
        return function

    return register


def get_distance(name: str) -> Distance:
    """A registered distance; an unknown name is refused with the list of known ones."""
    if name not in DISTANCES:
        raise InputError(f"no distance '{name}'; there are: {', '.join(DISTANCES)}")
    return DISTANCES[name]


@distance()
def mmd(a, weight_a, b, weight_b):
    """Squared maximum mean discrepancy between weighted rows (n, d) and (m, d), Gaussian kernels of five widths.

    Gretton et al. 2012, equation 5 (the biased estimate); widths as multiples of the mean squared distance.
    """
    apart, weight = between(a, weight_a, b, weight_b)
    here = jnp.abs(weight)
    typical = (here[:, None] * here[None, :] * apart).sum() / jnp.square(here.sum())
    return discrepancy(apart / jnp.maximum(typical, 1e-12), weight, BANDWIDTHS)


@distance()
def mmd_median(a, weight_a, b, weight_b):
    """The same with widths as multiples of the median squared distance of two rows, which takes no gradient."""
    apart, weight = between(a, weight_a, b, weight_b)
    first, second = np.triu_indices(len(apart), 1)  # jax would count them anew in every step
    real = (weight[first] != 0) & (weight[second] != 0)
    typical = jnp.nanmedian(jnp.where(real, apart[first, second], jnp.nan))
    return discrepancy(apart / jnp.maximum(jax.lax.stop_gradient(typical), 1e-12), weight, BANDWIDTHS)


@distance()
def mmd_1000(a, weight_a, b, weight_b):
    """scDEAL's: one kernel of sigma 1000, which compares means alone (Chen et al. 2022, its code)."""
    return gaussian_mmd(a, weight_a, b, weight_b, 1000.0)


def gaussian_mmd(a, weight_a, b, weight_b, sigma: float) -> jax.Array:
    """The same with one kernel exp(-d^2 / (2 sigma^2))."""
    return discrepancy(*between(a, weight_a, b, weight_b), (2 * sigma**2,))


def between(a, weight_a, b, weight_b) -> tuple[jax.Array, jax.Array]:
    """Squared distances (n + m, n + m) of all rows, and their weights: a's add up to 1, b's to -1.

    By differences: through products of rows the distance of near points, and its gradient, would be rounding.
    """
    rows = jnp.concatenate([a, b])
    weight = jnp.concatenate([weight_a / weight_a.sum(), -weight_b / weight_b.sum()])
    return squared_distances(rows), weight


@jax.custom_vjp
def squared_distances(rows: jax.Array) -> jax.Array:
    """(n, n) of rows (n, d), column after column: all differences at once took twenty times as long on a CPU."""

    def add(total, column):
        return total + jnp.square(column[:, None] - column[None, :]), None

    return jax.lax.scan(add, jnp.zeros((len(rows), len(rows)), rows.dtype), rows.T)[0]


def _pull(rows, gradient):
    both = gradient + gradient.T
    columns = jax.lax.map(lambda own: (both * (own[None, :] - own[:, None])).sum(axis=0), rows.T)
    return (2 * columns.T,)


squared_distances.defvjp(lambda rows: (squared_distances(rows), rows), _pull)


def discrepancy(apart: jax.Array, weight: jax.Array, widths: tuple[float, ...]) -> jax.Array:
    """Weighted sum over pairs of the mean of kernels exp(-distance / width)."""
    kernel = sum(jnp.exp(-apart / width) for width in widths) / len(widths)
    return (weight[:, None] * weight[None, :] * kernel).sum()


@distance()
def coral(a, weight_a, b, weight_b):
    """Squared Frobenius distance of the covariances of weighted rows (n, d) and (m, d), over 4 d^2.

    Deep CORAL of Sun and Saenko 2016, equation 1. A domain of one row has no spread.
    """
    gap = covariance(a, weight_a) - covariance(b, weight_b)
    return jnp.square(gap).sum() / (4 * a.shape[1] ** 2)


def covariance(rows: jax.Array, weight: jax.Array) -> jax.Array:
    """(d, d), unbiased where weights are 0 or 1."""
    n = weight.sum()
    mean = (weight[:, None] * rows).sum(axis=0) / jnp.maximum(n, 1)
    centred = rows - mean[None]
    return (weight[:, None] * centred).T @ centred / jnp.maximum(n - 1, 1)


@jax.custom_vjp
def reverse(h: jax.Array, strength: jax.Array) -> jax.Array:
    """h itself, whose gradient goes back times -strength: what lies below climbs the loss of what is built on h.

    The gradient reversal layer of Ganin and Lempitsky 2015, section 3.1.
    """
    return h


def _forward(h, strength):
    return h, strength


def _backward(strength, gradient):
    return -strength * gradient, jnp.zeros_like(strength)


reverse.defvjp(_forward, _backward)
