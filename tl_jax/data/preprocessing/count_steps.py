"""Counts to the log scale with factors that are fitted on training samples: counts per million, and TMM.

A gene that is absent from a table is a column of NaN: it stays NaN, and libraries count its usual share.
"""

from __future__ import annotations

import numpy as np

from tl_jax.errors import InputError

M_TRIM, A_TRIM = 0.3, 0.05  # shares cut from both ends of ratios and of levels (Robinson and Oshlack 2010)


def fit_cpm(x: np.ndarray, batch: np.ndarray, options) -> dict[str, np.ndarray]:
    """share: (genes,) mean share of a training sample's counts; used only where new samples lack genes."""
    return {"share": shares(x)}


def apply_cpm(state: dict[str, np.ndarray], x: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """log2(counts per million + 1), each sample by itself."""
    return np.log2(x / library(x, state["share"])[:, None] * 1e6 + 1)


def fit_tmm(x: np.ndarray, batch: np.ndarray | None = None, options=None) -> dict[str, np.ndarray]:
    """share as fit_cpm; reference: (genes,) counts of the reference sample; level: geometric mean of raw factors.

    Robinson and Oshlack 2010 (doi 10.1186/gb-2010-11-3-r25), as edgeR does it: the reference is the training sample
    whose upper quartile is nearest to the mean. Fitted on all samples, the factors are the published ones.
    """
    state = {"share": shares(x), "reference": np.nan_to_num(x[reference_row(x)])}
    from scipy.stats import gmean  # a second to import, and most who read tables need it not

    return {**state, "level": np.asarray(gmean(raw_factors(x, state)))}


def apply_tmm(state: dict[str, np.ndarray], x: np.ndarray, batch: np.ndarray | None = None) -> np.ndarray:
    """log2(counts per million of the effective library + 1), each sample against the training reference."""
    effective = library(x, state["share"]) * raw_factors(x, state) / state["level"]
    return np.log2(x / effective[:, None] * 1e6 + 1)


def shares(x: np.ndarray) -> np.ndarray:
    """(genes,) mean over samples of each gene's share of the counts; 0 for an absent gene."""
    return np.nan_to_num(x / library(x, np.zeros(x.shape[1]))[:, None]).mean(axis=0)


def library(x: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(n,) counts of each sample, with what absent genes would add. InputError where a sample has none."""
    absent = np.isnan(x).any(axis=0)
    lost = float(share[absent].sum())
    size = np.nansum(x, axis=1)
    if (size <= 0).any():
        raise InputError(f"the sample in row {int(np.argmin(size)) + 1} has no counts in the model's genes; drop it")
    if lost > 0.999:
        raise InputError("the genes at hand hold next to no counts of the training samples; give a table with more")
    return size / (1 - lost)


def reference_row(x: np.ndarray) -> int:
    """Index of the sample whose upper quartile, over genes with counts, is nearest to the mean of all.

    Ties go to the smaller counts, so that the order of samples decides nothing.
    """
    seen = np.nansum(x, axis=0) > 0
    quartile = np.percentile(x[:, seen], 75, axis=1) / x[:, seen].sum(axis=1)
    distance = np.abs(quartile - quartile.mean())
    nearest = np.flatnonzero(distance <= distance.min() + 1e-12 * quartile.mean())
    return int(min(nearest, key=lambda row: tuple(np.sort(x[row, seen]))))


def raw_factors(x: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
    """(n,) TMM factors against the reference, before they are centred."""
    reference, sizes = state["reference"], library(x, state["share"])
    factors = np.array([trimmed_mean(row, size, reference) for row, size in zip(x, sizes, strict=True)])
    if not np.isfinite(factors).all():
        row = int(np.flatnonzero(~np.isfinite(factors))[0])
        raise InputError(
            f"the sample in row {row + 1} ({sizes[row]:g} counts) shares too few expressed genes with the TMM "
            "reference sample; drop it"
        )
    return factors


def trimmed_mean(counts: np.ndarray, size: float, reference: np.ndarray) -> float:
    """2 to the weighted mean of log ratios to the reference, without extreme ratios and levels; NaN without genes."""
    both = (counts > 0) & (reference > 0)  # a comparison with NaN is False
    own, other = counts[both], reference[both]
    if len(own) == 0:
        return np.nan
    share, share_other = own / size, other / reference.sum()
    ratio, level = np.log2(share / share_other), np.log2(share * share_other) / 2
    variance = (1 - share) / own + (1 - share_other) / other
    kept = within(ratio, M_TRIM) & within(level, A_TRIM) & (variance > 0)
    if not kept.any():
        return np.nan
    return float(2 ** (np.sum(ratio[kept] / variance[kept]) / np.sum(1 / variance[kept])))


def within(values: np.ndarray, trim: float) -> np.ndarray:
    """Whether each value is among those that remain when a share is cut from both ends, by average ranks."""
    from scipy.stats import rankdata  # a second to import, and most who read tables need it not

    ranks, low = rankdata(values), np.floor(len(values) * trim) + 1
    return (ranks >= low) & (ranks <= len(values) - low + 1)
