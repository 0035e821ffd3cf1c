"""A domain's rows after its preprocessing and before any scaling, and what later domains must know of the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import SHRUNKEN, Domain
from tl_jax.data.preprocessing.preprocess import NOTHING, Fitted, fit
from tl_jax.errors import InputError


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


def with_spreads(cohort: Cohort) -> Cohort:
    """The cohort whose later domains know the variances of the source's genes that "shrunken" shrinks towards.

    A first domain has no source: its scaler says so when it is used (scaling.scaler_of).
    """
    lacking = [one.scaler == SHRUNKEN and one.spread_like is None for one in cohort.domains]
    if not any(lacking[1:]):
        return cohort
    first, *later = cohort.domains
    like = np.var(seen(first).x, axis=0, dtype=np.float64)
    known = [replace(one, spread_like=like) if lacks else one for one, lacks in zip(later, lacking[1:], strict=True)]
    return replace(cohort, domains=(first, *known))
