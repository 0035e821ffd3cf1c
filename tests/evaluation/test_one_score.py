"""Numbers of one score against scikit-learn and slow twins, and intervals apart from each other."""

import numpy as np
import pytest
from sklearn import metrics as sk

from tl_jax.evaluation.draws.classification import auroc
from tl_jax.evaluation.draws.one_score import of_calls, of_order, of_probability, reason
from tl_jax.evaluation.draws.score_intervals import over_draws, over_rows, paired

RANDOM = np.random.default_rng(3)
TRUTH = (RANDOM.random(200) < 0.3).astype(float)
SCORE = TRUTH + RANDOM.normal(size=200)


def slow_ece(truth, p):
    """Ten bins one after the other; a bin holds its upper edge, the first its lower one too."""
    total = 0.0
    for k in range(10):
        low, high = k / 10, (k + 1) / 10
        own = [(t, q) for t, q in zip(truth, p, strict=True) if low < q <= high or (k == 0 and q == 0)]
        if own:
            total += abs(sum(t for t, _ in own) - sum(q for _, q in own))
    return total / len(truth)


def test_numbers_are_scikit_learns():
    calls, p = (SCORE > 0.8).astype(int), 1 / (1 + np.exp(-SCORE))
    found = of_order(TRUTH, SCORE) | of_calls(TRUTH, calls) | of_probability(TRUTH, p)
    cut = np.sort(SCORE)[::-1][: int(TRUTH.sum())].min()
    expected = {
        "auroc": sk.roc_auc_score(TRUTH, SCORE),
        "average_precision": sk.average_precision_score(TRUTH, SCORE),
        "prevalence": TRUTH.mean(),
        "mcc_at_true_share": sk.matthews_corrcoef(TRUTH, cut <= SCORE),
        "mcc": sk.matthews_corrcoef(TRUTH, calls),
        "balanced_accuracy": sk.balanced_accuracy_score(TRUTH, calls),
        "f1": sk.f1_score(TRUTH, calls),
        "weighted_f1": sk.f1_score(TRUTH, calls, average="weighted"),
        "ami": sk.adjusted_mutual_info_score(TRUTH, calls),
        "ari": sk.adjusted_rand_score(TRUTH, calls),
        "recall_sensitive": sk.recall_score(TRUTH, calls),
        "recall_resistant": sk.recall_score(TRUTH, calls, pos_label=0),
        "called_sensitive": calls.mean(),
        "brier": sk.brier_score_loss(TRUTH, p),
        "ece": slow_ece(TRUTH, p),
    }
    assert found == pytest.approx(expected)


def test_one_class_is_undefined_with_its_reason():
    ones = np.ones(7)
    assert reason(TRUTH) == ""
    assert reason(ones) == "one class only: all 7 are sensitive"
    assert reason(np.zeros(0)) == "no cell has a truth"
    found = of_order(ones, SCORE[:7]) | of_calls(ones, ones)
    empty = {name for name, value in found.items() if np.isnan(value)}
    two = {"auroc", "average_precision", "mcc_at_true_share", "mcc", "balanced_accuracy", "f1", "weighted_f1", "ami"}
    assert empty == two | {"ari", "recall_resistant"}
    assert of_probability(ones, ones) == {"brier": 0.0, "ece": 0.0}
    assert all(
        np.isnan(v) for v in (of_calls(np.zeros(0), np.zeros(0)) | of_probability(np.zeros(0), ones[:0])).values()
    )


def test_the_interval_over_rows_is_a_stratified_bootstrap():
    """Classes keep their sizes, so an AUROC of one score is that of cells drawn within each class."""
    low, high = over_rows(TRUTH, SCORE[None], 5)
    one, zero = SCORE[TRUTH == 1], SCORE[TRUTH == 0]
    random, found = np.random.default_rng(1), []
    labels = np.repeat([1, 0], [len(one), len(zero)])
    for _ in range(600):
        drawn = [random.choice(part, len(part)) for part in (one, zero)]
        found.append(auroc(labels, np.concatenate(drawn)))
    assert (low, high) == pytest.approx(tuple(np.quantile(found, [0.025, 0.975])), abs=0.015)
    assert over_rows(TRUTH, TRUTH[None], 5) == (1.0, 1.0)


def test_the_interval_over_draws_covers_the_pool_that_draws_share():
    """The mean of draws of 80 % of a pool varies from pool to pool as the formula says."""
    means, reached = [], []
    for _ in range(400):
        pool = RANDOM.normal(size=100)
        draws = np.array([RANDOM.permutation(pool)[:80].mean() for _ in range(10)])
        low, high = over_draws(draws, 0.8)
        means.append(draws.mean())
        reached.append(low <= 0 <= high)
    assert 0.92 <= np.mean(reached) <= 0.98
    naive = over_draws(draws, 0.0)
    assert (high - low) > 5 * (naive[1] - naive[0])
    assert np.isnan(over_draws(np.ones(1), 0.0)).all()


def test_pairs_share_draws_and_cells():
    scores = np.stack([TRUTH + RANDOM.normal(size=200) for _ in range(6)])
    same = paired(TRUTH, scores, scores, 0.8)
    assert (same.point, same.p) == (0.0, 1.0)
    worse = paired(TRUTH, -scores, scores, 0.8)
    each = [auroc(TRUTH, -row) - auroc(TRUTH, row) for row in scores]
    assert worse.point == pytest.approx(np.mean(each))
    assert paired(TRUTH, scores, -scores, 0.8).p_better > 0.99
