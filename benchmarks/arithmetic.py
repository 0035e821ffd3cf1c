"""The arithmetic of the reports: values in a case's unit, medians, ratios, floors, exponents. No jax, no rivals."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

FLOAT = 4  # bytes


def value_of(seconds: float, share: float, scale: float = 1.0) -> float:
    """Time of a whole in the case's unit, from that of a `share` of it."""
    return seconds / share * scale


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and range."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> dict[str, float]:
    """How many times our time theirs is: of the medians, and the range over the rounds in which both were measured."""
    rounds = [a / b for a, b in zip(theirs, ours, strict=False)]
    return {"median": median(theirs) / median(ours), "min": min(rounds), "max": max(rounds)}


def difference(whole: float, part: float) -> float:
    """Time of what `whole` does beyond `part`; where noise swallows it the whole, which is more than that."""
    return whole - part if whole > part else whole


def with_first(first: float, warm: float, share: float) -> float:
    """Time of a whole whose first call, of a `share` of it, pays for compilation, and whose others do not."""
    return first + (1 / share - 1) * warm


def step_bytes(genes: int, units: int) -> int:
    """Bytes that Adam moves in a step of a wide layer besides its matrix products.

    Six passes read and write the weights and both moments, one reads the gradient.
    """
    return (6 + 1) * FLOAT * genes * units


def step_floor(forward: float, backward: float, bytes_per_second: float, genes: int, units: int) -> float:
    """Seconds of a step of a wide layer at least: both matrix products, then Adam's traffic.

    The products' own times hold the pass that reads the weights and the one that writes the gradient.
    """
    return forward + backward + step_bytes(genes, units) / bytes_per_second


def device_step_bytes(genes: int, units: int) -> int:
    """Bytes that a step of a wide layer moves in all.

    Forward one read of the weights; the gradient written and read; weights and both moments read and written.
    """
    return (1 + 2 + 6) * FLOAT * genes * units


def floor_text(floor: dict, genes: int, units: int) -> str:
    """One floor with its formula, bytes and operations, for people; `floor` as sides/floor.py measures it."""
    rate, bandwidth = floor["flops_per_second"] / 1e9, floor["bytes_per_second"] / 1e9
    products = f"{1e3 * floor['forward_seconds']:.2f} + {1e3 * floor['backward_seconds']:.2f} ms"
    traffic = f"{1e3 * floor['step_bytes'] / floor['bytes_per_second']:.2f} ms"
    return (
        f"floor of a step = forward + backward product + 7 passes x 4 bytes x {genes:,} x {units:,} / bandwidth = "
        f"{products} ({floor['step_flops'] / 1e9:.3g} GFLOP at {rate:.0f} GFLOP/s) + "
        f"{traffic} ({floor['step_bytes'] / 1e6:.4g} MB at {bandwidth:.1f} GB/s) = {1e3 * floor['step_seconds']:.2f} ms"
    )


def exponent(factor: Sequence[float], cost: Sequence[float]) -> float | None:
    """b of cost = a * factor**b by least squares on logarithms; None where fewer than two points allow one."""
    factor, cost = np.asarray(factor, float), np.asarray(cost, float)
    usable = (factor > 0) & (cost > 0)
    if len(set(factor[usable])) < 2:
        return None
    return float(np.polyfit(np.log(factor[usable]), np.log(cost[usable]), 1)[0])
