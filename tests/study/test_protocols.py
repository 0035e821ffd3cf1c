"""What held-out rows may lend to preprocessing, and that nothing else of them reaches a model."""

import dataclasses

import numpy as np
import pytest

from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.study.core.arms import Arm, How, run_arms
from tl_jax.study.core.folds import scale_folds
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.transfer.strategies import STRATEGIES


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_what_held_out_rows_lend(cohort, protocol):
    """Changing held-out expression or labels moves exactly the statistics that the protocol says."""
    domain, rules = cohort.stage("target"), PROTOCOLS[protocol]
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1)
    fold = folds[0]
    x, y = domain.x.copy(), domain.y.copy()
    x[fold.test] += 3
    y[fold.test] *= 10
    before = scale_folds(domain, folds, rules)[0]
    after = scale_folds(dataclasses.replace(domain, x=x, y=y), folds, rules)[0]
    same_train = np.array_equal(before.train.center, after.train.center)
    same_test = np.array_equal(before.test.center, after.test.center)
    same_response = before.response == after.response
    expected = {
        "honest": (True, True, True),
        "as_published": (True, False, False),
        "transductive": (False, False, True),
    }
    assert (same_train, same_test, same_response) == expected[protocol]


def test_published_protocol_scales_the_held_out_fold_by_itself(cohort):
    domain = cohort.stage("target")
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1)
    scaled = scale_folds(domain, folds, PROTOCOLS["as_published"])
    for f in scaled:
        np.testing.assert_allclose(f.test.center, fit_scaler(domain.x[f.fold.test], domain.scaler).center)
        assert (f.response.low, f.response.high) == (domain.response.min(), domain.response.max())
    alone = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1, kind="leave_one_out")
    with pytest.raises(InputError, match="at least 2 samples"):
        scale_folds(domain, alone, PROTOCOLS["as_published"])


def test_held_out_labels_and_rows_cannot_reach_a_model(small, cohort):
    """Under the honest protocol a fold's predictions do not move when its held-out labels do."""
    domain, settings = cohort.stage("target"), small()
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1)
    y = domain.y.copy()
    y[folds[0].test] = y[folds[0].test][::-1] * 3
    predicted = []
    for d in (domain, dataclasses.replace(domain, y=y)):
        problem = Problem(d, tuple(scale_folds(d, folds, settings.rules)[:1]))
        recipe = settings.recipe(STRATEGIES["scratch"])
        arm = Arm("scratch", "", STRATEGIES["scratch"], None, recipe, settings.fit_config(recipe))
        predicted.append(run_arms(problem, [arm], How(settings.network, seed=1)).predictions.y_pred.to_numpy())
    np.testing.assert_array_equal(*predicted)


@pytest.mark.full
def test_a_sensitive_direction_mirrors_the_network_scale_only(run, small, cohort):
    """The same response written as 'high = sensitive' gives mirrored predictions in its own unit."""
    target = cohort.domains[2]
    mirrored = dataclasses.replace(target, y=1 - target.y, direction="sensitive")
    other = dataclasses.replace(cohort, domains=(*cohort.domains[:2], mirrored))
    settings = small(strategies=("copy_layer1",), baselines=(), split="plain")
    one, two = (run("exp6_source_to_target", settings, c).table("predictions").y_pred for c in (cohort, other))
    np.testing.assert_allclose(one, 1 - two, atol=1e-4)


@pytest.mark.full
def test_groups_share_a_fold(run, small, cohort):
    target = cohort.domains[2]
    grouped = dataclasses.replace(target, groups=np.asarray([f"g{i // 2}" for i in range(len(target))]))
    other = dataclasses.replace(cohort, domains=(*cohort.domains[:2], grouped))
    predictions = run("exp4_target", small(strategies=("scratch",), baselines=()), other).table("predictions")
    group = dict(zip(grouped.samples, grouped.groups, strict=True))
    assert (predictions.assign(g=predictions.sample_id.map(group)).groupby(["repeat", "g"]).fold.nunique() == 1).all()
