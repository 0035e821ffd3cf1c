"""The smallest detectable difference against simulated studies, a slow twin, and what must hold of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from selection import some

from tl_jax.evaluation.statistics.detectable import detectable_difference, noncentrality, power_at
from tl_jax.evaluation.statistics.paired import corrected_t


def studies(count, folds, ratio, shift, rng):
    """(count, folds) differences of spread 1 around `shift`, each pair correlated as the corrected test has it."""
    shared = np.sqrt(ratio / (1 + ratio)) * rng.standard_normal((count, 1))
    return shift + shared + np.sqrt(1 / (1 + ratio)) * rng.standard_normal((count, folds))


@pytest.mark.parametrize(
    ("folds", "ratio", "power"), some([(30, 0.5, 0.8), (50, 0.25, 0.5), (5, 0.25, 0.9)], (5, 0.25, 0.9))
)
def test_power_is_what_it_says(folds, ratio, power):
    rng = np.random.default_rng(folds)
    scale = np.sqrt((1 / folds + ratio) / (1 + ratio))  # the true standard error of the mean
    d = studies(2500, folds, ratio, noncentrality(folds - 1, power) * scale, rng)
    found = np.mean([corrected_t(row, ratio).p < 0.05 for row in d])
    assert found == pytest.approx(power, abs=4 * np.sqrt(power * (1 - power) / 2500))
    # What single studies report scatters around that difference, since each has to estimate the spread.
    reported = np.median([detectable_difference(row, ratio, power) for row in d[:300]])
    assert reported == pytest.approx(noncentrality(folds - 1, power) * scale, rel=0.15)


def slow_power(shift, df, alpha):
    """Power by integration over the estimated standard error."""
    bound = stats.t.ppf(1 - alpha / 2, df)

    def given_spread(s):
        return (stats.norm.sf(bound * s - shift) + stats.norm.cdf(-bound * s - shift)) * stats.chi2.pdf(
            df * s**2, df
        ) * 2 * df * s  # fmt: skip

    return integrate.quad(given_spread, 0, 6, limit=200)[0]


@pytest.mark.parametrize(
    ("df", "power", "alpha"),
    some([(29, 0.8, 0.05), (49, 0.9, 0.01), (4, 0.5, 0.05), (1, 0.3, 0.1)], (29, 0.8, 0.05), (1, 0.3, 0.1)),
)
def test_noncentrality_is_the_smallest_that_reaches_the_power(df, power, alpha):
    found = noncentrality(df, power, alpha)
    reach = 200 if df == 1 else 20
    fine = np.linspace(0, reach, 4001)
    slow = fine[np.argmax([power_at(s, df, alpha) >= power for s in fine])]
    assert found == pytest.approx(slow, abs=2 * reach / 4000)
    if df > 1:  # the integral's tail is long at one degree of freedom
        assert slow_power(found, df, alpha) == pytest.approx(power, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 99), ratio=st.floats(0.05, 1), move=st.floats(-3, 3), stretch=st.floats(0.1, 10))
def test_it_follows_the_spread_and_not_the_mean(seed, ratio, move, stretch):
    d = np.random.default_rng(seed).standard_normal(12)
    found = detectable_difference(d, ratio)
    assert detectable_difference(d * stretch + move, ratio) == pytest.approx(stretch * found, rel=1e-6)
    assert detectable_difference(d, ratio, power=0.9) > found > detectable_difference(d, ratio, power=0.5)
    assert detectable_difference(d, ratio, alpha=0.01) > found
    assert detectable_difference(d, ratio + 0.1) > found


def test_what_cannot_be_said_is_undefined():
    assert np.isnan(detectable_difference([0.1], 0.5))
    assert np.isnan(detectable_difference([0.1, 0.1, np.nan], 0.5))
    for power, alpha in ((0.04, 0.05), (1, 0.05), (0.8, 0)):
        with pytest.raises(ValueError, match="expected 0 < alpha < power < 1"):
            noncentrality(9, power, alpha)
