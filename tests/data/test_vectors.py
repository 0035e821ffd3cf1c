"""Vectors from elsewhere: found by id or by SMILES in any spelling; whatever is missing is named."""

from contextlib import suppress

import numpy as np
import pytest

pytest.importorskip("rdkit")

from tl_jax.data.compounds.compound_file import Row
from tl_jax.data.compounds.compounds import gather
from tl_jax.data.compounds.vectors import _from_npz, described, vector_table
from tl_jax.errors import InputError

ROWS = [Row("a", f"c{i}", smiles, 1, i) for i, smiles in enumerate(["CCO", "CCN", "C[C@H](N)O"])]
COMPOUNDS = gather(ROWS)["a"]


@pytest.fixture(name="file")
def written(tmp_path):
    def file(text, name="v.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return file


def test_by_id_in_the_order_asked_for(file):
    path = file("id,smiles,b,a\nc2,x,1,2\nc0,y,3,4\nc1,z,5,6.5\n")
    compounds = described(COMPOUNDS, path)
    assert compounds.x.dtype == np.float32
    assert compounds.features.tolist() == ["b", "a"]
    assert compounds.x.tolist() == [[3, 4], [5, 6.5], [1, 2]]


def test_by_smiles_in_any_spelling(file):
    path = file("smiles,f\nNCC,1\nOCC,2\nO[C@H](C)N,3\nC(C)O,2\n")
    assert described(COMPOUNDS, path).x.tolist() == [[2], [1], [3]]
    with pytest.raises(InputError, match=r"no vector for 1 of 3 compounds: 'C\[C@H\]\(N\)O'"):
        described(COMPOUNDS, file("smiles,f\nNCC,1\nOCC,2\nO[C@@H](C)N,3\n"))
    flat = gather(ROWS, stereo=False)["a"]
    assert described(flat, path).x.tolist() == [[2], [1], [3]]


@pytest.mark.parametrize("name", ["id", "compound_id", "smiles"])
def test_npz(tmp_path, name):
    x = np.arange(6, dtype=np.float32).reshape(3, 2) / 7
    names = COMPOUNDS.smiles if name == "smiles" else COMPOUNDS.ids
    np.savez(tmp_path / "v.npz", x=x[::-1], **{name: names[::-1]})
    compounds = described(COMPOUNDS, tmp_path / "v.npz")
    np.testing.assert_array_equal(compounds.x, x)
    assert compounds.features.tolist() == ["v0", "v1"]


def test_every_missing_id_is_named(file):
    ids = [f"m{i}" for i in range(40)]
    compounds = gather([Row("a", name, "C" * k, 1, k) for k, name in enumerate(["c0", *ids], 1)])["a"]
    with pytest.raises(InputError, match="no vector for 40 of 41 compounds: ") as caught:
        described(compounds, file("id,f\nc0,1\n"))
    assert all(f"'{name}'" in str(caught.value) for name in ids)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,f\nc0,1\n", "names no compounds; add id, compound_id or smiles"),
        ("id,smiles\nc0,C\n", "holds no numbers beside its names"),
        ("id,f\nc0,1\nc0,2\n", "compound 'c0' has two different vectors"),
        ("id,f\nc0,x\n", "'x' in column 'f', row 'c0' is not a number"),
        ("id,f,g\nc0,1,2\nc1,3,\n", "'c1' has no value in column 'g'; fill it in"),
        ("id,f\nc0,inf\n", "1 infinite values"),
        ("id,f\n,1\n", "compound name in data row 1 is empty"),
    ],
)
def test_faults(file, text, message):
    with pytest.raises(InputError, match=message) as caught:
        described(COMPOUNDS, file(text))
    assert "v.csv" in str(caught.value)


def test_faults_of_npz(tmp_path, file):
    path = tmp_path / "v.npz"
    x, ids = np.zeros((2, 3)), np.array(["a", "b"])
    for arrays, message in (
        ({"x": x, "id": ids.astype(object)}, "is no .npz of plain arrays"),
        ({"x": x, "id": ids[:1]}, r"id has shape \(1,\), but x has 2 rows"),
        ({"y": x, "id": ids}, "has no array x of numbers"),
        ({"x": ids, "id": ids}, "has no array x of numbers"),
        ({"x": x}, "names no compounds"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(InputError, match=message):
            vector_table(path)
    with pytest.raises(InputError, match=r"is no .npz of plain arrays"):
        vector_table(file("text", "t.npz"))
    with pytest.raises(InputError, match="there is no file"):
        vector_table(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00{}", b"", b"x" * 100])
def test_what_is_no_npz_by_its_content(tmp_path, content):
    (tmp_path / "v.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"v\.npz is no \.npz of plain arrays"):
        _from_npz(tmp_path / "v.npz")


def test_a_flipped_bit_of_a_packed_npz(tmp_path):
    np.savez_compressed(
        tmp_path / "v.npz", x=np.arange(400.0).reshape(20, 20), id=np.array([f"c{i}" for i in range(20)])
    )
    sound = (tmp_path / "v.npz").read_bytes()
    for at in range(0, len(sound), 7):
        content = bytearray(sound)
        content[at] ^= 4
        (tmp_path / "v.npz").write_bytes(content)
        with suppress(InputError):
            assert _from_npz(tmp_path / "v.npz")["v3"].tolist() == np.arange(3.0, 400, 20).tolist()


def test_arrays_that_no_memory_holds(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "v.npz", x=np.zeros((2000, 2000)))
    monkeypatch.setenv("TLJAX_MAX_GB", "0.01")
    with pytest.raises(InputError, match=r"its arrays would take 0.0 GB, over 0.01"):
        _from_npz(tmp_path / "v.npz")
