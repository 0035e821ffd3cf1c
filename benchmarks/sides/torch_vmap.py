"""PyTorch with all trainings of a problem at once: torch.func.vmap over stacked weights, Adam on the stacks."""

from __future__ import annotations

import math
import time
from functools import partial

import numpy as np
import torch
from torch.func import grad, vmap
from torch.nn import functional as F

from benchmarks.problem import ACTIVITY_L1, BETAS, DROPOUT, EPSILON, KERNEL_L2, Problem
from benchmarks.sides.torch_eager import torch_device


def prepare(problem: Problem, cores: int):
    """A frozen layer 1 is evaluated once per training, as who writes such code would do."""
    device = torch_device(problem, cores)
    x, y, w = (torch.from_numpy(part).to(device) for part in stacked(problem))
    fresh = {}
    for layer, (kernel, bias) in problem.first_weights().items():
        fresh |= {f"{layer}/kernel": torch.from_numpy(kernel), f"{layer}/bias": torch.from_numpy(bias)}

    if problem.frozen:
        kernel, bias = (fresh.pop(f"layer1/{leaf}").to(device) for leaf in ("kernel", "bias"))
    step = vmap(grad(partial(loss, prefixed=problem.frozen), has_aux=True), randomness="different")
    place = torch.arange(problem.fits, device=device)[:, None]

    def measure() -> dict:
        params = {name: leaf.to(device).expand(problem.fits, *leaf.shape).clone() for name, leaf in fresh.items()}
        moments = {name: (torch.zeros_like(leaf), torch.zeros_like(leaf)) for name, leaf in params.items()}
        began, count, errors = time.perf_counter(), 0, []
        inputs = torch.sigmoid(x @ kernel + bias) if problem.frozen else x
        for _ in range(problem.epochs):
            total = torch.zeros(problem.fits, device=device)
            for index in orders(w).split(problem.batch, dim=1):
                count += 1
                grads, error = step(params, *(part[place, index] for part in (inputs, y, w)))
                adam(params, grads, moments, count, problem.learning_rate)
                total += error
            errors.append(total)
        mae = [errors[number][0].item() / w[0].sum().item() for number in (0, -1)]  # waits for the device
        return {"seconds": time.perf_counter() - began, "mae": mae}

    return measure


def stacked(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(fits, rows, genes) x, scaled for each training, and (fits, rows) y and weights, 0 for padding."""
    x, y = problem.data()
    center, scale = problem.statistics(x)
    index, weight = problem.padded_rows(0)
    return (x[index] - center[:, None]) / scale[:, None], y[index], weight


def orders(w: torch.Tensor) -> torch.Tensor:
    """(fits, rows) a fresh order of each training's rows, padding last."""
    return torch.where(w > 0, torch.rand_like(w), 2.0).argsort(dim=1)


def loss(params: dict, x, y, w, *, prefixed: bool):
    """(loss, sum of absolute errors) of one batch of one training. prefixed: x is the output of a frozen layer 1."""
    size = w.sum().clamp(min=1)
    penalty = 0.0
    if not prefixed:
        kernel = params["layer1/kernel"]
        x = torch.sigmoid(x @ kernel + params["layer1/bias"])
        penalty = KERNEL_L2 * kernel.square().sum() + ACTIVITY_L1 / size * (w * x.abs().sum(dim=1)).sum()
    z = F.softplus(F.dropout(x, DROPOUT[0]) @ params["layer2/kernel"] + params["layer2/bias"])
    error = F.softplus(F.dropout(z, DROPOUT[1]) @ params["head/kernel"] + params["head/bias"])[:, 0] - y
    return (w * error.square()).sum() / size + penalty, (w * error.abs()).sum().detach()


def adam(params: dict, grads: dict, moments: dict, count: int, rate: float) -> None:
    """One step in place, as Keras writes it: rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps)."""
    b1, b2 = BETAS
    size = rate * math.sqrt(1 - b2**count) / (1 - b1**count)
    for name, leaf in params.items():
        m, v = moments[name]
        m.mul_(b1).add_(grads[name], alpha=1 - b1)
        v.mul_(b2).addcmul_(grads[name], grads[name], value=1 - b2)
        leaf.addcdiv_(m, v.sqrt().add_(EPSILON), value=-size)
