"""How a classifier fares on compounds near its training compounds and far from them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from tl_jax.evaluation.draws.classification import score_classifier

EDGES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
# Tanimoto similarity to the nearest training compound below which most calls above .9 were wrong: docs/compounds.md.
WITHIN = 0.4
TOLD = ("mcc", "auroc", "brier", "ece")


def by_similarity(y_true, probability, nearest, edges=EDGES) -> pd.DataFrame:
    """A row for each band of similarity that holds compounds: from_similarity, to_similarity, n, active, metrics.

    y_true, probability, nearest: (n,) of test compounds; nearest, 0..1: Tanimoto similarity to the nearest training
    compound. edges: ascending; a band holds its lower edge, and the last its upper one too. active: share of actives.
    confident: share of probabilities below .1 or above .9. An AUROC of compounds of one class is NaN.
    """
    truth, p, nearest = (np.asarray(values, np.float64) for values in (y_true, probability, nearest))
    if not truth.shape == p.shape == nearest.shape or truth.ndim != 1:
        raise ValueError(f"truth, probability and nearest have shapes {truth.shape}, {p.shape} and {nearest.shape}")
    if (np.diff(edges) <= 0).any() or len(edges) < 2 or not ((nearest >= edges[0]) & (nearest <= edges[-1])).all():
        raise ValueError(f"edges {edges} do not ascend, or a similarity lies beyond them")
    band, rows = np.searchsorted(edges[1:-1], nearest, side="right"), []
    for k, ends in enumerate(pairwise(edges)):
        inside = band == k
        if inside.any():
            scores = score_classifier(truth[inside], p[inside])
            confident = np.mean(np.abs(p[inside] - 0.5) > 0.4)
            shown = {name: scores[name] for name in TOLD}
            rows.append((*ends, int(inside.sum()), truth[inside].mean(), confident, *shown.values()))
    names = ["from_similarity", "to_similarity", "n", "active", "confident", *TOLD]
    return pd.DataFrame(rows, columns=names)
