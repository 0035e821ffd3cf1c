"""What the evaluated response is called, and which of its values are possible."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.data.own_scale import own_scale
from tl_jax.report.sections.cells import Ends
from tl_jax.report.sections.study import Study


def measure(study: Study) -> str:
    """What the evaluated response is called; "not recorded" where the summary does not say."""
    domains = (study.entry("data", kind=dict) or {}).values()
    names = sorted({str(one["unit"]) for one in domains if isinstance(one, dict) and one.get("unit")})
    return ", ".join(names) or "not recorded"


def possible(study: Study, observed: pd.Series) -> Ends:
    """The values that the response can have, as its own scale has it."""
    scale = own_scale(measure(study), observed.min(), observed.max())
    return scale.low, scale.high


def within(frame: pd.DataFrame, ends: Ends) -> pd.DataFrame:
    """Prediction intervals (low, high) cut to what is possible."""
    return frame.assign(low=frame["low"].clip(*ends), high=frame["high"].clip(*ends))


def cut_at(ends: Ends) -> str:
    """A caption's sentence on the cut; "" where nothing is cut."""
    low, high = ends
    if np.isinf(low):
        return ""
    where = f"at {low:g}, below" if np.isinf(high) else f"at {low:g} and {high:g}, beyond"
    return f" Cut {where} which the response cannot lie."
