"""Values by their order within a sample (quantile normalisation, ranks), and the filter of genes without expression.

A gene that is absent from a table, or was filtered, is a column of NaN: it stays NaN and takes no rank.
"""

from __future__ import annotations

import numpy as np

from tl_jax.errors import InputError


def fit_quantile(x: np.ndarray, batch: np.ndarray, options) -> dict[str, np.ndarray]:
    """reference: mean over training samples of their sorted values (Bolstad et al. 2003)."""
    return {"reference": np.sort(present(x), axis=1).mean(axis=0)}


def apply_quantile(state: dict[str, np.ndarray], x: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Each sample's values replaced by the reference's of the same rank.

    Equal values get the reference at their average rank, between two of its values where that is a half. With fewer
    genes than the reference has, ranks are stretched over it.
    """
    reference = state["reference"]
    place = places(x) * len(reference) - 0.5  # 0 for the lowest rank where all genes are there
    moved = np.interp(place, np.arange(len(reference)), reference)
    return np.where(np.isnan(x), np.nan, moved)


def fit_rank(x: np.ndarray, batch: np.ndarray, options) -> dict[str, np.ndarray]:
    """Nothing: a sample's ranks are its own."""
    return {}


def apply_rank(state: dict[str, np.ndarray], x: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """(rank - 1/2) / genes within each sample, between 0 and 1; equal values share their average rank."""
    return places(x)


def apply_rank_normal(state: dict[str, np.ndarray], x: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """The standard normal's quantiles at the ranks of apply_rank."""
    from scipy.special import ndtri

    return ndtri(places(x))


def fit_low_expression(x: np.ndarray, batch: np.ndarray, options) -> dict[str, np.ndarray]:
    """keep: (genes,) False where more than options.low_expression_share of training samples lie below the threshold."""
    low = (x < options.low_expression_below).mean(axis=0)
    keep = ~np.isnan(x).any(axis=0) & (low <= options.low_expression_share)
    if not keep.any():
        raise InputError(
            f"preprocess 'low_expression' leaves no gene: each lies below {options.low_expression_below:g} in more "
            f"than {options.low_expression_share:.0%} of the training samples; lower low_expression_below"
        )
    return {"keep": keep}


def apply_low_expression(state: dict[str, np.ndarray], x: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Filtered genes become absent (NaN) for the steps that follow, and constant 0 at their end."""
    return np.where(state["keep"], x, np.nan)


def present(x: np.ndarray) -> np.ndarray:
    """The columns that hold values."""
    return x[:, ~np.isnan(x).any(axis=0)]


def places(x: np.ndarray) -> np.ndarray:
    """(n, genes) (rank - 1/2) / number of genes that are there, NaN for the others."""
    from scipy import stats  # a second to import, and most who read tables need it not

    there = ~np.isnan(x).any(axis=0)
    found = np.full(x.shape, np.nan)
    found[:, there] = (stats.rankdata(x[:, there], axis=1) - 0.5) / there.sum()
    return found
