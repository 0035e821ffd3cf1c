"""Broken weight files and gene lists: one line; nothing but sound weights passes where the format has checksums."""

import numpy as np
import pytest
from counted import FEW
from judged import judged_each
from mutations import damaged

pytest.importorskip("h5py", reason="weight files need tl_jax[weights]")
pytest.importorskip("safetensors")

from weight_files import TWO_STEP, hdf5_here, sound_files

from tl_jax.data.cohort.gene_list import read_gene_list
from tl_jax.study.weights.imported import open_weights
from tl_jax.trees import flatten

# kind: (forms, whether the format has checksums)
KINDS = {
    "npz": (["npz"], True),
    "own safetensors": (["own safetensors"], True),
    "pytorch": (["pytorch"], True),
    "safetensors": (["safetensors"], False),
    "keras": (["keras 2", "keras 3", "keras archive"], False),
}
SAYS_ITSELF = ("npz", "own safetensors", "keras archive")


@pytest.mark.parametrize("kind", list(KINDS))
def test_damaged_weights(tmp_path, slow, kind, monkeypatch):
    forms, exact = KINDS[kind]
    if not slow:  # the slow run uses the process of its own that damage may crash
        monkeypatch.setattr("tl_jax.weights.keras_file.read_hdf5", hdf5_here)
    path = tmp_path / "w.bin"

    def leaves(form):
        opened = open_weights(path, activations=() if form in SAYS_ITSELF else TWO_STEP)
        return {name: np.asarray(leaf) for name, leaf in flatten(opened.variables["params"]).items()}

    sound = {}
    for form in forms:
        path.write_bytes(sound_files()[form])
        sound[form] = leaves(form)

    def make(rng):
        form = rng.choice(forms)
        path.write_bytes(damaged(sound_files()[form], rng))
        return form

    def same(form, found):
        assert {n: v.shape for n, v in found.items()} == {n: v.shape for n, v in sound[form].items()}
        for name, values in found.items():
            assert np.isfinite(values).all()
            assert not exact or np.array_equal(values, sound[form][name]), name

    assert judged_each(kind, slow, make, leaves, "w.bin", place=tmp_path, same=same) > 3 // FEW


def test_damaged_gene_lists(tmp_path, slow):
    path = tmp_path / "genes.txt"

    def make(rng):
        path.write_bytes(damaged("\n".join(["MGMT", "TP53", "EGFR", "MYC", "PTEN", ""]).encode(), rng))
        return path

    def same(path, found):
        lines = [line.strip().strip('"').strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        lines = [line for line in lines if line]
        assert found == (lines[1:] if len(lines) == 6 else lines)
        assert len(set(found)) == 5

    judged_each("gene list", slow, make, lambda p: read_gene_list(p, 5), "genes.txt", place=tmp_path, same=same)
