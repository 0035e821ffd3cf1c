"""What a comparison could have shown: the smallest true difference that its test finds often enough."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from tl_jax.evaluation.statistics.paired import corrected_scale, finite


def detectable_difference(differences, ratio: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest true mean difference, in the metric's unit, that the corrected t-test finds with this power.

    differences: (folds of all repeats,) observed a - b; ratio: held-out rows / training rows, as for
    `paired.corrected_t`, which takes the same differences. Two-sided test at `alpha`. Under the model of that test
    (normal differences, each pair correlated by ratio / (1 + ratio); Nadeau and Bengio 2003) its t has a noncentral t
    distribution, so the answer is a multiple of the corrected standard error, which the data estimate: it is as
    uncertain as their spread, and depends on the observed mean not at all. On simulated cohorts the test found somewhat
    less than promised (docs/calibration.md): read it as what a study of this size would need at least.

    Fewer than two differences, or differences without spread, leave it undefined (NaN). ValueError where power does
    not lie between alpha and 1.
    """
    d = finite(differences)
    if len(d) < 2:
        return float("nan")
    scale = corrected_scale(d, ratio)
    return scale * noncentrality(len(d) - 1, power, alpha) if scale > 0 else float("nan")


def noncentrality(df: int, power: float = 0.8, alpha: float = 0.05) -> float:
    """True difference in standard errors at which a two-sided t-test with `df` degrees of freedom has this power."""
    if not 0 < alpha < power < 1:
        raise ValueError(f"power {power} and alpha {alpha}: expected 0 < alpha < power < 1")
    bound = float(stats.t.isf(alpha / 2, df))
    # Beyond the bound itself the power passes one half, and every unit more adds a normal's tail.
    return float(optimize.brentq(lambda shift: power_at(shift, df, alpha) - power, 0.0, 3 * bound + 10, xtol=1e-10))


def power_at(shift: float, df: int, alpha: float = 0.05) -> float:
    """Power of the two-sided t-test where the true difference is `shift` standard errors."""
    bound = float(stats.t.isf(alpha / 2, df))
    if shift == 0:
        return alpha
    # By symmetry the chance of the wrong side is the upper tail at the opposite shift.
    return float(np.sum(stats.nct.sf(bound, df, [shift, -shift])))
