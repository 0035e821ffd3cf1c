"""Atoms of a prediction: they add up to it, move with the order of the atoms, and are drawn as they are written."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from tl_jax.data.compounds.fingerprints import bit_names, ecfp
from tl_jax.data.compounds.simulate_compounds import simulated_table
from tl_jax.errors import InputError
from tl_jax.study.compounds import explain as dti_explain
from tl_jax.study.compounds.explain import (
    ATOMS,
    MOLECULES,
    STEPS,
    TOLERANCE,
    chosen,
    explain,
    file_name,
    write_explained,
)
from tl_jax.study.compounds.known import Known
from tl_jax.study.compounds.predict import CompoundModel, network_of, predict_smiles

BITS = 256
SMILES = simulated_table(size=20)["smiles"].tolist()[:12]


def build(counts=False, seed=0, steep=1.0):
    """A network with random weights, its running statistics included, beside the fingerprints of some compounds."""
    rng, network, width = np.random.default_rng(seed), network_of((16, 8)), BITS
    params = {}
    for k, units in enumerate((16, 8), start=1):
        params[f"layer{k}"] = {"kernel": rng.normal(size=(width, units)) / 4, "bias": rng.normal(size=units)}
        positive = {"scale": rng.uniform(0.5, 2, units) * steep, "var": rng.uniform(0.5, 2, units)}
        params[f"bn{k}"] = {**positive, "bias": rng.normal(size=units), "mean": rng.normal(size=units)}
        width = units
    params["head"] = {"kernel": rng.normal(size=(8, 1)), "bias": np.zeros(1)}
    leaves = {name: {leaf: np.asarray(v, "f4") for leaf, v in layer.items()} for name, layer in params.items()}
    known = Known(False, BITS, 2, counts, False, 0.5, ecfp(SMILES, BITS, counts=counts))
    return CompoundModel("random", {"params": leaves}, network, tuple(bit_names(BITS)), BITS, known)


@pytest.fixture(scope="module", params=[False, True], ids=["bits", "counts"])
def model(request):
    return build(request.param)


def table(model, smiles, folder, ids=None):
    pd.DataFrame({"id": ids or [f"m{i}" for i in range(len(smiles))], "smiles": smiles}).to_csv(
        folder / "t.csv", index=False
    )
    return predict_smiles(model, folder / "t.csv")


def test_atoms_add_up_to_the_logit(model, tmp_path):
    predicted = table(model, SMILES, tmp_path)
    atoms, molecules = explain(model, predicted)
    empty = float(model.network.apply(model.variables, np.zeros((1, BITS), "f4")).prediction[0])
    sums = atoms.groupby("molecule")["attribution"].sum().to_numpy()
    np.testing.assert_allclose(molecules["baseline_logit"], empty, rtol=1e-5)
    np.testing.assert_allclose(molecules["logit"], predicted["logit"], atol=1e-4)
    np.testing.assert_allclose(sums + molecules["off_bits"], molecules["atoms_sum"], atol=1e-6)
    np.testing.assert_allclose(sums, predicted["logit"] - empty + molecules["delta"], atol=1e-4)
    assert (molecules["off_bits"] == 0).all()
    assert molecules["delta"].abs().max() <= TOLERANCE
    assert np.median(np.abs(sums)) > 0.2
    for k, smiles in enumerate(SMILES):
        mol = Chem.MolFromSmiles(smiles)
        part = atoms[atoms["molecule"] == k + 1]
        assert part["symbol"].tolist() == [a.GetSymbol() for a in mol.GetAtoms()]
        assert part["atom"].tolist() == list(range(mol.GetNumAtoms()))


def test_steps_grow_until_the_error_is_small(tmp_path, monkeypatch):
    """A steep network: 300 steps leave an error that more steps take away."""
    steep = build(steep=60.0)
    used = []
    whole = dti_explain.integrated_gradients

    def spied(*arguments, n_steps, **more):
        found = whole(*arguments, n_steps=n_steps, **more)
        used.append((n_steps, np.abs(found.delta).max()))
        return found

    monkeypatch.setattr(dti_explain, "integrated_gradients", spied)
    _, molecules = explain(steep, table(steep, SMILES[:4], tmp_path))
    assert [steps for steps, _ in used] == list(STEPS[: len(used)])
    assert len(used) > 1
    assert all(error > TOLERANCE for _, error in used[:-1])
    assert used[-1][1] < used[0][1]
    assert molecules["steps"].unique().tolist() == [used[-1][0]]


MODEL = build()


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(SMILES), st.integers(0, 10_000))
def test_atoms_in_another_order_keep_their_attributions(smiles, seed):
    mol = Chem.MolFromSmiles(smiles)
    order = np.random.default_rng(seed).permutation(mol.GetNumAtoms()).tolist()
    other = Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)
    written = Chem.RenumberAtoms(mol, order)
    Chem.MolToSmiles(written, canonical=False)
    # Atom k of the new SMILES is atom old[k] of the first.
    old = [order[i] for i in written.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"]]
    rows = pd.DataFrame({"id": ["a", "b"], "smiles": [smiles, other], "probability": 0.5, "caution": ""})
    atoms, _ = explain(MODEL, rows)
    first, second = (atoms.loc[atoms["molecule"] == k, ["symbol", "attribution"]] for k in (1, 2))
    assert second["symbol"].tolist() == first["symbol"].iloc[old].tolist()
    np.testing.assert_allclose(second["attribution"], first["attribution"].iloc[old], atol=1e-4)


def test_which_compounds_are_explained():
    predicted = pd.DataFrame(
        {
            "id": list("abcde"),
            "probability": [0.2, 0.99, np.nan, 0.9, 0.9],
            "in_domain": pd.Series([True, False, None, True, True], dtype=object),
        }
    )
    assert chosen(predicted, 2, "probability")["id"].tolist() == ["d", "e"]
    assert chosen(predicted, 9, "probability")["id"].tolist() == ["d", "e", "a"]
    assert chosen(predicted, 3, "table")["id"].tolist() == ["a", "b", "d"]
    with pytest.raises(InputError, match="lies in the model's domain; --explain_order=table takes others"):
        chosen(predicted.iloc[1:3], 2, "probability")
    with pytest.raises(InputError, match="no compound can be read"):
        chosen(predicted.iloc[2:3], 2, "table")


def test_what_is_written(tmp_path):
    predicted = table(MODEL, [SMILES[0], "OCC(O)CO", SMILES[1]], tmp_path, ["../a/b", "<&>", "c"])
    molecules = write_explained(MODEL, predicted, tmp_path / "atoms")
    names = {"001_a_b.svg", "002_compound.svg", "003_c.svg", ATOMS, MOLECULES}
    assert {path.name for path in (tmp_path / "atoms").iterdir()} == names
    atoms = pd.read_csv(tmp_path / "atoms" / ATOMS)
    assert atoms.columns.tolist() == ["molecule", "id", "atom", "symbol", "attribution"]
    pd.testing.assert_frame_equal(atoms, explain(MODEL, predicted)[0], rtol=1e-6)
    texts = []
    for path in sorted((tmp_path / "atoms").glob("*.svg")):
        texts.append("".join(ElementTree.parse(path).getroot().itertext()))
    limit = f"{atoms['attribution'].abs().max():.2g}"
    assert all(limit in text for text in texts)  # one scale for all
    assert "<&>: probability" in texts[1]
    assert ["Caution: unlike every training compound" in " ".join(text.split()) for text in texts] == [
        bool(row.caution) and "unlike" in row.caution for row in molecules.itertuples()
    ]
    with pytest.raises(InputError, match="--overwrite"):
        write_explained(MODEL, predicted, tmp_path / "atoms")
    write_explained(MODEL, predicted.iloc[:1], tmp_path / "atoms", overwrite=True)
    assert len(list((tmp_path / "atoms").glob("*.svg"))) == 1


def test_names_that_every_file_system_takes():
    assert [file_name(text) for text in ("CHEMBL25", "a/b c", "..", "x" * 90)] == [
        "CHEMBL25",
        "a_b_c",
        "compound",
        "x" * 40,
    ]
