"""The scale that a response was measured on, beside the one that it is learned on, and which values it can have.

A cohort file may ask for the logarithm of concentrations or the logit of shares. The unit says so ("log10 of IC50"), so
that whatever is kept with a unit, a checkpoint or a table, can be put back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

RESPONSE_TRANSFORMS = ("none", "log10", "logit")
_LEARNED = re.compile(r"(log10|logit) of (.+)", re.DOTALL)
_LOGGED = re.compile(r"\b(ln|log\w*|p[ie]c\d\d)(\b|_)|z-?score|\bz\b|delta|differ|change|\blfc\b", re.IGNORECASE)
_SIGNED = re.compile(r"growth|inhib|residual|\bGR", re.IGNORECASE)  # measures that may fall below 0
_NOT_NEGATIVE = re.compile(
    r"%|percent|auc|aac|[iegl][ci]\d\d|viab|surviv|fraction|conc|\b[unpm\u00b5\u03bc]?m\b", re.IGNORECASE
)
_SHARE = re.compile(r"auc|aac|fraction|\bshare", re.IGNORECASE)


class OwnScale(NamedTuple):
    """unit: as measured. transform: one of RESPONSE_TRANSFORMS. low, high: what a value can be; infinite where nothing
    is known."""

    unit: str
    transform: str
    low: float
    high: float

    def back(self, values: np.ndarray) -> np.ndarray:
        """Values of any shape from the learned scale to the own one; not yet within what is possible."""
        values = np.asarray(values, np.float64)
        with np.errstate(over="ignore"):  # infinite ends of intervals stay infinite, or become the limit
            if self.transform == "log10":
                return np.power(10.0, values)
            if self.transform == "logit":
                return (100.0 if is_percent(self.unit) else 1.0) / (1.0 + np.exp(-values))
        return values

    def possible(self, values: np.ndarray) -> tuple[np.ndarray, int]:
        """(values of the own scale within what is possible, how many were not)."""
        values = np.asarray(values, np.float64)
        outside = np.isfinite(values) & ((values < self.low) | (values > self.high))
        return np.clip(values, self.low, self.high), int(outside.sum())


def learned_unit(unit: str, transform: str) -> str:
    """What the unit is called on the scale that is learned."""
    return unit if transform == "none" else f"{transform} of {unit}"


def is_percent(unit: str) -> bool:
    """Whether shares are written as percentages, by their unit."""
    return "%" in unit or re.search(r"percent|\bpct\b", unit, re.IGNORECASE) is not None


def is_logged(unit: str) -> bool:
    """Whether a unit says that values are logarithms, differences or standardised, which may be negative."""
    return _LEARNED.fullmatch(unit) is not None or _LOGGED.search(unit) is not None


def is_share(unit: str) -> bool:
    """Whether a unit says that values are shares of a whole: an AUC, a fraction, a percentage."""
    return is_percent(unit) or _SHARE.search(unit) is not None


def own_scale(unit: str, low: float = -np.inf, high: float = np.inf) -> OwnScale:
    """The own scale of a response. unit: of the learned one. low, high: the ends of what was measured, on that scale.

    Nothing is called impossible that was measured: an AUC above 1 lifts the limit of 1.
    """
    learned = _LEARNED.fullmatch(unit)
    if learned:
        transform, own = learned.groups()
        return OwnScale(own, transform, 0.0, (100.0 if is_percent(own) else 1.0) if transform == "logit" else np.inf)
    if is_logged(unit) or _SIGNED.search(unit) or not _NOT_NEGATIVE.search(unit) or not low >= 0:
        return OwnScale(unit, "none", -np.inf, np.inf)
    return OwnScale(unit, "none", 0.0, 1.0 if is_share(unit) and not is_percent(unit) and high <= 1 else np.inf)


def on_own_scale(table: pd.DataFrame, scale: OwnScale, columns: Iterable[str]) -> tuple[pd.DataFrame, int]:
    """(the table with those of the columns that it has put back and within what is possible, how many were not)."""
    outside, own = 0, {}
    for name in columns:
        if name in table.columns:
            own[name], count = scale.possible(scale.back(table[name].to_numpy()))
            outside += count
    return table.assign(**own), outside


def possible_words(scale: OwnScale, count: int) -> str:
    """What is said of values that were not possible; "" of none."""
    if not count:
        return ""
    ends = f"outside {scale.low:g} to {scale.high:g}" if np.isfinite(scale.high) else f"below {scale.low:g}"
    return (
        f"{count} forecasts or ends of intervals lay {ends} [{scale.unit}], which cannot be, and are set to the limit"
    )
