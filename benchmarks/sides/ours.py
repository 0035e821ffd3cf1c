"""tl_jax's engine on the whole run axis, as the experiments call it."""

from __future__ import annotations

import time
from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
from jax import monitoring

from benchmarks.arithmetic import difference
from benchmarks.problem import ACTIVITY_L1, DROPOUT, KERNEL_L2, Problem
from tl_jax.config import FitConfig, NetworkConfig
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.keys import run_keys
from tl_jax.models import build
from tl_jax.system import runtime
from tl_jax.training.runs import Runs, fit_runs
from tl_jax.transfer.strategies import STRATEGIES
from tl_jax.types import Hparams

EVENTS = {"jaxpr_to_mlir_module_duration": "lower", "backend_compile_duration": "compile"}


def prepare(problem: Problem, cores: int, cache_dir: str = "off", precision: str | None = None):
    """cache_dir: of compiled programs, "off" for none. precision: of matrix products; None: jax's default.

    The engine takes the cores by itself. A measurement holds all that a call of it does: scaling, first weights,
    training, prediction of the held-out rows.
    """
    runtime.configure(cache_dir)
    strategy = STRATEGIES[problem.strategy]
    network = build(NetworkConfig(hidden=problem.hidden))
    x, y = problem.data()
    runs, start = run_axis(problem, x, y), (strategy.function, source_model(problem) if strategy.needs_source else None)
    spent = compiling_time()

    def train(epochs: int):
        config = FitConfig(epochs=epochs, batch_size=problem.batch, curves=False)
        began = time.perf_counter()
        result = fit_runs(runs, x, [start], network=network, config=config)
        return time.perf_counter() - began, result

    def measure() -> dict:
        spent.update(dict.fromkeys(spent, 0.0))
        with jax.default_matmul_precision(precision) if precision else nullcontext():
            before = train(problem.after)[0] if problem.after else 0.0
            whole, result = train(problem.epochs)
        return {
            "seconds": difference(whole, before),
            "wall": whole + before,
            "mae": result.history["train_mae"][0, [0, -1]].tolist(),
            "spearman": held_out_spearman(problem, y, result.prediction),
            "compiling": dict(spent),
            "device": runtime.device(),
        }

    return measure


def run_axis(problem: Problem, x: np.ndarray, y: np.ndarray) -> Runs:
    """The trainings of a problem as the engine's runs."""
    fits = problem.fits
    (train_rows, train_w), (test_rows, test_w) = problem.padded_rows(0), problem.padded_rows(1)
    center, scale = problem.statistics(x)
    hparams = Hparams(problem.learning_rate, KERNEL_L2, ACTIVITY_L1, DROPOUT).arrays()
    return Runs(
        key=run_keys(problem.seed, [divmod(fit, problem.folds) for fit in range(fits)]),
        train_rows=train_rows,
        train_w=train_w,
        test_rows=test_rows,
        test_w=test_w,
        y=np.broadcast_to(y, (fits, len(y))),
        center=center,
        scale=scale,
        test_center=center,
        test_scale=scale,
        hparams=jax.tree.map(lambda v: jnp.broadcast_to(v, (fits, *v.shape)), hparams),
    )


def source_model(problem: Problem) -> dict:
    """The first weights as variables of the engine's network."""
    weights = problem.first_weights()
    return {"params": {layer: {"kernel": kernel, "bias": bias} for layer, (kernel, bias) in weights.items()}}


def held_out_spearman(problem: Problem, y: np.ndarray, prediction: np.ndarray) -> float:
    """Mean over trainings of the rank correlation on their held-out rows."""
    tests = [test for _, test in problem.splits()]
    found = [spearman(y[test], made[-1][: len(test)]) for test, made in zip(tests, prediction, strict=True)]
    return float(np.mean(found))


def compiling_time() -> dict[str, float]:
    """What jax spends on programs from now on, kept up to date by jax itself.

    lower, compile: seconds, the latter also where a program is read from the cache. cached: how many were.
    """
    spent = dict.fromkeys((*EVENTS.values(), "cached"), 0.0)

    def listen(event: str, seconds: float, **_) -> None:
        kind = EVENTS.get(event.rsplit("/", 1)[-1])
        if kind:
            spent[kind] += seconds

    def count(event: str, **_) -> None:
        spent["cached"] += event.endswith("/cache_hits")

    monitoring.register_event_duration_secs_listener(listen)
    monitoring.register_event_listener(count)
    return spent
