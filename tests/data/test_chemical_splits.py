"""Splits and draws of compounds: exact sizes, whole groups, nothing of the test set in training, seeded by identity."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rdkit")

from tl_jax.data.compounds.chemical_splits import (
    balanced_draws,
    grouped_split,
    listed_split,
    random_split,
    scaffold_split,
    without_compounds,
)
from tl_jax.data.compounds.compound_file import Row
from tl_jax.data.compounds.compounds import gather
from tl_jax.data.compounds.molecules import scaffolds
from tl_jax.errors import InputError


def assert_split(split, n):
    rows = np.concatenate(split)
    assert sorted(rows) == list(range(n))
    assert all((np.diff(part) > 0).all() and len(part) for part in split)


@settings(deadline=None)
@given(st.integers(6, 500), st.floats(0.1, 0.9), st.integers(0, 99))
def test_random_split(n, share, seed):
    split = random_split(n, share, seed)
    assert_split(split, n)
    assert len(split.test) == round(n * share)
    np.testing.assert_array_equal(split.test, random_split(n, share, seed).test)


def test_random_split_is_a_sixth_and_random():
    tests = [random_split(60, seed=seed).test for seed in range(300)]
    assert {len(test) for test in tests} == {10}
    counts = np.bincount(np.concatenate(tests), minlength=60)  # 50 expected, sd 6.5
    assert 25 < counts.min() <= counts.max() < 75


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=9), st.floats(0.05, 0.95), st.integers(0, 99))
def test_whole_groups_come_as_near_as_any_choice(sizes, share, seed):
    n = sum(sizes)
    groups = np.random.default_rng(seed).permutation(np.repeat([f"g{i}" for i in range(len(sizes))], sizes))
    if not 0 < round(n * share) < n:
        with pytest.raises(InputError, match="leaves none"):
            grouped_split(groups, share, seed)
        return
    split = grouped_split(groups, share, seed)
    assert_split(split, n)
    assert not set(groups[split.train]) & set(groups[split.test])
    choices = chain.from_iterable(combinations(sizes, k) for k in range(1, len(sizes)))
    assert abs(len(split.test) - n * share) == min(abs(sum(c) - n * share) for c in choices)
    np.testing.assert_array_equal(split.test, grouped_split(groups, share, seed).test)


def test_every_group_is_tested_by_some_seed():
    groups = np.repeat(np.arange(20), 3)
    counts = np.bincount(np.concatenate([groups[grouped_split(groups, seed=seed).test] for seed in range(300)]))
    assert 80 < counts.min() <= counts.max() < 220  # 300 * 9 / 60 * 3 = 135 expected


def test_scaffolds_never_part():
    rings = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "c1ccoc1", "c1ccc2ccccc2c1", "C1CC1"]
    smiles = [f"{'C' * k}{ring}" for ring in rings for k in range(5)] + ["CCO", "CCN"]
    names = scaffolds(smiles)
    assert len(set(names)) == 7
    for seed in range(5):
        split = scaffold_split(smiles, seed=seed)
        assert_split(split, 32)
        assert not set(names[split.train]) & set(names[split.test])
        assert len(split.test) == 5  # 5.33 wanted; 5 and 7 can be made
    with pytest.raises(InputError, match=r"all 3 compounds are one group.*use the random split"):
        scaffold_split(["Cc1ccccc1", "c1ccccc1", "CCc1ccccc1"], 0.3)


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1, 0.01, float("nan")])
def test_shares_that_leave_nothing(share):
    with pytest.raises(InputError, match="leaves none to test or to train on"):
        random_split(10, share)


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(2, 11), st.integers(1, 5), st.integers(0, 9))
def test_draws_are_balanced_and_of_training_rows(seed, size, draws, data_seed):
    rng = np.random.default_rng(data_seed)
    y = np.r_[np.ones(30), np.zeros(30)][rng.permutation(60)]
    train = rng.permutation(60)[:45]
    found = balanced_draws(y, train, size, draws, seed)
    assert len(found) == draws
    for rows in found:
        assert len(rows) == size // 2 * 2
        assert (np.diff(rows) > 0).all()
        assert set(rows) <= set(train)
        assert y[rows].sum() == size // 2
    # Its own number, size and seed decide a draw, not how many are asked for, nor the order of the training rows.
    again = balanced_draws(y, np.sort(train), size, draws + 2, seed)
    assert all((a == b).all() for a, b in zip(found, again, strict=False))


def test_labels_of_test_rows_decide_nothing():
    y = np.tile([0.0, 1.0], 20)
    other = np.r_[y[:30], 1 - y[30:]]
    one, two = (balanced_draws(labels, np.arange(30), 10, 3, 1) for labels in (y, other))
    np.testing.assert_array_equal(one, two)


def test_draws_differ():
    y = np.tile([0, 1], 50)
    asked = [(size, 5, seed) for seed in range(3) for size in (20, 21)]
    assert len({tuple(d) for each in asked for d in balanced_draws(y, np.arange(100), *each)}) == 30
    counts = np.bincount(np.concatenate(balanced_draws(y, np.arange(100), 20, 500)), minlength=100)
    assert 60 < counts.min() <= counts.max() < 140  # 100 expected, sd 9


def test_five_gives_four_as_published():
    assert [len(d) for d in balanced_draws(np.tile([0, 1], 9), np.arange(18), 5, 2)] == [4, 4]


def test_the_largest_possible_size_is_named():
    y = np.r_[np.ones(7), np.zeros(20)]
    train = np.arange(2, 27)  # five actives
    assert len(balanced_draws(y, train, 11, 1)[0]) == 10
    for size in (12, 1, 0, -4):
        with pytest.raises(InputError, match="5 active and 20 inactive training compounds; choose a size from 2 to 10"):
            balanced_draws(y, train, size, 1)
    with pytest.raises(InputError, match="needs both classes"):
        balanced_draws(y, np.arange(7, 27), 2, 1)
    with pytest.raises(InputError, match="draws is 0"):
        balanced_draws(y, train, 2, 0)
    with pytest.raises(InputError, match="the seed is -1"):
        balanced_draws(y, train, 2, 1, -1)
    with pytest.raises(ValueError, match="other values"):
        balanced_draws(y + 1, train, 2, 1)


def family(*smiles, stereo=True, ids=None):
    ids = ids or [f"c{i}" for i in range(len(smiles))]
    return gather((Row("a", n, s, 1, i) for i, (n, s) in enumerate(zip(ids, smiles, strict=True))), stereo=stereo)["a"]


def test_listed_compounds(tmp_path):
    path = tmp_path / "test.txt"
    compounds = family("CCO", "CCN", "CCC", "C[C@H](N)O", "CCCC", "c1ccccc1", ids=["a", "b", "c", "d", "e", "a"])
    path.write_text("b\n\n OCC \nC1=CC=CC=C1\nb\n")
    split = listed_split(compounds, path)
    assert set(compounds.smiles[split.test]) == {"CCO", "CCN", "c1ccccc1"}
    path.write_text("a\n")
    assert set(compounds.smiles[listed_split(compounds, path).test]) == {"CCO", "c1ccccc1"}  # they share the id
    path.write_text("b\nzz\nCC(N)O\nC[C@@H](N)O\nC1CC\n")
    with pytest.raises(InputError, match=r"4 lines are no compounds of a: 'zz', 'CC\(N\)O', 'C\[C@@H\]\(N\)O', 'C1CC'"):
        listed_split(compounds, path)
    path.write_text("\n")
    with pytest.raises(InputError, match="0 of 6 compounds are test compounds"):
        listed_split(compounds, path)
    with pytest.raises(InputError, match="cannot read"):
        listed_split(compounds, tmp_path / "none.txt")


def test_listed_rows_that_joined_another(tmp_path):
    path = tmp_path / "test.txt"
    compounds = family("C[C@H](N)O", "C[C@@H](N)O", "CC", stereo=False)
    assert len(compounds) == 2
    for line in ("c0", "c1", "C[C@@H](N)O", "OC(C)N", "N[C@H](O)C"):
        path.write_text(line)
        assert compounds.ids[listed_split(compounds, path).test].tolist() == ["c0"]


def test_source_without_test_compounds():
    source, target = np.array(["CC", "CCO", "C", "CCN"]), np.array(["CCN", "CC", "N"])
    assert without_compounds(source, target).tolist() == [1, 2]
    assert without_compounds(source, target[:0]).tolist() == [0, 1, 2, 3]
    x_source = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]])
    near = {"x_source": x_source, "x_test": np.array([[1, 1, 1, 0]])}
    for similarity, kept in ((1, [2]), (0.75, [2]), (2 / 3, []), (0.7, [2])):
        assert without_compounds(source, target, similarity=similarity, **near).tolist() == kept
    assert without_compounds(source, target[:0], similarity=1, **near).tolist() == [0, 2, 3]
    assert without_compounds(source, target[:0], similarity=0.75, **near).tolist() == [2, 3]
    for similarity in (0, -1, 1.1, float("nan")):
        with pytest.raises(InputError, match="similarity is"):
            without_compounds(source, target, similarity=similarity, **near)
    with pytest.raises(ValueError, match="fingerprints of both sides"):
        without_compounds(source, target, similarity=0.5)
