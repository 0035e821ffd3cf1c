"""A domain's rows as a model sees them when all of them are its training rows."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.preprocessing.preprocess import NOTHING, Fitted, fit
from tl_jax.data.scaling.scaling import Scaler, scaler_of
from tl_jax.errors import InputError


class Prepared(NamedTuple):
    """fitted: the domain's preprocessing, None where it has none. scaler: of the preprocessed rows."""

    fitted: Fitted | None
    scaler: Scaler


def fit_rows(domain: Domain, rows: np.ndarray) -> Fitted | None:
    """The domain's preprocessing on some of its rows (indices); None where it has none."""
    if not domain.preprocess:
        return None
    try:
        return fit(domain.preprocess, domain.x[rows], domain.batch[rows])
    except InputError as error:
        raise InputError(f"domain {domain.name}: {error}") from error


def preprocessed(domain: Domain, fitted: Fitted | None, rows: np.ndarray) -> np.ndarray:
    """(m, genes) of the rows at some indices; the very rows as they were read where nothing is fitted."""
    x = domain.x[rows]
    if fitted is None:
        return x
    try:
        return fitted.apply(x, domain.batch[rows])
    except InputError as error:
        raise InputError(f"domain {domain.name}: {error}") from error


def seen(domain: Domain) -> Domain:
    """The domain as a model of all its rows sees it before scaling, for looking at it; itself where it has no steps.

    Its transform names the steps that are done.
    """
    if not domain.preprocess:
        return domain
    rows, done = np.arange(len(domain)), [domain.transform] * (domain.transform != "none")
    x = np.asarray(preprocessed(domain, fit_rows(domain, rows), rows), np.float32)
    return replace(domain, x=x, preprocess=NOTHING, transform=", ".join([*done, *domain.preprocess.steps]))


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
