"""Shallow classifiers: their own calls, tiny training sets, seeds, no look at the test rows."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.svm import SVC

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors import shallow
from tl_jax.evaluation.predictors.shallow import SHALLOW, check_names, fitted, model

FAST = ("mean", "logistic", "svc", "random_forest", "gradient_boosting", "svc_tuned", "logistic_tuned")


def bits(n, seed=0, features=64):
    """Fingerprint-like rows and a label that follows a few of the bits."""
    random = np.random.default_rng(seed)
    x = (random.random((n, features)) < 0.3).astype(np.float32)
    y = (x[:, :6].sum(axis=1) + 0.7 * random.standard_normal(n) > 1.8).astype(float)
    y[:2] = 0, 1
    return x, y


@pytest.mark.parametrize("name", ["svc", "random_forest", "gradient_boosting", "logistic"])
def test_the_threshold_is_the_models_own_decision(name):
    (x, y), (new, truth) = bits(60), bits(300, 1)
    own = model(name, 7).fit(x.astype(float), y.astype(int))
    found = SHALLOW[name](x, y, new, 7)
    np.testing.assert_array_equal(found > 0.5, own.predict(new.astype(float)) == 1)
    assert found.shape == (300,)
    assert ((found >= 0) & (found <= 1)).all()
    assert roc_auc_score(truth, found) > 0.65
    if name == "svc":
        decision = own.decision_function(new.astype(float))
        assert roc_auc_score(truth, found) == pytest.approx(roc_auc_score(truth, decision))


def test_a_decision_next_to_the_border_is_still_a_call():
    class Edge:
        def decision_function(self, new):
            return np.asarray([1e-17, 0.0, -1e-17, 50.0, -800.0])

    assert (shallow.value(Edge(), None) > 0.5).tolist() == [True, False, False, True, False]


@pytest.mark.parametrize("name", SHALLOW)
@pytest.mark.parametrize("rows", [(1, 1), (3, 3)])
def test_one_or_three_of_each_class(name, rows):
    x, y = bits(80)
    kept = np.concatenate([np.flatnonzero(y == label)[:n] for label, n in enumerate(rows)])
    found = SHALLOW[name](x[kept], y[kept], x, 0)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
    if rows == (1, 1) and name.endswith("_tuned"):
        np.testing.assert_array_equal(found, SHALLOW[name.removesuffix("_tuned")](x[kept], y[kept], x, 0))


@pytest.mark.parametrize("name", FAST)
def test_one_class_or_rows_without_spread(name):
    x, _ = bits(10)
    for label in (0.0, 1.0):
        np.testing.assert_array_equal(SHALLOW[name](x[:4], np.full(4, label), x, 0), label)
    found = SHALLOW[name](np.ones((8, 5)), np.arange(8) % 2, np.ones((3, 5)), 0)
    assert (found == found[0]).all()


@pytest.mark.parametrize("name", FAST)
def test_a_seed_repeats_and_test_rows_stand_alone(name):
    (x, y), (new, _) = bits(40), bits(30, 1)
    whole = SHALLOW[name](x, y, new, 3)
    np.testing.assert_array_equal(whole, SHALLOW[name](x, y, new, 3))
    np.testing.assert_allclose(whole[:5], SHALLOW[name](x, y, new[:5], 3), atol=1e-12)


def test_a_forest_depends_on_its_seed():
    (x, y), (new, _) = bits(40), bits(30, 1)
    assert (SHALLOW["random_forest"](x, y, new, 3) != SHALLOW["random_forest"](x, y, new, 4)).any()


def test_the_mean_is_the_prior():
    np.testing.assert_allclose(SHALLOW["mean"](np.ones((4, 2)), [0, 0, 0, 1], np.ones((2, 2)), 0), 0.25)


def test_tuning_chooses_what_the_defaults_miss():
    """Checkerboard of two features: the default width is too wide for it."""
    random = np.random.default_rng(0)
    x, new = random.uniform(0, 3, (120, 2)), random.uniform(0, 3, (400, 2))
    y, truth = ((np.floor(rows).sum(axis=1) % 2) for rows in (x, new))
    plain, tuned = (roc_auc_score(truth, fitted(name, x, y, new, 0)) for name in ("svc", "svc_tuned"))
    assert tuned > plain + 0.02


def test_published_settings():
    """SVC (RBF, C = 1, gamma scale), 100 trees, boosting with 100 trees of depth 3 at .1: scikit-learn's defaults."""
    svc, forest, boosting = (model(name, 0).get_params() for name in shallow.PUBLISHED)
    assert (svc["kernel"], svc["C"], svc["gamma"]) == ("rbf", 1.0, "scale")
    assert forest["n_estimators"] == 100
    assert (boosting["n_estimators"], boosting["learning_rate"], boosting["max_depth"]) == (100, 0.1, 3)
    assert isinstance(model("svc", 0), SVC)


def test_an_unknown_name():
    with pytest.raises(InputError, match="no shallow classifier 'xgb'; there are: mean"):
        check_names(["svc", "xgb"])
