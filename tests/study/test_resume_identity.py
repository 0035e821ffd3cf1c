"""--resume goes on with the very same study, or says what differs: sources, parents, options."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments._command import call
from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.study.cohort.choice import write_choice
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare, scaled_as
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.system.parts import differences

SIX = EXPERIMENTS["exp6_source_to_target"]
SIXTH = ("--cohort=small.toml", "--quick", "--hidden=8,4", "--repeats=1", "--epochs=2", "--baselines=ridge")
SIXTH = (*SIXTH, "--strategy=freeze_layer1,feature_ridge")
SHORT = {
    "exp4_target": ("--cohort=small.toml", "--strategy=none", "--baselines=ridge,mean", "--repeats=2"),
    "many_targets": ("--cohort=small.toml", "--quick", "--hidden=8,4", "--repeats=1", "--min_lines=10"),
    "dti_transfer": (
        *("--data=simulated", "--bits=64", "--source=beta", "--sizes=8", "--repeats=2", "--hidden=8,4", "--epochs=2"),
        *("--source_epochs=2", "--methods=scratch,mode1", "--shallow=none", "--mode3=none"),
    ),
    "dti_grid_search": (
        *("--data=simulated", "--bits=64", "--rows=60", "--layers=1", "--widths=8", "--batches=64", "--rates=0.01"),
        *("--dropouts=0.1", "--epochs=2", "--folds=2"),
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch, small_cohort):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TLJAX_DATA", "")
    monkeypatch.setenv("TLJAX_CACHE", os.environ.get("TLJAX_CACHE", "off"))
    (tmp_path / "small.toml").write_text(small_cohort)
    return tmp_path


@pytest.fixture
def choose(folder):
    """choose(drug): what experiment 3 would have written for these flags, of that drug."""

    def one(drug):
        cohort = load_cohort("small.toml")
        settings = Settings(cohort="small.toml", repeats=1, epochs=2).in_quick_mode(hidden=(8, 4))
        settings = EXPERIMENTS["exp3_source_to_intermediate"].resolved(settings)
        ranking = [{"drug": drug, "rank": 1, "chosen": False}]
        chain, _ = scaled_as(settings, cohort)
        return write_choice(folder / "checkpoints" / cohort.name, chain, settings, ranking, "copy_layer1")

    return one


def stopped(name, arguments, monkeypatch, place):
    """Run a script that is interrupted when it comes to `place`; its parts stay."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(place, stop)
        assert call(name, arguments) == 130
    out = arguments[-1].removeprefix("--out=")
    assert list(Path(f"{out}.unfinished").rglob("[0-9]*.part"))


def tables(folder):
    return {name: (folder / f"{name}.csv").read_bytes() for name in ("metrics", "predictions", "comparisons")}


@pytest.mark.full
def test_a_study_does_not_go_on_from_another_source(folder, choose, monkeypatch, capsys):
    """Resume x changed choice: refused with the difference; back at the first choice, the tables of an undisturbed
    study; begun anew, those of the other."""
    choose("Oxaliplatin")
    assert call("exp6_source_to_target", [*SIXTH, "--out=whole"]) == 0
    stopped("exp6_source_to_target", [*SIXTH, "--out=o"], monkeypatch, "tl_jax.study.cohort.run.judge")
    record = json.loads((folder / "o.unfinished" / "study.json").read_text())
    assert record["sources"] == ["Oxaliplatin"]
    (source,) = (folder / "checkpoints" / "small").glob("source-*")
    assert [source.name.endswith(one) for one in record["stages"]] == [True]
    choose("Bortezomib")
    capsys.readouterr()
    assert call("exp6_source_to_target", [*SIXTH, "--out=o", "--resume"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: cannot resume")
    assert 'sources: ["Oxaliplatin"] -> ["Bortezomib"]' in said
    assert 'stages: ["' in said
    assert not (folder / "o").exists()
    choose("Oxaliplatin")
    assert call("exp6_source_to_target", [*SIXTH, "--out=o", "--resume"]) == 0
    assert tables(folder / "o") == tables(folder / "whole")
    # A finished study is complete only as long as its source is the chosen one.
    choose("Bortezomib")
    assert call("exp6_source_to_target", [*SIXTH, "--out=o", "--resume"]) == 2
    assert 'sources: ["Oxaliplatin"] -> ["Bortezomib"]' in capsys.readouterr().err
    assert call("exp6_source_to_target", [*SIXTH, "--out=o", "--overwrite"]) == 0
    assert set(pd.read_csv(folder / "o" / "metrics.csv", keep_default_na=False)["source"]) == {"Bortezomib", ""}


@pytest.mark.full
def test_parts_of_another_source_are_never_taken(run_in, small):
    """Even where no record stands in the way: a part is kept under a digest of what determines it."""
    names = {"strategies": ("freeze_layer1", "feature_ridge"), "baselines": ("ridge",), "repeats": 1}
    first = run_in("shared", small(**names, source_drugs=("oxaliplatin",)))
    second = run_in("shared", small(**names, source_drugs=("bortezomib",)))
    alone = run_in("alone", small(**names, source_drugs=("bortezomib",)))
    pd.testing.assert_frame_equal(second.predictions, alone.predictions, check_exact=True)
    assert not first.predictions["y_pred"].equals(second.predictions["y_pred"])


@pytest.fixture
def run_in(cohort, tmp_path):
    """run_in(folder, settings): experiment 6 with its parts in a folder."""
    return lambda name, settings: run_plan(prepare(SIX, settings, cohort), tmp_path / name)


OTHER = {
    "exp4_target": (("--seed=7", "--protocol=as_published"), ("flags.seed: 400 -> 7", "flags.protocol")),
    "many_targets": (("--seed=7",), ("flags.seed: 400 -> 7",)),
    "dti_transfer": (("--seed=7", "--sizes=9"), ("flags.seed: ", "flags.sizes: [8] -> [9]")),
    "dti_grid_search": (("--seed=7",), ("flags.seed: ",)),
}


@pytest.mark.full
@pytest.mark.parametrize("name", SHORT)
def test_a_finished_study_is_complete_for_its_own_flags_only(name, folder, capsys):
    if name.startswith("dti"):
        pytest.importorskip("rdkit")
    arguments = [*SHORT[name], "--out=o"]
    assert call(name, arguments) == 0
    before = {path.name: path.read_bytes() for path in (folder / "o").iterdir()}
    capsys.readouterr()
    assert call(name, [*arguments, "--resume"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == "o is complete already"
    flags, words = OTHER[name]
    assert call(name, [*arguments, "--resume", *flags]) == 2
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith("error: o is complete, but of other settings (")
    assert "complete already" not in said.err
    for word in words:
        assert word in said.err.splitlines()[-1]
    assert {path.name: path.read_bytes() for path in (folder / "o").iterdir()} == before
    assert not (folder / "o.unfinished").exists()


@pytest.mark.parametrize("name", ["groups", "tissue", "batch"])
def test_other_notes_of_the_samples_are_another_study(folder, name):
    """Groups decide the folds: a finished folder of others was once called complete."""
    cohort, settings = load_cohort("small.toml"), Settings(cohort="small.toml", strategies=(), baselines=("ridge",))
    target = cohort.domains[-1]
    other = replace(target, **{name: np.repeat([f"P{k}" for k in range(len(target) // 2)], 2)})
    chains = cohort, cohort, replace(cohort, domains=(*cohort.domains[:-1], other))
    own, again, after = (prepare(EXPERIMENTS["exp4_target"], settings, one).identity() for one in chains)
    assert differences(own, again) == []
    (line,) = differences(own, after)
    assert line.startswith(f"annotation.{target.name}.{name}: ")


def test_another_marker_is_another_study(folder):
    cohort = load_cohort("small.toml")
    settings = Settings(cohort="small.toml", strategies=(), baselines=("marker_gene",))
    first, second = cohort.genes[:2]
    chains = [replace(cohort, marker=str(gene)) for gene in (first, second)]
    found = differences(*(prepare(EXPERIMENTS["exp4_target"], settings, one).identity() for one in chains))
    assert found == [f'marker: "{first}" -> "{second}"']
