"""The scaling of a chain's later domains, chosen for all of them at once."""

from __future__ import annotations

from dataclasses import replace

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import SHRUNKEN, Domain
from tl_jax.data.scaling.scaling import refuse_alone
from tl_jax.data.seen import with_spreads
from tl_jax.errors import InputError

SCALINGS = ("standard", "floored", SHRUNKEN)
# Where nothing is said, under protocols that repeat no publication: best of nine arms on simulated chains and on real
# targets, level over fifteen with shrunken, which needs a source (benchmarks/scaling.py; docs/preprocessing.md).
USUAL = "floored"


def rescaled(cohort: Cohort, kind: str | None, usual: str | None = None) -> Cohort:
    """The cohort with its later domains scaled in one way; the first, the source, keeps its own.

    Args:
        kind: one of SCALINGS; None: as each domain says.
        usual: of domains that say nothing, where kind is None; None: "standard".
    """
    if kind is None:
        refuse_alone(cohort.domains[0])
        return with_spreads(by_default(cohort, usual) if usual else cohort)
    if kind == SHRUNKEN and len(cohort.domains) == 1:
        raise InputError(
            f"--scaling={kind}: cohort {cohort.name} has one domain and no source to shrink towards; take floored"
        )
    first, later = split(cohort)
    changed = [one if one.scaler == "none" else replace(one, scaler=kind, spread_like=None) for one in later]
    return with_spreads(replace(cohort, domains=(*first, *changed)))


def by_default(cohort: Cohort, usual: str) -> Cohort:
    """The cohort whose later domains are scaled as usual where neither a file nor a frame says how."""
    first, later = split(cohort)
    silent = [one.scaler == "standard" and not one.scaler_said for one in later]
    changed = [replace(one, scaler=usual) if own else one for one, own in zip(later, silent, strict=True)]
    return replace(cohort, domains=(*first, *changed))


def split(cohort: Cohort) -> tuple[tuple[Domain, ...], tuple[Domain, ...]]:
    """(the source, the later domains); a domain alone is a later one, since its models are fitted on few rows."""
    first = cohort.domains[:1] if len(cohort.domains) > 1 else ()
    return first, cohort.domains[len(first) :]
