"""A target moved towards its source: fold by fold, from training rows alone, with names and responses kept."""

import dataclasses

import numpy as np
import pytest

from tl_jax.data.splits import partitions
from tl_jax.study.core.aligned import aligned
from tl_jax.study.core.folds import scale_folds
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.transfer.alignment import match_covariance


@pytest.fixture
def target(cohort):
    return cohort.stage("target").for_drug(cohort.drug)


@pytest.fixture
def source_rows(cohort):
    x = cohort.stage("source").x
    return (x - x.mean(axis=0)) / x.std(axis=0)


def moved(domain, source_rows, all_rows=False):
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1)
    scaled = scale_folds(domain, folds, PROTOCOLS["honest"])
    return scaled, *aligned(domain, scaled, match_covariance, source_rows, all_rows)


def test_each_fold_has_rows_of_its_own(target, source_rows):
    folds, domain, own = moved(target, source_rows)
    assert len(domain) == 3 * len(target)
    for before, after in zip(folds, own, strict=True):
        train = before.train.apply(target.x[before.fold.train])
        expected = match_covariance(source_rows)(train)(before.test.apply(target.x[before.fold.test]))
        np.testing.assert_array_equal(after.test.apply(domain.x[after.fold.test]), expected)
        np.testing.assert_array_equal(domain.samples[after.fold.test], target.samples[before.fold.test])
        np.testing.assert_array_equal(after.y[after.fold.train], target.response[before.fold.train])
        assert not set(after.fold.train) & set(after.fold.test)
    assert len(set(np.concatenate([np.concatenate([f.fold.train, f.fold.test]) for f in own]))) == len(domain)


@pytest.mark.parametrize("all_rows", [False, True])
def test_held_out_rows_shape_nothing_unless_the_protocol_lends_them(target, source_rows, all_rows):
    folds, domain, own = moved(target, source_rows, all_rows)
    x = target.x.copy()
    x[folds[0].fold.test] += 2
    changed = dataclasses.replace(target, x=x)
    _, other, _ = moved(changed, source_rows, all_rows)
    train = own[0].fold.train
    assert np.array_equal(domain.x[train], other.x[train]) != all_rows


@pytest.mark.full
def test_an_aligned_arm_predicts_as_any_other_and_keeps_no_model(run, small, cohort):
    found = run("exp6_source_to_target", small(strategies=("coral_freeze_layer1",), baselines=("mean",)), cohort)
    predictions = found.table("predictions")
    rows = [
        list(zip(part.repeat, part.fold, part.sample_id, part.y_true, strict=True))
        for _, part in predictions.groupby("arm")
    ]
    assert rows[0] == rows[1]
    assert predictions[predictions.arm == "coral_freeze_layer1"].y_pred.std() > 0
    assert [stage.plan.role for stage in found.stages] == ["source"]
