"""The scale on which a response is learned: as it stands, or a logarithm of concentrations, or the logit of shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.own_scale import is_logged, is_percent, is_share
from tl_jax.data.tables.losses import told
from tl_jax.errors import InputError

EDGE = 0.01  # a share nearer to 0 or 1 counts as so far from it: assays tell no finer, and the logit has no end
FEW = 8  # values from which a distribution says something
SPAN = 30  # the 95 % quantile over that of 5 %, from which values span orders of magnitude
CROWDED = 0.1  # of the range of shares: where the median lies so near to an end, half of them crowd there
SKEWED = 3  # times that one side of the median reaches farther than the other


def on_scale(values: pd.DataFrame, name: str, unit: str, path: Path) -> pd.DataFrame:
    """(samples, drugs) responses on the scale of a cohort file's `transform`; InputError for values that have none.

    unit: percentages, which it must say they are, are divided by 100 for the logit.
    """
    if name == "none":
        return values
    y = values.to_numpy(np.float64)
    if name == "logit":
        top, written = (100, "%") if is_percent(unit) else (1, "")
        y = y / top
        wrong = (y < -0.05) | (y > 1.05)
        why = f"is no share between 0 and {top}{written} (percentages are told by the unit: unit = '{unit} (%)')"
    else:
        wrong, why = y <= 0, "is not above 0"
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        value, where = values.iat[row, column], f"sample '{values.index[row]}', '{values.columns[column]}'"
        raise InputError(f"{path}: {value:g} of {where} {why}, so transform = '{name}' cannot be; set another")
    if name == "log10":
        return pd.DataFrame(np.log10(y), index=values.index, columns=values.columns)
    edge = int(((y < EDGE) | (y > 1 - EDGE)).sum())
    if edge:
        told(f"{path}: {edge} values lie within {EDGE:g} of 0 or 1 and count as {EDGE:g} or {1 - EDGE:g} (logit)")
    share = np.clip(y, EDGE, 1 - EDGE)
    return pd.DataFrame(np.log(share / (1 - share)), index=values.index, columns=values.columns)


def suggested(values: np.ndarray, unit: str) -> str:
    """The scale that the distribution of (n,) values asks for.

    "log10" where they are positive and span orders of magnitude, so that a few decide; "logit" where they are shares by
    their unit and range, and crowd at one end; "none" otherwise, and where the unit says that they are logarithms.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < FEW or known.min() < 0 or known.min() == known.max() or is_logged(unit):
        return "none"
    low, middle, high = np.quantile(known, [0.05, 0.5, 0.95])
    top = 100.0 if is_percent(unit) else 1.0
    if is_share(unit) and known.max() <= top:
        near, far = sorted((high - middle, middle - low))
        return "logit" if min(middle, top - middle) < CROWDED * top and far > SKEWED * near else "none"
    spans = known.min() > 0 and high / low > SPAN and (high - middle) > SKEWED * (middle - low)
    return "log10" if spans else "none"


def why_suggested(values: np.ndarray, name: str) -> str:
    """What asks for it."""
    known = np.asarray(values, dtype=np.float64)
    low, middle, high = np.nanmin(known), np.nanmedian(known), np.nanmax(known)
    if name == "log10":
        return f"values span {low:g} to {high:g}, so that a few decide"
    return f"half of the shares lie beyond {middle:.3g}, near the end of their range, so that a few decide"
