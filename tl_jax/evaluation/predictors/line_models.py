"""Closed forms from bulk lines to cells: fitted on lines, read on any rows of the same scaled genes.

Each is `f(x, y, tissue, rows) -> (m,) score`: x (lines, genes) and rows (m, genes) scaled expression, y (lines,)
response of which HIGH means resistant, tissue (lines,), "" where unknown. A HIGH score means sensitive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from tl_jax.data.drugs.names import same_drugs
from tl_jax.evaluation.predictors.baselines import centred_kernels, ridge, tuned

SENSITIVE_SHARE = 0.2  # of the lines, those with the lowest response: the published way to binary labels
LOGISTIC_C = 0.01  # of genes with mean 0 and sd 1


def line_ridge(x, y, tissue, rows, alpha: float = 0.0) -> np.ndarray:
    """Ridge on the continuous response, its penalty chosen by leaving whole tissues out, or `alpha`."""
    if not alpha:
        return -ridge(x, y, rows, groups=tissue_groups(tissue))
    y = np.asarray(y, np.float64)
    inner, outer = centred_kernels(*kernels(x, rows))
    return -(y.mean() + outer @ np.linalg.solve(inner + alpha * np.eye(len(y)), y - y.mean()))


def line_ridge_within_tissue(x, y, tissue, rows, alpha: float = 0.0) -> np.ndarray:
    """The same on expression and response less their tissue's mean: what tells tissues apart cannot carry it."""
    return line_ridge(centred(x, tissue), centred(np.asarray(y)[:, None], tissue)[:, 0], tissue, rows, alpha)


def line_logistic(x, y, tissue, rows) -> np.ndarray:
    """Logistic regression on the fifth of lines with the lowest response, or on its two classes, L2; the log odds."""
    labels = sensitive(y)
    # A penalty on squares keeps the coefficients in the span of the lines, so lines stand in for genes.
    left, size, right = np.linalg.svd(np.asarray(x, np.float64), full_matrices=False)
    model = LogisticRegression(C=LOGISTIC_C, class_weight="balanced", max_iter=1000).fit(left * size, labels)
    return np.asarray(rows, np.float64) @ right.T @ model.coef_[0] + model.intercept_[0]


def sensitive(y) -> np.ndarray:
    """(lines,) whether a response is of the lowest fifth; of a response of two values, whether it is the lower."""
    y = np.asarray(y, np.float64)
    low, high = np.min(y), np.max(y)
    return y == low if np.isin(y, (low, high)).all() else y <= np.quantile(y, SENSITIVE_SHARE)


def tissue_groups(tissue: np.ndarray) -> np.ndarray | None:
    """Groups that are left out together; a line of unknown tissue is its own. None where all are unknown."""
    tissue = np.asarray(tissue, dtype=str)
    if not (tissue != "").any():
        return None
    alone = np.char.add("line ", np.arange(len(tissue)).astype(str))
    return np.where(tissue == "", alone, tissue)


def centred(values: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """(lines, k) less the mean of each line's tissue, plus the mean of all."""
    frame = pd.DataFrame(np.asarray(values, np.float64))
    return (frame - frame.groupby(np.asarray(tissue)).transform("mean") + frame.mean()).to_numpy()


def related_drugs(y: pd.DataFrame, drug: str, count: int = 10, fewest: int = 40) -> list[str]:
    """The drug and those `count` others whose response over the lines runs most alike with it (Spearman)."""
    others = y.drop(columns=same_drugs(drug, y.columns))
    others = others.loc[:, others.notna().mul(y[drug].notna(), axis=0).sum() >= fewest]
    alike = others.corrwith(y[drug], method="spearman").dropna()
    return [drug, *alike.nlargest(count).index]


def mean_response(y: pd.DataFrame) -> np.ndarray:
    """(lines,) mean over drugs of the responses, each with mean 0 and sd 1 over the lines measured."""
    return ((y - y.mean()) / y.std()).mean(axis=1).to_numpy()


def bootstrapped(x, y, tissue, rows, draws: int, seed: int, alpha: float = 0.0) -> np.ndarray:
    """(draws, m) scores of the ridge on lines drawn with replacement, at `alpha` or else the penalty of all lines.

    One kernel serves all draws.
    """
    within, across = kernels(x, rows)
    y, found = np.asarray(y, np.float64), np.zeros((draws, len(rows)))
    alpha = alpha or penalty(within, y, tissue)
    for draw, (own, dual) in enumerate(bootstrap_duals(within, y, alpha, draws, seed)):
        found[draw] = -centred_kernels(within[np.ix_(own, own)], across[:, own])[1] @ dual
    return found


def kernels(x, rows) -> tuple[np.ndarray, np.ndarray]:
    """(lines, lines) and (m, lines) products of genes, float64, with the lines' mean taken out first."""
    x, rows = np.asarray(x, np.float64), np.asarray(rows, np.float64)
    center = x.mean(axis=0)
    x, rows = x - center, rows - center
    return x @ x.T, rows @ x.T


def penalty(within, y, tissue) -> float:
    """The ridge's penalty on all lines, whole tissues left out; NaN where all lines are the same."""
    best = tuned(centred_kernels(within, within)[0], np.asarray(y, np.float64), tissue_groups(tissue))
    return float(best[1]) if best else float("nan")


def bootstrap_duals(within, y, alpha: float, draws: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each draw of lines with replacement: their indices (n,) and the ridge's coefficients on them.

    Args:
        within: (n, n) kernel. y: (n,) or (n, k) for several responses on the same draws, then (n, k) coefficients.
    """
    random = np.random.default_rng(seed)
    for _ in range(draws if np.isfinite(alpha) else 0):
        own = random.integers(0, len(within), len(within))
        drawn = within[np.ix_(own, own)]
        inner = centred_kernels(drawn, drawn)[0]
        yield own, np.linalg.solve(inner + alpha * np.eye(len(own)), y[own] - y[own].mean(axis=0))


MODELS: dict[str, Callable] = {
    "logistic": line_logistic,
    "ridge": line_ridge,
    "ridge_within_tissue": line_ridge_within_tissue,
}
