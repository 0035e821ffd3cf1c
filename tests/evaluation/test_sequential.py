"""Looking again and again, simulated: what it does to tests, and what the correction leaves of it."""

import numpy as np
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.paired import corrected_t, naive_wilcoxon
from tl_jax.evaluation.statistics.sequential import after_looks

RATIO, FOLDS, LOOKS = 0.5, 3, (5, 10, 15, 20, 30, 40)


@pytest.fixture(scope="module")
def looked():
    """{test: (studies, looks) p-values} of arms equal in truth, looked at after more and more repeats of 3 folds.

    Each pair of differences of a study is correlated as the corrected test has it.
    """
    rng = np.random.default_rng(1)
    shared, own = rng.standard_normal((500, 1, 1)), rng.standard_normal((500, LOOKS[-1], FOLDS))
    d = np.sqrt(1 / 3) * shared + np.sqrt(2 / 3) * own
    return {
        # A few suffice for a test that is wrong by far.
        "naive": np.array([[naive_wilcoxon(study[:k].mean(axis=1)) for k in LOOKS] for study in d[:150]]),
        "corrected": np.array([[corrected_t(study[:k].ravel(), RATIO).p for k in LOOKS] for study in d]),
    }


def stopped(p, planned):
    """Share of studies that end with a significant look."""
    plan = len(LOOKS) if planned else None
    adjusted = [[after_looks(value, k + 1, plan) for k, value in enumerate(row)] for row in p]
    return np.mean((np.array(adjusted) < 0.05).any(axis=1))


def test_the_naive_test_is_significant_if_one_only_goes_on(looked):
    rejected = (looked["naive"] < 0.05).any(axis=1).mean()
    assert rejected > 0.6
    assert rejected > (looked["naive"][:, 0] < 0.05).mean() + 0.2
    # No factor repairs a test that is wrong at one look.
    assert stopped(looked["naive"], planned=True) > 0.4


def test_looking_costs_and_the_correction_pays(looked):
    p = looked["corrected"]
    once, always = (p[:, 0] < 0.05).mean(), (p < 0.05).any(axis=1).mean()
    assert once == pytest.approx(0.05, abs=0.025)
    assert always > 0.06  # uncorrected, it rejects too often
    assert always > once
    assert stopped(p, planned=True) <= 0.05
    assert stopped(p, planned=False) <= 0.05


def test_what_a_look_costs():
    assert after_looks(0.02, 1, planned=1) == pytest.approx(0.02)
    assert after_looks(0.02, 2, planned=3) == pytest.approx(0.06)
    assert after_looks(0.02, 1) == pytest.approx(0.04)
    assert after_looks(0.02, 2) == pytest.approx(0.12)
    assert after_looks(0.2, 9) == 1
    assert np.isnan(after_looks(float("nan"), 1))
    # The open-ended looks spend alpha and no more.
    assert sum(0.05 / (after_looks(1e-9, k) / 1e-9) for k in range(1, 10_000)) == pytest.approx(0.05, abs=1e-4)


def test_an_unknown_number_of_looks_is_refused():
    for looks, planned, words in ((None, None, "not how often"), (0, None, "at least 1"), (4, 3, "leave the plan out")):
        with pytest.raises(InputError, match=words):
            after_looks(0.01, looks, planned)
