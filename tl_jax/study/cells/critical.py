"""Which genes move the networks: integrated gradients over cells and seeds, beside the ridge's weights.

The baseline is the mean cell, 0 on scaled genes. Sundararajan et al. 2017 by the midpoint rule, which kinks of a ReLU
disturb least. Networks are taken at the end of their training; a seed's score may be read at an earlier epoch, and
`alike` says how far the two agree.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import jax
import numpy as np
import pandas as pd
from jax.tree_util import Partial

from tl_jax.checkpoint import load_stage
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.interpret.integrated_gradients import Attributions, integrated_gradients
from tl_jax.interpret.stability import TOP, gene_stability, in_top
from tl_jax.models.cell_net import BOTTLENECK, CELLS, CellNet, forward, leaves_of
from tl_jax.study.cells.networks import NetArm
from tl_jax.study.core.effects import slopes

MOST_CELLS, STEPS, METHOD = 200, 32, "riemann_middle"
RIDGE = "ridge"
MEMORY, BYTES = 1 << 28, 128  # of a block; of a pair of tokens: 4 heads in float32, forward and back


@lru_cache
def predicted(sizes: CellNet, start: int = 0):
    """(variables, cells) -> the prediction; one function for all models of one shape, which share a program."""
    return jax.jit(lambda variables, rows: forward(sizes, variables, rows, start=start, domain=CELLS).prediction)


@lru_cache
def looked_at(sizes: CellNet):
    """(variables, cells) -> (the bottleneck, the weights of the attention or None), likewise."""

    def look(variables, rows):
        seen = forward(sizes, variables, rows, domain=CELLS).activations
        return seen[BOTTLENECK], seen.get("weights")

    return jax.jit(look)


def models_of(arm: NetArm) -> list[dict]:
    """The networks of all seeds, at the end of their training."""
    stacked = load_stage(arm.path, genes=arm.nets.genes)[0]
    kept = {"params": {name: stacked["params"][name] for name in leaves_of(arm.nets.sizes)}}
    return [jax.tree.map(lambda leaf, k=k: leaf[k], kept) for k in range(arm.nets.own.seeds)]


def drawn_cells(arm: NetArm, seed: int, most: int = MOST_CELLS) -> np.ndarray:
    """Places in the order of names of some cells, at most 200."""
    count = len(arm.nets.cells.x)
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 14]).choice(count, most, replace=False))


def importance_and_slope(values: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of attributions and cells (n, genes): ((genes,) mean |attribution|; (genes,) how the attribution grows with the
    gene by least squares, above 0 where a high gene speaks for sensitive)."""
    return np.abs(values).mean(axis=0, dtype=np.float64), slopes(values, x)


def critical_genes(
    networks: dict[str, NetArm], weights: np.ndarray, genes: np.ndarray, seed: int
) -> tuple[dict[str, pd.DataFrame], dict[str, np.ndarray]]:
    """Tables critical_genes and critical_overlap, and {arm: (genes of the networks, 2) importance and slope}.

    Args:
        networks: of one study, on the same genes and cells. weights: (draws, all genes) of the ridge on `genes`.
    """
    first = next(iter(networks.values()))
    at = np.searchsorted(genes, first.nets.genes)
    chosen = drawn_cells(first, seed)
    x = first.nets.cells.x[chosen]
    found = {RIDGE: [importance_and_slope(x * w, x) for w in weights[:, at]]}
    more = {RIDGE: {"incomplete": 0.0, "alike": np.nan}}
    for name, arm in networks.items():
        seen = [attributed(arm, model, x) for model in models_of(arm)]
        found[name] = [importance_and_slope(own.values, x) for own in seen]
        more[name] = {"incomplete": incomplete(seen), "alike": alike(arm, seen, chosen)}
    tables, both = {}, {}
    for name, own in found.items():
        importance, slope = (np.stack(part, axis=1) for part in zip(*own, strict=True))
        tables[name] = pd.DataFrame(importance, index=first.nets.genes)
        both[name] = np.stack([importance.mean(axis=1), slope.mean(axis=1)], axis=1)
    top = min(TOP, len(x.T))
    listed = gene_stability({(name, ""): table for name, table in tables.items()}, top).drop(columns="source")
    place = pd.Series(np.arange(len(first.nets.genes)), first.nets.genes)
    listed["slope"] = [both[arm][k, 1] for arm, k in zip(listed["arm"], place[listed["gene"]], strict=True)]
    listed = listed.rename(columns={"mean_weight": "importance"})
    overlap = [overlap_of(name, tables, both, top) | more[name] for name in tables]
    return {"critical_genes": listed, "critical_overlap": pd.DataFrame(overlap)}, both


def attributed(arm: NetArm, model: dict, x: np.ndarray) -> Attributions:
    """Integrated gradients of one network."""
    f = Partial(predicted(arm.nets.sizes), model)
    return integrated_gradients(
        f, x, n_steps=STEPS, method=METHOD, block_bytes=4 * x.shape[1] * at_once(arm.nets.sizes)
    )


def at_once(sizes: CellNet) -> int:
    """Rows whose gradients fit into memory together: attention takes its tokens squared, and A3 has many."""
    tokens = 1 + len(sizes.modules[0] if sizes.attention == "A3" else sizes.modules)
    return max(1, min(4096, MEMORY // (BYTES * tokens**2)))


def incomplete(seen: list[Attributions]) -> float:
    """How far attributions miss what they should add up to, as a share of it."""
    missed, wanted = (
        np.mean([np.abs(part) for part in parts])
        for parts in zip(*((own.delta, own.output - own.base_output) for own in seen), strict=True)
    )
    return float(missed / wanted) if wanted > 0 else 0.0


def alike(arm: NetArm, seen: list[Attributions], chosen: np.ndarray) -> float:
    """Spearman over cells of the score that was read with that of the network at its end, mean over seeds."""
    own = arm.of_cells[:, arm.nets.rows.by_name[chosen]]
    return float(np.mean([spearman_rows(score, one.output) for score, one in zip(own, seen, strict=True)]))


def overlap_of(arm: str, tables: dict[str, pd.DataFrame], both: dict[str, np.ndarray], top: int) -> dict:
    """How far seeds share their first genes, and how far their mean ranks genes as the ridge does."""
    table, ridge = tables[arm], tables[RIDGE]
    ours, theirs = (in_top(own.mean(axis=1).to_frame(), top)[:, 0] for own in (table, ridge))
    chance = top**2 / len(table)
    return {
        "arm": arm,
        "runs": table.shape[1],
        "top": top,
        "jaccard": jaccard(in_top(table, top).T),
        "by_chance": chance / (2 * top - chance),
        "jaccard_ridge": jaccard(np.stack([ours, theirs])),
        "importance_ridge": float(spearman_rows(both[arm][:, 0], both[RIDGE][:, 0])),
        "direction_ridge": float(spearman_rows(both[arm][:, 1], both[RIDGE][:, 1])),
    }


def jaccard(member: np.ndarray) -> float:
    """Mean over pairs of (sets, genes) memberships of |in both| / |in either|; NaN of one set."""
    pairs = [np.sum(a & b) / np.sum(a | b) for a, b in combinations(member, 2)]
    return float(np.mean(pairs)) if pairs else float("nan")
