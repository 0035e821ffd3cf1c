"""Every script on cohorts of very few samples: tables, or one clear line and nothing half-written."""

import json
import os
import sys

import pandas as pd
import pytest
from selection import full

from experiments._command import call
from experiments._tl_jax import SUBCOMMANDS
from tl_jax.study.cohort.plans import EXPERIMENTS

EIGHT = """name = "eight"
[simulate]
seed = 3
genes = 40
n_source = 40
n_intermediate = 8
n_target = 8
"""
SMALL = ("--quick", "--hidden=8,4", "--repeats=1")
SHORT = (*SMALL, "--epochs=2", "--strategy=scratch,freeze_layer1", "--baselines=ridge", "--source_drug=oxaliplatin")
COMPOUNDS = ("--data=simulated", "--bits=64")
STUDIES = {
    "exp1_gdsc": (*SMALL, "--epochs=2", "--baselines=ridge"),
    "exp2_intermediate": (*SMALL, "--epochs=2", "--baselines=ridge"),
    "exp3_source_to_intermediate": SHORT,
    "exp4_target": (*SMALL, "--epochs=2", "--baselines=ridge"),
    "exp5_intermediate_to_target": SHORT[:-1],
    "exp6_source_to_target": SHORT,
    "exp7_two_step": SHORT,
    "two_step_study": (
        *SHORT,
        "--permutations=19",
        "--examined=ridge",
        "--levels=2",
        "--curve_repeats=1",
        "--nested=scratch,ridge",
    ),
    "many_targets": ("--quick", "--hidden=8,4", "--repeats=1", "--min_lines=10"),
    "check_data": ("--repeats=1",),
    "dti_transfer": (
        *(*COMPOUNDS, "--source=beta", "--sizes=8", "--repeats=2", "--hidden=8,4", "--epochs=2", "--source_epochs=2"),
        "--methods=scratch,mode1",
    ),
    "dti_grid_search": (
        *(*COMPOUNDS, "--rows=8", "--layers=1", "--widths=8", "--batches=64", "--rates=0.01", "--dropouts=0.1"),
        *("--epochs=2", "--folds=2"),
    ),
    "scdeal": ("--embedded", "--repeats=2", "--bootstraps=4", "--truth=sensitive", "--seeds=0"),
    "atsdp": (
        *("--embedded", "--repeats=2", "--bootstraps=4", "--truth=sensitive", "--seeds=2", "--transfer=none"),
        *("--attention=none", "--hidden=8", "--bottleneck=8", "--predictor=4", "--epochs=2"),
    ),
}
# Those that run whole in `make test`; experiments do without networks there.
EVERYDAY = ("many_targets", "check_data", "dti_transfer", "scdeal")
# Scripts that train and judge nothing, and `answer`, which has small cohorts of its own (tests/study/test_answer.py).
OTHERS = {"fetch", "init_cohort", "report", "predict", "lineage", "import_weights", "export_weights", "list_names"}
OTHERS |= {"scdeal_predict", "answer", "compare", "checkpoints", "power", "over_targets", "app"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TLJAX_DATA", "")
    monkeypatch.setenv("TLJAX_CACHE", os.environ.get("TLJAX_CACHE", "off"))
    (tmp_path / "eight.toml").write_text(EIGHT)
    return tmp_path


def test_no_script_is_forgotten():
    assert {*STUDIES, *OTHERS} == set(SUBCOMMANDS.values())


@pytest.mark.parametrize(
    ("name", "pictures"), [*((name, False) for name in EVERYDAY), *(full((name, True)) for name in STUDIES)]
)
def test_eight_samples(name, pictures, folder, capsys, monkeypatch):
    if not pictures:
        monkeypatch.setitem(sys.modules, "matplotlib", None)  # as where it is not installed
    cohort = () if name.startswith(("dti", "scdeal", "atsdp")) else ("--cohort=eight.toml",)
    code = call(name, [*cohort, *STUDIES[name], "--out=out"])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    out = folder / "out"
    if code == 2:
        assert [line.startswith("error: ") for line in said.err.splitlines()].count(True) == 1
        assert said.err.splitlines()[-1].startswith("error: ")
        assert not out.exists()
        return
    assert code == 0 or (name, code) == ("check_data", 1)
    if name == "check_data":
        assert (out / "check_data.html").exists()
        return
    assert (out / "report.html").stat().st_size > 2000
    assert any(line.startswith("verdict: ") for line in said.out.splitlines()[-16:])
    assert said.out.splitlines()[-1] == f"report: {os.path.join('out', 'report.html')}"
    tables = list(out.glob("*.csv"))
    assert tables
    assert all(len(pd.read_csv(path)) for path in tables)
    assert not [path for path in folder.iterdir() if path.name.startswith("out.")], "the folder of parts was left"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_without_networks(name, folder, capsys, monkeypatch):
    """Every script from its flags to its report, on simple models alone."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as where it is not installed
    alone = ("--strategy=none", "--baselines=mean,ridge", "--folds=2", "--repeats=1", "--quick", "--out=out")
    more = ("--permutations=0", "--levels=0", "--curve_repeats=0", "--nested=none", "--beside=none")
    code = call(name, ["--cohort=eight.toml", *alone, *(more if name == "two_step_study" else ())])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert set(pd.read_csv(folder / "out" / "metrics.csv").arm) == {"mean", "ridge"}
    assert said.out.splitlines()[-1] == f"report: {os.path.join('out', 'report.html')}"


STUDY = (
    *("--cohort=eight.toml", "--quick", "--hidden=8,4", "--epochs=2", "--repeats=2", "--source_drug=oxaliplatin"),
    *("--strategy=scratch,freeze_layer1,feature_ridge", "--baselines=ridge", "--examined=ridge,scratch"),
    *("--permutations=19", "--curve_repeats=1", "--nested=scratch,ridge"),
)


@pytest.mark.full
def test_the_study_ends_on_eight_samples_and_says_what_it_left_out(folder):
    """The protocol beside it cannot scale single held-out samples either."""
    assert call("two_step_study", [*STUDY, "--split=leave_one_out", "--out=alone"]) == 0
    notes = json.loads((folder / "alone" / "summary.json").read_text())["notes"]
    assert any(text.startswith("the protocol as_published left out: ") for text in notes)
    assert not (folder / "alone" / "protocols.csv").exists()
    assert call("two_step_study", [*STUDY, "--out=o"]) == 0
    notes = json.loads((folder / "o" / "summary.json").read_text())["notes"]
    assert any(text.startswith("the nested choice left out: only 2 samples lie on one side") for text in notes)
    assert not (folder / "o" / "nested_choices.csv").exists()
    assert "nested_choice" not in set(pd.read_csv(folder / "o" / "metrics.csv").arm)
    for name in ("permutations", "learning_curves", "protocols", "leak_audit", "variance", "intervals"):
        assert len(pd.read_csv(folder / "o" / f"{name}.csv")), name
