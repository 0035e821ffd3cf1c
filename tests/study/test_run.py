"""Experiments from settings to tables: the same folds for all arms, metrics of the predictions, bad settings."""

import numpy as np
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import score
from tl_jax.study.cohort.settings import Settings
from tl_jax.transfer.strategies import STRATEGIES


def test_every_arm_predicts_the_same_rows_once(two_step):
    predictions = two_step[0].table("predictions")
    keys = ["repeat", "fold", "sample_id", "y_true"]
    arms = {arm: part[keys].reset_index(drop=True) for arm, part in predictions.groupby("arm")}
    assert set(arms) == {"scratch", "zero_shot", "copy_layer1", "freeze_layer1", "mean", "marker_gene", "ridge"}
    for rows in arms.values():
        assert rows.equals(arms["scratch"])
        assert (rows.groupby("repeat").sample_id.nunique() == 20).all()


def test_metrics_are_those_of_the_predictions(two_step):
    """Per fold and pooled, recomputed from the predictions table."""
    metrics, predictions = two_step[0].table("metrics"), two_step[0].table("predictions")
    for (arm, repeat, fold), part in metrics.groupby(["arm", "repeat", "fold"]):
        rows = predictions[(predictions.arm == arm) & (predictions.repeat == repeat)]
        if fold != "pooled":
            rows = rows[rows.fold == fold]
        expected = score(rows.y_true.to_numpy(), rows.y_pred.to_numpy())
        found = part.set_index("metric").value
        assert set(found.index) == set(expected)
        for metric, value in expected.items():
            np.testing.assert_allclose(found[metric], value, equal_nan=True)
        assert (part.n_test == len(rows)).all()


def test_predictions_are_in_the_response_unit(two_step, cohort):
    predictions = two_step[0].table("predictions")
    truth = dict(zip(cohort.stage("target").samples, cohort.stage("target").response, strict=True))
    assert all(truth[s] == y for s, y in zip(predictions.sample_id, predictions.y_true, strict=True))
    ridge = predictions[predictions.arm == "ridge"]
    assert ridge.y_pred.between(-0.5, 1.5).all()


def test_baselines_alone(run, small, cohort):
    results = run("exp7_two_step", small(strategies=(), baselines=("mean", "ridge")), cohort)
    assert set(results.table("metrics").arm) == {"mean", "ridge"}
    assert results.stages == []
    with pytest.raises(InputError, match="leave nothing to run"):
        run("exp4_target", small(strategies=(), baselines=()), cohort)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("exp4_target", {"strategies": ("copy_layer1",)}, "strategy 'copy_layer1' needs a source model"),
        ("exp6_source_to_target", {"source_drugs": ("aspirin",)}, "aspirin.*Oxaliplatin"),
        ("exp6_source_to_target", {"strategies": ("nothing",)}, "no strategy 'nothing'"),
        ("exp6_source_to_target", {"baselines": ("nothing",)}, "no baseline 'nothing'"),
        ("exp7_two_step", {"intermediate_strategy": "zero_shot"}, "zero_shot trains nothing"),
        ("exp4_target", {"strategies": ("scratch",), "folds": 15}, "fold"),
    ],
)
def test_bad_settings_are_refused_in_one_line(run, small, cohort, name, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        run(name, small(**changes), cohort)
    assert "\n" not in str(caught.value)


def test_quick_mode_keeps_what_is_given():
    assert Settings().in_quick_mode().repeats == 2
    kept = Settings(repeats=7).in_quick_mode(hidden=(5, 3))
    assert (kept.repeats, kept.hidden, kept.quick) == (7, (5, 3), True)


def test_settings_check_themselves(small):
    bad = ({"repeats": 0}, {"folds": 0}, {"learning_rate": (float("nan"),)}, {"optimizer": "lion"})
    worse = ({"learning_rate": (-1.0,)}, {"read_epochs": (0,)}, {"hidden": (5,)}, {"seed": -1}, {"protocol": "mine"})
    for changes in (*bad, *worse):
        with pytest.raises(InputError):
            small(**changes)


def test_recipes_follow_the_specification(small):
    settings = small(quick=False)
    scratch, transfer = (settings.recipe(STRATEGIES[name]) for name in ("scratch", "copy_layer1"))
    assert (scratch.epochs, scratch.learning_rate, scratch.batch_size) == (50, 1e-3, 32)
    assert (transfer.epochs, transfer.learning_rate) == (200, 1e-4)
    assert (transfer.kernel_l2, transfer.activity_l1, transfer.dropout) == (1e-4, 1e-4, (0.3, 0.1))
    own = small(quick=False, epochs=7, learning_rate=(0.5,), batch_size=3).recipe(STRATEGIES["copy_layer1"])
    assert (own.epochs, own.learning_rate, own.batch_size) == (7, 0.5, 3)
