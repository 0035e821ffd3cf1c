"""Integrated gradients: which inputs move a prediction away from that of a baseline.

Sundararajan, Taly and Yan 2017: (x - baseline) times the mean gradient on the straight line between them. The
attributions of a row add up to f(x) - f(baseline), up to the error of the quadrature, which is returned beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

BLOCK_BYTES = 2**25  # of the rows that are worked on at once


class Attributions(NamedTuple):
    """Of n rows, in numpy.

    values: (n, features). output, base_output: (n,), f at the rows and at their baselines. delta: (n,), the sum of a
    row's values minus (output - base_output), 0 where the integral is exact.
    """

    values: np.ndarray
    output: np.ndarray
    base_output: np.ndarray
    delta: np.ndarray


def gausslegendre(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(places on (0, 1), weights) of the Gauss-Legendre rule."""
    nodes, weights = np.polynomial.legendre.leggauss(n_steps)
    return (nodes + 1) / 2, weights / 2


def riemann_middle(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(places on (0, 1), weights) of the midpoint rule, which kinks of a ReLU network disturb less."""
    return (np.arange(n_steps) + 0.5) / n_steps, np.full(n_steps, 1 / n_steps)


METHODS = {"gausslegendre": gausslegendre, "riemann_middle": riemann_middle}


def integrated_gradients(
    f: Callable[[jax.Array], jax.Array],
    x,
    baseline=None,
    *,
    n_steps: int = 50,
    method: str = "gausslegendre",
    block_bytes: int = BLOCK_BYTES,
) -> Attributions:
    """Attribute f's output for each row of x (n, features) to its features.

    f: pure, (m, features) -> (m,), each output from its own row alone (batch norm by running statistics, no dropout).
    As `jax.tree_util.Partial(apply, variables)` all models of one shape share a compiled program. It is the output
    of f that is explained: give logits or probabilities, which attribute differently. baseline: (features,) or one for
    each row, zeros where None. All is computed in x's floating type, as far as jax has it switched on. Memory: a few
    times `block_bytes` and what f takes for such a block, whatever n and n_steps; attributions lie on the host.
    """
    x = np.asarray(x)
    x = x.astype(jax.dtypes.canonicalize_dtype(x.dtype) if x.dtype.kind == "f" else np.float32)
    start = np.zeros_like(x) if baseline is None else np.asarray(baseline, x.dtype)
    check(f, x, start, n_steps, method)
    start = np.broadcast_to(start, x.shape)
    places, weights = (part.astype(x.dtype) for part in METHODS[method](n_steps))
    f = f if isinstance(f, Partial) else Partial(f)
    size = max(1, min(len(x), block_bytes // max(1, x.shape[1] * x.dtype.itemsize)))
    parts = []
    for first in range(0, len(x), size):
        rows = np.arange(first, first + size).clip(max=len(x) - 1)  # the last block is filled up by its last row
        part = _block(f, x[rows], start[rows], places, weights)
        parts.append([np.asarray(values)[: len(x) - first] for values in part])
    if not parts:
        return Attributions(np.zeros_like(x), *np.zeros((3, 0), x.dtype))
    return Attributions(*(np.concatenate(values) for values in zip(*parts, strict=True)))


@jax.jit
def _block(f: Partial, x, start, places, weights) -> Attributions:
    """The attributions of some rows, one place on the line after another."""
    gradient = jax.grad(lambda rows: f(rows).sum())
    way = x - start

    def step(total, at):
        place, weight = at
        return total + weight * gradient(start + place * way), None

    total, _ = jax.lax.scan(step, jnp.zeros_like(x), (places, weights))
    values = way * total
    output, base_output = f(x), f(start)
    return Attributions(values, output, base_output, values.sum(axis=1) - (output - base_output))


def check(f: Callable, x: np.ndarray, start: np.ndarray, n_steps: int, method: str) -> None:
    """Raise ValueError for arguments that do not fit together."""
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    if n_steps < 1:
        raise ValueError(f"n_steps is {n_steps}; at least 1 step is needed")
    if x.ndim != 2 or start.shape not in (x.shape, x.shape[1:]):
        raise ValueError(f"x has shape {x.shape} and baseline {start.shape}; (n, features) and that or (features,) fit")
    if not (np.isfinite(x).all() and np.isfinite(start).all()):
        raise ValueError("x or baseline holds values that are not finite")
    shape = jax.eval_shape(f, jax.ShapeDtypeStruct((3, x.shape[1]), x.dtype)).shape
    if shape != (3,):
        raise ValueError(f"f gives shape {shape} for 3 rows; it must give one number for each row")
