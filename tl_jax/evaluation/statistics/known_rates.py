"""Measured false-positive rates of the tests, for whoever prints a p-value that does not hold.

Source: docs/calibration.md. Two arms that are equally good by construction, ridge on simulated cohorts, 10 repeats of
3 folds (22 samples) or 5 folds (83), three strengths of signal together.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Known(NamedTuple):
    """Share of studies with p at most .05, its 95 % binomial interval, and the number of studies."""

    rate: float
    low: float
    high: float
    studies: int


# test: {samples: what was measured}. "wilcoxon_repeats" is `paired.naive_wilcoxon` over the pooled Spearmans.
RATES: dict[str, dict[int, Known]] = {
    "corrected_t": {22: Known(0.009, 0.005, 0.016, 1200), 83: Known(0.027, 0.018, 0.037, 1200)},
    "bayes": {22: Known(0.011, 0.006, 0.018, 1200), 83: Known(0.015, 0.009, 0.024, 1200)},
    "wilcoxon_repeats": {22: Known(0.556, 0.527, 0.584, 1200), 83: Known(0.643, 0.615, 0.670, 1200)},
    "t_repeats": {22: Known(0.566, 0.537, 0.594, 1200), 83: Known(0.650, 0.622, 0.677, 1200)},
    "t_folds": {22: Known(0.474, 0.446, 0.503, 1200), 83: Known(0.527, 0.498, 0.555, 1200)},
    "wilcoxon_folds": {22: Known(0.473, 0.445, 0.502, 1200), 83: Known(0.528, 0.500, 0.557, 1200)},
    "swap": {22: Known(0.167, 0.146, 0.189, 1200), 83: Known(0.123, 0.105, 0.143, 1200)},
    "bootstrap": {22: Known(0.175, 0.154, 0.198, 1200), 83: Known(0.113, 0.095, 0.132, 1200)},
}

# The same of arms that see nothing in common, 10 repeats: the columns "disjoint" of the calibration.
UNRELATED: dict[str, dict[int, Known]] = {
    "influence": {
        22: Known(0.042, 0.025, 0.067, 402),
        35: Known(0.042, 0.025, 0.067, 402),
        58: Known(0.030, 0.016, 0.052, 402),
    },
    "corrected_t": {
        22: Known(0.067, 0.045, 0.096, 402),
        35: Known(0.067, 0.045, 0.096, 402),
        58: Known(0.080, 0.055, 0.111, 402),
    },
}


def false_positives(test: str, n: int, rates: dict[str, dict[int, Known]] = RATES) -> str:
    """In words, for a cohort of n samples: the rate at the nearest measured size, which the words name.

    rates: RATES, of two measurements of the same samples, or UNRELATED. KeyError for a test that is not in them.
    """
    sizes = rates[test]
    nearest = min(sizes, key=lambda size: abs(math.log(size / n)))
    known = sizes[nearest]
    return (
        f"calls equally good arms different in {known.rate:.0%} ({known.low:.0%} to {known.high:.0%}) of simulated "
        f"studies of {nearest} samples, where 5% are claimed"
    )
