"""The real table of compounds by protein family: its known counts, and compounds no kinase model should judge."""

import csv
import gzip

import numpy as np
import pytest

pytest.importorskip("rdkit")

from tl_jax.data.compounds.chemical_splits import grouped_split, random_split, without_compounds
from tl_jax.data.compounds.compound_file import read_rows
from tl_jax.data.compounds.compounds import gather, reading
from tl_jax.data.compounds.fingerprints import ecfp
from tl_jax.data.compounds.molecules import scaffolds
from tl_jax.data.compounds.tanimoto import nearest_tanimoto

COUNTS = {  # rows, active, as the table's description has them
    "gpcr": (23_079, 15_025),
    "ionchannel": (27_781, 2_573),
    "kinase": (22_734, 12_434),
    "nuclearreceptor": (8_041, 3_990),
    "protease": (8_185, 3_948),
    "transporter": (2_794, 1_631),
}


@pytest.fixture(scope="module")
def rows(family_file):
    return read_rows(family_file)


@pytest.fixture(scope="module")
def transporter(rows):
    return gather(row for row in rows if row.family == "transporter")["transporter"]


def test_counts(rows, family_file):
    found = {name: [row.label for row in rows if row.family == name] for name in COUNTS}
    assert {name: (len(labels), sum(labels)) for name, labels in found.items()} == COUNTS
    assert len(rows) == sum(count for count, _ in COUNTS.values())
    with gzip.open(family_file, "rt", newline="") as file:  # the lines, read in the plainest way
        plain = [(r["family"], r["compound_id"], r["smiles"], int(r["label"])) for r in csv.DictReader(file)]
    assert [tuple(row)[:4] for row in rows] == plain
    measured = read_rows(family_file, threshold=7)
    assert all(a.label == b.label for a, b in zip(rows, measured, strict=True) if b.label is not None)
    assert sum(row.label is None for row in measured) == 473


def test_transporter(transporter, rows):
    assert reading({"t": transporter}).iloc[0].tolist() == ["t", 2794, 1631, 0, 0, 0, 0]
    flat = gather((row for row in rows if row.family == "transporter"), stereo=False)["transporter"]
    assert reading({"t": flat}).iloc[0].tolist() == ["t", 2572, 1512, 222, 53, 0, 0]
    # Fingerprints cannot tell apart what stereo=False merges.
    assert len(np.unique(ecfp(flat.smiles, 2048), axis=0)) > 0.95 * len(flat)


def test_splits_of_transporter(transporter):
    split = random_split(len(transporter))
    assert len(split.test) == 466
    names = scaffolds(transporter.smiles)
    for seed in range(20):
        split = grouped_split(names, seed=seed)
        assert len(split.test) == 466
        assert not set(names[split.train]) & set(names[split.test])


def test_a_source_loses_the_compounds_of_the_target(rows, transporter):
    known = set(transporter.smiles)
    gpcr = gather(row for row in rows if row.family == "gpcr" and row.smiles in known)["gpcr"]
    assert len(gpcr) > 700
    test = random_split(len(transporter)).test
    kept = without_compounds(gpcr.keys, transporter.keys[test])
    assert not set(gpcr.keys[kept]) & set(transporter.keys[test])
    x, seen = ecfp(gpcr.smiles), ecfp(transporter.smiles[test])
    apart = without_compounds(gpcr.keys, transporter.keys[test], similarity=0.9, x_source=x, x_test=seen)
    assert set(apart) < set(kept)
    assert nearest_tanimoto(x[apart], seen).max() < 0.9


def test_glycerin_and_chloroform_lie_far_from_kinase_compounds(rows):
    kinase = [row.smiles for row in rows if row.family == "kinase"]
    picked = np.random.default_rng(0).permutation(len(kinase))[:2000]
    x = ecfp([kinase[i] for i in picked])
    odd = nearest_tanimoto(ecfp(["OCC(O)CO", "ClC(Cl)Cl"]), x)
    assert odd.max() < 0.3
    held_out = nearest_tanimoto(x[:200], x[200:])
    assert np.median(held_out) > 0.4
