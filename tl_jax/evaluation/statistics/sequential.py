"""More repeats until it is significant: what such a p-value is still worth.

Repeats are no new data. They settle which partition of the same samples was drawn, and nothing else: the corrected
standard error, sqrt(var * (1/folds + ratio)), never falls below sqrt(var * ratio), and tests without the correction
become significant for certain. Who looks more than once has more than one chance, so each look costs.
"""

from __future__ import annotations

import numpy as np

from tl_jax.errors import InputError


def after_looks(p: float, looks: int | None, planned: int | None = None) -> float:
    """The p-value of the last of `looks` looks, corrected for all of them; compare it with alpha as usual.

    planned: number of looks fixed before the first; p is multiplied by it (Bonferroni). Without a plan the k-th look
    may spend alpha / (k (k + 1)), which adds up to alpha over any number of looks, so p is multiplied by k (k + 1),
    the first look included. Both hold however the looks depend on each other, and whenever one stops. Pocock's and
    O'Brien and Fleming's bounds do not apply: they count on new samples from look to look. They correct a test that
    holds at one look; no factor repairs one that does not (`paired.naive_wilcoxon`).

    Raises InputError where the number of looks is unknown (None), below 1 or above the plan. NaN stays NaN.
    """
    if looks is None:
        raise InputError(
            "p was looked at before, but not how often: it cannot be corrected; give the number of looks, "
            "or report the repeats that were planned at first"
        )
    if looks < 1:
        raise InputError(f"looks is {looks}; count the present look too, so at least 1")
    if planned is not None and planned < looks:
        raise InputError(f"look {looks} of {planned} planned looks; leave the plan out, it was not kept")
    return float(np.minimum(1.0, p * (planned if planned is not None else looks * (looks + 1))))
