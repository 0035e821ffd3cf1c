"""Pictures of molecules: well-formed, escaped, coloured by value, the same each time."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("rdkit")

from tl_jax.errors import InputError
from tl_jax.interpret.molecule_svg import colour, molecule_svg

FLUOXETINE, ATOMS = "CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1", 22
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def discs(svg):
    """Fills of the discs behind atoms, as #RRGGBB."""
    inner = ElementTree.fromstring(svg).find(f"{SVG}svg")
    return [re.search(r"fill:(#\w{6})", e.get("style"))[1] for e in inner.iter(f"{SVG}ellipse")]


def test_each_atom_has_its_colour():
    values = np.linspace(-1, 0.55, ATOMS)
    assert values.all()  # an atom of value 0 has no disc
    assert discs(molecule_svg(FLUOXETINE, values)) == [colour(value) for value in values]
    cut = discs(molecule_svg(FLUOXETINE, values, limit=0.25))
    assert cut == [colour(value / 0.25) for value in values]
    assert cut[0] == cut[1] == colour(-1)
    assert len(discs(molecule_svg(FLUOXETINE, values * (values > 0)))) == (values > 0).sum()


def test_colours_run_from_blue_over_white_to_vermillion():
    assert (colour(-1), colour(0), colour(1)) == ("#338EC1", "#FFFFFF", "#DD7E33")
    assert (colour(-7), colour(7)) == (colour(-1), colour(1))
    shades = [np.array([int(colour(x)[i : i + 2], 16) for i in (1, 3, 5)]) for x in np.linspace(0, 1, 11)]
    assert all((a >= b).all() and (a > b).any() for a, b in pairwise(shades))


def test_letters_are_readable_on_every_colour():
    def luminance(code):
        parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return np.dot(
            [0.2126, 0.7152, 0.0722], [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        )

    for share in np.linspace(-1, 1, 41):
        assert (luminance(colour(share)) + 0.05) / 0.05 > 4.5  # black on it, WCAG 2 AA


def test_the_scale_says_its_unit():
    values = np.zeros(ATOMS)
    values[3], values[5] = 0.123456, -0.02
    found = texts(molecule_svg(FLUOXETINE, values, "A title", "A note"))
    for words in ("A title", "\u22120.12", "0", "+0.12", "lowers the prediction", "raises the prediction", "A note"):
        assert words in found
    assert "+2" in texts(molecule_svg(FLUOXETINE, values, limit=2))
    nothing = molecule_svg(FLUOXETINE, np.zeros(ATOMS))
    assert texts(nothing) == ["no atom changes the prediction"]
    assert discs(nothing) == []


def test_names_cannot_break_out():
    name = "</text><script>alert(1)</script> & \"x\" 'y' \x00\x1b\ud800 " + "long " * 40
    svg = molecule_svg(FLUOXETINE, np.ones(ATOMS), name, name)
    root = ElementTree.fromstring(svg.encode())
    assert not list(root.iter(f"{SVG}script"))
    assert "<script" not in svg
    assert root.find(f"{SVG}title").text.startswith("</text><script>alert(1)</script> & \"x\" 'y' \ufffd")
    height = float(root.get("height"))
    assert all(0 < float(e.get("y")) < height for e in root.findall(f"{SVG}text"))
    assert float(root.find(f"{SVG}svg").get("y")) > max(float(e.get("y")) for e in root.findall(f"{SVG}text")[:4])


def test_equal_pictures_are_equal_bytes():
    values = np.random.default_rng(0).normal(size=ATOMS)
    assert molecule_svg(FLUOXETINE, values, "x") == molecule_svg(FLUOXETINE, values.tolist(), "x")


@pytest.mark.parametrize("smiles", ["not a molecule", "C1CC", "", "C(C)(C)(C)(C)C"])
def test_unreadable_smiles_are_one_line(smiles, capfd):
    with pytest.raises(InputError, match=r"rdkit cannot read 1 SMILES: '.*'; correct them or leave"):
        molecule_svg(smiles, [])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("values", "limit", "words"),
    [([1.0], None, "has 3 atoms, 1 values"), ([1, np.nan, 1], None, "finite"), ([1, 1, 1], 0, "above 0")],
)
def test_values_that_do_not_fit(values, limit, words):
    with pytest.raises(ValueError, match=words):
        molecule_svg("CCO", values, limit=limit)


@pytest.mark.parametrize("smiles", ["C", "[Na+].[Cl-]", "O=C=O", "[2H]C([2H])([2H])O", "C/C=C\\C", "[Fe]"])
def test_small_and_odd_molecules_are_drawn(smiles):
    from rdkit import Chem

    atoms = Chem.MolFromSmiles(smiles).GetNumAtoms()
    assert len(discs(molecule_svg(smiles, np.ones(atoms)))) == atoms
