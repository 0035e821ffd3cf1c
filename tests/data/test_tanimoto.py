"""Similarity to the nearest training compound, against rdkit and against plain sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.compounds.tanimoto import nearest_row, nearest_tanimoto


def plain(query, train):
    def similarity(a, b):
        larger = np.maximum(a, b).sum()
        return np.minimum(a, b).sum() / larger if larger else 0.0

    return np.array([max(similarity(a, b) for b in train) for a in query])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 12), st.integers(1, 12), st.integers(1, 5), st.integers(1, 6))
def test_equals_the_plain_sums_in_any_block(seed, n, m, block, most):
    rng = np.random.default_rng(seed)
    sparse = rng.random((n + m, 20)) < rng.random()
    x = (sparse * rng.integers(0, most + 1, (n + m, 20))).astype(np.float32)
    found = nearest_tanimoto(x[:n], x[n:], block)
    assert found.shape == (n,)
    np.testing.assert_array_equal(found, plain(x[:n].astype(float), x[n:].astype(float)))
    rows, again = nearest_row(x[:n], x[n:], block)
    np.testing.assert_array_equal(again, found)
    for row, query, value in zip(rows, x[:n].astype(float), found, strict=True):
        own = [plain(query[None], one[None])[0] for one in x[n:].astype(float)]
        assert row == own.index(value)  # the first of several alike


@pytest.mark.parametrize("counts", [False, True])
def test_equals_rdkit(counts):
    pytest.importorskip("rdkit")
    from rdkit import Chem, DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    from tl_jax.data.compounds.fingerprints import ecfp
    from tl_jax.data.compounds.simulate_compounds import simulated_table

    smiles = simulated_table(size=40)["smiles"].tolist()
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    make = generator.GetCountFingerprint if counts else generator.GetFingerprint
    prints = [make(Chem.MolFromSmiles(text)) for text in smiles]
    expected = [max(DataStructs.BulkTanimotoSimilarity(p, prints[30:])) for p in prints[:30]]
    x = ecfp(smiles, counts=counts)
    np.testing.assert_allclose(nearest_tanimoto(x[:30], x[30:], block=7), expected, rtol=1e-15)


def test_by_hand():
    train = np.array([[1, 1, 0, 0], [0, 0, 1, 1]])
    query = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]])
    np.testing.assert_allclose(nearest_tanimoto(query, train), [1, 2 / 3, 0])
    np.testing.assert_allclose(nearest_tanimoto([[3, 1]], [[1, 2], [9, 0]]), [2 / 5])


@pytest.mark.parametrize(
    ("query", "train"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4))),
        (np.zeros((2, 3)), np.zeros((0, 3))),
        (np.full((2, 3), 0.5), np.zeros((2, 3))),
        (np.zeros((2, 3)), np.full((2, 3), -1)),
        (np.zeros(3), np.zeros((2, 3))),
        (np.zeros((2, 3)), np.full((2, 3), np.nan)),
        (np.full((1, 2), 2**24), np.zeros((2, 2))),
    ],
)
def test_what_is_no_fingerprint_is_refused(query, train):
    with pytest.raises(ValueError, match=r"fingerprint|counts"):
        nearest_tanimoto(query, train)
