"""The scaling of a chain's later domains, chosen for all of them at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaled import seen
from tl_jax.errors import InputError

SCALINGS = ("standard", "floored", "shrunken")
SHRUNKEN = "shrunken"


def rescaled(cohort: Cohort, kind: str | None) -> Cohort:
    """The cohort with its later domains scaled in one way; the first, the source, keeps its own.

    Args:
        kind: one of SCALINGS; None: as each domain says.
    """
    if kind is None:
        return with_spreads(cohort)
    if kind == SHRUNKEN and len(cohort.domains) == 1:
        raise InputError(
            f"--scaling={kind}: cohort {cohort.name} has one domain and no source to shrink towards; take floored"
        )
    first, *later = cohort.domains if len(cohort.domains) > 1 else (None, *cohort.domains)
    changed = [one if one.scaler == "none" else replace(one, scaler=kind, spread_like=None) for one in later]
    return with_spreads(replace(cohort, domains=(*([] if first is None else [first]), *changed)))


def with_spreads(cohort: Cohort) -> Cohort:
    """The cohort whose domains know the variances that "shrunken" shrinks towards."""
    lacking = [one.scaler == SHRUNKEN and one.spread_like is None for one in cohort.domains]
    if not any(lacking):
        return cohort
    if lacking[0]:
        raise InputError(
            f"domain {cohort.domains[0].name} is the first of its chain and has no source to shrink towards; "
            "write scaler = 'floored' or 'standard' there"
        )
    like = spreads(cohort.domains[0])
    each = zip(cohort.domains, lacking, strict=True)
    return replace(cohort, domains=tuple(replace(one, spread_like=like) if lacks else one for one, lacks in each))


def spreads(domain: Domain) -> np.ndarray:
    """(genes,) variances of a domain's rows as a model sees them before scaling."""
    return np.var(seen(domain).x, axis=0, dtype=np.float64)
