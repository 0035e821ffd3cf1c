"""Weights from outside as a checkpoint: predictions, genes by name, scaler and scale, lineage, and the way back."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "weights"))
from torch_writer import state_dict
from weight_writer import blocks_twin, dense_layers, norm_layers, state_dict_of, two_step_twin

from tl_jax.checkpoint import load_stage
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.errors import InputError
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.compounds.predict import load_model, predict_smiles, predict_vectors
from tl_jax.study.core.lineage import lineage_text
from tl_jax.study.weights.exported import export_model
from tl_jax.study.weights.import_weights import Wishes, import_weights
from tl_jax.study.weights.imported import Meaning
from tl_jax.trees import flatten

ROOT = Path(__file__).resolve().parents[2]

TWO_STEP = ("sigmoid", "softplus", "softplus")
GENES = [f"GENE{k}" for k in (7, 2, 9, 4, 1, 3, 8, 5)]
ACTIVE = ("relu", "relu", "linear")


@pytest.fixture
def world(tmp_path):
    """A network of eight genes as a PyTorch file, its genes, and a table of new samples in another order."""
    dense = dense_layers((8, 4, 3, 1), seed=3)
    tensors = {name: np.ascontiguousarray(values) for name, values in state_dict_of(dense).items()}
    (tmp_path / "model.pth").write_bytes(state_dict(tensors))
    (tmp_path / "genes.txt").write_text("\n".join(GENES) + "\n")
    x = np.random.default_rng(4).normal(6, 2, size=(9, 8))
    frame = pd.DataFrame(x, columns=GENES, index=pd.Index([f"s{k}" for k in range(9)], name="sample"))
    frame[sorted(GENES)].assign(OTHER=1.0).to_csv(tmp_path / "new.csv")
    return tmp_path, dense, frame


def wishes(folder, out="out", meaning=None, **more):
    meaning = {"drug": "x"} if meaning is None else meaning
    given = frozenset({*meaning, *more})
    plain = {"genes": str(folder / "genes.txt"), "activations": TWO_STEP, "weights": folder / "model.pth"}
    return Wishes(out=folder / out, meaning=Meaning(**meaning), given=given, **plain | more)


def brought(folder, out="out", **more):
    """(checkpoint, lines said)."""
    lines = import_weights(wishes(folder, out, **more))
    return folder / out, lines


def table_of(scaler, genes, path):
    pd.DataFrame({"gene": genes, "center": scaler.center, "scale": scaler.scale}).to_csv(path, index=False)


def test_predictions_are_the_networks_own_whatever_the_order_of_genes(world):
    folder, dense, frame = world
    scaler = fit_scaler(frame.to_numpy(np.float32), "robust")
    table_of(scaler, GENES, folder / "scaler.csv")
    scale = {"drug": "temozolomide", "unit": "AUC", "low": 0.2, "high": 0.9, "name": "theirs"}
    path, lines = brought(folder, meaning=scale, scaler=str(folder / "scaler.csv"), scaler_kind="robust")
    found = predict_samples(path, folder / "new.csv")
    raw = two_step_twin(dense, (frame.to_numpy() - scaler.center) / scaler.scale)
    np.testing.assert_allclose(found.table.prediction, 0.2 + raw / 10 * 0.7, rtol=1e-5)
    assert set(found.table.drug) == {"temozolomide"}
    assert set(found.table.unit) == {"AUC"}
    assert found.coverage == 1
    assert not any("no scaler" in line or "no response scale" in line for line in lines)
    swapped = two_step_twin(dense, ((frame.to_numpy() - scaler.center) / scaler.scale)[:, ::-1])
    assert np.abs(swapped - raw).max() > 0.1, "the order must matter for this test to say anything"


def test_a_high_response_that_means_sensitive(world):
    folder, _, _ = world
    plain = {"drug": "x", "unit": "score", "low": 1.0, "high": 3.0}
    high, _ = brought(folder, "a", meaning=plain, scale_by="cohort")
    low, _ = brought(folder, "b", meaning=plain | {"direction": "sensitive"}, scale_by="cohort")
    a, b = (predict_samples(path, folder / "new.csv", scale_by="cohort").table.prediction for path in (high, low))
    np.testing.assert_allclose(a - 1, 3 - b, rtol=1e-6)


def test_without_a_scaler_the_cohort_must_scale(world):
    folder, dense, frame = world
    path, lines = brought(folder, scale_by="cohort")
    assert "no scaler: experiments.predict needs --scale_by=cohort" in " ".join(lines)
    assert "predictions stay on the network's own scale, 0 to 10" in " ".join(lines)
    with pytest.raises(InputError, match="was imported without a scaler: use --scale_by=cohort"):
        predict_samples(path, folder / "new.csv")
    found = predict_samples(path, folder / "new.csv", scale_by="cohort").table
    own = fit_scaler(frame.to_numpy(np.float32), "standard").apply(frame.to_numpy(np.float32))
    np.testing.assert_allclose(found.prediction, two_step_twin(dense, own), rtol=1e-4)
    assert set(found.unit) == {"network output"}
    assert "no scaler of its own" in lineage_text(path)


def test_a_scaler_fitted_on_a_table(world):
    folder, dense, frame = world
    path, _ = brought(folder, fit_scaler_on=str(folder / "new.csv"))
    _, meta = load_stage(path)
    expected = fit_scaler(frame.to_numpy(np.float32), "standard")
    np.testing.assert_allclose(meta["scaler"]["center"], expected.center, rtol=1e-5)
    np.testing.assert_allclose(meta["scaler"]["scale"], expected.scale, rtol=1e-5)
    x = expected.apply(frame.to_numpy(np.float32))
    np.testing.assert_allclose(
        predict_samples(path, folder / "new.csv").table.prediction, two_step_twin(dense, x), 1e-4
    )


def test_golden_tables_in_any_order(golden, tmp_path):
    pytest.importorskip("h5py")
    case = golden("K5_weight_files")
    where = Path(os.environ.get("TLJAX_GOLDEN", ROOT / "../shared/golden")).resolve()
    import_weights(
        Wishes(
            weights=where / "K5_keras2_full_model.h5",
            out=tmp_path / "out",
            meaning=Meaning(drug="x"),
            genes=str(where / "K5_genes.txt"),
            scale_by="none",
        )
    )
    for name, x in (("", "x_five_rows"), ("_other_order", "x_five_rows_other_order")):
        genes = (where / f"K5_genes{name}.txt").read_text().split()
        pd.DataFrame(case[x], [f"s{k}" for k in range(5)], genes).to_csv(tmp_path / "x.csv")
        found = predict_samples(tmp_path / "out", tmp_path / "x.csv").table.prediction
        np.testing.assert_allclose(found, case["prediction_five_rows"][:, 0], atol=1e-6)
        assert np.abs(found - case["prediction_if_order_ignored"][:, 0]).max() > 1e-3
    genes = (where / "K5_genes_superset_other_order.txt").read_text().split()
    rows = pd.DataFrame(case["x_five_rows_superset_other_order"], [f"s{k}" for k in range(5)], genes)
    rows.to_csv(tmp_path / "x.csv")
    found = predict_samples(tmp_path / "out", tmp_path / "x.csv").table.prediction
    np.testing.assert_allclose(found, case["prediction_five_rows"][:, 0], atol=1e-6)


# Onto a cohort's genes


@pytest.fixture
def like(world, monkeypatch):
    """like(genes): a cohort of these genes for --like."""
    from types import SimpleNamespace

    def make(genes):
        named = SimpleNamespace(genes=np.array(genes))
        monkeypatch.setattr("tl_jax.study.weights.import_weights.load_cohort", lambda cohort, data_dir: named)
        return "a.toml"

    return make


def test_weights_are_brought_onto_a_cohorts_genes_by_name(world, like):
    folder, dense, frame = world
    before, _ = brought(folder, "before", scale_by="none")
    after, lines = brought(folder, "after", scale_by="none", like=like(sorted(GENES)))
    kernel = load_stage(after)[0]["params"]["layer1"]["kernel"]
    assert np.array_equal(kernel, dense[0]["kernel"][np.argsort(GENES)])
    small = frame / 10
    small.to_csv(folder / "small.csv")
    a, b = (predict_samples(path, folder / "small.csv").table.prediction for path in (before, after))
    np.testing.assert_allclose(a, b, rtol=1e-6)
    assert "0 genes of the cohort are not in the weights" in " ".join(lines)


def test_genes_that_only_one_side_has_are_refused_or_counted(world, like):
    folder, dense, _ = world
    more = [*sorted(GENES)[2:], "NEW1", "NEW2", "NEW3"]
    cohort = like(more)
    with pytest.raises(InputError, match=r"3 genes of the cohort are not in the weights, first 'NEW1'.*=zero_weight"):
        brought(folder, scale_by="none", like=cohort)
    with pytest.raises(InputError, match=r"2 genes of the weights are not in the cohort, first 'GENE1'.*=drop"):
        brought(folder, scale_by="none", like=cohort, missing_genes="zero_weight")
    how = {"missing_genes": "zero_weight", "extra_genes": "drop"}
    path, lines = brought(folder, scale_by="none", like=cohort, **how)
    variables, meta = load_stage(path)
    kernel = variables["params"]["layer1"]["kernel"]
    assert not kernel[6:].any()
    assert np.array_equal(kernel[:6], dense[0]["kernel"][[GENES.index(g) for g in more[:6]]])
    assert meta["genes"] == more
    assert (meta["origin"]["genes_of_zero_weight"], meta["origin"]["genes_dropped"]) == (3, 2)
    assert "3 genes of the cohort are not in the weights and add nothing; 2 genes of the weights" in " ".join(lines)
    x = np.random.default_rng(0).normal(size=(4, 9))
    other = np.where(np.arange(9) < 6, x, 9.0)
    found = []
    for values in (x, other):
        pd.DataFrame(values, list("abcd"), more).to_csv(folder / "t.csv")
        found.append(predict_samples(path, folder / "t.csv").table.prediction)
    np.testing.assert_array_equal(*found)
    with pytest.raises(InputError, match="none of the 2 genes is in the weights"):
        brought(folder, "none", scale_by="none", like=like(["P", "Q"]), **how)
    assert not (folder / "none").exists()


# Refusals


def lines_of(*names):
    return "\n".join(names)


GENE_LISTS = [
    (lines_of(*GENES[:-1]), "names 7 genes, the weights take 8"),
    (lines_of(*GENES, "X", "Y"), "names 10 genes, the weights take 8"),
    (lines_of(*GENES, "X"), "names 9 genes, the weights take 8"),
    (lines_of(*GENES[:-1], GENES[2]), r"names 'GENE9' twice \(genes 3 and 8\)"),
    (lines_of(*GENES[:3], "", *GENES[3:]), "line 4, holds no names"),
    (lines_of(*GENES[:-1], "A,B"), "line 8, holds 2 names"),
    ("", "names 0 genes"),
]


@pytest.mark.parametrize(("text", "words"), GENE_LISTS)
def test_a_list_of_genes_that_would_mix_up_weights_is_refused(world, text, words):
    folder = world[0]
    (folder / "genes.txt").write_text(text)
    with pytest.raises(InputError, match=words):
        brought(folder, scale_by="none")
    assert not (folder / "out").exists()


def test_a_list_of_genes_as_other_programs_write_it(world):
    folder = world[0]
    plain, _ = brought(folder, "plain", scale_by="none")
    for number, text in enumerate(("\ufeff{}\r\n", "gene\n{}", '"{}"\n\n', " {} ")):
        joined = {0: "\r\n", 2: '"\n"'}.get(number, "\n").join(GENES)
        (folder / "genes.txt").write_bytes(text.format(joined).encode())
        path, _ = brought(folder, f"n{number}", scale_by="none")
        assert load_stage(path)[1]["genes"] == load_stage(plain)[1]["genes"] == GENES


REFUSED = [
    ({}, None, "one of --scaler, --fit_scaler_on and --scale_by must say"),
    ({"scale_by": "none", "fit_scaler_on": "new.csv"}, None, "one of --scaler, --fit_scaler_on and --scale_by"),
    ({"scale_by": "none"}, {}, "--drug is missing"),
    ({"scale_by": "none"}, {"drug": "x", "low": 1.0}, "--low, --high and --unit say together"),
    ({"scale_by": "none"}, {"drug": "x", "unit": "AUC"}, "--low, --high and --unit say together"),
    ({"scale_by": "none"}, {"drug": "x", "unit": "AUC", "low": 2.0, "high": 1.0}, "needs low < high and a unit"),
    ({"scale_by": "none"}, {"drug": "x", "unit": "label", "low": 0.0, "high": 1.0}, "is that of compounds"),
    ({"scale_by": "none", "genes": None}, None, "--genes is missing: the 8 genes"),
    ({"scale_by": "none", "missing_genes": "zero_weight"}, None, "--missing_genes changes nothing without --like"),
    ({"scale_by": "none", "activations": ()}, None, "does not say its activations"),
    ({"scale_by": "none", "sha256": "0" * 64}, None, "has SHA-256 .*, not that of --sha256; fetch it again"),
    ({"scale_by": "none", "weights": Path("nowhere.h5")}, None, "nowhere.h5 is no file"),
    ({"scaler": "few.csv"}, None, "has no row for 7 of 8 genes, first 'GENE2'"),
    ({"scaler": "flat.csv"}, None, "gene 'GENE9' needs a finite center and a scale above 0"),
    ({"scaler": "twice.csv"}, None, "has two rows for gene 'GENE7'"),
    ({"fit_scaler_on": "few_genes.csv"}, None, "lacks 3 of 8 genes, first"),
]


@pytest.mark.parametrize(("more", "meaning", "words"), REFUSED)
def test_bad_wishes_are_refused_before_anything_is_written(world, more, meaning, words, monkeypatch):
    folder, _, frame = world
    monkeypatch.chdir(folder)
    rows = pd.DataFrame({"gene": GENES, "center": 1.0, "scale": 2.0})
    rows.iloc[:1].to_csv("few.csv", index=False)
    rows.assign(scale=np.where(rows.gene == "GENE9", 0, 1)).to_csv("flat.csv", index=False)
    pd.concat([rows, rows]).to_csv("twice.csv", index=False)
    frame.iloc[:, :5].to_csv("few_genes.csv")
    with pytest.raises(InputError, match=words) as fault:
        brought(folder, meaning=meaning, **more)
    assert "\n" not in str(fault.value)
    assert not (folder / "out").exists()


def test_an_existing_folder_is_left_alone(world):
    folder = world[0]
    path, _ = brought(folder, scale_by="none")
    before = (path / "stage.json").read_bytes()
    with pytest.raises(InputError, match="exists; choose another"):
        brought(folder, scale_by="none")
    assert (path / "stage.json").read_bytes() == before


def test_the_record_names_its_origin_and_no_place_on_this_machine(world):
    folder = world[0]
    path, _ = brought(folder, scale_by="none")
    text = (path / "stage.json").read_text()
    meta = json.loads(text)
    assert str(folder) not in text
    assert meta["origin"]["file"] == "model.pth"
    assert meta["origin"]["format"] == "PyTorch state dict"
    assert len(meta["origin"]["sha256"]) == 64
    assert meta["origin"]["layers"] == ["l1", "l2", "layer_out"]
    lines = lineage_text(path)
    assert "import, PyTorch state dict file model.pth, sha256" in lines
    assert "samples and data not known" in lines
    again, _ = brought(folder, "again", scale_by="none")
    assert load_stage(again)[1]["id"] == meta["id"]


# The way back


@pytest.fixture
def whole(world):
    """(folder, checkpoint with a scaler and a response scale)."""
    folder, _, frame = world
    table_of(fit_scaler(frame.to_numpy(np.float32), "robust"), GENES, folder / "scaler.csv")
    meaning = {"drug": "temozolomide", "unit": "AUC", "low": 0.1, "high": 0.7}
    return folder, brought(folder, "whole", meaning=meaning, scaler=str(folder / "scaler.csv"))[0]


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_export_and_import_change_nothing(whole, ending):
    pytest.importorskip("safetensors")
    folder, path = whole
    file, _ = export_model(path, folder / f"model{ending}")
    import_weights(Wishes(weights=file, out=folder / "back"))
    (a, one), (b, two) = load_stage(path), load_stage(folder / "back")
    flat_a, flat_b = flatten(a["params"]), flatten(b["params"])
    assert list(flat_a) == list(flat_b)
    assert all(flat_a[k].tobytes() == flat_b[k].tobytes() and flat_a[k].dtype == flat_b[k].dtype for k in flat_a)
    for key in ("genes", "scaler", "response_scale", "transform", "network", "drug"):
        assert one[key] == two[key], key
    assert [s["id"] for s in two["ancestors"]] == [*(s["id"] for s in one["ancestors"]), one["id"]]
    first, second = (predict_samples(p, folder / "new.csv").table for p in (path, folder / "back"))
    pd.testing.assert_frame_equal(first, second)
    again, _ = export_model(folder / "back", folder / f"again{ending}")
    import_weights(Wishes(weights=again, out=folder / "third"))
    assert len(load_stage(folder / "third")[1]["ancestors"]) == len(two["ancestors"]) + 1
    assert lineage_text(folder / "third").count("imported: ") == 3


def test_a_model_without_a_scaler_comes_back_without(world):
    folder = world[0]
    path, _ = brought(folder, scale_by="cohort")
    file, _ = export_model(path, folder / "m.npz")
    import_weights(Wishes(weights=file, out=folder / "back"))
    assert load_stage(folder / "back")[1]["scaler"] == load_stage(path)[1]["scaler"]
    with pytest.raises(InputError, match="--unit: a file of export_weights says this itself"):
        import_weights(Wishes(weights=file, out=folder / "b2", meaning=Meaning(unit="AUC"), given=frozenset({"unit"})))
    (folder / "genes.txt").write_text(lines_of(*sorted(GENES)))
    with pytest.raises(InputError, match="differs from the genes in the file itself"):
        import_weights(Wishes(weights=file, out=folder / "b2", genes=str(folder / "genes.txt")))


def test_exports_that_are_refused(whole):
    folder, path = whole
    with pytest.raises(InputError, match=r"must end in \.npz or \.safetensors"):
        export_model(path, folder / "model.h5")
    (folder / "model.npz").write_text("mine")
    with pytest.raises(InputError, match="exists; choose another or add --overwrite"):
        export_model(path, folder / "model.npz")
    with pytest.raises(InputError, match="no checkpoint at"):
        export_model(folder / "nowhere", folder / "other.npz")
    assert not (folder / "other.npz").exists()
    assert (folder / "model.npz").read_text() == "mine"
    export_model(path, folder / "model.npz", overwrite=True)
    assert np.load(folder / "model.npz")["genes"].tolist() == GENES


def test_the_page_s_plain_numpy_gives_our_predictions(whole):
    """The example of docs/weights.md runs as it stands, without tl_jax, and agrees."""
    folder, path = whole
    page = (ROOT / "docs" / "weights.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 12
    assert "tl_jax" not in example
    export_model(path, folder / "model.npz")
    (folder / "new.csv").rename(folder / "new_samples.csv")
    (folder / "example.py").write_text(example + "\nnp.save('found.npy', prediction)\n")
    done = subprocess.run([sys.executable, "example.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = predict_samples(path, folder / "new_samples.csv").table.prediction
    np.testing.assert_allclose(np.load(folder / "found.npy"), expected, rtol=1e-5)


# Models of compounds


def blocks(folder, features=5):
    dense, norms = dense_layers((features, 4, 3, 1)), norm_layers()
    tensors = {name: np.ascontiguousarray(values) for name, values in state_dict_of(dense, norms).items()}
    (folder / "blocks.pth").write_bytes(state_dict(tensors))
    return dense, norms


def test_a_network_with_batch_norms_is_a_model_of_compounds(tmp_path):
    dense, norms = blocks(tmp_path)
    how = {"weights": tmp_path / "blocks.pth", "activations": ACTIVE}
    import_weights(Wishes(out=tmp_path / "out", **how))
    x = np.random.default_rng(0).normal(size=(6, 5)).astype("f4")
    np.savez(tmp_path / "x.npz", x=x, id=np.array([f"c{k}" for k in range(6)]))
    found = predict_vectors(load_model(tmp_path / "out"), tmp_path / "x.npz")
    expected = blocks_twin(dense, norms, x, 1e-5)
    np.testing.assert_allclose(found.logit, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.probability, expit(expected), atol=1e-5)
    with pytest.raises(InputError, match="give it --vectors, not SMILES"):
        predict_smiles(load_model(tmp_path / "out"), tmp_path / "x.csv")
    with pytest.raises(InputError, match="--low changes nothing: a network with batch norms is one of compounds"):
        import_weights(Wishes(out=tmp_path / "b", meaning=Meaning(low=1.0), given=frozenset({"low"}), **how))
    file, _ = export_model(tmp_path / "out", tmp_path / "m.npz")
    import_weights(Wishes(weights=file, out=tmp_path / "back"))
    again = predict_vectors(load_model(tmp_path / "back"), tmp_path / "x.npz")
    pd.testing.assert_frame_equal(found, again)


@pytest.mark.parametrize("family", ["gpcr", "transporter"])
def test_the_shipped_models_of_compounds_give_their_logits(golden, family, tmp_path):
    from test_torch_weights import checkpoint

    case = golden("T3_tl4dti_checkpoints")
    sha256 = str(case[f"{family}_checkpoint_sha256"])
    import_weights(Wishes(weights=checkpoint(sha256), out=tmp_path / "out", activations=ACTIVE, sha256=sha256))
    np.savez(tmp_path / "x.npz", x=case["x"], id=np.array([f"c{k}" for k in range(8)]))
    found = predict_vectors(load_model(tmp_path / "out"), tmp_path / "x.npz")
    np.testing.assert_allclose(found.logit, case[f"{family}_logit"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.probability, case[f"{family}_probability"], atol=1e-5)
    assert "sha256 " + sha256[:12] in lineage_text(tmp_path / "out")
