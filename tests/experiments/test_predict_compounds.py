"""The script on a model of compounds: what it leaves and says, and each fault as one line."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import script

pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")
from compounds_studied import settled_model

STUDY = ("--data=simulated", "--source=beta", "--methods=mode1", "--sizes=6", "--repeats=2", "--hidden=8,4")
SHORT = ("--epochs=3", "--source_epochs=3", "--learning_rate=0.01", "--bits=256", "--checkpoint_dir=kept", "--out=out")
NEW = "id,smiles\nnew,Cc1cc(C(N)=O)cc(-c2ccccc2)c1\nglycerin,OCC(O)CO\nbad,C1CC\n"


@pytest.fixture
def model(tmp_path):
    """An untrained model of 200 simulated compounds."""
    return settled_model(tmp_path / "own")


def test_what_a_prediction_leaves(model, tmp_path):
    (tmp_path / "new.csv").write_text(NEW)
    asked = (f"--checkpoint={model}", "--compounds=new.csv", "--out=found.csv")
    code, _, err = script("predict", *asked, "--explain=2", "--explain_order=table", folder=tmp_path)
    assert code == 0, err
    found = pd.read_csv(tmp_path / "found.csv")
    found["nearest"] = found["nearest"].fillna("")
    expected = ["id", "smiles", "probability", "logit", "nearest_tanimoto", "nearest", "in_domain", "caution"]
    assert list(found.columns) == expected
    assert found["nearest"].astype(bool).tolist() == [True, True, False]
    assert found["id"].tolist() == ["new", "glycerin", "bad"]
    assert found["probability"].notna().tolist() == [True, True, False]
    assert found["in_domain"].astype(str).tolist()[:2] == ["True", "False"]
    assert "1 of 2 compounds are unlike all of them" in err
    assert "1 could not be read" in err
    assert "200 training compounds" in err
    left = {path.name for path in (tmp_path / "found_atoms").iterdir()}
    assert left == {"001_new.svg", "002_glycerin.svg", "attributions.csv", "molecules.csv"}


@pytest.mark.slow
def test_a_final_model_of_a_study_is_named_and_predicts(tmp_path):
    code, _, err = script("dti_transfer", *STUDY, *SHORT, "--final=mode1", folder=tmp_path)
    assert code == 0, err
    assert "final model mode1: mcc" in err
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    (final,) = summary["final_models"]
    assert (final["arm"], final["source"], final["n_train"]) == ("mode1", "beta", 500)
    reach = pd.read_csv(tmp_path / "out" / "reach.csv")
    assert reach["n"].sum() == summary["split"]["test"]
    (tmp_path / "new.csv").write_text(NEW)
    asked = (f"--checkpoint={final['path']}", "--compounds=new.csv", "--out=found.csv")
    code, _, err = script("predict", *asked, folder=tmp_path)
    assert code == 0, err
    assert "500 training compounds" in err


FAULTS = [
    (["--compounds=c", "--expression=e"], "one of --expression, --compounds, --vectors is needed"),
    ([], "a table is missing: one of --expression"),
    (["--compounds=c", "--scale_by=cohort"], "--scale_by changes nothing for --compounds"),
    (["--expression=e", "--explain=3"], "--explain changes nothing for --expression"),
    (["--vectors=v", "--within=0.2"], "--within changes nothing for --vectors"),
    (["--compounds=c"], "no checkpoint at"),
]


@pytest.mark.parametrize(("arguments", "wanted"), FAULTS)
def test_tables_and_flags_that_do_not_fit(arguments, wanted, tmp_path):
    code, out, err = script("predict", "--checkpoint=x", "--out=o.csv", *arguments, folder=tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert wanted in err
    assert list(tmp_path.iterdir()) == []
