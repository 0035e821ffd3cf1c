"""The least time that this machine needs for a step of a wide trained layer 1, measured with numpy alone."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.arithmetic import step_bytes, step_floor
from benchmarks.problem import Problem

# Streamed in total: far more than any cache holds.
STREAMED = 2**30
TIMES = 5


def prepare(problem: Problem, cores: int, streamed: int = STREAMED):
    """Every core multiplies its own matrices with one thread, as runs side by side do; streamed: bytes, of all cores.

    The best of a few tries counts: a floor is what the machine can do.
    """
    genes, units, rows = problem.genes, problem.hidden[0], problem.batch_rows
    own = [matrices(genes, units, rows, problem.seed) for _ in range(cores)]
    streams = [np.ones(streamed // 4 // cores, np.float32) for _ in range(cores)]
    pool = ThreadPoolExecutor(cores)

    def best(work, items) -> float:
        """Seconds until every core has done its item."""
        times = []
        for _ in range(TIMES):
            began = time.perf_counter()
            list(pool.map(work, items))
            times.append(time.perf_counter() - began)
        return min(times)

    def measure() -> dict:
        began = time.perf_counter()
        forward = best(lambda m: np.matmul(m["x"], m["w"], out=m["h"]), own) / cores
        backward = best(lambda m: np.matmul(m["x"].T, m["dz"], out=m["dw"]), own) / cores
        # In place: each byte is read once and written once.
        bandwidth = 2 * sum(part.nbytes for part in streams) / best(scale, streams)
        step = step_floor(forward, backward, bandwidth, genes, units)
        return {
            "seconds": step * problem.fits * problem.counted_epochs * problem.steps,
            "wall": time.perf_counter() - began,
            "step_seconds": step,
            "forward_seconds": forward,
            "backward_seconds": backward,
            "bytes_per_second": bandwidth,
            "flops_per_second": 2 * 2 * rows * genes * units / (forward + backward),
            "step_bytes": step_bytes(genes, units),
            "step_flops": 2 * 2 * rows * genes * units,
        }

    return measure


def matrices(genes: int, units: int, rows: int, seed: int) -> dict[str, np.ndarray]:
    """What one core multiplies, and where the products h = x w and dw = x' dz go; all memory touched."""
    rng = np.random.default_rng(seed)
    shapes = {"x": (rows, genes), "w": (genes, units), "dz": (rows, units), "h": (rows, units), "dw": (genes, units)}
    return {name: rng.random(shape, dtype=np.float32) for name, shape in shapes.items()}


def scale(part: np.ndarray) -> None:
    np.multiply(part, np.float32(1.0000001), out=part)
