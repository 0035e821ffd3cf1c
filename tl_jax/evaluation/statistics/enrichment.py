"""Which sets of genes have larger effects than the other genes: a competitive rank test that counts correlation.

Genes of a set run together, so their effects do too, and a plain rank-sum test calls far too many sets significant. The
variance of the rank sum is therefore that of correlated ranks (Barry, Nobel and Wright 2008; Wu and Smyth 2012, whose
CAMERA estimates the correlation from the samples, as here).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from tl_jax.evaluation.predictors.drug_profile import standardised


class Enriched(NamedTuple):
    """above: share of pairs of a gene inside and one outside in which the one inside has the larger effect (ties count
    a half). correlation: mean over pairs of genes inside, at least 0. p: two-sided."""

    above: float
    correlation: float
    p: float


def mean_correlation(z: np.ndarray) -> float:
    """Mean correlation over pairs of columns of z (samples, genes), by the variance of their mean; at least 0.

    Columns that do not vary are left out.
    """
    z, variances = standardised(z)
    z, count = z[:, variances > 0], int((variances > 0).sum())
    if count < 2:
        return 0.0
    return max(0.0, float((count * z.mean(axis=1).var() - 1) / (count - 1)))


def rank_variance(inside: int, outside: int, correlation: float) -> float:
    """Variance of the number of pairs in which the gene inside is larger, where those inside correlate so."""
    total = np.arcsin(1) + (outside - 1) * np.arcsin(0.5)
    total += (inside - 1) * (outside - 1) * np.arcsin(correlation / 2) + (inside - 1) * np.arcsin((correlation + 1) / 2)
    return float(inside * outside / (2 * np.pi) * total)


def enriched(effects: np.ndarray, sets: list[np.ndarray], z: np.ndarray) -> list[Enriched]:
    """Each set against all genes outside it.

    Args:
        effects: (genes,) signed. sets: indices of genes; neither none nor all of them. z: (samples, genes) expression,
        from which the correlation of a set's genes is estimated.
    """
    ranks = stats.rankdata(effects)
    n = len(ranks)
    tied = np.unique(ranks, return_counts=True)[1].astype(np.float64)
    uneven = 1 - float((tied**3 - tied).sum()) / (n * (n**2 - 1.0))
    found = []
    for own in sets:
        inside, outside = len(own), n - len(own)
        above = float(ranks[own].sum()) - inside * (inside + 1) / 2
        correlation = mean_correlation(z[:, own])
        spread = np.sqrt(rank_variance(inside, outside, correlation) * uneven)
        t = (above - inside * outside / 2) / spread if spread > 0 else 0.0
        p = float(2 * stats.t.sf(abs(t), max(1, len(z) - 2)))
        found.append(Enriched(above / (inside * outside), correlation, p))
    return found


def benjamini_hochberg(p) -> np.ndarray:
    """Adjusted p-values: calling all below q significant, about a share q of the calls is wrong."""
    p = np.asarray(p, np.float64)
    return stats.false_discovery_control(p) if len(p) else p
