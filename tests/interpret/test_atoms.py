"""Columns of a fingerprint folded back to atoms: nothing is lost on the way."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.interpret.atoms import atom_attributions
from tl_jax.interpret.integrated_gradients import integrated_gradients


def test_a_known_molecule():
    """Three atoms; column 1 is set twice, column 4 once, column 2 is off."""
    surroundings = {1: [(0, 0, (0,)), (2, 1, (1, 2))], 4: [(1, 1, (0, 1, 2))]}
    found = atom_attributions([0, 8, 5, 0, -3], surroundings, 3)
    assert found.atoms.tolist() == [4 - 1, 2 - 1, 2 - 1]
    assert found.off == {2: 5}


@st.composite
def molecules(draw):
    n_atoms = draw(st.integers(1, 8))
    atoms = st.lists(st.integers(0, n_atoms - 1), min_size=1, max_size=n_atoms, unique=True)
    places = st.lists(st.tuples(st.integers(0, n_atoms - 1), st.integers(0, 2), atoms), min_size=1, max_size=4)
    return n_atoms, draw(st.dictionaries(st.integers(0, 9), places, max_size=6))


@settings(max_examples=100, deadline=None)
@given(molecules(), st.integers(0, 10_000))
def test_nothing_is_lost(molecule, seed):
    n_atoms, surroundings = molecule
    values = np.random.default_rng(seed).normal(size=10)
    found = atom_attributions(values, surroundings, n_atoms)
    on = sorted(surroundings)
    assert found.atoms.sum() == pytest.approx(values[on].sum(), abs=1e-12)
    assert found.off == {k: values[k] for k in range(10) if k not in on}
    for atom in range(n_atoms):
        share = 0.0
        for column, places in surroundings.items():
            for _, _, members in places:
                share += values[column] / len(places) / len(members) if atom in members else 0
        assert found.atoms[atom] == pytest.approx(share, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(molecules(), st.integers(0, 10_000))
def test_atoms_counted_in_another_order_move_along(molecule, seed):
    n_atoms, surroundings = molecule
    rng = np.random.default_rng(seed)
    values, order = rng.normal(size=10), rng.permutation(n_atoms)
    moved = {k: [(order[c], r, [order[a] for a in atoms]) for c, r, atoms in p] for k, p in surroundings.items()}
    found = atom_attributions(values, moved, n_atoms)
    np.testing.assert_allclose(found.atoms[order], atom_attributions(values, surroundings, n_atoms).atoms, atol=1e-12)


@pytest.mark.parametrize(
    ("values", "surroundings", "words"),
    [
        ([[1.0]], {}, r"shape \(1, 1\)"),
        ([np.nan], {}, "not finite"),
        ([1.0], {1: [(0, 0, (0,))]}, "column 1 with 1 surroundings is none of 1 columns"),
        ([1.0], {-1: [(0, 0, (0,))]}, "column -1"),
        ([1.0], {0: []}, "column 0 with 0 surroundings"),
        ([1.0], {0: [(0, 0, (2,))]}, r"atoms \[2\] of a molecule with 2 atoms"),
        ([1.0], {0: [(0, 0, (-1,))]}, r"atoms \[-1\]"),
        ([1.0], {0: [(0, 0, ())]}, r"atoms \[\]"),
    ],
)
def test_what_does_not_fit(values, surroundings, words):
    with pytest.raises(ValueError, match=words):
        atom_attributions(values, surroundings, 2)


SMILES = ["CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1", "OCC(O)CO", "CN1CCC[C@H]1c1cccnc1.Cl"]


def fingerprint(smiles, bits):
    """(x (bits,), {column: [(centre, radius, atoms)]}, atoms) of Morgan surroundings of radius 2."""
    Chem = pytest.importorskip("rdkit.Chem")
    from rdkit.Chem import rdFingerprintGenerator as generators

    mol, more = Chem.MolFromSmiles(smiles), generators.AdditionalOutput()
    more.AllocateBitInfoMap()
    x = generators.GetMorganGenerator(radius=2, fpSize=bits).GetFingerprintAsNumPy(mol, additionalOutput=more)
    apart = Chem.GetDistanceMatrix(mol)
    where = {
        column: [(centre, reach, np.flatnonzero(apart[centre] <= reach)) for centre, reach in places]
        for column, places in more.GetBitInfoMap().items()
    }
    return x.astype("f4"), where, mol.GetNumAtoms()


@pytest.mark.parametrize("smiles", SMILES)
@pytest.mark.parametrize("base", [0.0, 0.1])
def test_a_prediction_is_shared_out_among_atoms(smiles, base):
    """Atoms and columns that are off add up to the prediction's distance from the baseline's."""
    x, where, n_atoms = fingerprint(smiles, 64)
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(64, 6)).astype("f4") / 4, rng.normal(size=6).astype("f4")
    explained = integrated_gradients(lambda rows: jnp.tanh(rows @ one) @ two, x[None], np.full(64, base, "f4"))
    found = atom_attributions(explained.values[0], where, n_atoms)
    assert set(where) == set(np.flatnonzero(x))
    assert bool(found.off) == (base > 0)
    total = found.atoms.sum() + sum(found.off.values())
    difference = explained.output[0] - explained.base_output[0]
    assert total == pytest.approx(difference, abs=1e-4)
    assert abs(difference) > 0.01


def test_atoms_that_the_molecule_cannot_tell_apart_get_the_same():
    """The three fluorines, and both halves of glycerin."""
    values = np.random.default_rng(4).normal(size=64)
    for smiles, alike in ((SMILES[0], [[13, 14, 15]]), (SMILES[1], [[0, 5], [1, 4]])):
        _, where, n_atoms = fingerprint(smiles, 64)
        atoms = atom_attributions(values, where, n_atoms).atoms
        for group in alike:
            np.testing.assert_allclose(atoms[group], atoms[group[0]], rtol=1e-12)
        assert len(set(atoms.round(9))) > 2
