"""Whether gene weights say the same again: over the runs of one arm, and between arms.

A table of weights is genes x runs (one column for each repeat or fold of one arm), more weight meaning more important,
from tl_jax/interpret/gene_weights.py or anywhere else. Two lists of `top` genes out of N share top^2 / N by
chance alone; `kuncheva` counts from there. Genes that are expressed together take each other's place in such lists,
and arms that start from the same source share its weights: agreement is no proof of a gene's effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

TOP = 50
STABILITY = ("arm", "source", "gene", "mean_weight", "rank", "top_share")
OVERLAP = ("arm_a", "source_a", "arm_b", "source_b", "top", "shared", "jaccard", "expected_shared", "kuncheva")
Weights = Mapping[tuple[str, str], pd.DataFrame]  # {(arm, source): genes x runs}


def gene_stability(weights: Weights, top: int = TOP) -> pd.DataFrame:
    """One row per arm and gene, heaviest first: arm, source, gene, mean_weight, rank, top_share.

    mean_weight: over runs. rank: 1 is heaviest, ties share their mean rank. top_share: share of runs in which the gene
    is among the `top` heaviest; by chance it would be top / genes. ValueError for gaps, repeated genes or a bad top.
    """
    parts = []
    for (arm, source), table in weights.items():
        _check(table, top)
        mean = table.mean(axis=1)
        found = pd.DataFrame({"arm": arm, "source": source, "gene": table.index, "mean_weight": mean.to_numpy()})
        found["rank"] = mean.rank(ascending=False).to_numpy()
        found["top_share"] = in_top(table, top).mean(axis=1)
        parts.append(found.sort_values("mean_weight", ascending=False, kind="stable"))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(STABILITY))


def gene_overlap(weights: Weights, top: int = TOP) -> pd.DataFrame:
    """One row per pair of arms: how many genes their `top` by mean weight share, beside what chance would share.

    Columns: arm_a, source_a, arm_b, source_b, top, shared, jaccard (shared / genes in either), expected_shared
    (top^2 / genes, the mean of a hypergeometric draw), kuncheva (see there). ValueError where genes differ.
    """
    lists = {}
    for key, table in weights.items():
        _check(table, top)
        lists[key] = set(table.index[in_top(table.mean(axis=1).to_frame(), top)[:, 0]])
        first = next(iter(weights.values()))
        if set(table.index) != set(first.index):
            raise ValueError(f"the arms {next(iter(weights))} and {key} have different genes")
    rows = []
    for a, b in combinations(lists, 2):
        genes, shared = len(weights[a]), len(lists[a] & lists[b])
        either = 2 * top - shared
        rows.append((*a, *b, top, shared, shared / either, top**2 / genes, kuncheva(shared, top, genes)))
    return pd.DataFrame(rows, columns=list(OVERLAP))


def kuncheva(shared: float, top: int, genes: int) -> float:
    """Consistency of two lists of `top` out of `genes` that share `shared` (Kuncheva 2007, definition 1).

    (shared - e) / (top - e) with e = top^2 / genes: 1 for equal lists, 0 as by chance. NaN for lists of all genes.
    """
    expected = top**2 / genes
    return float((shared - expected) / (top - expected)) if top < genes else float("nan")


def in_top(table: pd.DataFrame, top: int) -> np.ndarray:
    """(genes, runs) bool: among the run's `top` heaviest; of equal weights at the edge, the first in the alphabet."""
    names = np.argsort(np.argsort(table.index.to_numpy().astype(str), kind="stable"), kind="stable")
    found = np.zeros(table.shape, bool)
    for run, column in enumerate(table.to_numpy(np.float64).T):
        found[np.lexsort((names, -column))[:top], run] = True
    return found


def _check(table: pd.DataFrame, top: int) -> None:
    if not 1 <= top <= len(table):
        raise ValueError(f"top is {top}; it must lie in 1..{len(table)}, the number of genes")
    if table.shape[1] == 0 or not np.isfinite(table.to_numpy(np.float64)).all():
        raise ValueError("gene weights are missing or not finite")
    if not table.index.is_unique:
        raise ValueError(f"the gene {table.index[table.index.duplicated()][0]} occurs twice")
