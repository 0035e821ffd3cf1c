"""The script on a model of compounds: what it leaves and says, and each fault as one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import PROGRAMS, ROOT, script

pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")
STUDY = ("--data=simulated", "--source=beta", "--methods=scratch", "--sizes=6", "--repeats=2", "--hidden=8,4")
SHORT = ("--epochs=3", "--learning_rate=0.01", "--bits=256", "--checkpoint_dir=kept", "--out=out")
# Argument 1: [argv, ...] as JSON. Prints the InputError of each.
RUN = """
import json, sys
from absl import flags
from absl.testing import flagsaver
from experiments import predict
from tl_jax.errors import InputError
found = []
for argv in json.loads(sys.argv[1]):
    flags.FLAGS.unparse_flags()
    with flagsaver.flagsaver():
        flags.FLAGS(argv)
        try:
            predict.main()
        except InputError as error:
            found.append(str(error))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("scripts")
    code, _, err = script("dti_transfer", *STUDY, *SHORT, "--final=scratch", folder=where)
    assert code == 0, err
    assert "final model scratch: mcc" in err
    text = "id,smiles\nnew,Cc1cc(C(N)=O)cc(-c2ccccc2)c1\nglycerin,OCC(O)CO\nbad,C1CC\n"
    (where / "new.csv").write_text(text)
    return where


def test_a_final_model_is_named_and_predicts(folder):
    summary = json.loads((folder / "out" / "summary.json").read_text())
    (final,) = summary["final_models"]
    assert (final["arm"], final["source"], final["n_train"]) == ("scratch", "", 500)
    reach = pd.read_csv(folder / "out" / "reach.csv")
    assert reach["n"].sum() == summary["split"]["test"]
    asked = (f"--checkpoint={final['path']}", "--compounds=new.csv", "--out=found.csv")
    code, _, err = script("predict", *asked, "--explain=2", "--explain_order=table", folder=folder)
    assert code == 0, err
    found = pd.read_csv(folder / "found.csv")
    assert list(found.columns) == ["id", "smiles", "probability", "logit", "nearest_tanimoto", "in_domain", "caution"]
    assert found["id"].tolist() == ["new", "glycerin", "bad"]
    assert found["probability"].notna().tolist() == [True, True, False]
    assert found["in_domain"].astype(str).tolist()[:2] == ["True", "False"]
    assert "1 of 2 compounds are unlike all of them" in err
    assert "1 could not be read" in err
    assert "500 training compounds" in err
    left = {path.name for path in (folder / "found_atoms").iterdir()}
    assert left == {"001_new.svg", "002_glycerin.svg", "attributions.csv", "molecules.csv"}


FAULTS = [
    (["--compounds=c", "--expression=e"], "one of --expression, --compounds, --vectors is needed"),
    ([], "a table is missing: one of --expression"),
    (["--compounds=c", "--scale_by=cohort"], "--scale_by changes nothing for --compounds"),
    (["--expression=e", "--explain=3"], "--explain changes nothing for --expression"),
    (["--vectors=v", "--within=0.2"], "--within changes nothing for --vectors"),
    (["--compounds=c"], "no checkpoint at"),
]


def test_tables_and_flags_that_do_not_fit(tmp_path):
    """All in one process, since each takes seconds to begin."""
    asked = [["predict", "--checkpoint=x", "--out=o.csv", *arguments] for arguments, _ in FAULTS]
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(asked)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TLJAX_CACHE": str(PROGRAMS)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    messages = json.loads(done.stdout)
    assert [wanted in found for found, (_, wanted) in zip(messages, FAULTS, strict=True)] == [True] * len(FAULTS)
    assert not any("\n" in message for message in messages)
    assert list(tmp_path.iterdir()) == []
