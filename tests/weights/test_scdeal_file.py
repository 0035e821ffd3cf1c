"""scDEAL's own files: their networks' numbers again, cells scored by name, and what is refused in one line."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
from scripting import script
from torch_writer import known, saved, state_dict

from tl_jax.errors import InputError
from tl_jax.study.cells.theirs import opened, predict_theirs, probabilities

GENES = ["EGFR", "BRAF", "KRAS", "KIT", "PTEN", "RB1"]


def linear(name, random, inside, units):
    return {f"{name}.weight": random.normal(size=(units, inside)), f"{name}.bias": random.normal(size=units)}


def block(name, random, inside, units):
    norm = {f"{name}.1.{leaf}": random.normal(size=units) for leaf in ("weight", "bias", "running_mean")}
    more = {f"{name}.1.running_var": random.uniform(0.5, 2, units), f"{name}.1.num_batches_tracked": np.array([7])}
    return linear(f"{name}.0", random, inside, units) | norm | more


def network(prefix="", predictor=True, genes=6, seed=1, outputs=2):
    """The state dict of an autoencoder, or of a network whose decoder was deleted for a predictor."""
    random = np.random.default_rng(seed)
    own = block(f"{prefix}encoder.0", random, genes, 5) | block(f"{prefix}encoder.1", random, 5, 4)
    own |= linear(f"{prefix}bottleneck", random, 4, 3)
    if predictor:
        own |= block(f"{prefix}predictor.predictor.0", random, 3, 4)
        own |= linear(f"{prefix}predictor.output.0", random, 4, outputs)
    else:
        own |= linear(f"{prefix}decoder_input", random, 3, 4) | block(f"{prefix}decoder.0", random, 4, 5)
        own |= linear(f"{prefix}final_layer.0", random, 5, genes)
    return {k: np.asarray(v, "i8" if k.endswith("tracked") else "f4") for k, v in own.items()}


def dann():
    return network("source_model.", genes=9) | network("target_model.", predictor=False, seed=2)


def written(folder, tensors):
    path = folder / "theirs_DaNN.pkl"
    path.write_bytes(state_dict(tensors))
    return path


def by_hand(t, x):
    """PyTorch's forward pass in eval mode of the target's encoder and the source's predictor, in float64."""

    def run(h, name):
        h = h @ t[f"{name}.0.weight"].astype("f8").T + t[f"{name}.0.bias"]
        h = (h - t[f"{name}.1.running_mean"]) / np.sqrt(t[f"{name}.1.running_var"].astype("f8") + 1e-5)
        return h * t[f"{name}.1.weight"] + t[f"{name}.1.bias"]

    h = run(run(x, "target_model.encoder.0"), "target_model.encoder.1")
    h = h @ t["target_model.bottleneck.weight"].T + t["target_model.bottleneck.bias"]
    h = np.maximum(run(h, "source_model.predictor.predictor.0"), 0)
    h = h @ t["source_model.predictor.output.0.weight"].T + t["source_model.predictor.output.0.bias"]
    return 1 / (1 + np.exp(-h))


@pytest.fixture
def cells(tmp_path):
    """A table of log values with a gene too many, in another order than the networks'."""
    random = np.random.default_rng(4)
    names = [GENES[k] for k in (3, 0, 5, 1, 4, 2)] + ["ALK"]
    table = pd.DataFrame(random.gamma(2, 0.7, size=(12, 7)), [f"cell{k}" for k in range(12)], names)
    table.to_csv(tmp_path / "cells.csv", index_label="cell")
    (tmp_path / "genes.txt").write_text("\n".join(GENES) + "\n")
    return table


def test_cells_get_what_pytorch_gives_them(tmp_path, cells):
    tensors = dann()
    path = written(tmp_path, tensors)
    table, found = predict_theirs(path, str(tmp_path / "genes.txt"), tmp_path / "cells.csv")
    x = cells[GENES].to_numpy()
    wanted = by_hand(tensors, (x - x.min(axis=0)) / np.ptp(x, axis=0))
    np.testing.assert_allclose(table[["rest_score", "sens_score"]], wanted, atol=1e-5)
    np.testing.assert_array_equal(table["sens_label"], wanted.argmax(axis=1))
    assert table["cell"].tolist() == cells.index.tolist()
    assert found["model"]["format"] == "scDEAL after transfer"
    assert "all 6 genes of the networks found" in found["notes"]


def test_golden_networks_through_a_file(golden, tmp_path):
    """PyTorch's own numbers: the golden weights, written as the code would save them."""
    case, tensors = golden("S1_scdeal"), {}
    for name, value in case.items():
        side, _, rest = name.partition("_")
        parts = {"source": "source_model.", "target": "target_model.", "predictor": "source_model.predictor."}
        if side not in parts or not rest.endswith(("kernel", "bias", "scale", "running_mean", "running_var")):
            continue
        module, leaf = rest.rsplit("_", 2 if "running" in rest else 1)[0], rest.split("_", rest.count("_"))[-1]
        leaf = {"kernel": "weight", "scale": "weight", "mean": "running_mean", "var": "running_var"}.get(leaf, leaf)
        place = torch_name(module, side == "predictor")
        if place:
            tensors[f"{parts[side]}{place}.{leaf}"] = value.T.copy() if rest.endswith("kernel") else value
    networks, _ = opened(written(tmp_path, tensors))
    sens, rest = probabilities(networks, case["target_x"])
    np.testing.assert_allclose(np.stack([rest, sens], 1), case["target_predictor_sigmoid"], atol=1e-5)


def torch_name(module, predictor):
    """encoder_block1_linear -> encoder.0.0, as far as it is part of a score."""
    if module in ("bottleneck", "output"):
        return {"bottleneck": "bottleneck", "output": "output.0"}[module]
    for begins, ours in (("encoder_block", "encoder"), ("block", "predictor")):
        if module.startswith(begins) and (ours == "predictor") == predictor:
            number, _, kind = module.removeprefix(begins).partition("_")
            return f"{ours}.{int(number) - 1}.{1 if kind == 'bn' else 0}"
    return None


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (network(predictor=False), "holds no encoder with a predictor on it"),
        (network() | linear("fc_mu", np.random.default_rng(0), 4, 3), "a layer fc_mu that no network of scDEAL has"),
        (network(outputs=1), "has 1 outputs where scDEAL has 2"),
        ({k: v for k, v in network().items() if "encoder.1.1" not in k}, "encoder2 has no batch norm of its own width"),
        ({k.replace("encoder.1", "encoder.2"): v for k, v in network().items()}, "not numbered one after another"),
        (network("source_model."), "does not hold one network, or source_model and target_model"),
        (network() | {"bottleneck.weight": np.ones((3, 9), "f4")}, "encoder2 gives 4 numbers, bottleneck takes others"),
        (network() | {"bottleneck.bias": np.full(3, np.nan, "f4")}, "not finite"),
    ],
)
def test_what_is_no_network_of_scdeal_is_refused(tensors, message, tmp_path):
    with pytest.raises(InputError, match=message):
        opened(written(tmp_path, tensors))


def test_a_file_that_would_run_something_is_not_run(tmp_path):
    path = tmp_path / "evil.pkl"
    path.write_bytes(saved(known("os.system") + b"(X\x04\x00\x00\x00true" + b"tR"))
    with pytest.raises(InputError, match=r"evil\.pkl"):
        opened(path)


def test_the_script_scores_by_name_and_refuses_other_genes_in_one_line(tmp_path, cells):
    written(tmp_path, dann())
    asked = "--model=theirs_DaNN.pkl", "--cells=cells.csv"
    code, _, err = script("scdeal_predict", *asked, "--genes=genes.txt", "--out=out", folder=tmp_path)
    assert code == 0, err
    assert len(pd.read_csv(tmp_path / "out" / "cells.csv")) == 12
    (tmp_path / "other.txt").write_text("\n".join([*GENES[:4], "TP53", "MYC"]) + "\n")
    for more, message in (
        (["--genes=other.txt"], "cells.csv lacks 2 of the 6 genes of these networks ('TP53', 'MYC')"),
        ([], "--genes is missing"),
        (["--genes=genes.txt", "--nosmoothed"], "--smoothed changes nothing for a PyTorch file"),
    ):
        code, _, err = script("scdeal_predict", *asked, *more, "--out=bad", folder=tmp_path)
        assert (code, err.count("\n")) == (2, 1)
        assert message in err
        assert not (tmp_path / "bad").exists()
