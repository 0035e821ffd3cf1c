"""Metrics of a classifier, against golden numbers and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tl_jax.evaluation.draws.classification import (
    LABEL_METRICS,
    METRICS,
    calibration_error,
    calibration_table,
    count,
    mcc,
    resampled,
    score_classifier,
)

CASES = (
    *("plain", "ties", "ties_two_levels", "all_tied", "perfect", "reversed", "one_positive", "one_negative"),
    *("truth_all_negative", "truth_all_positive", "prediction_all_negative", "prediction_all_positive"),
    *("both_one_class", "n3", "score_exactly_half"),
)
GOLDEN = {
    "mcc": "mcc",
    "auroc": "auroc",
    "auprc": "average_precision",
    "f1": "f1_positive",
    "balanced_accuracy": "balanced_accuracy",
    "accuracy": "accuracy",
}


@pytest.mark.parametrize("case", CASES)
def test_golden_numbers(golden, case):
    file = golden("M1_metrics")
    truth, score = file[f"classification_{case}_truth"], file[f"classification_{case}_score"]
    np.testing.assert_array_equal(score > 0.5, file[f"classification_{case}_label_prediction"])
    found = score_classifier(truth, score)
    for ours, theirs in GOLDEN.items():
        np.testing.assert_allclose(found[ours], file[f"classification_{case}_{theirs}"], atol=1e-12, err_msg=ours)
    published = score_classifier(truth, score, auroc_from_labels=True)["auroc"]
    np.testing.assert_allclose(published, file[f"classification_{case}_auroc_from_labels"], atol=1e-12)


def drawn(seed, n=60, draws=4):
    random = np.random.default_rng(seed)
    truth = (random.random(n) < 0.4).astype(float)
    truth[:2] = 0, 1
    return truth, np.round(random.random((draws, n)), 1), random  # rounded, so that scores tie


@pytest.mark.parametrize("metric", [*LABEL_METRICS, "auroc", "brier"])
def test_many_resamples_at_once_equal_one_after_another(metric):
    truth, probability, random = drawn(3)
    rows = random.integers(0, len(truth), (15, len(truth)))
    rows[0] = np.flatnonzero(truth == 1)[0]  # one class, no spread
    weights = np.stack([np.bincount(r, minlength=len(truth)) for r in rows]).astype(float)
    found = resampled(metric, truth, probability, weights)
    assert found.shape == (15, 4)
    slow = [[score_classifier(truth[r], p[r])[metric] for p in probability] for r in rows]
    np.testing.assert_allclose(found, slow, atol=1e-12)


@pytest.mark.filterwarnings("ignore:A single label:UserWarning")  # scikit-learn's, of two classes that are one
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_labels_against_scikit_learn(seed, n):
    random = np.random.default_rng(seed)
    truth, calls = (random.random((2, n)) < random.random((2, 1))).astype(float)
    c = count(truth, calls)
    assert float(mcc(c)) == pytest.approx(sk.matthews_corrcoef(truth, calls), abs=1e-12)
    assert float(LABEL_METRICS["f1"](c)) == pytest.approx(sk.f1_score(truth, calls, zero_division=0), abs=1e-12)
    flipped = mcc(count(truth, 1 - calls))
    assert float(flipped) == pytest.approx(-float(mcc(c)), abs=1e-12)
    # The roles of truth and calls are exchangeable, and so are those of the classes.
    assert float(mcc(count(calls, truth))) == pytest.approx(float(mcc(c)), abs=1e-12)
    assert float(mcc(count(1 - truth, 1 - calls))) == pytest.approx(float(mcc(c)), abs=1e-12)


def test_probabilities_against_scikit_learn():
    truth, probability, _ = drawn(7)
    p = np.append(probability[0][:-2], [0.0, 1.0])
    found = score_classifier(truth, p)
    assert list(found) == list(METRICS)
    assert found["brier"] == pytest.approx(np.mean((truth - p) ** 2))
    kept = np.clip(p, 1e-15, 1 - 1e-15)
    assert found["log_loss"] == pytest.approx(-np.mean(truth * np.log(kept) + (1 - truth) * np.log(1 - kept)))


def test_the_published_auroc_is_the_balanced_accuracy():
    truth, probability, _ = drawn(5)
    found = score_classifier(truth, probability[0], auroc_from_labels=True)
    assert found["auroc"] == pytest.approx(found["balanced_accuracy"], abs=1e-12)
    assert score_classifier(truth, probability[0])["auroc"] != pytest.approx(found["auroc"], abs=1e-3)


def test_calibration_by_hand():
    truth = np.asarray([0, 1, 1, 0, 1.0])
    p = np.asarray([0.0, 0.1, 0.15, 0.9, 1.0])  # 0 and .1 in the first bin, .9 in the ninth, 1 in the last
    table = calibration_table(truth, p)
    assert table["count"].tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 1, 1]
    assert table["predicted"][0] == pytest.approx(0.05)
    assert table["observed"][0] == pytest.approx(0.5)
    assert np.isnan(table["observed"][2])
    assert calibration_error(truth, p) == pytest.approx((2 * 0.45 + 0.85 + 0.9 + 0) / 5)


def test_calibrated_probabilities_have_little_error_and_sharpened_ones_much():
    random = np.random.default_rng(2)
    p = random.random(20_000)
    truth = (random.random(20_000) < p).astype(float)
    assert calibration_error(truth, p) < 0.02
    assert calibration_error(truth, (p > 0.5).astype(float)) == pytest.approx(0.25, abs=0.02)


def test_what_diverged_is_undefined_and_what_is_wrong_is_refused():
    assert all(np.isnan(v) for v in score_classifier([0, 1], [np.nan, 0.5]).values())
    for truth, p in (([0, 2], [0.1, 0.2]), ([0, 1], [-3.0, 4.0]), ([0, 1], [0.5])):
        with pytest.raises(ValueError, match=r"truth|outside|shapes"):
            score_classifier(truth, p)
    with pytest.raises(ValueError, match="cannot be resampled"):
        resampled("log_loss", np.ones(2), np.ones((1, 2)), np.ones((1, 2)))
