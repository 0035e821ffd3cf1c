"""Fingerprints against rdkit's older function and against substructures found by walking the molecule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rdkit")

from rdkit import Chem, rdBase
from rdkit.Chem import AllChem, rdFingerprintGenerator

from tl_jax.data.compounds.fingerprints import bit_atoms, bit_names, ecfp
from tl_jax.errors import InputError

SMILES = (
    "CCO",
    "c1ccccc1CCO",
    "CC(=O)Nc1ccc(O)cc1",
    "CN1CCC[C@H]1c1cccnc1",
    "C[C@@H]1C[C@H]2[C@@H]3C[C@H](F)C4=CC(=O)C=C[C@]4(C)[C@@]3(F)[C@@H](O)C[C@]2(C)[C@@]1(O)C(=O)SCF",
    "[Na+].CC(=O)[O-]",
    "C1CC1",
    "[He]",
    "FC(F)(F)c1cc(C(F)(F)F)cc(C(F)(F)F)c1",
)


@pytest.mark.parametrize("bits", [64, 1024, 2048])
@pytest.mark.parametrize("radius", [0, 1, 2, 3])
def test_bits_and_counts_are_those_of_the_older_function(bits, radius):
    if not hasattr(AllChem, "GetMorganFingerprintAsBitVect"):
        pytest.skip("this rdkit has the older function no more")
    x, counts = ecfp(SMILES, bits, radius), ecfp(SMILES, bits, radius, counts=True)
    assert x.shape == (len(SMILES), bits)
    assert x.dtype == np.float32
    with rdBase.BlockLogs():
        for text, row, times in zip(SMILES, x, counts, strict=True):
            mol = Chem.MolFromSmiles(text)
            old = AllChem.GetMorganFingerprintAsBitVect(mol, radius, nBits=bits)
            np.testing.assert_array_equal(np.flatnonzero(row), list(old.GetOnBits()))
            old = AllChem.GetHashedMorganFingerprint(mol, radius, nBits=bits).GetNonzeroElements()
            assert {int(bit): int(times[bit]) for bit in np.flatnonzero(times)} == old


@pytest.mark.parametrize("counts", [False, True])
def test_bits_fold_the_unfolded_fingerprint(counts):
    """Without the older function: every substructure's own number, modulo the number of bits."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2)
    for text, row in zip(SMILES, ecfp(SMILES, 512, counts=counts), strict=True):
        folded = np.zeros(512)
        for number, times in generator.GetSparseCountFingerprint(Chem.MolFromSmiles(text)).GetNonzeroElements().items():
            folded[number % 512] += times
        np.testing.assert_array_equal(row, folded if counts else folded > 0)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(len(SMILES))), st.booleans())
def test_order_of_rows_and_spelling_do_not_matter(order, counts):
    x = ecfp(SMILES, 256, counts=counts)
    others = [Chem.MolToSmiles(Chem.MolFromSmiles(SMILES[i]), doRandom=True) for i in order]
    np.testing.assert_array_equal(ecfp(others, 256, counts=counts), x[list(order)])


def test_stereoisomers_look_the_same():
    left, right, flat = ecfp(["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O"])
    np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(left, flat)


@pytest.mark.parametrize("radius", [0, 1, 2, 3])
@pytest.mark.parametrize("text", SMILES)
def test_atoms_of_each_bit(text, radius):
    mol = Chem.MolFromSmiles(text)
    extra = rdFingerprintGenerator.AdditionalOutput()
    extra.AllocateBitInfoMap()
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=128)
    generator.GetFingerprint(mol, additionalOutput=extra)
    found = bit_atoms(text, 128, radius)
    assert list(found) == np.flatnonzero(ecfp([text], 128, radius)[0]).tolist()
    count = ecfp([text], 128, radius, counts=True)[0]
    for bit, places in found.items():
        assert [(centre, reach) for centre, reach, _ in places] == list(extra.GetBitInfoMap()[bit])
        assert len(places) == count[bit]
        for centre, reach, atoms in places:
            bonds = Chem.FindAtomEnvironmentOfRadiusN(mol, reach, centre) if reach else []
            ends = {mol.GetBondWithIdx(b).GetBeginAtomIdx() for b in bonds}
            ends |= {mol.GetBondWithIdx(b).GetEndAtomIdx() for b in bonds}
            assert set(atoms) == ends | {centre}
            assert list(atoms) == sorted(atoms)


def test_atoms_by_hand():
    # Ethanol, radius 1: three atoms alone, the surroundings of each end, and those of the middle, which is all of it.
    places = sorted(place for found in bit_atoms("CCO", 2048, 1).values() for place in found)
    assert places == [(0, 0, (0,)), (0, 1, (0, 1)), (1, 0, (1,)), (1, 1, (0, 1, 2)), (2, 0, (2,)), (2, 1, (1, 2))]


@pytest.mark.parametrize("counts", [False, True])
def test_cache_gives_the_same(tmp_path, counts, monkeypatch):
    fresh = ecfp(SMILES, 512, counts=counts)
    np.testing.assert_array_equal(ecfp(SMILES, 512, counts=counts, cache=tmp_path), fresh)
    ecfp(SMILES, 512, counts=not counts, cache=tmp_path)
    ecfp(SMILES, 1024, counts=counts, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr("tl_jax.data.compounds.fingerprints.molecule", None)  # nothing is read again
    np.testing.assert_array_equal(ecfp(SMILES, 512, counts=counts, cache=tmp_path), fresh)


def test_names_and_no_compounds():
    assert bit_names(3).tolist() == ["ecfp4_0", "ecfp4_1", "ecfp4_2"]
    assert ecfp([], 16).shape == (0, 16)


def test_faults():
    with pytest.raises(InputError, match="cannot read 2 SMILES: 'C1CC', 'nonsense'"):
        ecfp(["C", "C1CC", "nonsense"])
    with pytest.raises(InputError, match="cannot read 1 SMILES"):
        bit_atoms("C1CC")
    for bits, radius in ((0, 2), (16, -1)):
        with pytest.raises(InputError, match="use 1024 or 2048 bits"):
            ecfp(["C"], bits, radius)
