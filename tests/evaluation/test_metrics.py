"""Metrics against stored numbers, scipy and scikit-learn, and on awkward inputs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn import metrics as sk

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics import registry
from tl_jax.evaluation.statistics.metrics import (
    METRICS,
    constant_folds,
    get,
    mae,
    pearson,
    r2,
    rank_correlation,
    rmse,
    score,
    spearman,
    spearman_rows,
    to_choose_from,
)

# float64: (rtol, atol) as stated beside the stored numbers.
TOLERANCE = {"spearman": (0, 1e-12), "pearson": (1e-9, 1e-12), "r2": (1e-9, 1e-12), "rmse": (1e-9, 0), "mae": (1e-9, 0)}


@pytest.fixture(scope="module")
def stored(golden):
    return golden("M1_metrics")


def expected(stored, case, metric):
    """A stored number; a correlation of a constant prediction is stored as undefined, and counts 0 here."""
    truth, prediction = (stored[f"regression_{case}_{side}"] for side in ("truth", "prediction"))
    nothing = metric in ("spearman", "pearson") and np.ptp(prediction) == 0 and np.ptp(truth) > 0
    return 0.0 if nothing else stored[f"regression_{case}_{metric}"]


@pytest.mark.parametrize("metric", METRICS)
def test_stored_numbers_float64(stored, metric):
    for case in stored["regression_case_names"]:
        truth, prediction = (stored[f"regression_{case}_{side}"] for side in ("truth", "prediction"))
        rtol, atol = TOLERANCE[metric]
        wanted = expected(stored, case, metric)
        np.testing.assert_allclose(METRICS[metric](truth, prediction), wanted, rtol=rtol, atol=atol, err_msg=case)


@pytest.mark.parametrize("metric", METRICS)
def test_stored_numbers_float32(stored, metric):
    for case in stored["regression_case_names"]:
        if case == "large_offset":  # float32 steps there are larger than the differences
            continue
        truth, prediction = (np.float32(stored[f"regression_{case}_{side}"]) for side in ("truth", "prediction"))
        wanted = expected(stored, case, metric)
        np.testing.assert_allclose(METRICS[metric](truth, prediction), wanted, rtol=1e-5, atol=1e-5, err_msg=case)


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
    if np.ptp(a) == 0:
        assert np.isnan([spearman(a, b), pearson(a, b), rank_correlation(a, b)]).all()
    elif np.ptp(b) == 0:
        assert spearman(a, b) == pearson(a, b) == 0
        assert np.isnan(rank_correlation(a, b))
    else:
        assert rank_correlation(a, b) == spearman(a, b)
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)
        assert pearson(a, b) == pytest.approx(stats.pearsonr(a, b).statistic, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(pairs, st.randoms(use_true_random=False))
def test_invariances(pair, random):
    a, b = pair
    order = np.array(random.sample(range(len(a)), len(a)))
    for metric in METRICS.values():
        np.testing.assert_allclose(metric(a[order], b[order]), metric(a, b), atol=1e-9)
    for metric in (rank_correlation, rmse, mae):
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
    assert found[3] == 0
    assert np.isnan(spearman_rows(np.ones(5), np.arange(5.0)))


@settings(max_examples=50, deadline=None)
@given(pairs, st.floats(-100, 100))
def test_a_constant_prediction_orders_nothing(pair, constant):
    truth = pair[0]
    found = [f(truth, np.full(len(truth), constant)) for f in (spearman, pearson, spearman_rows)]
    if np.ptp(truth) == 0:
        assert np.isnan(found).all()
    else:
        assert found == [0, 0, 0]


@settings(max_examples=50, deadline=None)
@given(pairs)
def test_a_value_lies_in_the_range_that_the_metric_names(pair):
    for metric in METRICS.values():
        value = metric(*pair)
        assert np.isnan(value) or metric.range[0] <= value <= metric.range[1]


@settings(max_examples=50, deadline=None)
@given(pairs)
def test_the_truth_itself_is_the_best_prediction(pair):
    for metric in METRICS.values():
        own, other = metric(pair[0], pair[0]), metric(*pair)
        assert np.isnan(own) or np.isnan(other) or metric.sign * own >= metric.sign * other - 1e-12


def test_a_candidate_that_diverged_counts_as_the_worst_of_the_others():
    gone = np.nan
    folds = pd.DataFrame({"a": [0.5, 0.2, gone], "b": [0.9, gone, gone], "c": [0.1, 0.3, gone]})
    np.testing.assert_array_equal(to_choose_from(folds)["b"], [0.9, 0.2, gone])
    np.testing.assert_array_equal(to_choose_from(folds, "rmse")["b"], [-0.9, -0.3, gone])
    np.testing.assert_array_equal(to_choose_from(folds, "rmse")["a"], [-0.5, -0.2, gone])


def test_constant_folds_are_counted():
    rows = [(0, 0, 1.0), (0, 0, 1.0), (0, 1, 1.0), (0, 1, 2.0), (1, 0, 3.0), (1, 1, 0.0), (1, 1, 0.0)]
    assert constant_folds(pd.DataFrame(rows, columns=["repeat", "fold", "y_pred"])) == 2


def test_a_metric_of_ones_own_is_computed_and_known_by_name(monkeypatch):
    monkeypatch.setitem(METRICS, "bias", None)  # taken out again at the end

    @registry.metric("bias", label="Bias", higher_is_better=False)
    def bias(y_true, y_pred):
        return float(np.abs(np.mean(y_pred - y_true)))

    assert score(np.array([1.0, 2.0]), np.array([3.0, 1.0]))["bias"] == 0.5
    assert get("bias").per_fold == "Bias per fold"
    assert registry.sign("bias") == -1


def test_a_name_that_is_taken_or_unknown_is_refused():
    with pytest.raises(InputError, match="a metric named 'rmse' exists already"):
        registry.metric("rmse")(lambda y_true, y_pred: 0.0)
    assert get("rmse").function is rmse
    with pytest.raises(InputError, match="no metric 'spearmann'; did you mean 'spearman'"):
        get("spearmann")


def test_a_record_tells_of_a_metric_that_is_not_registered(monkeypatch):
    monkeypatch.setattr(registry, "DESCRIBED", {})
    assert registry.from_record(registry.record("mae")) is get("mae")
    found = registry.from_record({"name": "bias", "label": "Bias", "higher_is_better": False})
    assert (get("bias"), found.sign, found.label) == (found, -1, "Bias")
    with pytest.raises(InputError, match="not registered here"):
        found([1.0], [1.0])
