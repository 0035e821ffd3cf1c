"""A process whose kernel is learnt over tasks: weights of its parts, a length scale, the noise, in one program.

Parts: genes, profile, the profile weighed by each drug's reliability, and a radial kernel of the genes. All tasks have
the same number of rows, so that one jitted, vmapped program gives the loss of all of them and its gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from benchmarks.source_tasks import Task, told
from tl_jax.evaluation.predictors.ranked import rankit

PARTS = ("genes", "profile", "reliable")
LOSSES = ("held_out", "likelihood")
JITTER = 1e-4  # of a kernel whose mean diagonal is 1; float32


class Meta(NamedTuple):
    """weights: (4,) of PARTS and the radial kernel, which add up to 1. width: of the radial kernel, in median squared
    distances. noise: variance beside a kernel whose mean diagonal is about 1."""

    weights: np.ndarray
    width: float
    noise: float


class Stack(NamedTuple):
    """All tasks in arrays: within (t, 4, n, n), across (t, 4, m, n), the fourth part squared distances; y (t, n)
    normal scores; truth (t, m) normal scores of the held-out responses."""

    within: jax.Array
    across: jax.Array
    y: jax.Array
    truth: jax.Array


def stacked(tasks: Sequence[Task]) -> Stack:
    names = (*PARTS, "distances")
    within, across = (np.stack([[one.kernels[name][k] for name in names] for one in tasks]) for k in (0, 1))
    y, truth = np.stack([one.y for one in tasks]), np.stack([rankit(one.truth) for one in tasks])
    return Stack(*(jnp.asarray(part, jnp.float32) for part in (within, across, y, truth)))


def mixed(weights, width, within, across):
    """((n, n), (m, n)) the kernel of a task; works on arrays of numpy and jax."""
    exp = jnp.exp if isinstance(within, jax.Array) else np.exp
    radial = centred(exp(-within[-1] / width), exp(-across[-1] / width))
    parts = [[*pair[:-1], own] for pair, own in zip((within, across), radial, strict=True)]
    return tuple(sum(w * part for w, part in zip(weights, pair, strict=True)) for pair in parts)


def centred(within, across):
    """As centred_kernels, which leaves the promotion of ranks to numpy."""
    columns = within.mean(axis=0, keepdims=True)
    total = columns.mean()
    return within - columns - columns.T + total, across - columns - across.mean(axis=1, keepdims=True) + total


def free(theta):
    """(weights, width, noise) of six free numbers."""
    return jax.nn.softmax(theta[:4]), jnp.exp(theta[4]), jnp.exp(theta[5]) + JITTER


def held_out(theta, one: Stack):
    """Mean squared error of a task's held-out ranks, their level free."""
    weights, width, noise = free(theta)
    within, across = mixed(weights, width, one.within, one.across)
    dual = jnp.linalg.solve(within + noise * jnp.eye(len(one.y)), one.y - one.y.mean())
    gap = one.truth - across @ dual
    return jnp.mean((gap - gap.mean()) ** 2)


def likelihood(theta, one: Stack):
    """Minus the restricted log likelihood of a task's training scores, for each row, its scale at its best."""
    weights, width, noise = free(theta)
    within, _ = mixed(weights, width, one.within, one.across)
    n = len(one.y)
    factor = jnp.linalg.cholesky(within + noise * jnp.eye(n))
    half = jax.scipy.linalg.solve_triangular(factor, one.y - one.y.mean(), lower=True)
    # The constant is an eigenvector of the centred kernel with the eigenvalue 0: its share of the determinant is noise.
    size = 2 * jnp.log(jnp.diag(factor)).sum() - jnp.log(noise)
    return 0.5 * (size + (n - 1) * jnp.log((half**2).sum())) / n


@partial(jax.jit, static_argnames="loss")
def loss_and_gradient(theta, tasks: Stack, loss: str):
    """Mean over tasks."""
    one = {"held_out": held_out, "likelihood": likelihood}[loss]
    return jax.value_and_grad(lambda theta: jax.vmap(one, (None, 0))(theta, tasks).mean())(theta)


def learn(tasks: Sequence[Task], loss: str, most: int = 60) -> tuple[Meta, float]:
    """(what is learnt over tasks by one of LOSSES, its mean loss); starts at equal weights."""
    arrays = stacked(tasks)

    def objective(theta):
        value, gradient = loss_and_gradient(jnp.asarray(theta, jnp.float32), arrays, loss)
        return float(value), np.asarray(gradient, np.float64)

    # Beyond these ends a part has no weight, and a width or a noise says nothing more.
    ends = [(-6, 6)] * 4 + [(-2, 4), (-5, 5)]
    found = minimize(objective, np.zeros(6), jac=True, method="L-BFGS-B", bounds=ends, options={"maxiter": most})
    weights, width, noise = (np.asarray(part, np.float64) for part in free(jnp.asarray(found.x, jnp.float32)))
    return Meta(weights / weights.sum(), float(width), float(noise)), float(found.fun)


def predicted(meta: Meta, one: Task, own_noise: bool) -> np.ndarray:
    """(m,) scores of a task's held-out rows. own_noise: by restricted likelihood on the task, else as it was learnt."""
    within, across = ([one.kernels[name][k] for name in (*PARTS, "distances")] for k in (0, 1))
    within, across = mixed(meta.weights, meta.width, within, across)
    if own_noise:
        return told((within, across), one.y)
    dual = np.linalg.solve(within + meta.noise * np.eye(len(one.y)), one.y - one.y.mean())
    return one.y.mean() + across @ dual
