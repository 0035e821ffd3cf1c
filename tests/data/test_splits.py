"""Partitions: a proper cross-validation, scikit-learn's own, and no leak across groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from tl_jax.data.scaling.scaling import fit_response_scale, fit_scaler
from tl_jax.data.splits import above_median, partitions
from tl_jax.errors import InputError


def alone(n):
    return np.array([f"S{i:04d}" for i in range(n)])


def cohort(seed, n, shared):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(alone(n), 2)[:n]) if shared else alone(n)
    return rng.random(n), groups


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(16, 50), st.booleans(), st.integers(2, 4), st.integers(1, 3),
    st.sampled_from(["stratified", "plain", "leave_one_out"]),
)  # fmt: skip
def test_every_sample_is_tested_once_and_groups_never_part(seed, n, shared, folds, repeats, kind):
    y, groups = cohort(seed, n, shared)
    found = partitions(y, groups, folds=folds, repeats=repeats, seed=seed, kind=kind)
    per_repeat = len(set(groups)) if kind == "leave_one_out" else folds
    assert [(f.repeat, f.fold) for f in found] == [(r, i) for r in range(repeats) for i in range(per_repeat)]
    for repeat in range(repeats):
        tested = np.concatenate([f.test for f in found if f.repeat == repeat])
        np.testing.assert_array_equal(np.sort(tested), np.arange(n))
    for f in found:
        np.testing.assert_array_equal(np.sort(np.concatenate([f.train, f.test])), np.arange(n))
        assert f.train.size > 0
        assert f.test.size > 0
        assert not set(groups[f.train]) & set(groups[f.test])


@pytest.mark.parametrize(
    ("kind", "splitter", "shared"),
    [
        ("stratified", StratifiedKFold, False),
        ("plain", KFold, False),
        ("stratified", StratifiedGroupKFold, True),
        ("plain", GroupKFold, True),
    ],
)
def test_equals_scikit_learn_with_the_published_seeds(kind, splitter, shared):
    y, groups = cohort(5, 31, shared)
    found = iter(partitions(y, groups, folds=5, repeats=11, seed=400, kind=kind))
    for random_state in range(400, 1401, 100):
        twin = splitter(5, shuffle=True, random_state=random_state)
        for train, test in twin.split(y[:, None], y > np.median(y), groups if shared else None):
            fold = next(found)
            np.testing.assert_array_equal(fold.train, train)
            np.testing.assert_array_equal(fold.test, test)
    assert next(found, None) is None


def test_leave_one_out_equals_scikit_learn():
    y, groups = cohort(3, 9, shared=False)
    twin = [test for _, test in LeaveOneOut().split(y)]
    found = partitions(y, groups, folds=3, repeats=2, seed=1, kind="leave_one_out")
    np.testing.assert_array_equal([f.test for f in found], twin * 2)
    y, groups = cohort(3, 9, shared=True)
    twin = {tuple(test) for _, test in LeaveOneGroupOut().split(y, groups=groups)}
    assert {tuple(f.test) for f in partitions(y, groups, folds=3, repeats=1, seed=1, kind="leave_one_out")} == twin


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(12, 60), st.integers(2, 5))
def test_stratified_folds_are_balanced(seed, n, folds):
    y, groups = cohort(seed, n, shared=False)
    above = y > np.median(y)
    counts = [above[f.test].sum() for f in partitions(y, groups, folds=folds, repeats=1, seed=seed)]
    assert max(counts) - min(counts) <= 1


def test_deterministic_and_independent_of_numpy_state_and_of_the_number_of_repeats():
    y, groups = cohort(7, 24, shared=False)
    np.random.seed(1)
    first = partitions(y, groups, folds=3, repeats=2, seed=9)
    np.random.seed(2)
    second = partitions(y, groups, folds=3, repeats=4, seed=9)
    for a, b in zip(first, second, strict=False):
        np.testing.assert_array_equal(a.test, b.test)
    assert any(not np.array_equal(first[i].test, first[i + 3].test) for i in range(3))


def test_only_the_side_of_the_median_matters():
    y, groups = cohort(8, 20, shared=False)
    squeezed = np.where(y > np.median(y), 1 + y, -1 - y)
    for a, b in zip(
        partitions(y, groups, folds=4, repeats=2, seed=1),
        partitions(squeezed, groups, folds=4, repeats=2, seed=1),
        strict=True,
    ):
        np.testing.assert_array_equal(a.test, b.test)


def test_median_with_many_ties():
    ceiling = np.array([1.0] * 6 + [0.2, 0.3, 0.4])
    assert above_median(ceiling).sum() == 6
    assert above_median(np.arange(5.0)).sum() == 2  # the middle sample counts as below
    assert len(partitions(np.ones(8), alone(8), folds=3, repeats=1, seed=0)) == 3  # constant: nothing to balance


@pytest.mark.parametrize(
    ("n", "options", "message"),
    [
        (10, {"folds": 1}, "--folds=1: at least 2 are needed"),
        (10, {"repeats": 0}, "--repeats=0"),
        (4, {"folds": 5}, "use fewer folds .--folds=N."),
        (6, {"folds": 4}, "--split=plain"),
        (10, {"kind": "random"}, "choose one of"),
        (1, {"kind": "leave_one_out"}, "too few"),
    ],
)
def test_errors_are_one_line_with_a_remedy(n, options, message):
    with pytest.raises(InputError, match=message) as caught:
        partitions(np.arange(n, dtype=float), alone(n), **({"folds": 3, "repeats": 2, "seed": 0} | options))
    assert "\n" not in str(caught.value)


def test_gaps_too_few_groups_and_shapes():
    with pytest.raises(InputError, match="gaps"):
        partitions(np.array([0.1, np.nan, 0.3, 0.4]), alone(4), folds=2, repeats=1, seed=0)
    with pytest.raises(InputError, match="2 groups"):
        partitions(np.arange(8.0), np.repeat(["a", "b"], 4), folds=3, repeats=1, seed=0)
    with pytest.raises(ValueError, match="shape"):
        partitions(np.arange(8.0), alone(7), folds=3, repeats=1, seed=0)


def nearest(x, y, fold):
    """Response of the nearest training sample: the model that profits most from a twin in training."""
    distance = ((x[fold.test][:, None] - x[fold.train][None]) ** 2).sum(axis=2)
    return y[fold.train][distance.argmin(axis=1)]


def test_related_samples_do_not_leak():
    """Pairs of twins with noise labels: honest groups find nothing, ignored groups find the twin."""
    rng = np.random.default_rng(0)
    pair = np.repeat(np.arange(60), 2)
    x, y = rng.standard_normal((60, 30))[pair], rng.random(60)[pair]
    x = x + 0.05 * rng.standard_normal(x.shape)
    found = {}
    for name, groups in {"honest": pair.astype(str), "ignored": alone(120)}.items():
        predicted = np.empty(120)
        for fold in partitions(y, groups, folds=5, repeats=1, seed=1):
            predicted[fold.test] = nearest(x, y, fold)
        found[name] = np.corrcoef(predicted, y)[0, 1]
    assert abs(found["honest"]) < 0.3
    assert found["ignored"] > 0.6


def test_scaling_inside_a_fold_does_not_see_the_test_rows():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((22, 50)).astype(np.float32), rng.random(22)
    for fold in partitions(y, alone(22), folds=3, repeats=1, seed=1):
        other_x, other_y = x.copy(), y.copy()
        other_x[fold.test], other_y[fold.test] = 1e6, -5.0
        for kind in ("robust", "standard"):
            a, b = fit_scaler(x[fold.train], kind), fit_scaler(other_x[fold.train], kind)
            np.testing.assert_array_equal(a.apply(x[fold.train]), b.apply(other_x[fold.train]))
        assert fit_response_scale(y[fold.train], "resistant", "AUC") == fit_response_scale(
            other_y[fold.train], "resistant", "AUC"
        )
