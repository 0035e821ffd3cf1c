"""A results folder for other programs: Parquet beside CSV, numbers for a tracker of experiments."""

import json

import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.report import exports


@pytest.fixture
def folder(tmp_path):
    """A study of two arms and two folds, one of them a network of two epochs."""
    rows = [
        ("ridge", "", "honest", 0, "0", "spearman", 0.2),
        ("ridge", "", "honest", 0, "1", "spearman", 0.4),
        ("ridge", "", "honest", 0, "pooled", "spearman", 0.9),
        ("copy", "NA", "honest", 0, "0", "spearman", None),
        ("copy", "NA", "honest", 0, "1", "spearman", 0.5),
    ]
    columns = ["arm", "source", "protocol", "repeat", "fold", "metric", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "metrics.csv", index=False)
    losses = {"arm": "copy", "source": "NA", "protocol": "honest", "epoch": [1, 2], "train_loss": [3.0, 2.0]}
    pd.DataFrame(losses | {"test_loss": [4.0, 3.5]}).to_csv(tmp_path / "history.csv", index=False)
    (tmp_path / "summary.json").write_text(json.dumps({"settings": {"seed": 400}}))
    return tmp_path


def test_parquet_holds_what_the_csv_holds(folder):
    names = [path.name for path in exports.write_parquet(folder)]
    assert names == ["history.parquet", "metrics.parquet"]
    table = pd.read_parquet(folder / "metrics.parquet")
    assert table["value"].dtype == float
    assert table["value"].isna().tolist() == [False, False, False, True, False]
    assert table["fold"].tolist() == ["0", "1", "pooled", "0", "1"]
    assert table["source"].fillna("").tolist() == ["", "", "", "NA", "NA"]  # a drug of that name, no gap


def test_means_leave_out_pooled_and_undefined_folds(folder):
    assert exports.means(folder) == {"spearman/honest/ridge": pytest.approx(0.3), "spearman/honest/NA/copy": 0.5}


def test_losses_are_told_by_epoch(folder):
    found = list(exports.losses(folder))
    assert found[0] == ("honest/NA/copy/train_loss", 1, 3.0)
    assert found[-1] == ("honest/NA/copy/test_loss", 2, 3.5)


@pytest.mark.parametrize("given", ["mlflow", "tensorboard:", "wandb:runs", ""])
def test_an_unknown_tracker_is_refused(given):
    with pytest.raises(InputError, match="write tensorboard:FOLDER or mlflow:FOLDER"):
        exports.tracker(given)


def test_a_tracker_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setitem(exports.TRACKERS, "mlflow", "no_such_package")
    with pytest.raises(InputError, match=r"no_such_package is not installed: pip install tl_jax\[track\]"):
        exports.tracker("mlflow:runs")


def test_tensorboard_gets_scalars(folder, tmp_path):
    pytest.importorskip("tensorboardX")
    exports.track(folder, f"tensorboard:{tmp_path / 'runs'}", "mine")
    (events,) = (tmp_path / "runs" / "mine").glob("events*")
    told = events.read_bytes()
    assert b"honest/NA/copy/train_loss" in told
    assert b"spearman/honest/ridge" in told


@pytest.mark.full  # MLflow makes a data base: a minute
def test_mlflow_gets_a_run(folder, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    exports.track(folder, f"mlflow:{tmp_path / 'runs'}", "mine")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("tl_jax").experiment_id])
    assert run.data.params == {"seed": "400"}
    assert run.data.metrics["honest/NA/copy/test_loss"] == 3.5
