"""The scaling of a chain's later domains, chosen for all of them at once."""

from __future__ import annotations

from dataclasses import replace

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import SHRUNKEN
from tl_jax.data.scaling.scaling import refuse_alone
from tl_jax.data.seen import with_spreads
from tl_jax.errors import InputError

SCALINGS = ("standard", "floored", SHRUNKEN)


def rescaled(cohort: Cohort, kind: str | None) -> Cohort:
    """The cohort with its later domains scaled in one way; the first, the source, keeps its own.

    Args:
        kind: one of SCALINGS; None: as each domain says.
    """
    if kind is None:
        refuse_alone(cohort.domains[0])
        return with_spreads(cohort)
    if kind == SHRUNKEN and len(cohort.domains) == 1:
        raise InputError(
            f"--scaling={kind}: cohort {cohort.name} has one domain and no source to shrink towards; take floored"
        )
    first, *later = cohort.domains if len(cohort.domains) > 1 else (None, *cohort.domains)
    changed = [one if one.scaler == "none" else replace(one, scaler=kind, spread_like=None) for one in later]
    return with_spreads(replace(cohort, domains=(*([] if first is None else [first]), *changed)))
