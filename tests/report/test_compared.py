"""Several results folders side by side: pairs only where the same samples were held out, tested by the corrected t."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from studies import write_study

from tl_jax.errors import InputError
from tl_jax.report.page.compared_page import compared_report, sentence, write_compared
from tl_jax.report.plots.style import ORANGE
from tl_jax.report.sections.compared import compared, labels


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("one") / "first", ("Oxaliplatin",), ("copy_layer1",))


def edited(first, folder, name, change):
    """A copy of the first study with one table changed."""
    shutil.copytree(first, folder)
    frame = pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values={"value": [""]})
    change(frame).to_csv(folder / f"{name}.csv", index=False)
    return folder


def noisy(frame):
    """Spearman raised by a bit that differs from fold to fold."""
    rng, judged = np.random.default_rng(3), frame["metric"] == "spearman"
    return frame.assign(value=frame["value"] + judged * (0.1 + rng.normal(0, 0.05, len(frame))))


def row_of(made, arm):
    return made.differences.set_index("arm").loc[arm]


def test_differences_are_the_corrected_test_of_paired_folds(first, tmp_path):
    made = compared([first, edited(first, tmp_path / "second", "metrics", noisy)])
    tables = [pd.read_csv(folder / "metrics.csv") for folder in (first, tmp_path / "second")]
    one, two = (
        t[(t["arm"] == "ridge") & (t["protocol"] == "honest") & (t["metric"] == "spearman") & (t["fold"] != "pooled")]
        for t in tables
    )
    d = (two["value"].to_numpy() - one["value"].to_numpy()).astype(float)
    scale = np.sqrt(d.var(ddof=1) * (1 / len(d) + (one["n_test"] / one["n_train"]).mean()))
    row = row_of(made, "ridge")
    assert row["folds"] == len(d) == 9
    assert row["mean_difference"] == pytest.approx(d.mean())
    assert row["p_corrected"] == pytest.approx(2 * stats.t.sf(abs(d.mean() / scale), len(d) - 1), rel=1e-3)
    assert (made.differences["p_holm"].dropna() >= made.differences["p_corrected"].dropna()).all()
    assert row["test"] == "corrected t"  # the predictions are not those of the changed metrics
    assert (made.differences["p_family"].dropna() >= made.differences["p"].dropna()).all()


def test_spearman_of_other_predictions_is_tested_by_influences(first, tmp_path):
    """The later study's ridge is the first one's marker gene, in predictions and metrics."""

    def taken(frame):
        rows = frame[frame["arm"] != "ridge"]
        return pd.concat([rows, frame[frame["arm"] == "marker_gene"].assign(arm="ridge")])

    second = edited(first, tmp_path / "taken", "metrics", taken)
    predictions = pd.read_csv(second / "predictions.csv", keep_default_na=False)
    taken(predictions).to_csv(second / "predictions.csv", index=False)
    row = row_of(compared([first, second]), "ridge")
    assert row["folds"] == 9
    if row["test"] == "influence":
        assert row["ci_low"] < row["mean_difference"] < row["ci_high"]
    assert not made.remarks


def test_other_folds_are_not_paired(first, tmp_path):
    def moved(frame):
        return frame.assign(fold=(frame["fold"] + (frame["sample_id"] < "S011")) % 3)

    made = compared([first, edited(first, tmp_path / "moved", "predictions", moved)])
    assert (made.differences["folds"] == 0).all()
    assert "other folds" in made.remarks[0]
    assert "no difference was tested" in sentence(made)
    assert len(compared_report(made).sections) == 3


def test_other_observed_values_are_not_paired(first, tmp_path):
    made = compared([first, edited(first, tmp_path / "b", "predictions", lambda f: f.assign(y_true=f["y_true"] + 1))])
    assert (made.differences["folds"] == 0).all()
    assert "nothing is paired" in made.remarks[0]
    assert "no difference was tested" in sentence(made)


def test_other_samples_are_said(first, tmp_path):
    made = compared([first, edited(first, tmp_path / "b", "predictions", lambda f: f.replace("S001", "X"))])
    assert "other samples" in made.remarks[0]


def test_fewer_repeats_pair_those_that_are_shared(first, tmp_path):
    second = edited(first, tmp_path / "short", "metrics", lambda f: f[f["repeat"] < 2])
    predictions = pd.read_csv(second / "predictions.csv", keep_default_na=False)
    predictions[predictions["repeat"] < 2].to_csv(second / "predictions.csv", index=False)
    made = compared([first, second])
    assert row_of(made, "ridge")["folds"] == 6
    assert "2 repeats have the same folds and are paired; 1 have not" in made.remarks[0]


def test_without_predictions_nothing_is_paired(first, tmp_path):
    shutil.copytree(first, tmp_path / "bare")
    (tmp_path / "bare" / "predictions.csv").unlink()
    made = compared([first, tmp_path / "bare"])
    assert (made.differences["folds"] == 0).all()
    assert "without predictions.csv" in made.remarks[0]


def test_an_error_that_falls_is_better(first, tmp_path):
    def halved(frame):
        return frame.assign(value=frame["value"].where(frame["metric"] != "rmse", frame["value"].abs() / 2))

    positive = edited(first, tmp_path / "a", "metrics", lambda f: f.assign(value=f["value"].abs()))
    made = compared([positive, edited(positive, tmp_path / "b", "metrics", halved)], "rmse")
    row = row_of(made, "ridge")
    assert row["mean_difference"] < 0
    assert row["p_better"] > row["p_worse"]


def test_what_was_not_the_same_is_listed(first, tmp_path):
    shutil.copytree(first, tmp_path / "b")
    (tmp_path / "b" / "study.json").write_text('{"experiment": "two_step_study", "flags": {"seed": 7}}')
    settings = compared([first, tmp_path / "b"]).settings.set_index("what")
    assert settings.loc["flags.seed", "b"] == "7"


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ([], "two or more"),
        (["{first}"], "two or more"),
        (["{first}", "{first}/."], "named twice"),
        (["{first}", "{tmp}/no"], "no folder"),
        (["{first}", "{tmp}"], "metrics.csv"),
    ],
)
def test_bad_folders_are_named(first, tmp_path, folders, words):
    with pytest.raises(InputError, match=words):
        compared([folder.format(first=first, tmp=tmp_path) for folder in folders])


def test_a_metric_that_one_lacks_is_named(first, tmp_path):
    second = edited(first, tmp_path / "b", "metrics", lambda f: f[f["metric"] != "r2"])
    with pytest.raises(InputError, match=r"b holds no r2"):
        compared([first, second], "r2")


def test_labels_are_as_long_as_they_must_be(tmp_path):
    assert labels([tmp_path / "a" / "x", tmp_path / "b" / "x"]) == ["a/x", "b/x"]
    assert labels([tmp_path / "a", tmp_path / "b"]) == ["a", "b"]


def test_markers_are_drawn_as_baselines(first, tmp_path):
    """An arm named after a gene is a baseline as in every other picture."""

    def renamed(frame):
        return frame.replace({"arm": {"ridge": "marker:MGMT"}})

    one, two = (edited(first, tmp_path / name, "metrics", renamed) for name in "ab")
    figure = compared_report(compared([one, two])).sections[0].blocks[1].draw()
    legend = [text.get_text() for own in figure.legends for text in own.get_texts()]
    assert "baseline" in legend
    axis = figure.axes[0]
    colours = {
        line.get_color() for line in axis.lines if len(line.get_ydata()) == 1 and line.get_ydata()[0] == place(axis)
    }
    assert colours == {ORANGE}


def place(axis):
    """The row of the marker."""
    return [text.get_text() for text in axis.get_yticklabels()].index("marker:MGMT")


def test_three_studies_make_one_page(first, tmp_path):
    others = [edited(first, tmp_path / name, "metrics", noisy) for name in ("b", "c")]
    made = compared([first, *others])
    assert len(compared_report(made).sections[0].blocks) == 4
    write_compared(made, tmp_path)
    assert {path.name for path in tmp_path.glob("*.*")} == {
        "arms.csv",
        "differences.csv",
        "settings.csv",
        "report.html",
    }
