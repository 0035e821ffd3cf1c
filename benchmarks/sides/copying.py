"""Memory traffic alone: how long a step of a wide trained layer 1 takes at the rate at which the device copies."""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp

from benchmarks.arithmetic import device_step_bytes
from benchmarks.problem import Problem
from tl_jax.system import runtime

COPIED = 2**31
TIMES = 10


def prepare(problem: Problem, cores: int, copied: int = COPIED):
    """copied: bytes of the array that is copied; each is read once and written once."""
    runtime.configure("off")
    source = jnp.ones(copied // 4, jnp.float32)
    duplicate = jax.jit(lambda array: array + 1)  # a plain copy may be left out by the compiler

    def measure() -> dict:
        began, times = time.perf_counter(), []
        for _ in range(TIMES):
            start = time.perf_counter()
            duplicate(source).block_until_ready()
            times.append(time.perf_counter() - start)
        bandwidth = 2 * source.nbytes / min(times)
        moved = device_step_bytes(problem.genes, problem.hidden[0])
        return {
            "seconds": moved / bandwidth * problem.fits * problem.counted_epochs * problem.steps,
            "wall": time.perf_counter() - began,
            "bytes_per_second": bandwidth,
            "step_bytes": moved,
            "device": runtime.device(),
        }

    return measure
