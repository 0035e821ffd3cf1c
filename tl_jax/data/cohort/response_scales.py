"""The scale on which a response is learned: as it stands, or a logarithm of concentrations, or the logit of shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.tables.losses import told
from tl_jax.errors import InputError

RESPONSE_TRANSFORMS = ("none", "log10", "logit")
EDGE = 0.01  # a share nearer to 0 or 1 counts as so far from it: assays tell no finer, and the logit has no end
FEW = 8  # values from which a distribution says something


def on_scale(values: pd.DataFrame, name: str, unit: str, path: Path) -> pd.DataFrame:
    """(samples, drugs) responses on the scale of a cohort file's `transform`; InputError for values that have none.

    unit: percentages are divided by 100 for the logit.
    """
    if name == "none":
        return values
    y = values.to_numpy(np.float64)
    if name == "logit":
        y = y / 100 if "%" in unit or np.nanmax(y) > 1.5 else y
        wrong = (y < -0.05) | (y > 1.05)
        why = "is no share between 0 and 1 (or 0 and 100 %)"
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


def unit_on_scale(unit: str, name: str) -> str:
    """How the unit is called on the scale."""
    return unit if name == "none" else f"{name}({unit})"


def suggested(values: np.ndarray) -> str:
    """The scale that the distribution of (n,) values asks for: "log10" where they are positive and span orders of
    magnitude, so that a few decide; "none" otherwise."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < FEW or known.min() <= 0:
        return "none"
    low, middle, high = np.quantile(known, [0.05, 0.5, 0.95])
    return "log10" if high / low > 30 and (high - middle) > 3 * (middle - low) else "none"
