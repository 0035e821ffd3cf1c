"""Smaller training sets: nested, of the size asked for, on the same test rows, groups and strata kept."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.splits import Fold, above_median, partitions
from tl_jax.data.subsample import subsampled
from tl_jax.errors import InputError


def cohort(seed, n, largest):
    rng = np.random.default_rng(seed)
    groups = np.repeat([f"g{i:02d}" for i in range(n)], rng.integers(1, largest + 1, n))[:n]
    return rng.random(n), rng.permutation(groups)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 60), st.integers(1, 3), st.data())
def test_subsets_are_nested_exact_and_test_the_same_rows(seed, n, largest, data):
    y, groups = cohort(seed, n, largest)
    folds = partitions(y, groups, folds=3, repeats=2, seed=seed, kind="plain")
    most = min(len(f.train) for f in folds)
    sizes = data.draw(st.lists(st.integers(2, most), min_size=1, max_size=4, unique=True))
    found = subsampled(folds, sizes, y=y, groups=groups, seed=seed)
    assert list(found) == sorted(sizes)
    for size, smaller in found.items():
        for whole, part in zip(folds, smaller, strict=True):
            assert (part.repeat, part.fold) == (whole.repeat, whole.fold)
            assert part.test is whole.test
            assert len(part.train) == size
            assert set(part.train) <= set(whole.train)
            assert (np.diff(part.train) > 0).all()
            had, left = (dict(zip(*np.unique(groups[f.train], return_counts=True), strict=True)) for f in (whole, part))
            assert sum(left[group] < had[group] for group in left) <= 1
    for small, large in pairwise(found.values()):
        assert all(set(a.train) <= set(b.train) for a, b in zip(small, large, strict=True))
    # A size gives the same rows whatever other sizes are asked for.
    alone = subsampled(folds, sizes[:1], y=y, groups=groups, seed=seed)[sizes[0]]
    for a, b in zip(alone, found[sizes[0]], strict=True):
        np.testing.assert_array_equal(a.train, b.train)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(18, 60), st.booleans())
def test_each_size_keeps_the_share_above_the_median(seed, n, ceiling):
    y, groups = cohort(seed, n, 1)
    y = np.minimum(y, 0.6) if ceiling else y  # many ties at the top
    folds = partitions(y, groups, folds=3, repeats=1, seed=seed, kind="plain")
    most = min(len(f.train) for f in folds)
    for size, smaller in subsampled(folds, range(2, most + 1), y=y, groups=groups, seed=seed).items():
        for whole, part in zip(folds, smaller, strict=True):
            above = dict(zip(whole.train, above_median(y[whole.train]), strict=True))
            share = np.mean(list(above.values()))
            assert abs(sum(above[row] for row in part.train) - share * size) <= 1


def test_random_by_seed_repeat_and_fold():
    y, groups = cohort(1, 40, 1)
    twice = [Fold(r, f, np.arange(30), np.arange(30, 40)) for r in range(2) for f in range(2)]

    def drawn(seed):
        return [tuple(f.train) for f in subsampled(twice, [10], y=y, groups=groups, seed=seed)[10]]

    assert drawn(3) == drawn(3)
    assert len(set(drawn(3) + drawn(4))) == 8
    counts = np.bincount(np.concatenate([drawn(seed)[0] for seed in range(300)]), minlength=30)
    assert counts.min() > 60  # every row is as likely: 100 are expected
    assert counts.max() < 140


def test_nothing_but_training_rows_is_looked_at():
    y, groups = cohort(2, 40, 1)
    folds = partitions(y, groups, folds=4, repeats=1, seed=0)
    one = subsampled(folds, [12], y=y, groups=groups, seed=0)[12]
    for k, fold in enumerate(folds):
        other = y.copy()
        other[fold.test] = 99.0
        found = subsampled(folds, [12], y=other, groups=groups, seed=0)[12][k]
        np.testing.assert_array_equal(found.train, one[k].train)


@pytest.mark.parametrize("sizes", [[1, 5], [5, 31], [], [5, 5]])
def test_sizes_that_do_not_fit(sizes):
    y, groups = cohort(1, 40, 1)
    folds = [Fold(0, 0, np.arange(30), np.arange(30, 40))]
    with pytest.raises(InputError, match="training size") as caught:
        subsampled(folds, sizes, y=y, groups=groups, seed=0)
    assert "\n" not in str(caught.value)
