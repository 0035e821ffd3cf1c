"""All drugs of a source as one model: from the genes of a sample to a score for each drug, linear and without a target.

A drug's response is ranked over the lines that were measured, freed of what a line does to all drugs (its general
sensitivity) and of what its tissue does, and fitted by a kernel ridge on the genes. The scores of all drugs, the
profile, then describe a sample of any target: see profile_gp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.stats import spearmanr

from tl_jax.evaluation.predictors.ranked import rankit

PENALTY = 1.5  # in units of a kernel whose diagonal is 1 on average
MIN_LINES = 100  # of a drug; a smaller source needs half of its lines
FEWEST_OF_TISSUE = 10  # fewer lines count as of other tissues
OTHER = "other"
MANY_DRUGS = 10  # fewer drugs say nothing of a line's general sensitivity, which then stays


class DrugProfile(NamedTuple):
    """weights: (genes, drugs) of genes with mean 0 and sd 1; a high score means resistant. variance: (genes,) of the
    source's lines. reliability: (drugs,) Spearman of the left-out scores, at least 0. drugs: their names."""

    weights: np.ndarray
    variance: np.ndarray
    reliability: np.ndarray
    drugs: tuple[str, ...]

    def scores(self, z: np.ndarray) -> np.ndarray:
        """(m, drugs) profile of scaled rows (m, genes)."""
        return np.asarray(z, np.float64) @ np.asarray(self.weights, np.float64)

    def some(self, names) -> DrugProfile:
        """The profile of some of the drugs."""
        kept = np.isin(self.drugs, list(names))
        drugs = tuple(np.asarray(self.drugs)[kept].tolist())
        return DrugProfile(self.weights[:, kept], self.variance, self.reliability[kept], drugs)


def fewest_lines(lines: int) -> int:
    """How many of the source's lines a drug must have been measured on."""
    return min(MIN_LINES, max(3, lines // 2))


def fit_drug_profile(
    x: np.ndarray,
    y: np.ndarray,
    drugs,
    tissue,
    *,
    resistant: bool = True,
    min_lines: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> DrugProfile | None:
    """The profile of a source; None where no drug was measured on enough lines.

    Args:
        x: (n, genes) expression. y: (n, drugs), NaN where not measured. tissue: (n,), "" where unknown.
        resistant: whether a high response means resistant.
        min_lines: of a drug; None: `fewest_lines`. progress(k) is called after each k drugs.
    """
    return next(profiles(x, y, drugs, tissue, resistant=resistant, min_lines=min_lines, progress=progress), None)


def permuted_profiles(x, y, drugs, tissue, orders: np.ndarray, **options) -> Iterator[DrugProfile]:
    """The profile for each order in which the lines exchange their responses.

    Args:
        orders: (draws, n) permutations of the lines, within tissues. What is left of a line's responses without line
        and tissue goes to another line as a whole, its gaps included, so that drugs stay as alike as they are. Each
        draw costs a fit.
    """
    yield from profiles(x, y, drugs, tissue, orders=orders, **options)


def profiles(
    x, y, drugs, tissue, *, resistant=True, min_lines=None, orders=None, progress=lambda done: None
) -> Iterator[DrugProfile]:
    """What the two above share; orders: None: the lines as they are."""
    y = np.asarray(y, np.float64) * (1 if resistant else -1)
    enough = np.isfinite(y).sum(axis=0) >= (fewest_lines(len(y)) if min_lines is None else min_lines)
    enough &= np.array([len(np.unique(column[np.isfinite(column)])) > 1 for column in y.T], dtype=bool)
    if not enough.any():
        return
    names = tuple(str(drug) for drug, kept in zip(drugs, enough, strict=True) if kept)
    z, variance = standardised(x)
    belongs = of_tissue(tissue)
    residual = residuals(y[:, enough], belongs)
    free = np.eye(len(z)) - belongs @ np.linalg.solve(belongs.T @ belongs, belongs.T)
    kernel = free @ (z @ z.T / z.shape[1]) @ free
    for order in [np.arange(len(z))] if orders is None else np.asarray(orders):
        dual, reliability = fit_duals(kernel, residual[order], progress)
        weights = free @ dual
        if weights.shape[1] >= MANY_DRUGS:
            weights -= weights.mean(axis=1, keepdims=True)
        yield DrugProfile((z.T @ weights / z.shape[1]).astype(np.float32), variance, reliability, names)


def standardised(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n, genes) with mean 0 and population sd 1, a constant gene 0; (genes,) variances)."""
    x = np.asarray(x, np.float64)
    center, spread = x.mean(axis=0), x.std(axis=0)
    alike = spread <= 1e-6 * np.maximum(np.abs(center), 1)
    return np.where(alike, 0.0, (x - center) / np.where(alike, 1.0, spread)), np.where(alike, 0.0, spread**2)


def of_tissue(tissue) -> np.ndarray:
    """(n, tissues) 1 where a line is of a tissue; those of few lines together, with the unknown."""
    tissue = np.asarray(tissue, dtype=str)
    names, counts = np.unique(tissue, return_counts=True)
    known = names[(counts >= FEWEST_OF_TISSUE) & (names != "")]
    named = np.where(np.isin(tissue, known), tissue, OTHER)
    return (named[:, None] == np.unique(named)).astype(np.float64)


def residuals(y: np.ndarray, belongs: np.ndarray) -> np.ndarray:
    """(n, drugs) ranked responses less the line's mean, ranked again, less the tissue's mean; NaN stays NaN."""
    ranks = np.column_stack([rankit(column) for column in y.T])
    if ranks.shape[1] >= MANY_DRUGS:
        known = np.isfinite(ranks)
        # Over the drugs that a line was measured with; a line without any has no response to free.
        ranks -= (np.where(known, ranks, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))[:, None]
        ranks = np.column_stack([rankit(column) for column in ranks.T])
    known = np.isfinite(ranks)
    counts = belongs.T @ known
    means = belongs.T @ np.where(known, ranks, 0) / np.maximum(counts, 1)
    return ranks - belongs @ means


def fit_duals(kernel: np.ndarray, residual: np.ndarray, progress) -> tuple[np.ndarray, np.ndarray]:
    """((n, drugs) coefficients, (drugs,) reliability)."""
    duals, reliability = np.zeros(residual.shape), np.zeros(residual.shape[1])
    patterns, which = np.unique(np.isfinite(residual), axis=1, return_inverse=True)
    for number, measured in enumerate(patterns.T):
        rows, columns = np.flatnonzero(measured), np.flatnonzero(which.ravel() == number)
        factor = cho_factor(kernel[np.ix_(rows, rows)] + PENALTY * np.eye(len(rows)), lower=True)
        seen = residual[np.ix_(rows, columns)]
        own = seen - seen.mean(axis=0)
        dual = cho_solve(factor, own)
        duals[np.ix_(rows, columns)] = dual
        inverse = np.diag(lapack.dpotri(factor[0], lower=1)[0])
        left_out = own - dual / inverse[:, None]
        for column, predicted, true in zip(columns, left_out.T, seen.T, strict=True):
            reliability[column] = max(0.0, agreement(predicted, true))
        progress(len(columns))
    return duals, reliability


def agreement(predicted: np.ndarray, seen: np.ndarray) -> float:
    """Spearman's rho; 0 where either does not vary."""
    if not (np.ptp(predicted) > 0 and np.ptp(seen) > 0):
        return 0.0
    return float(spearmanr(predicted, seen).statistic)
