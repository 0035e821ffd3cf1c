"""The network that is shown before and after transfer: which it is, its columns of cells and its bottlenecks."""

from __future__ import annotations

import numpy as np

from tl_jax.study.cells.critical import at_once, looked_at, models_of
from tl_jax.study.cells.networks import NetArm
from tl_jax.study.cells.study import SMOOTHED, CellResults

SEED = 0  # whose bottlenecks are written: those of several seeds have no axes in common
ENDINGS = ("_pretransfer", "_transferred")
PLACES = ("X_tl_pretransfer", "X_tl")


def shown(results: CellResults) -> tuple[str, str] | None:
    """(arm before transfer, arm after it) of the first network and its first transfer that is one."""
    if results.settings.published:
        return "paper before", "paper"
    pairs = [(results.before[arm], arm) for arm in results.networks if arm in results.before]
    real = [pair for pair in pairs if not pair[1].endswith("_none")]
    return next(iter(real or pairs), None)


def columns(results: CellResults) -> dict[str, str]:
    """{ending of a column: the arm that it is of}, on the cells that scores are of."""
    smooth = SMOOTHED if results.settings.smooth > 1 and not results.settings.published else ""
    return {ending: f"{arm}{smooth}" for ending, arm in zip(ENDINGS, shown(results) or (), strict=False)}


def bottlenecks(results: CellResults) -> dict[str, np.ndarray]:
    """{name for obsm: (cells, units)} of the first seed before and after transfer, at the end of its training."""
    pair = shown(results)
    if not (pair and results.networks):
        return {}
    return {place: bottleneck(results.networks[arm]) for place, arm in zip(PLACES, pair, strict=True)}


def bottleneck(arm: NetArm) -> np.ndarray:
    """(cells, units) of the cells that the network was transferred to, in the order of the study."""
    look, model, x = looked_at(arm.nets.sizes), models_of(arm)[SEED], arm.nets.cells.x
    rows = at_once(arm.nets.sizes)
    found = np.concatenate([np.asarray(look(model, x[k : k + rows])[0]) for k in range(0, len(x), rows)])
    placed = np.empty_like(found)
    placed[arm.nets.rows.by_name] = found
    return placed
