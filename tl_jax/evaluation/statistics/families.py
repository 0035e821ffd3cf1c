"""Many arms against one reference that was fixed in advance: who is in a family, and what p is left after it.

Every pair of 87 arms is 3,741 pairs, over which Holm's correction finds nothing; against one reference they are 86
arms. The reference is known by its name before anything is run, never by its result.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.influence import InfluenceTest, max_t
from tl_jax.evaluation.statistics.paired import holm

RIDGE, SCRATCH = "ridge", "scratch"
TRANSFER, BESIDE = "transfer", "beside"  # the two families: arms that start from a source, and all others
ALPHA = 0.05


def base(arm: str) -> str:
    """The strategy or baseline that an arm is a variant of: "copy_layer1" of "copy_layer1 lr=0.001@50"."""
    return arm.split(" ")[0].split("@")[0]


def is_transfer(arm: str, source: str) -> bool:
    """Whether an arm starts from a source: it names one, and is neither a baseline nor trained from scratch."""
    return source != "" and not is_baseline(base(arm)) and base(arm) != SCRATCH


def reference_of(arms: Collection[str], asked: str | None = None) -> str | None:
    """The one arm that all others are held against: `asked`, else ridge on the target's own genes, else scratch, of
    several variants of it the first. None where there is none of these.

    arms: names in the order of the study. InputError where the asked one is not there or starts from a source.
    """
    known = [arm for arm in dict.fromkeys(arms) if is_baseline(base(arm)) or base(arm) == SCRATCH]
    if asked is not None:
        found = [arm for arm in known if arm == asked] or [arm for arm in known if base(arm) == asked]
        if not found:
            there = ", ".join(known) or "none"
            raise InputError(f"--reference={asked}: no such arm without a source is run; there are: {there}")
        return found[0]
    return next((arm for name in (RIDGE, SCRATCH) for arm in known if base(arm) == name), None)


def family_p(
    p: Sequence[float],
    tests: Sequence[InfluenceTest | None],
    sources: Sequence[str],
    source_p: Mapping[str, float] | None = None,
    alpha: float = ALPHA,
) -> np.ndarray:
    """(arms,) p of each arm against the reference, corrected for all arms of its family.

    By sign-flip max-T where every defined p comes from an influence test, else by Holm.

    Args:
        p: (arms,) two-sided, NaN where undefined. tests: the influence test of each arm, or None.
        sources: (arms,) where each arm starts. source_p: {source: p of its labels' permutation}; with it Holm goes over
        the sources first, the arms of those at or below `alpha` are a family by themselves, and no arm gets a smaller p
        than its source. Arms whose source has no p, as those of all drugs at once, go through that correction as one
        more source, whose p is the smallest of theirs after the correction for their number.
    """
    p = np.asarray(p, float)
    if source_p is None:
        return one_family(p, tests)

    def corrected(own: np.ndarray) -> np.ndarray:
        return one_family(p[own], [tests[k] for k in own])

    names = [source if source in source_p else None for source in sources]
    untested = corrected(np.flatnonzero([name is None for name in names]))
    given = dict(source_p) if np.isnan(untested).all() else {**source_p, None: np.nanmin(untested)}
    adjusted = dict(zip(given, holm(list(given.values())), strict=True))
    gate = np.nan_to_num([adjusted.get(name, 1.0) for name in names], nan=1.0)
    found, inside = p.copy(), np.flatnonzero(gate <= alpha)
    found[inside] = corrected(inside)
    return np.maximum(found, gate)  # undefined stays undefined


def one_family(p: np.ndarray, tests: Sequence[InfluenceTest | None]) -> np.ndarray:
    """(arms,) p corrected for their number, without sources."""
    known = np.flatnonzero(~np.isnan(p))
    if not len(known) or any(tests[k] is None for k in known):
        return holm(p)
    found = np.full(len(p), np.nan)
    # More arms never make a p smaller, not by a draw of signs either.
    found[known] = np.maximum(max_t([tests[k] for k in known]), p[known])
    return found
