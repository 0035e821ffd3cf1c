"""import_weights and export_weights as a user runs them: what is said, exit codes, one line on bad input."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "weights"))
from scripting import script
from torch_writer import state_dict
from weight_writer import dense_layers, state_dict_of

ASKED = ("--weights=model.pth", "--genes=genes.txt", "--drug=x", "--scale_by=cohort", "--out=kept")


def test_in_out_and_in_again(tmp_path):
    tensors = {name: np.ascontiguousarray(values) for name, values in state_dict_of(dense_layers()).items()}
    (tmp_path / "model.pth").write_bytes(state_dict(tensors))
    (tmp_path / "genes.txt").write_text("A\nB\nC\nD\nE\n")
    code, _, err = script("import_weights", *ASKED, folder=tmp_path)
    assert code == 2
    assert err.count("\n") == 1
    assert "error: model.pth does not say its activations" in err
    assert not (tmp_path / "kept").exists()
    code, out, err = script("import_weights", *ASKED, "--activations=sigmoid,softplus,softplus", folder=tmp_path)
    assert code == 0, err
    assert "two_step 5 > 4 > 3 > 1" in out + err
    code, _, err = script("export_weights", "kept", "--out=model.npz", folder=tmp_path)
    assert code == 0, err
    assert np.load(tmp_path / "model.npz")["genes"].tolist() == list("ABCDE")
