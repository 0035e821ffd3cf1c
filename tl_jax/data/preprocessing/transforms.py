"""From counts to the log scale: per sample (leak-free) or with factors over all samples (as published)."""

from __future__ import annotations

import numpy as np

from tl_jax.data.preprocessing.count_steps import apply_tmm, fit_tmm
from tl_jax.errors import InputError

TRANSFORMS = ("none", "log2", "log_cpm", "tmm_log_cpm")
# Counts of any depth reach this, and so does TPM of more than a few genes; logarithms of either do not.
LOOKS_LOGGED = 30.0
SAME_SUM = 0.01  # samples whose sums differ by less of their median were made to sum to the same: no logarithms


def log2_plus_one(x: np.ndarray) -> np.ndarray:
    """log2(x + 1) of values that are not negative, such as TPM."""
    return np.log2(_not_negative(x) + 1.0)


def log_cpm(counts: np.ndarray) -> np.ndarray:
    """log2(counts per million + 1), each sample by itself, so no sample sees another.

    counts: (n, genes), not negative. Returns (n, genes) float64. InputError where a sample sums to 0.
    """
    counts = _not_negative(counts)
    return np.log2(counts / _library_size(counts) * 1e6 + 1.0)


def tmm_log_cpm(counts: np.ndarray) -> np.ndarray:
    """log2(counts per million + 1) with TMM factors (Robinson and Oshlack 2010) over ALL samples given.

    The factors depend on every sample, test samples included: this is the published recipe and not
    leak-free. counts: (n, genes), not negative. Returns (n, genes) float64. InputError where a sample sums to 0, or
    shares no expressed gene with the reference sample.
    """
    counts = _not_negative(counts)
    _library_size(counts)
    return apply_tmm(fit_tmm(counts), counts)


def apply_transform(name: str, x: np.ndarray) -> np.ndarray:
    """(n, genes) on the scale that a cohort file's `transform` names (one of TRANSFORMS)."""
    functions = {"none": np.asarray, "log2": log2_plus_one, "log_cpm": log_cpm, "tmm_log_cpm": tmm_log_cpm}
    if name not in functions:
        raise InputError(f"unknown transform '{name}'; write one of {', '.join(TRANSFORMS)}")
    return functions[name](x)


def highest_of_logs(x: np.ndarray) -> float | None:
    """The largest finite value of (n, genes) values that look like logarithms; None where they do not.

    They do where no value reaches LOOKS_LOGGED and not all are whole.
    """
    known = x[np.isfinite(x)]
    if not len(known) or (top := float(known.max())) >= LOOKS_LOGGED or (known == np.round(known)).all():
        return None
    return top


def refuse_logged(name: str, x: np.ndarray, where: str) -> None:
    """InputError where a table that `transform` would put on a log scale looks as if it were on one.

    x: (n, genes) single samples as measured: means over many cells may be small in any unit. where: how the message
    begins.
    """
    top = None if name == "none" else highest_of_logs(x)
    if top is None or (x < 0).any():  # the transform itself names negative values
        return
    sums = np.nansum(x, axis=1, dtype=np.float64)
    if len(x) > 1 and np.ptp(sums) < SAME_SUM * abs(np.median(sums)):
        return
    raise InputError(
        f"{where}: no value exceeds {top:.3g} and not all are whole, so these look like logarithms, and transform = "
        f"'{name}' is for counts, TPM or FPKM; set transform = 'none' (if they are TPM after all, give log2(TPM + 1))"
    )


def _not_negative(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, dtype=np.float64)
    if (x < 0).any():
        raise InputError(f"{(x < 0).sum()} values are negative, so these are no counts; set transform = 'none'")
    return x


def _library_size(counts: np.ndarray) -> np.ndarray:
    """(n, 1) sums of the samples."""
    size = counts.sum(axis=1, keepdims=True)
    if (size == 0).any():
        raise InputError(f"the sample in row {int(np.argmin(size)) + 1} has no counts at all; drop it")
    return size
