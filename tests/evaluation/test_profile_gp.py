"""The drug profile and the processes on it: against a slow twin, and what must hold of their predictions."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm, rankdata, spearmanr

from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.evaluation.predictors.drug_profile import fit_drug_profile, permuted_profiles
from tl_jax.evaluation.predictors.forms import evaluate
from tl_jax.evaluation.predictors.gaussian import RELATIVE_NOISE, fit_process
from tl_jax.evaluation.predictors.profile_gp import (
    TRUST,
    fit_gp,
    fit_repaired_ridge,
    form_of,
    intervals,
    profile_gp,
    repaired_ridge,
)
from tl_jax.evaluation.predictors.ranked import rankit, way_back

GENES, LINES, DRUGS, TRAIN, TEST = 50, 80, 14, 24, 9
NAMES = tuple(f"drug{k}" for k in range(DRUGS))


def drawn(seed=0):
    """(source x, y with gaps, tissue; target x of another platform, y): responses follow a few common programmes."""
    rng = np.random.default_rng(seed)
    programmes = rng.normal(size=(5, GENES))
    z = rng.normal(size=(LINES + TRAIN + TEST, 5))
    x = z @ programmes + 1.5 * rng.normal(size=(len(z), GENES))
    x = 7 + x * np.exp(0.4 * rng.normal(size=GENES))
    x[LINES:] = 1.5 * x[LINES:] - 2
    y = z @ rng.normal(size=(5, DRUGS)) + rng.normal(size=(len(z), DRUGS))
    source = y[:LINES].copy()
    source[rng.random(source.shape) < 0.1] = np.nan
    source[:, 2] = np.where(np.arange(LINES) < 20, source[:, 2], np.nan)  # too few lines
    tissue = np.array(["lung"] * 40 + ["skin"] * 30 + ["eye"] * 4 + [""] * 6)
    return x[:LINES], source, tissue, x[LINES:].astype(np.float32), y[LINES:, 0]


X, Y, TISSUE, TARGET, RESPONSE = drawn()


@pytest.fixture(scope="module")
def profile():
    return fit_drug_profile(X, Y, NAMES, TISSUE)


def scaled(profile, x=TARGET):
    scaler = fit_scaler(x[:TRAIN], "shrunken", profile.variance)
    z = scaler.apply(x)
    return z[:TRAIN], z[TRAIN:]


def predicted(profile, y=RESPONSE, x=TARGET, **more):
    train, test = scaled(profile, x)
    found = fit_gp(train, y[:TRAIN], profile, **more)
    return found.score(test, profile)


def ranks(values):
    known = np.isfinite(values)
    found = np.full(len(values), np.nan)
    found[known] = norm.ppf((rankdata(values[known]) - 0.5) / known.sum())
    return found


def test_the_profile_against_a_slow_twin(profile):
    kept = [k for k in range(DRUGS) if k != 2]
    assert profile.drugs == tuple(NAMES[k] for k in kept)
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    named = np.where(np.isin(TISSUE, ["lung", "skin"]), TISSUE, "other")
    r = np.column_stack([ranks(Y[:, k]) for k in kept])
    r = r - np.nanmean(r, axis=1, keepdims=True)
    r = np.column_stack([ranks(column) for column in r.T])
    for column in r.T:
        for tissue in np.unique(named):
            column[named == tissue] -= np.nanmean(column[named == tissue])
    t = (named[:, None] == np.unique(named)).astype(float)
    m = np.eye(LINES) - t @ np.linalg.inv(t.T @ t) @ t.T
    kernel = m @ z @ z.T @ m / GENES
    alpha, reliability = np.zeros(r.shape), []
    for k in range(len(kept)):
        rows = np.flatnonzero(np.isfinite(r[:, k]))
        own = r[rows, k] - r[rows, k].mean()
        smooth = kernel[np.ix_(rows, rows)]
        alpha[rows, k] = np.linalg.inv(smooth + 1.5 * np.eye(len(rows))) @ own
        left = []
        for out in range(len(rows)):
            rest = np.delete(np.arange(len(rows)), out)
            weights = np.linalg.solve(smooth[np.ix_(rest, rest)] + 1.5 * np.eye(len(rest)), own[rest])
            left.append(smooth[out, rest] @ weights)
        reliability.append(max(0, spearmanr(left, r[rows, k]).statistic))
    a = m @ alpha
    a -= a.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(profile.weights, z.T @ a / GENES, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(profile.reliability, reliability, atol=1e-9)
    np.testing.assert_allclose(profile.variance, X.var(axis=0))


def test_the_process_against_a_slow_twin(profile):
    """Kernels, restricted likelihood and prediction, each written out."""
    train, test = (part.astype(float) for part in scaled(profile))
    p, q = profile.scores(train), profile.scores(test)
    within, across = np.zeros((TRAIN, TRAIN)), np.zeros((TEST, TRAIN))
    for u, v in ((train, test), (p, q)):
        u, v = u - u.mean(axis=0), v - u.mean(axis=0)
        size = np.mean((u**2).sum(axis=1))
        within += u @ u.T / size / 2
        across += v @ u.T / size / 2
    y = ranks(RESPONSE[:TRAIN]) - TRUST * (p[:, [0, 3]] * profile.reliability[[0, 3]]).mean(axis=1)
    mean_value = np.linalg.eigvalsh(within)[1:].mean()
    free = np.linalg.qr(np.column_stack([np.ones(TRAIN), np.eye(TRAIN)[:, 1:]]))[0][:, 1:]
    best = None
    for noise in RELATIVE_NOISE * mean_value:
        sigma = free.T @ (within + noise * np.eye(TRAIN)) @ free
        told = free.T @ y
        scale = told @ np.linalg.solve(sigma, told) / (TRAIN - 1)
        likelihood = multivariate_normal(np.zeros(TRAIN - 1), scale * sigma).logpdf(told)
        if best is None or likelihood > best[0]:
            best = likelihood, noise
    dual = np.linalg.solve(within + best[1] * np.eye(TRAIN), y - y.mean())
    expected = y.mean() + across @ dual + TRUST * (q[:, [0, 3]] * profile.reliability[[0, 3]]).mean(axis=1)
    alike = [profile.drugs[0], profile.drugs[3]]
    np.testing.assert_allclose(predicted(profile, alike=alike), expected, rtol=1e-5, atol=1e-6)
    assert np.ptp(expected) > 0.5


def test_left_out_residuals_are_those_of_refits():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(15, 6)), rng.normal(size=15)
    x -= x.mean(axis=0)
    process = fit_process(x @ x.T, y)
    for row in range(15):
        rest = np.delete(np.arange(15), row)
        sigma = (x @ x.T + process.noise * np.eye(15))[np.ix_(rest, rest)]
        inverse, ones = np.linalg.inv(sigma), np.ones(14)
        mean = ones @ inverse @ y[rest] / (ones @ inverse @ ones)
        guess = mean + (x @ x.T)[row, rest] @ inverse @ (y[rest] - mean)
        assert process.left_out()[row] == pytest.approx(y[row] - guess)


@pytest.mark.parametrize("alike", [(), ("drug0",)])
def test_the_opposite_response_has_the_opposite_prediction(profile, alike):
    """High then means sensitive, which turns the sign of what mechanisms add."""
    own = predicted(profile, alike=alike)
    np.testing.assert_allclose(predicted(profile, -RESPONSE, alike=alike, resistant=False), -own, rtol=1e-7)
    train, test = scaled(profile)
    up, down = (repaired_ridge(train, sign * RESPONSE[:TRAIN], test) for sign in (1, -1))
    np.testing.assert_allclose(up, -down, rtol=1e-6)


def test_monotone_transforms_of_the_response_change_no_score(profile):
    np.testing.assert_array_equal(predicted(profile, np.exp(RESPONSE)), predicted(profile))


def test_samples_and_genes_in_another_order(profile):
    rng = np.random.default_rng(2)
    own = predicted(profile)
    rows, held = rng.permutation(TRAIN), rng.permutation(TEST)
    order = np.r_[rows, TRAIN + held]
    np.testing.assert_allclose(predicted(profile, RESPONSE[order], TARGET[order]), own[held], rtol=1e-6, atol=1e-6)
    genes = rng.permutation(GENES)
    moved = fit_drug_profile(X[:, genes], Y, NAMES, TISSUE)
    np.testing.assert_allclose(predicted(moved, x=TARGET[:, genes]), own, rtol=1e-5, atol=1e-5)
    lines = rng.permutation(LINES)
    same = fit_drug_profile(X[lines], Y[lines], NAMES, TISSUE[lines])
    np.testing.assert_allclose(same.weights, profile.weights, rtol=1e-4, atol=1e-6)


def test_a_source_whose_high_is_sensitive_is_turned(profile):
    turned = fit_drug_profile(X, -Y, NAMES, TISSUE, resistant=False)
    np.testing.assert_allclose(turned.weights, profile.weights, rtol=1e-5, atol=1e-7)


def test_no_held_out_row_changes_anothers_prediction(profile):
    changed = TARGET.copy()
    changed[TRAIN] += 3
    before, after = predicted(profile), predicted(profile, x=changed)
    assert before[0] != after[0]
    np.testing.assert_array_equal(before[1:], after[1:])


def test_a_kept_form_predicts_what_the_process_does(profile):
    train, test = scaled(profile)
    form = form_of(fit_gp(train, RESPONSE[:TRAIN], profile), profile)
    expected = profile_gp(train, RESPONSE[:TRAIN], test, profile)
    np.testing.assert_allclose(evaluate(form.kind, form.arrays, test), expected, rtol=1e-4, atol=1e-4)
    alone = evaluate(form.kind, form.arrays, test[:1])
    np.testing.assert_allclose(alone, expected[:1], rtol=1e-4, atol=1e-4)
    plain = fit_repaired_ridge(train, RESPONSE[:TRAIN])
    wanted = repaired_ridge(train, RESPONSE[:TRAIN], test)
    np.testing.assert_allclose(evaluate(plain.kind, plain.arrays, test), wanted, rtol=1e-4, atol=1e-4)


def test_the_way_back_is_monotone_stays_in_range_and_shrinks():
    y = np.random.default_rng(3).lognormal(size=30)
    scores = np.linspace(-3, 3, 200)
    found = way_back(y, 0.8)(scores)
    assert (np.diff(found) > 0).all()
    assert found.min() > y.min()
    assert found.max() < y.max()
    # A twin by drawing.
    quantiles = np.interp(0.5 + 0.8 * np.random.default_rng(4).normal(size=200_000), np.sort(rankit(y)), np.sort(y))
    assert way_back(y, 0.8)(0.5) == pytest.approx(quantiles.mean(), rel=0.01)
    assert np.ptp(way_back(y, 0.8)(scores)) < np.ptp(way_back(y, 0.4)(scores))


@pytest.mark.parametrize("seed", range(3))
def test_rows_or_responses_that_are_all_the_same(profile, seed):
    train, test = scaled(profile)
    y = np.random.default_rng(seed).normal(size=TRAIN)
    np.testing.assert_allclose(profile_gp(train * 0, y, test, profile), y.mean(), atol=0.2)
    np.testing.assert_allclose(profile_gp(train, y * 0 + 2, test, profile), 2)
    np.testing.assert_allclose(repaired_ridge(train, y * 0 + 2, test), 2)


def test_the_profile_of_a_related_source_helps_and_that_of_permuted_lines_does_not():
    """Over draws: held-out Spearman of genes and profile, beside genes alone and beside a source whose rows moved."""
    gains = {"profile": [], "permuted": []}
    for seed in range(12):
        x, y, tissue, target, response = drawn(seed + 100)
        rng = np.random.default_rng(seed)
        orders = np.array([np.arange(LINES), *(rng.permutation(LINES) for _ in range(4))])
        for number, one in enumerate(permuted_profiles(x, y, NAMES, tissue, orders)):
            rows = scaled_with(one, target, response)
            gain = [
                spearmanr(found, response[TRAIN:]).statistic
                for found in (profile_gp(*rows, one), repaired_ridge(*rows))
            ]
            gains["permuted" if number else "profile"].append(gain[0] - gain[1])
    assert np.mean(gains["profile"]) > 0.03
    assert np.mean(gains["profile"]) > np.mean(gains["permuted"]) + 0.03


def test_mechanisms_help_and_shuffled_ones_do_not():
    """The target's drug is the source's first; named alone it helps, another drug in its place does not."""
    gains = {"drug0": [], "drug7": []}
    for seed in range(12):
        x, y, tissue, target, response = drawn(seed + 200)
        profile = fit_drug_profile(x, y, NAMES, tissue)
        rows = scaled_with(profile, target, response)
        base = spearmanr(profile_gp(*rows, profile), response[TRAIN:]).statistic
        for name, values in gains.items():
            found = profile_gp(*rows, profile, alike=(name,))
            values.append(spearmanr(found, response[TRAIN:]).statistic - base)
    assert np.mean(gains["drug0"]) > 0.02
    assert np.mean(gains["drug7"]) < np.mean(gains["drug0"]) - 0.02


def test_permuted_labels_are_not_predicted():
    rng, found = np.random.default_rng(6), []
    for seed in range(12):
        x, y, tissue, target, response = drawn(seed + 300)
        profile = fit_drug_profile(x, y, NAMES, tissue)
        train, labels, test = scaled_with(profile, target, response)
        for _ in range(3):
            told = profile_gp(train, rng.permutation(labels), test, profile)
            found.append(spearmanr(told, response[TRAIN:]).statistic)
    assert abs(np.mean(found)) < 0.2


def scaled_with(profile, x, y):
    train, test = scaled(profile, x)
    return train, y[:TRAIN], test


def test_a_permutation_is_a_fit_to_responses_that_moved_with_their_gaps(profile):
    """Within tissues whole rows move, reliabilities are those of the moved rows, and the identity moves nothing."""
    rng, order = np.random.default_rng(3), np.arange(LINES)
    for name in np.unique(TISSUE):
        rows = np.flatnonzero(name == TISSUE)
        order[rows] = rng.permutation(rows)
    gaps = Y.copy()
    gaps[rng.random(Y.shape) < 0.2] = np.nan
    same, moved = permuted_profiles(X, gaps, NAMES, TISSUE, np.array([np.arange(LINES), order]))
    for found, y in ((same, gaps), (moved, gaps[order])):
        by_itself = fit_drug_profile(X, y, NAMES, TISSUE)
        np.testing.assert_allclose(found.weights, by_itself.weights, atol=1e-6)
        np.testing.assert_allclose(found.reliability, by_itself.reliability, atol=1e-9)
    assert np.abs(moved.weights - same.weights).max() > 0.01


def test_intervals_hold_about_as_often_as_they_say(profile):
    """Rows, weights and noise drawn as the process assumes."""
    rng, hits = np.random.default_rng(5), []
    for _ in range(40):
        x = rng.normal(size=(TRAIN + 60, GENES))
        y = x @ rng.normal(size=GENES) / np.sqrt(GENES) + 0.7 * rng.normal(size=len(x))
        low, high = intervals(x[:TRAIN], y[:TRAIN], x[TRAIN:], 0.8)
        assert (low <= high).all()
        hits.append(np.mean((low <= y[TRAIN:]) & (y[TRAIN:] <= high)))
    assert 0.7 < np.mean(hits) < 0.9


def test_a_source_without_enough_lines_has_no_profile():
    assert fit_drug_profile(X[:5], np.full((5, 2), np.nan), ("a", "b"), TISSUE[:5]) is None
