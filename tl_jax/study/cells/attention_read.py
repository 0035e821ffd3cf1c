"""What attention looks at, beside what moves the prediction: ranks of pieces, modules or genes, by three measures.

Attention weights are read as they are often taken for importance; integrated gradients and permutation ask the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from jax.tree_util import Partial

from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.interpret.integrated_gradients import integrated_gradients
from tl_jax.models.cell_net import BOTTLENECK, TOKENS, names_of
from tl_jax.study.cells.critical import METHOD, MOST_CELLS, STEPS, at_once, drawn_cells, looked_at, models_of, predicted
from tl_jax.study.cells.networks import NetArm

MOST_OF_GENES = 20  # cells of A3, whose tokens are genes: memory grows with their square
OVER = {"A1": "pieces of the bottleneck", "A2": "modules", "A3": "genes"}
MEASURES = ("attention", "integrated gradients", "permutation")


def attention_table(networks: dict[str, NetArm], seed: int) -> pd.DataFrame:
    """arm, over, tokens, one, other, spearman (mean over seeds), sd: how alike two measures rank the tokens."""
    rows = []
    for name, arm in networks.items():
        if not (attention := arm.nets.sizes.attention):
            continue
        chosen = drawn_cells(arm, seed, MOST_OF_GENES if attention == "A3" else MOST_CELLS)
        found = [measured(arm, model, arm.nets.cells.x[chosen], seed) for model in models_of(arm)]
        for one, other in combinations(range(len(MEASURES)), 2):
            own = np.array([spearman_rows(seen[one], seen[other]) for seen in found])
            sd = own.std(ddof=1) if len(own) > 1 else np.nan
            tokens = len(found[0][0])
            rows.append((name, OVER[attention], tokens, MEASURES[one], MEASURES[other], float(own.mean()), sd))
    return pd.DataFrame(rows, columns=["arm", "over", "tokens", "one", "other", "spearman", "sd"])


def measured(arm: NetArm, model: dict, x: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(tokens,) each: the mean attention that a token gets, and what moves the prediction by the two other measures."""
    sizes = arm.nets.sizes
    both, weights = map(np.asarray, looked_at(sizes)(model, np.concatenate([x, np.zeros_like(x[:1])])))
    weights = weights[:-1]
    start, rows, base = 0, x, np.zeros_like(x[0])
    groups = [np.array(own) for own in sizes.modules]
    if sizes.attention == "A1":
        start = names_of(sizes).index(BOTTLENECK) + 1
        rows, base = both[:-1], both[-1]
        groups = np.split(np.arange(sizes.bottleneck), TOKENS)
    elif sizes.attention == "A3":
        groups = [np.array([gene]) for gene in sizes.modules[0]]
    # A1 pools over all tokens; A2 and A3 are read at their class token, the first.
    read = weights.mean(axis=(0, 1, 2)) if sizes.attention == "A1" else weights[:, :, 0, 1:].mean(axis=(0, 1))
    return read, *moved(Partial(predicted(sizes, start), model), rows, base, groups, seed, at_once(sizes))


def moved(f, rows: np.ndarray, base: np.ndarray, groups: Sequence[np.ndarray], seed: int, together=64):
    """((groups,) mean |sum of a group's integrated gradients|, (groups,) mean |change of the prediction| where the
    columns of a group are exchanged among the rows).

    Args:
        f: (n, columns) -> (n,). rows: (n, columns). base: (columns,) the baseline. groups: indices of columns.
        together: rows of a block.
    """
    options = {"n_steps": STEPS, "method": METHOD, "block_bytes": rows[0].nbytes * together}
    found = integrated_gradients(f, rows, base, **options)
    summed = [np.abs(found.values[:, own].sum(axis=1)).mean() for own in groups]
    order, changed = np.random.default_rng([seed, 15]).permutation(len(rows)), []
    for own in groups:
        other = rows.copy()
        other[:, own] = rows[order][:, own]
        changed.append(np.abs(np.asarray(f(other)) - found.output).mean())
    return np.array(summed), np.array(changed)
