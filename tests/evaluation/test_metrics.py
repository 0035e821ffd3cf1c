"""Metrics against stored numbers, scipy and scikit-learn, and on awkward inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn import metrics as sk

from tl_jax.evaluation.statistics.metrics import METRICS, mae, pearson, r2, rmse, score, spearman, spearman_rows

# float64: (rtol, atol) as stated beside the stored numbers.
TOLERANCE = {"spearman": (0, 1e-12), "pearson": (1e-9, 1e-12), "r2": (1e-9, 1e-12), "rmse": (1e-9, 0), "mae": (1e-9, 0)}


@pytest.fixture(scope="module")
def stored(golden):
    return golden("M1_metrics")


@pytest.mark.parametrize("metric", METRICS)
def test_stored_numbers_float64(stored, metric):
    for case in stored["regression_case_names"]:
        truth, prediction = (stored[f"regression_{case}_{side}"] for side in ("truth", "prediction"))
        rtol, atol = TOLERANCE[metric]
        expected = stored[f"regression_{case}_{metric}"]
        np.testing.assert_allclose(METRICS[metric](truth, prediction), expected, rtol=rtol, atol=atol, err_msg=case)


@pytest.mark.parametrize("metric", METRICS)
def test_stored_numbers_float32(stored, metric):
    for case in stored["regression_case_names"]:
        if case == "large_offset":  # float32 steps there are larger than the differences
            continue
        truth, prediction = (np.float32(stored[f"regression_{case}_{side}"]) for side in ("truth", "prediction"))
        expected = stored[f"regression_{case}_{metric}"]
        np.testing.assert_allclose(METRICS[metric](truth, prediction), expected, rtol=1e-5, atol=1e-5, err_msg=case)


def test_stored_r2_of_a_constant_truth(stored):
    constant = np.full(5, 2.0)
    assert r2(constant, constant) == stored["r2_constant_truth_perfect"]
    assert r2(constant, constant + 1) == stored["r2_constant_truth_imperfect"]


pairs = st.integers(3, 30).flatmap(
    lambda n: st.tuples(*[arrays(np.float64, n, elements=st.integers(-50, 50).map(lambda v: v / 8))] * 2)
)


@settings(max_examples=100, deadline=None)
@given(pairs)
def test_equals_scipy_and_scikit_learn(pair):
    a, b = pair
    assert rmse(a, b) == pytest.approx(sk.root_mean_squared_error(a, b))
    assert mae(a, b) == pytest.approx(sk.mean_absolute_error(a, b))
    assert r2(a, b) == pytest.approx(sk.r2_score(a, b))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert np.isnan(spearman(a, b))
        assert np.isnan(pearson(a, b))
    else:
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)
        assert pearson(a, b) == pytest.approx(stats.pearsonr(a, b).statistic, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(pairs, st.randoms(use_true_random=False))
def test_invariances(pair, random):
    a, b = pair
    order = np.array(random.sample(range(len(a)), len(a)))
    for metric in METRICS.values():
        np.testing.assert_allclose(metric(a[order], b[order]), metric(a, b), atol=1e-9)
    for metric in (spearman, pearson, rmse, mae):
        np.testing.assert_allclose(metric(a, b), metric(b, a), atol=1e-12)
    np.testing.assert_allclose(spearman(a, b**3 + 2 * b), spearman(a, b), atol=1e-12)
    np.testing.assert_allclose(spearman(-a, b), -spearman(a, b), atol=1e-12)
    np.testing.assert_allclose(pearson(a, 3 * b - 7), pearson(a, b), atol=1e-9)


def test_one_and_two_samples():
    one = score(np.array([1.0]), np.array([3.0]))
    assert {k for k, v in one.items() if np.isnan(v)} == {"spearman", "pearson", "r2"}
    assert (one["rmse"], one["mae"]) == (2, 2)
    assert score(np.array([1.0, 2.0]), np.array([3.0, 1.0]))["spearman"] == pytest.approx(-1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_diverged_predictions_are_nan(bad):
    found = score(np.array([1.0, 2.0, 3.0]), np.array([1.0, bad, 2.0]))
    assert list(found) == list(METRICS)
    assert np.isnan(list(found.values())).all()


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]])])
def test_shapes_are_checked(a, b):
    for metric in METRICS.values():
        with pytest.raises(ValueError, match="shapes"):
            metric(np.array(a), np.array(b))


def test_many_pairs_at_once_are_each_pair_alone():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 5, (2, 30, 9)).astype(float)
    prediction[3] = 2.0
    found = spearman_rows(truth, prediction)
    np.testing.assert_allclose(found, [spearman(a, b) for a, b in zip(truth, prediction, strict=True)], atol=1e-12)
    np.testing.assert_array_equal(spearman_rows(truth.T, prediction.T, axis=0), found)
    assert np.isnan(found[3])
