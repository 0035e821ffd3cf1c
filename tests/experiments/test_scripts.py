"""The scripts as a user runs them: exit codes, one line on bad input, what they leave."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import TABLES, script

STRATEGY = """from tl_jax.transfer.strategies import strategy
from tl_jax.trees import all_but
from tl_jax.types import Transfer


@strategy()
def hold_biases(source, fresh):
    return Transfer(source, all_but(source["params"], "*/bias"), {"layer1/kernel": 0.1})
"""


@pytest.fixture(scope="module")
def done(small_cohort, tmp_path_factory):
    """Experiment 7 with a strategy of the user's own, in a folder of its own."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "small.toml").write_text(small_cohort)
    (folder / "mine.py").write_text(STRATEGY)
    arguments = ("--cohort=small.toml", "--strategy=scratch,hold_biases", "--strategy_module=mine.py", "--quick")
    more = (
        "--source_drug=oxaliplatin",
        "--hidden=8,4",
        "--repeats=2",
        "--out=out",
        "--checkpoint_dir=kept",
        "--fold_models",
    )
    code, out, err = script("exp7_two_step", *arguments, *more, folder=folder, pictures=True)
    assert code == 0, err
    return folder, out, err


def test_what_a_run_leaves(done):
    folder, printed, said = done
    names = {p.name for p in (folder / "out").iterdir()}
    pictures = {f"{stem}.{end}" for stem in ("arms", "loss_curves", "predicted_observed") for end in ("svg", "png")}
    tables = {*TABLES, "leak_audit.csv", "samples.csv"}
    assert names == tables | {"summary.json", "study.json", "report.html"} | pictures
    metrics = pd.read_csv(folder / "out" / "metrics.csv")
    columns = "experiment arm source protocol repeat fold metric value n_train n_test"
    assert list(metrics.columns) == columns.split()
    assert set(metrics.arm) == {
        "scratch",
        "hold_biases",
        *(["mean", "marker_gene", "ridge", "repaired_ridge", "elastic_net", "kernel_ridge", "svr", "random_forest"]),
    }
    assert {"pooled", "0", "1", "2"} == set(metrics.fold)
    predictions = pd.read_csv(folder / "out" / "predictions.csv")
    assert {"experiment", "arm", "repeat", "fold", "sample_id", "y_true", "y_pred"} <= set(predictions.columns)
    weights = pd.read_csv(folder / "out" / "gene_weights.csv")
    assert list(weights.columns) == ["gene", "scratch", "Oxaliplatin > intermediate:hold_biases"]
    assert "hold_biases" in printed
    verdict = next(line for line in printed.splitlines() if line.startswith("verdict: "))
    assert verdict.startswith("verdict: QUICK LOOK, NOT A RESULT. On 20 samples ")
    assert printed.splitlines()[-2:] == ["tables and pictures: out", f"report: {Path('out', 'report.html')}"]
    page = (folder / "out" / "report.html").read_text()
    assert verdict.removeprefix("verdict: ")[:40] in page
    assert "Traceback" not in said
    assert "I1" not in said.split("training")[0]


def test_the_summary_repeats_everything(done):
    summary = json.loads((done[0] / "out" / "summary.json").read_text())
    assert summary["settings"]["hidden"] == [8, 4]
    assert summary["settings"]["seed"] == 400
    assert summary["flags"]["cohort"] == "small.toml"
    assert summary["versions"]["jax"]
    assert summary["device"]["platform"]
    assert {a["arm"] for a in summary["arms"]} >= {"scratch", "hold_biases", "ridge"}
    assert all(len(d["fingerprint"]) == 64 for d in summary["data"].values())
    assert {name.split(":")[0] for name in summary["stage_data"]} == {"source", "intermediate", "target"}
    assert {"upstream stages", "final models", "arm scratch"} <= set(summary["wall_seconds"])


def test_results_are_not_overwritten_unasked(done):
    code, _, err = script("exp4_target", "--cohort=small.toml", "--out=out", folder=done[0])
    assert (code, err.count("\n")) == (2, 1)
    assert "--overwrite" in err


def test_predict_and_lineage_on_the_final_model(done):
    folder = done[0]
    stage = next(p for p in (folder / "kept" / "small").iterdir() if p.name.startswith("target") and "hold" in p.name)
    genes = json.loads((stage / "stage.json").read_text())["genes"]
    center = json.loads((stage / "stage.json").read_text())["scaler"]["center"]
    pd.DataFrame([center, center], index=["a", "b"], columns=genes).rename_axis("id").to_csv(folder / "new.csv")
    asked = (f"--checkpoint={stage}", "--expression=new.csv", "--out=predicted.csv")
    code, _, err = script("predict", *asked, folder=folder)
    assert code == 0, err
    assert "100.0% of the model's 60 genes found" in err
    assert list(pd.read_csv(folder / "predicted.csv").sample_id) == ["a", "b"]
    code, _, err = script("predict", *asked, folder=folder)
    assert (code, err.count("\n")) == (2, 1)
    bounds = ("--interval=0.8", "--overwrite")
    code, _, err = script("predict", *asked, *bounds, folder=folder)
    assert code == 0, err
    found = pd.read_csv(folder / "predicted.csv")
    assert list(found.columns) == ["sample_id", "prediction", "low", "high", "level", "drug", "unit"]
    assert (found.low < found.high).all()
    source = next(p for p in (folder / "kept" / "small").iterdir() if p.name.startswith("source"))
    code, _, err = script("predict", f"--checkpoint={source}", *asked[1:], *bounds, folder=folder)
    assert (code, err.count("\n")) == (2, 1)
    assert "run its experiment again with --fold_models" in err
    code, out, _ = script("lineage", str(stage), folder=folder)
    assert code == 0
    assert "source: source, Oxaliplatin" in out


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("exp1_gdsc", ["--cohort=nowhere"], "unknown cohort 'nowhere'; shipped are"),
        ("exp1_gdsc", ["--cohrt=nci60"], "Unknown command line flag 'cohrt'"),
        ("exp1_gdsc", ["--repeats=three"], "flag --repeats=three"),
        ("exp1_gdsc", ["nci60"], "unexpected argument 'nci60'; every option is a flag"),
        ("exp1_gdsc", ["--cohort=nci60"], "--data_dir"),
        ("exp1_gdsc", ["--hidden=a,b"], "--hidden=a,b: whole numbers"),
        ("exp1_gdsc", ["--strategy_module=absent.py"], "--strategy_module=absent.py: no such file"),
        ("exp1_gdsc", ["--strategy_module=broken.py"], "broken.py: SyntaxError"),
        ("exp1_gdsc", ["--strategy_module=taken.py"], "a strategy named 'scratch' exists already"),
        ("exp1_gdsc", ["--strategy_module=plain.txt"], "a Python file, ending in .py"),
        ("exp1_gdsc", ["--out=file/x"], "cannot write"),
        ("predict", [], "--checkpoint is missing"),
        ("predict", ["--checkpoint=c", "--expression=e", "--out=file/x.csv"], "cannot write"),
        ("lineage", [], "name at least one checkpoint folder"),
        ("lineage", ["file"], "is no tl_jax stage checkpoint"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, name, arguments, message):
    (tmp_path / "file").write_text("")
    (tmp_path / "plain.txt").write_text("")
    (tmp_path / "broken.py").write_text("def (")
    taken = STRATEGY.replace("hold_biases", "scratch")
    (tmp_path / "taken.py").write_text(taken)
    before = sorted(p.name for p in tmp_path.iterdir())
    code, out, err = script(name, *arguments, folder=tmp_path)
    assert code == 2, err
    assert message in err
    assert err.count("\n") == 1
    assert out == ""
    left = sorted(p.name for p in tmp_path.iterdir() if p.name != "results")
    assert left == before
    assert not list((tmp_path / "results").rglob("*.csv")) if (tmp_path / "results").exists() else True


def test_helpshort_lists_the_flags(tmp_path):
    _, out, err = script("exp6_source_to_target", "--helpshort", folder=tmp_path)
    text = out + err
    for flag in [
        "cohort",
        "data_dir",
        "source_drug",
        "strategy",
        "protocol",
        "repeats",
        "folds",
        "seed",
        "epochs",
        "learning_rate",
        "batch_size",
    ]:
        assert f"--{flag}:" in text or f"--[no]{flag}:" in text
    for flag in ["out", "checkpoint_dir", "at_once", "quick"]:
        assert f"--{flag}:" in text or f"--[no]{flag}:" in text
