"""What the evaluated response is called, and which of its values are possible."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from tl_jax.report.sections.cells import ENDLESS, Ends
from tl_jax.report.sections.study import Study

# Names of measures that are never negative, and of scales on which they may be.
AMOUNT = re.compile(r"\bAUC\b|[IEG][CI]50|viab|surviv|percent|%|conc|\b[pnum\u00b5\u03bc]?M\b", re.IGNORECASE)
SCALED = re.compile(r"log|ln|z.?score|delta|change|growth|inhib|residual|diff|\bGR", re.IGNORECASE)


def measure(study: Study) -> str:
    """What the evaluated response is called; "not recorded" where the summary does not say."""
    domains = (study.entry("data", kind=dict) or {}).values()
    names = sorted({str(one["unit"]) for one in domains if isinstance(one, dict) and one.get("unit")})
    return ", ".join(names) or "not recorded"


def possible(study: Study, observed: pd.Series) -> Ends:
    """The values that the response can have: from 0 for amounts, of which none was observed below; else any."""
    name = measure(study)
    never_negative = AMOUNT.search(name) and not SCALED.search(name) and not (observed < 0).any()
    return (0.0, np.inf) if never_negative else ENDLESS


def within(frame: pd.DataFrame, ends: Ends) -> pd.DataFrame:
    """Prediction intervals (low, high) cut to what is possible."""
    return frame.assign(low=frame["low"].clip(*ends), high=frame["high"].clip(*ends))
