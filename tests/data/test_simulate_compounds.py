"""Simulated compounds: readable, different, reproducible, and as related as they say."""

import numpy as np
import pytest

pytest.importorskip("rdkit")

from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tl_jax.data.compounds.chemical_splits import without_compounds
from tl_jax.data.compounds.compounds import read_compounds, reading
from tl_jax.data.compounds.fingerprints import ecfp
from tl_jax.data.compounds.molecules import scaffolds
from tl_jax.data.compounds.simulate_compounds import (
    RINGS,
    Settings,
    _smiles,
    _worths,
    simulate_compounds,
    simulated_table,
)
from tl_jax.errors import InputError


def test_families():
    families = simulate_compounds(size=300)
    assert list(families) == ["alpha", "beta", "gamma"]
    counts = reading(families).set_index("family")
    assert (counts["compounds"] == 300).all()
    assert (counts[["merged", "disagreeing", "unparsed", "unmeasured"]] == 0).all(axis=None)
    assert counts["active"].between(100, 200).all()
    shared = set(families["alpha"].keys) & set(families["beta"].keys)
    assert 15 <= len(shared) <= 20
    assert len(without_compounds(families["alpha"].keys, families["beta"].keys)) == 300 - len(shared)
    assert len(set(scaffolds(families["alpha"].smiles))) > len(RINGS)


def test_reproducible_and_the_same_through_a_file(tmp_path):
    table = simulated_table(size=50)
    assert table.equals(simulated_table(size=50))
    assert not table.equals(simulated_table(size=50, seed=1))
    table.to_csv(tmp_path / "families.csv", index=False)
    drawn = simulate_compounds(size=50)
    for threshold in (None, 7):
        read = read_compounds(tmp_path / "families.csv", threshold=threshold)
        for name, compounds in drawn.items():
            for field in ("y", "keys", "ids", "smiles"):
                np.testing.assert_array_equal(getattr(compounds, field), getattr(read[name], field))


@pytest.mark.parametrize("relatedness", [0, 0.3, 1])
def test_worths_of_parts(relatedness):
    worths = _worths(Settings(relatedness=relatedness), 34)
    np.testing.assert_allclose(worths.mean(axis=1), 0, atol=1e-12)
    expected = np.full((3, 3), relatedness, float)
    np.fill_diagonal(expected, 1)
    np.testing.assert_allclose(np.corrcoef(worths), expected, atol=1e-12)


def test_every_ring_shows_all_its_substituents():
    for ring in range(len(RINGS)):
        assert len({_smiles(np.array([ring, *sites])) for sites in ((0, 1, 4), (0, 1, 5), (0, 2, 4), (3, 1, 4))}) == 4


@pytest.mark.full
def test_a_related_family_predicts_and_an_unrelated_one_does_not():
    found = {}
    for relatedness in (0.0, 0.9):
        families = simulate_compounds(relatedness=relatedness, size=500)
        x = {name: ecfp(c.smiles) for name, c in families.items()}
        keep = without_compounds(families["alpha"].keys, families["beta"].keys)
        model = LogisticRegression(C=0.1, max_iter=500).fit(x["alpha"][keep], families["alpha"].y[keep])
        found[relatedness] = roc_auc_score(families["beta"].y, model.decision_function(x["beta"]))
    assert found[0.9] > 0.7
    assert abs(found[0.0] - 0.5) < 0.1


@pytest.mark.parametrize("setting", [{"size": 5}, {"noise": 1.5}, {"relatedness": -0.1}, {"seed": -1}, {"shared": 2}])
def test_settings_out_of_range(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        simulated_table(**setting)
