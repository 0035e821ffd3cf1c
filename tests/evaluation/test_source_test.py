"""p-values of permutations that may end early: exact by enumeration, and the rule of which row decides."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.evaluation.predictors.ranked import rankit
from tl_jax.evaluation.statistics.added_value import added_value
from tl_jax.evaluation.statistics.source_test import (
    RETRAINED,
    SHUFFLED,
    deciding,
    ended,
    needed,
    sequential,
    with_gains,
    words,
)


def test_p_counts_the_truth_as_one_more_permutation():
    assert sequential(1.0, [0.5] * 18 + [1.0], None) == (19, 1, 2 / 20)
    assert sequential(1.0, [0.0] * 19, None).p == 1 / 20
    assert sequential(1.0, [1.0 - 1e-12], None).at_least == 1  # the same predictions, computed in another order
    assert sequential(1.0, [np.nan], None).at_least == 1
    assert np.isnan(sequential(np.nan, [0.0]).p)


def test_it_ends_at_the_tenth_that_does_as_well_whatever_comes_later():
    scores = [1, 0] * 30
    assert sequential(0.5, scores) == (19, 10, 10 / 19) == sequential(0.5, scores + [0] * 99)
    assert ended(0.5, scores)
    assert not ended(0.5, scores[:17])


@pytest.mark.parametrize("stop", [None, 3])
def test_p_is_at_most_alpha_with_a_probability_of_at_most_alpha(stop):
    """Truth and permutations are exchangeable: every place of the truth among 20 scores is equally likely."""
    rng, hits = np.random.default_rng(1), []
    for _ in range(4000):
        scores = rng.permutation(20).astype(float)
        hits.append(sequential(scores[0], scores[1:], stop).p)
    for alpha in (0.05, 0.1, 0.3, 0.5):
        assert np.mean(np.asarray(hits) <= alpha) <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 4000)
    assert abs(np.mean(np.asarray(hits) <= 0.05) - 0.05) < 0.012  # and it is not careful beyond need


def test_permutations_suffice_for_a_correction_over_the_sources():
    assert needed(1) == needed(3) == 199
    assert 2 * 20 / (needed(20) + 1) < 0.05  # twice: the first look is charged


def test_one_arm_decides_for_all_sources():
    rows = pd.DataFrame(
        [
            ("freeze_layer1", "a", RETRAINED),
            ("shrunken_ridge", "a", RETRAINED),
            ("shrunken_ridge", "a", SHUFFLED),
            ("shrunken_ridge", "b", RETRAINED),
            ("shrunken_ridge", "b", SHUFFLED),
        ],
        columns=["arm", "source", "method"],
    )
    assert deciding(rows).tolist() == [False, True, False, True, False]


ROWS = pd.DataFrame([("m", "a", 0.005), ("m", "b", 0.01), ("m", "c", 0.5)], columns=["arm", "source", "p"]).assign(
    method=RETRAINED, protocol="honest", decides=True
)


def gains(*p, gain=0.1):
    names = pd.DataFrame({"arm": "m", "source": list("abc"), "reference": "ridge", "mean_difference": gain, "p": p})
    return names


def test_beyond_needs_both_tests_corrected_for_sources_and_looks():
    found = with_gains(ROWS, gains(0.01, 0.02, 0.0001), looks=1, one_sided=False)
    np.testing.assert_allclose(found["p_holm"], [0.015, 0.02, 0.5])
    np.testing.assert_allclose(found["p_after_looks"], [0.03, 0.04, 1.0])
    assert found["beyond"].tolist() == [True, True, False]
    assert with_gains(ROWS, gains(0.01, 0.02, 0.0001), looks=2, one_sided=False)["beyond"].sum() == 0
    assert with_gains(ROWS, gains(0.01, 0.02, 0.0001, gain=-0.1), looks=1, one_sided=False)["beyond"].sum() == 0
    assert with_gains(ROWS, gains(0.01, 0.02, 0.0001, gain=-0.1), 1, False, sign=-1)["beyond"].sum() == 2


def test_a_registered_direction_halves_p():
    two, one = (with_gains(ROWS, gains(0.02, 0.04, 0.9), 1, side)["beyond"].tolist() for side in (False, True))
    assert two == [False, False, False]
    assert one == [True, True, False]


def test_the_sentence_claims_no_more_than_the_test():
    found = with_gains(ROWS, gains(0.9, 0.02, 0.9), 1, one_sided=False)
    text = words(found, "honest")
    assert text.startswith("what the labels of a (p 0.03), b (p 0.04) carry is used by m, 2 of 3 sources tested")
    assert text.endswith("which does not say that it beats ridge")
    found = with_gains(ROWS, gains(0.001, 0.9, 0.9), 1, one_sided=False)
    assert words(found, "honest").endswith("; a also helps beyond ridge")
    nothing = with_gains(ROWS.assign(p=0.4), gains(0.001, 0.001, 0.001), 1, one_sided=False)
    assert words(nothing, "honest").startswith("the labels of none of 3 sources are shown to be used by m")
    assert words(found, "as_published") == ""


def test_a_covariate_beside_no_genes_is_least_squares():
    rng = np.random.default_rng(0)
    told = rng.normal(size=30)
    y = told + rng.normal(size=30)
    t, p = added_value(y, told, np.zeros((30, 5)))
    slope = np.polyfit(told, rankit(y), 1, cov=True)
    expected = slope[0][0] / np.sqrt(slope[1][0, 0])
    np.testing.assert_allclose(t, expected, rtol=1e-9)
    assert p < 0.01
    assert np.isnan(added_value(y, np.ones(30), np.zeros((30, 5)))[1])


def test_one_sample_far_from_all_others_does_not_decide():
    """Noise, but for one sample that response and prediction put at the same end."""
    rng = np.random.default_rng(1)
    x, y, told = rng.normal(size=(58, 200)), rng.normal(size=58), rng.normal(size=58)
    y[7], told[7] = -15, -4
    far = added_value(y, told, x)
    y[7] = y.min() if y.argmin() != 7 else np.delete(y, 7).min() - 0.1
    np.testing.assert_allclose(added_value(y, told, x), far)  # only the order counts
    assert far[1] > 0.01
    np.testing.assert_allclose(added_value(np.exp(y), told, x), far)


def test_a_covariate_that_only_says_what_the_genes_say_finds_little():
    """Genes alone explain y; a prediction built of other genes adds nothing: about 5 % are found, on one side."""
    rng, found = np.random.default_rng(3), []
    for _ in range(60):
        x = rng.normal(size=(20, 40))
        y, told = x @ rng.normal(size=40) + rng.normal(size=20), x @ rng.normal(size=40)
        found.append(added_value(y, told, x)[1])
    assert np.mean(np.asarray(found) <= 0.05) <= 0.13  # 60 draws
