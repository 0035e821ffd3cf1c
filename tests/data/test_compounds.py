"""Compounds from a file: every row becomes a compound, joins one or is listed; every fault is one line."""

import gzip
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rdkit")

from tl_jax.data.compounds import chemical_cache
from tl_jax.data.compounds.compound_file import Row, read_rows
from tl_jax.data.compounds.compounds import gather, left_out, read_compounds, reading
from tl_jax.data.compounds.molecules import canonical_smiles, molecule, scaffolds, toolkit
from tl_jax.errors import InputError

FILE = """family,target,compound_id,smiles,pchembl,label
kinase,T1,c3,OCC,8.1,1
kinase,T1,c1,CCO,6.0,0
kinase,T2,c2,c1ccccc1,7.0,1
kinase,T2,c4,C1CC,5.0,0
gpcr,T3,c9,CCO,6.9,0

gpcr,T3,c8,"C[C@H](N)C(=O)O",7.2,1
gpcr,T4,c8,C[C@@H](N)C(=O)O,,0
gpcr,T4,c7,CC(N)C(=O)O,5.5,0
"""
R = Row._make


@pytest.fixture(name="write")
def writer(tmp_path):
    def write(text, name="family.csv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


@pytest.mark.parametrize("name", ["family.csv", "family.csv.gz"])
def test_every_row_is_a_compound_or_listed(write, name, capfd):
    families = read_compounds(write(FILE, name))
    assert list(families) == ["gpcr", "kinase"]
    kinase, gpcr = families["kinase"], families["gpcr"]
    assert kinase.ids.tolist() == ["c1", "c2"]
    assert kinase.y.tolist() == [1, 1]  # ethanol is active in one of its two rows
    assert kinase.smiles.tolist() == ["CCO", "c1ccccc1"]
    assert kinase.disagreeing == ("CCO",)
    assert kinase.merged == ((R(("kinase", "c3", "OCC", 1, 2)), "CCO"),)
    assert kinase.unparsed == (R(("kinase", "c4", "C1CC", 0, 5)),)
    assert kinase.x.shape == (2, 0)
    assert (kinase.x.dtype, kinase.y.dtype) == (np.float32, np.float64)
    assert gpcr.ids.tolist() == ["c7", "c8", "c8", "c9"]
    assert len(set(gpcr.keys)) == 4
    assert gpcr.keys[3] == kinase.keys[0]
    table = reading(families).set_index("family")
    assert table.loc["kinase"].tolist() == [2, 2, 1, 1, 1, 0]
    assert table.loc["gpcr"].tolist() == [4, 1, 0, 0, 0, 0]
    assert left_out(families)["reason"].tolist() == ["unparsed", "merged"]
    assert left_out(families)["line"].tolist() == [5, 2]
    assert "SMILES Parse Error" not in "".join(capfd.readouterr())  # rdkit's log stays silent


def test_threshold_takes_the_measured_value(write):
    families = read_compounds(write(FILE), threshold=7)
    assert families["kinase"].y.tolist() == [1, 1]  # 7.0 reaches 7
    gpcr = families["gpcr"]
    assert dict(zip(gpcr.smiles, gpcr.y, strict=True)) == {"CC(N)C(=O)O": 0, "C[C@H](N)C(=O)O": 1, "CCO": 0}
    assert [row.line for row in gpcr.unmeasured] == [9]
    assert left_out(families)["reason"].tolist() == ["unmeasured", "unparsed", "merged"]
    assert read_compounds(write(FILE), threshold=7.01)["kinase"].y.tolist() == [1, 0]


def test_stereoisomers_are_one_compound_on_request(write):
    gpcr = read_compounds(write(FILE), stereo=False)["gpcr"]
    assert gpcr.ids.tolist() == ["c7", "c9"]
    assert gpcr.y.tolist() == [1, 0]
    assert gpcr.disagreeing == ("CC(N)C(=O)O",)
    assert sorted(row.line for row, _ in gpcr.merged) == [8, 9]


def test_ids_default_to_smiles(write):
    families = read_compounds(write("\ufeffsmiles\tfamily\tlabel\nCCO\ta\t1.0\nCCN\ta\t0\n", "own.tsv"))
    assert families["a"].ids.tolist() == ["CCN", "CCO"]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(8)))
def test_order_of_the_file_changes_nothing(order):
    rows = [Row("a", f"i{i % 3}", s, i % 2, i) for i, s in enumerate(["CCO", "OCC", "CC", "CCC", "C", "N", "NC", "CN"])]
    usual, shuffled = gather(rows)["a"], gather([rows[i] for i in order])["a"]
    for field in ("y", "smiles", "ids", "keys"):
        assert getattr(usual, field).tolist() == getattr(shuffled, field).tolist()
    assert usual.merged == shuffled.merged


def refused(path, *parts, **options):
    with pytest.raises(InputError) as caught:
        read_compounds(path, **options)
    text = str(caught.value)
    assert all(re.search(part, text) for part in (path.name, *parts)), text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("8.1,1\n", "8.1,yes\n", ["line 2, column 'label': 'yes' is neither 0 nor 1", "threshold"]),
        ("kinase,T2,c2", ",T2,c2", ["line 4, column 'family' is empty"]),
        ("c1,CCO", "c1,", ["line 3, column 'smiles' is empty"]),
        ("c9,CCO", ",CCO", ["line 6, column 'compound_id' is empty"]),
        ("6.9,0\n", "6.9\n", ["line 6: 5 fields, but 6 columns"]),
        ("c8,C[C@@H]", 'c8,"C"[C@@H]', ["line 9: .*mend the quotes"]),
        (",smiles,", ",smile,", ["no column 'smiles'; did you mean 'smile'"]),
        (",label\n", ",active\n", ["no column 'label'; add it, or give a threshold for the column pchembl"]),
        ("target", "label", ["column 'label' occurs 2 times"]),
        (FILE.partition("\n")[2], "\n", ["holds no compounds"]),
        (FILE, "", ["no column 'family'; there are none"]),
    ],
)
def test_faults_are_one_line(write, old, new, parts):
    assert old in FILE
    refused(write(FILE.replace(old, new, 1)), *parts)


def test_faults_of_measured_values(write):
    refused(write(FILE.replace("8.1", "high")), "line 2, column 'pchembl': 'high' is not a number", threshold=7)
    refused(write(FILE.replace("8.1", "inf")), "line 2, column 'pchembl': 'inf' is not a number", threshold=7)
    refused(write(FILE.replace("pchembl", "p")), "no column 'pchembl'", threshold=7)
    with pytest.raises(InputError, match="threshold is nan"):
        read_compounds(write(FILE), threshold=float("nan"))


def test_faults_of_files(write, tmp_path):
    refused(write("a,b\n", "own.xlsx"), "unknown ending '.xlsx'")
    refused(write(FILE, "own.csv.gz").rename(tmp_path / "cut.csv"), "not UTF-8 text")
    path = write(FILE, "cut.csv.gz")
    path.write_bytes(path.read_bytes()[:50])
    refused(path, "not a whole .gz file")
    refused(tmp_path / "none.csv", "there is no file")
    with pytest.raises(InputError, match=r"family 'a' has no compound with a readable SMILES.*line 2: 'C1CC'"):
        read_compounds(write("family,smiles,label\na,C1CC,1\n"))


def test_lines_are_those_of_the_file(write):
    rows = read_rows(write('family,note,smiles,label\na,"two\nlines",C,1\n\na,x,CC,0\n'))
    assert [row.line for row in rows] == [2, 5]


def test_spellings():
    assert canonical_smiles(["OCC", "CCO", "C(O)C"]) == ["CCO"] * 3
    assert canonical_smiles(["C1CC", "", "C CC", "CC.", "xyz"]) == [""] * 5
    left, right = "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"
    assert len(set(canonical_smiles([left, right]))) == 2
    assert len(set(canonical_smiles([left, right, "NC(C)C(O)=O", "F/C=C/F"], stereo=False))) == 2
    assert molecule(" CC ").GetNumAtoms() == 2


def test_scaffolds_are_rings_and_their_links():
    found = scaffolds(["CCO", "Cc1ccccc1", "c1ccccc1CCc1ccncc1O", "C[C@H]1CCCO1"])
    assert found.tolist() == ["", "c1ccccc1", "c1ccc(CCc2ccncc2)cc1", "C1CCOC1"]
    with pytest.raises(InputError, match="cannot read 1 SMILES: 'C1CC'"):
        scaffolds(["C", "C1CC"])


def test_cache_answers_without_rdkit_and_is_made_anew_when_damaged(tmp_path, monkeypatch):
    smiles, calls = ["OCC", "C1CC", "c1ccccc1"], []
    monkeypatch.setattr("tl_jax.data.compounds.molecules.molecule", lambda text: calls.append(text) or molecule(text))
    fresh = canonical_smiles(smiles, cache=tmp_path)
    assert fresh == ["CCO", "", "c1ccccc1"]
    assert canonical_smiles(smiles, cache=tmp_path) == fresh
    assert len(calls) == 3
    # Other SMILES, settings and versions are other questions.
    canonical_smiles(smiles[::-1], cache=tmp_path)
    canonical_smiles(smiles, stereo=False, cache=tmp_path)
    scaffolds(smiles[::2], cache=tmp_path)
    assert len(calls) == 11
    assert len(list(tmp_path.iterdir())) == 4
    for path in tmp_path.iterdir():
        content = bytearray(path.read_bytes())
        content[-30] ^= 1
        path.write_bytes(content)
    assert canonical_smiles(smiles, cache=tmp_path) == fresh
    assert len(calls) == 14
    assert canonical_smiles(smiles, cache=tmp_path) == fresh
    assert len(calls) == 14
    assert canonical_smiles([], cache=tmp_path) == []


def test_another_rdkit_or_layout_is_another_question(tmp_path, monkeypatch):
    def kept(version):
        return int(chemical_cache.cached(tmp_path, "x", ["C"], {}, version, lambda: {"n": np.array(version)})["n"])

    assert [kept(1), kept(2), kept(1)] == [1, 2, 1]
    monkeypatch.setattr(chemical_cache, "LAYOUT", 2)
    kept(1)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write to .*choose another folder as cache"):
        canonical_smiles(["C"], cache=tmp_path / "file")


def test_without_rdkit_one_line_says_what_to_install(monkeypatch):
    toolkit.cache_clear()
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(InputError, match=r"need rdkit.*pip install tl_jax\[chem\]"):
        canonical_smiles(["C"])
    toolkit.cache_clear()


def test_rows_and_features():
    compounds = gather([Row("a", str(i), "C" * (i + 1), i % 2, i) for i in range(4)])["a"]
    described = compounds.with_features(np.arange(8).reshape(4, 2), ["u", "v"])
    part = described.rows([2, 0])
    assert part.ids.tolist() == ["2", "0"]
    assert part.x.tolist() == [[4, 5], [0, 1]]
    assert part.x.dtype == np.float32
    with pytest.raises(ValueError, match="features has shape"):
        compounds.with_features(np.zeros((4, 2)), ["u"])
