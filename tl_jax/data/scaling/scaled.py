"""A domain's rows as a model sees them when all of them are its training rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.preprocessing.preprocess import Fitted
from tl_jax.data.scaling.scaling import Scaler, scaler_of
from tl_jax.data.seen import fit_rows, preprocessed


class Prepared(NamedTuple):
    """fitted: the domain's preprocessing, None where it has none. scaler: of the preprocessed rows."""

    fitted: Fitted | None
    scaler: Scaler


def prepare(domain: Domain) -> tuple[Prepared, np.ndarray]:
    """(preprocessing and scaler of all rows, the rows scaled by them (n, genes) float32)."""
    if not domain.preprocess:
        scaler = scaler_of(domain, domain.x)
        return Prepared(None, scaler), scaler.apply(domain.x)
    everything = np.arange(len(domain))
    fitted = fit_rows(domain, everything)
    x = preprocessed(domain, fitted, everything)
    scaler = scaler_of(domain, x)
    return Prepared(fitted, scaler), scaler.apply(x)
