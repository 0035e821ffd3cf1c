"""Final models of compounds and their predictions: what they saw, what they keep, what they say of the unfamiliar."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import matthews_corrcoef, roc_auc_score

pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")
sys.path.insert(0, str(Path(__file__).parents[1] / "weights"))
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from torch_writer import state_dict

from tl_jax.checkpoint import REQUIRED, save_stage
from tl_jax.data.compounds.compounds import Compounds, read_compounds
from tl_jax.data.compounds.fingerprints import bit_names, ecfp
from tl_jax.data.compounds.simulate_compounds import simulated_table
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.reach import WITHIN
from tl_jax.models import build
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.compounds.finals import planned
from tl_jax.study.compounds.known import FILE, keep_known, sparse
from tl_jax.study.compounds.predict import COLUMNS, load_model, predict_smiles, predict_vectors
from tl_jax.study.compounds.settings import DtiSettings
from tl_jax.study.compounds.setup import as_domain, make_setup
from tl_jax.study.compounds.study import load_setup, run_dti
from tl_jax.study.core.lineage import lineage_text
from tl_jax.study.core.stages import Shelf, StagePlan, TrainedStage, describe, train_stages
from tl_jax.system.parts import pack, unpack
from tl_jax.transfer import strategies

ALIENS = {"glycerin": "OCC(O)CO", "chloroform": "ClC(Cl)Cl", "propyl alcohol": "CCCO", "water": "O"}


def make(folder, **changes):
    small = {"hidden": (8, 4), "repeats": 2, "sizes": (6,), "epochs": 6, "source_epochs": 6, "batch_size": 32}
    given = {"sources": ("beta",), "methods": ("scratch", "mode1"), "final": ("mode1", "scratch"), "bits": 256}
    return DtiSettings(**{**small, **given, "learning_rate": 1e-2, "checkpoint_dir": str(folder), **changes})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    settings = make(tmp_path_factory.mktemp("finals"))
    return run_dti(settings, load_setup(settings))


@pytest.fixture(scope="module")
def stages(study):
    return dict(zip(("source", "mode1", "scratch"), study.stages, strict=True))


@pytest.fixture
def write(tmp_path):
    def table(text, name="new.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return table


def by_hand(variables, x):
    """The slow twin: the network's logits in float64."""
    h, params = np.asarray(x, "f8"), variables["params"]
    for k in range(1, len(params) // 2 + 1):
        layer, norm = ({n: np.asarray(v, "f8") for n, v in params[f"{kind}{k}"].items()} for kind in ("layer", "bn"))
        z = (h @ layer["kernel"] + layer["bias"] - norm["mean"]) / np.sqrt(norm["var"] + 1e-5)
        h = np.maximum(z * norm["scale"] + norm["bias"], 0)
    return (h @ np.asarray(params["head"]["kernel"], "f8") + np.asarray(params["head"]["bias"], "f8"))[:, 0]


def test_a_final_model_sees_the_pool_and_nothing_of_the_test_set(study, stages):
    setup = study.setup
    pool, test = (set(setup.target.samples[rows]) for rows in (setup.split.train, setup.split.test))
    for name in ("mode1", "scratch"):
        domain = stages[name].plan.domain
        assert set(domain.samples) == pool
        assert not set(domain.samples) & test
        assert stages[name].meta["samples"] == len(pool) == len(domain)
    assert [a["id"] for a in stages["mode1"].meta["ancestors"]] == [stages["source"].meta["id"]]
    assert stages["scratch"].meta["ancestors"] == []
    assert not test & set(stages["source"].plan.domain.samples)


def test_its_score_is_that_of_the_test_set(study, stages):
    setup = study.setup
    for row in study.finals:
        logit = by_hand(stages[row["arm"]].variables, setup.target.x[setup.split.test])
        assert row["mcc"] == pytest.approx(matthews_corrcoef(setup.truth, logit > 0))
        assert row["auroc"] == pytest.approx(roc_auc_score(setup.truth, logit))
        assert row["source"] == ("beta" if row["arm"] == "mode1" else "")
    for table in study.reach:
        assert table["n"].sum() == len(setup.truth)


def test_it_is_found_again_and_read_back(study, stages):
    again = run_dti(study.settings, study.setup)
    assert [stage.reused for stage in again.stages] == [True] * 3
    assert again.finals == study.finals
    text = lineage_text(stages["mode1"].path)
    assert stages["source"].meta["id"] in text
    assert "256 features of compounds, response 1 (active) or 0, verified" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"final": ("mode2_1",)}, "--final=mode2_1: no network of this study; there are: scratch, mode1"),
        ({"final": ("mode1",), "methods": ("shallow",)}, "there are: none"),
        ({"final_source": "gamma"}, "--final_source=gamma: no source of this study; there are: beta"),
        ({"final": (), "final_source": "beta"}, "changes nothing without --final"),
        ({"final": ("scratch",), "final_source": "beta"}, "changes nothing: scratch starts from no source"),
        ({"protocol": "as_published"}, "leave out --protocol=as_published"),
        ({"epoch": "validation"}, "--epoch but for fixed"),
        ({"final": ("zero_shot",), "strategies": ("zero_shot",)}, "--strategy=zero_shot: name it in --methods instead"),
    ],
)
def test_what_cannot_be_final_is_refused_before_any_training(study, changes, words):
    with pytest.raises(InputError) as caught:
        run_dti(replace(study.settings, **changes), study.setup, pytest.fail)
    assert words in str(caught.value)


@pytest.mark.parametrize("counts", [False, True])
def test_training_compounds_are_kept_as_they_were(counts):
    x = ecfp(simulated_table(size=20)["smiles"], 128, counts=counts)
    x[3] = 0
    kept = sparse(x)
    back = np.zeros_like(x)
    back[np.repeat(np.arange(len(x)), kept["lengths"]), kept["columns"]] = kept["values"]
    np.testing.assert_array_equal(back, x)
    assert sum(part.nbytes for part in kept.values()) < x.nbytes / 5


def test_a_model_remembers_how_compounds_were_described(study, stages):
    for stage in stages.values():
        known = load_model(stage.path).known
        np.testing.assert_array_equal(known.x, stage.plan.domain.x)
        assert (known.bits, known.radius, known.counts, known.stereo, known.vectors) == (256, 2, False, False, False)
        assert known.active == stage.plan.domain.response.mean()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path: path.unlink(), f"does not say how compounds were described ({FILE} is missing)"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is damaged (cut short or changed)"),
        (
            lambda path: path.write_bytes(pack({**unpack(path.read_bytes()), "identity": np.asarray("x y")})),
            "another c",
        ),
        (lambda path: path.write_bytes(pack({**unpack(path.read_bytes()), "radius": np.asarray(3)})), "another way"),
    ],
)
def test_a_file_that_is_not_the_models_own_is_refused_and_written_anew(study, stages, tmp_path, harm, words):
    moved = replace(stages["scratch"], path=tmp_path / stages["scratch"].path.name)
    shutil.copytree(stages["scratch"].path, moved.path)
    harm(moved.path / FILE)
    with pytest.raises(InputError) as caught:
        load_model(moved.path)
    assert words in str(caught.value)
    assert "run its study again" in str(caught.value)
    if "another way" in words:  # its own digest and the model's id are right: only a hand could have made it
        (moved.path / FILE).unlink()
    keep_known(moved, study.settings)
    assert len(load_model(moved.path).known.x) == 500


def test_predictions_are_the_models_own(study, stages, write):
    own = study.setup.compounds.rows(study.setup.split.test)
    lines = [f"{id_},{smiles}" for id_, smiles in zip(own.ids, own.smiles, strict=True)]
    model = load_model(stages["mode1"].path)
    found = predict_smiles(model, write("\n".join(["compound_id,smiles", *lines])))
    assert tuple(found.columns) == COLUMNS
    assert found["id"].tolist() == own.ids.tolist()
    np.testing.assert_allclose(found["logit"], by_hand(stages["mode1"].variables, own.x), atol=1e-4)
    np.testing.assert_allclose(found["probability"], expit(found["logit"]))
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=256)
    train = study.setup.compounds.rows(study.setup.split.train).smiles
    bits, known = ([generator.GetFingerprint(Chem.MolFromSmiles(s)) for s in part] for part in (own.smiles, train))
    nearest = [max(DataStructs.BulkTanimotoSimilarity(one, known)) for one in bits]
    np.testing.assert_allclose(found["nearest_tanimoto"], nearest)
    for one, name, value in zip(bits, found["nearest"], nearest, strict=True):
        assert name in set(stages["mode1"].plan.domain.samples)
        assert DataStructs.TanimotoSimilarity(one, generator.GetFingerprint(Chem.MolFromSmiles(name))) == value
    assert found["in_domain"].tolist() == [value >= WITHIN for value in nearest]
    backwards = predict_smiles(model, write("\n".join(["compound_id,smiles", *lines[::-1]])))
    np.testing.assert_allclose(backwards["logit"][::-1], found["logit"], atol=1e-5)


def test_no_line_is_dropped(study, stages, write):
    training = study.setup.compounds.smiles[study.setup.split.train[0]]
    text = f"id,smiles,note\na,c1ccccc1CN,x\nb,C1CC,x\n,,x\na,c1ccccc1CN,x\nd,{training},x\n"
    found = predict_smiles(load_model(stages["scratch"].path), write(text), within=0.0)
    assert found["id"].tolist() == ["a", "b", "", "a", "d"]
    assert found["probability"].notna().tolist() == [True, False, False, True, True]
    assert found.loc[1, ["logit", "nearest_tanimoto", "in_domain"]].isna().all()
    assert found.loc[1, "nearest"] == ""
    assert Chem.CanonSmiles(found.loc[4, "nearest"]) == Chem.CanonSmiles(training)
    assert found.loc[1, "caution"] == "rdkit cannot read this SMILES: not predicted"
    assert found.loc[2, "caution"] == "no SMILES: not predicted"
    assert found.loc[0, "caution"] == ""
    assert found.loc[0].equals(found.loc[3])
    assert found.loc[4, "nearest_tanimoto"] == 1
    assert "same as a training compound" in found.loc[4, "caution"]


def test_a_file_of_before_training_compounds_were_named_is_read_and_written_anew(study, stages, write, tmp_path):
    path = shutil.copytree(stages["scratch"].path, tmp_path / "older")
    arrays = unpack((path / FILE).read_bytes())
    identity = str(arrays["identity"]).removesuffix(" smiles")
    older = {name: value for name, value in arrays.items() if name != "smiles"} | {"identity": np.asarray(identity)}
    (path / FILE).write_bytes(pack(older))
    table = write("smiles\nc1ccccc1CN\n")
    assert predict_smiles(load_model(path), table)["nearest"].tolist() == [""]
    assert predict_smiles(load_model(path), table)["nearest_tanimoto"].notna().all()
    keep_known(replace(stages["scratch"], path=path), study.settings)
    assert predict_smiles(load_model(path), table)["nearest"].tolist() != [""]


def test_lists_of_nothing_but_smiles(stages, write):
    model = load_model(stages["scratch"].path)
    alone = predict_smiles(model, write("smiles\nCCO\nC1CC\n"))
    assert alone["id"].tolist() == alone["smiles"].tolist() == ["CCO", "C1CC"]
    lost = predict_smiles(model, write("smiles\nC1CC\n"))
    assert lost["probability"].isna().all()
    assert len(lost) == 1


def test_alien_compounds_lie_outside_every_model(stages, write):
    text = "\n".join(["id,smiles", *(f"{name},{smiles}" for name, smiles in ALIENS.items())])
    for stage in stages.values():
        found = predict_smiles(load_model(stage.path), write(text))
        assert found["in_domain"].tolist() == [False] * len(ALIENS)
        assert found["caution"].str.contains("the probability means little").all()
        wide = predict_smiles(load_model(stage.path), write(text), within=0.0)
        assert wide["in_domain"].all()
        assert not wide["caution"].any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,smile\na,C\n", "has no column 'smiles'; did you mean 'smile'"),
        ("id,smiles\n", "holds no compounds"),
        ("id,smiles\na,C,C\n", "line 2: 3 fields, but 2 columns"),
        ("id,smiles,smiles\na,C,C\n", "column 'smiles' occurs 2 times"),
    ],
)
def test_faults_of_a_table_are_one_line(stages, write, text, words):
    with pytest.raises(InputError) as caught:
        predict_smiles(load_model(stages["scratch"].path), write(text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_kind_of_model_asks_for_its_own_table(stages, write, tmp_path):
    with pytest.raises(InputError, match="is a model of compounds; give it --compounds"):
        predict_samples(stages["scratch"].path, write("id,A\nx,1\n"))
    scale = {"low": 0.0, "high": 1.0, "direction": "resistant", "unit": "AUC"}
    record = {name: stages["scratch"].meta[name] for name in REQUIRED[1:] if name in stages["scratch"].meta}
    params = {"params": {"head": {"bias": np.zeros(1, np.float32)}}}
    save_stage(tmp_path / "expression", params, record | {"response_scale": scale})
    with pytest.raises(InputError, match="is a model of expression; give it --expression"):
        load_model(tmp_path / "expression")
    with pytest.raises(InputError, match="trained on fingerprints; give it --compounds"):
        predict_vectors(load_model(stages["scratch"].path), write("id,a\nx,1\n"))


def alone(x, names, settings, folder):
    """An untrained model of compounds described by x, with what is kept beside it."""
    y = np.arange(len(x)) % 2.0
    ids = np.array([f"k{i}" for i in range(len(x))])
    domain = as_domain(Compounds("own", np.asarray(x, "f4"), y, ids, ids, ids, np.asarray(names)))
    plan = StagePlan("source", domain, strategies.get("scratch"), settings.source_recipe)
    variables = build(settings.network).init(jax.random.key(0), x.shape[1])
    meta = describe(plan, settings.network, 1, None)[0]
    stage = TrainedStage(plan, variables, save_stage(folder / "own", variables, meta), meta, False)
    keep_known(stage, settings)
    return load_model(stage.path)


def test_counts_are_counted_for_new_compounds_too(tmp_path, write):
    smiles = simulated_table(size=40)["smiles"]
    x = ecfp(smiles, 256, counts=True)
    assert x.max() > 1
    model = alone(x[:40], bit_names(256), make(tmp_path, counts=True), tmp_path)
    found = predict_smiles(model, write("\n".join(["smiles", *smiles[40:60]])))
    np.testing.assert_allclose(found["logit"], by_hand(model.variables, x[40:60]), atol=1e-4)
    both = np.minimum(x[40:60, None], x[None, :40]).sum(-1) / np.maximum(x[40:60, None], x[None, :40]).sum(-1)
    np.testing.assert_allclose(found["nearest_tanimoto"], both.max(axis=1), rtol=1e-6)


def test_a_model_of_vectors_takes_vectors(tmp_path, write):
    x = np.random.default_rng(0).normal(size=(40, 3))
    model = alone(x, ["a", "b", "c"], make(tmp_path, vectors="vectors.csv"), tmp_path)
    moved = pd.DataFrame(x, columns=["a", "b", "c"]).assign(id=[f"n{i}" for i in range(40)])[["c", "id", "a", "b"]]
    found = predict_vectors(model, write(moved.to_csv(index=False)))
    assert found["id"].tolist() == moved["id"].tolist()
    np.testing.assert_allclose(found["logit"], by_hand(model.variables, x), atol=1e-4)
    assert found["nearest_tanimoto"].isna().all()
    assert found["caution"].str.contains("not known").all()
    with pytest.raises(InputError, match="lacks 1 of the model's 3 columns, first 'b'"):
        predict_vectors(model, write("id,a,c\nx,1,2\n"))
    with pytest.raises(InputError, match="give it --vectors, not SMILES"):
        predict_smiles(model, write("smiles\nCCO\n"))


def test_a_pytorch_model_takes_vectors(write, tmp_path):
    """As TL4DTI ships them: the twin works on PyTorch's own tensors."""
    rng = np.random.default_rng(1)
    t = {"l1.weight": rng.normal(size=(4, 3)), "l1.bias": rng.normal(size=4), "bn1.weight": rng.normal(size=4)}
    t |= {"bn1.bias": rng.normal(size=4), "bn1.running_mean": rng.normal(size=4), "bn1.running_var": np.full(4, 0.5)}
    t |= {"layer_out.weight": rng.normal(size=(1, 4)), "layer_out.bias": rng.normal(size=1)}
    tensors = {name: values.astype("f4") for name, values in t.items()} | {"bn1.num_batches_tracked": np.array(7)}
    (tmp_path / "model.pth").write_bytes(state_dict(tensors))
    model, x = load_model(tmp_path / "model.pth"), rng.normal(size=(5, 3))
    frame = pd.DataFrame(x, columns=list("uvw")).assign(smiles=["C", "CC", "CCC", "CO", "CN"])
    found = predict_vectors(model, write(frame.to_csv(index=False)))
    z = (x @ t["l1.weight"].T + t["l1.bias"] - t["bn1.running_mean"]) / np.sqrt(t["bn1.running_var"] + 1e-5)
    logit = np.maximum(z * t["bn1.weight"] + t["bn1.bias"], 0) @ t["layer_out.weight"][0] + t["layer_out.bias"]
    np.testing.assert_allclose(found["logit"], logit, atol=1e-4)
    assert found["smiles"].tolist() == found["id"].tolist() == frame["smiles"].tolist()
    with pytest.raises(InputError, match=r"vectors of 2 numbers, the model model\.pth takes 3"):
        predict_vectors(model, write("id,u,v\na,1,2\n"))
    with pytest.raises(InputError, match="give it --vectors"):
        predict_smiles(model, write("smiles\nCCO\n"))
    wide = tensors | {"layer_out.weight": np.ones((2, 4), "f4"), "layer_out.bias": np.ones(2, "f4")}
    (tmp_path / "wide.pth").write_bytes(state_dict(wide))
    with pytest.raises(InputError, match="its last layer has 2 outputs"):
        load_model(tmp_path / "wide.pth")


def test_no_network_is_final_unless_asked(tmp_path):
    settings = make(tmp_path, final=())
    assert planned(settings, make_setup(settings, None), []) == ((), "")


@pytest.mark.full
def test_glycerin_and_chloroform_are_no_kinase_drugs(data_dir, tmp_path, write):
    """On an eighth of the real kinase compounds: outside, whatever the network says, and real ones inside."""
    where = data_dir.parent / "dti" / "dti_family.csv.gz"
    if not where.is_file():
        pytest.skip(f"no {where}")
    table = pd.read_csv(where).query("family == 'kinase'")
    train, new = table.iloc[::8], table.iloc[1::100]
    train.to_csv(tmp_path / "kinase.csv", index=False)
    own = read_compounds(tmp_path / "kinase.csv", stereo=False)["kinase"]
    settings = make(tmp_path, bits=1024, hidden=(32, 8), source_epochs=5)
    domain = as_domain(own.with_features(ecfp(own.smiles), bit_names()))
    plan = StagePlan("source", domain, strategies.get("scratch"), settings.source_recipe)
    stage = train_stages([plan], network=settings.network, seed=1, shelf=Shelf(tmp_path))[0]
    keep_known(stage, settings)
    model = load_model(stage.path)
    aliens = predict_smiles(model, write("\n".join(["id,smiles", *map(",".join, ALIENS.items())])))
    assert not aliens["in_domain"].any()
    assert aliens["caution"].str.contains("the probability means little").all()
    held_out = predict_smiles(model, write(new[["compound_id", "smiles"]].to_csv(index=False)))
    assert held_out["in_domain"].mean() > 0.8
    assert roc_auc_score(new["label"], held_out["probability"]) > 0.75
