"""--metric: what a study is judged by, of ours or of a file of the user's own."""

import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from scripting import own_functions

from experiments._command import call
from tl_jax.data.formats.registry import EXPRESSION
from tl_jax.evaluation.statistics.registry import METRICS

SHORT = ("--cohort=small.toml", "--strategy=none", "--baselines=ridge,mean", "--repeats=2", "--out=o")
OWN = """import numpy as np

from tl_jax.data.formats.registry import expression_reader
from tl_jax.evaluation.statistics.registry import metric


@metric("worst_miss", label="Worst miss", higher_is_better=False, unit="unit of the response")
def worst_miss(y_true, y_pred):
    return float(np.max(np.abs(y_true - y_pred)))


@expression_reader("my_portal")
def my_portal(frame, path, table):
    return frame
"""


@pytest.fixture
def folder(tmp_path, monkeypatch, small_cohort):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TLJAX_DATA", "")
    monkeypatch.setenv("TLJAX_CACHE", os.environ.get("TLJAX_CACHE", "off"))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    (tmp_path / "small.toml").write_text(small_cohort)
    with own_functions():
        yield tmp_path


def test_a_metric_that_is_none_is_named_with_the_known_ones(folder, capsys):
    assert call("exp4_target", [*SHORT, "--metric=worst_miss"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "no metric 'worst_miss'; there are: spearman, pearson, rmse, mae, r2" in said
    assert call("many_targets", ["--cohort=small.toml", "--metric=worst_miss"]) == 2
    assert "no metric 'worst_miss'" in capsys.readouterr().err


def test_a_study_does_not_go_on_by_another_metric(folder, capsys):
    assert call("exp4_target", [*SHORT, "--metric=pearson"]) == 0
    assert "Pearson per fold: mean" in capsys.readouterr().out
    assert call("exp4_target", [*SHORT, "--metric=rmse", "--resume"]) == 2
    said = capsys.readouterr().err
    assert 'flags.metric: "pearson" -> "rmse"' in said
    assert said.count("\n") == 1
    # Nor by another reference, which is fixed before the run.
    assert call("exp4_target", [*SHORT, "--metric=pearson", "--reference=mean", "--resume"]) == 2
    said = capsys.readouterr().err
    assert 'flags.reference: null -> "mean"' in said
    assert said.count("\n") == 1


def test_a_reference_that_is_no_arm_is_refused_before_the_run(folder, capsys):
    assert call("exp4_target", [*SHORT, "--reference=copy_layer1"]) == 2
    said = capsys.readouterr().err
    assert said.count("error: ") == 1
    assert "--reference=copy_layer1: no such arm without a source is run; there are: " in said
    assert not (folder / "o").exists()


def test_a_metric_of_a_users_own_judges(folder, capsys):
    (folder / "mine.py").write_text(OWN)
    own = (*SHORT, "--metric=worst_miss", "--strategy_module=mine.py")
    assert call("exp4_target", list(own)) == 0
    printed = capsys.readouterr().out
    assert "my_portal" in EXPRESSION
    assert "Worst miss per fold: mean" in printed
    assert "the lowest Worst miss per fold is that of" in printed
    predicted, metrics = (pd.read_csv(folder / "o" / f"{name}.csv") for name in ("predictions", "metrics"))
    first = predicted[(predicted.arm == "ridge") & (predicted.repeat == 0) & (predicted.fold == 0)]
    value = metrics.query("arm == 'ridge' and repeat == 0 and fold == '0' and metric == 'worst_miss'").value.item()
    assert value == pytest.approx((first.y_true - first.y_pred).abs().max(), abs=1e-6)
    # Another value of the same name is another study.
    (folder / "mine.py").write_text(OWN.replace("np.max", "np.min"))
    assert call("exp4_target", [*own, "--resume"]) == 2
    assert "metrics.worst_miss changed" in capsys.readouterr().err
    # Whoever has the folder alone can still make its page.
    del METRICS["worst_miss"]
    page = Path("o", "report.html").read_text()
    assert call("report", ["o"]) == 0
    assert Path("o", "report.html").read_text() == page
    summary = json.loads(Path("o", "summary.json").read_text())
    Path("o", "summary.json").write_text(json.dumps(summary | {"metric": {"name": "mae", "higher_is_better": True}}))
    assert call("report", ["o"]) == 2
    assert "is another than the one of that name" in capsys.readouterr().err
