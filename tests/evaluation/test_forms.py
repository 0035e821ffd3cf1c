"""Kept closed forms: a model of arrays predicts what the baseline that was fitted on the same rows predicts."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from tl_jax.evaluation.predictors.baselines import BASELINES, RELATIVE_ALPHAS
from tl_jax.evaluation.predictors.fits import FITS, SOURCE_FITS
from tl_jax.evaluation.predictors.forms import at_most, evaluate, stacked
from tl_jax.evaluation.predictors.source_methods import METHODS, SourceView


def drawn(n=24, genes=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, genes)).astype(np.float32)
    y = 50 + 20 * (x[:, 3] - x[:, 7]) + rng.normal(size=n)
    return x, y, rng.normal(size=(9, genes)).astype(np.float32)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("grouped", [False, True])
def test_a_kept_form_predicts_as_its_baseline(name, grouped):
    x, y, new = drawn()
    groups = np.repeat(np.arange(12), 2) if grouped else None
    form = FITS[name](x, y, groups=groups, marker=3, seed=3)
    expected = BASELINES[name](x, y, new, groups=groups, marker=3, seed=3)
    assert np.ptp(expected) > 0 or name == "mean"
    np.testing.assert_allclose(evaluate(form.kind, form.arrays, new), expected, rtol=2e-5)
    assert {values.dtype.name for values in map(np.asarray, form.arrays.values())} <= {"float32", "int32"}


@pytest.mark.parametrize("name", FITS)
def test_rows_that_are_all_the_same(name):
    x, y, new = drawn()
    form = FITS[name](np.ones_like(x), y, marker=3, seed=3)
    expected = BASELINES[name](np.ones_like(x), y, new, marker=3, seed=3)
    np.testing.assert_allclose(evaluate(form.kind, form.arrays, new), expected, rtol=1e-5)


def test_a_kept_ridge_is_one_of_scikit_learns():
    x, y, new = drawn()
    form = FITS["ridge"](x, y)
    penalties = RELATIVE_ALPHAS * np.square(x - x.mean(axis=0)).sum() / len(x)
    twins = [Ridge(alpha).fit(x.astype(np.float64), y) for alpha in penalties]
    near = min(twins, key=lambda twin: np.abs(twin.coef_ - form.arrays["coef"]).max())
    np.testing.assert_allclose(evaluate(form.kind, form.arrays, new), near.predict(new.astype(np.float64)), rtol=1e-5)


def test_a_rounded_threshold_parts_the_same_floats():
    rng = np.random.default_rng(0)
    low = rng.normal(size=2000).astype(np.float32)
    high = np.nextafter(low, np.float32(np.inf))
    middle = (low.astype(np.float64) + high) / 2
    kept = at_most(middle)
    assert (low <= kept).all()
    assert (high > kept).all()


def views_of(x, new, directions, seed=5):
    """What two sources say of training and new rows, as SourceView; and the same of any rows for a kept form."""
    rng = np.random.default_rng(seed)
    found = []
    for direction in directions:
        weights = rng.normal(size=(x.shape[1], 4)).astype(np.float32)
        told = [(np.tanh(rows @ weights), np.tanh(rows @ weights).sum(axis=1), rows @ direction) for rows in (x, new)]
        found.append(SourceView(*(part for pair in zip(*told, strict=True) for part in pair)))
    return found


@pytest.mark.parametrize("name", SOURCE_FITS)
def test_a_kept_transfer_predicts_as_its_method(name):
    x, y, new = drawn()
    directions = np.random.default_rng(1).normal(size=(2, x.shape[1]))
    views = views_of(x, new, directions)[: 2 if METHODS[name].many else 1]
    fit, reads = SOURCE_FITS[name]
    form = fit(views, x, y, groups=None, directions=directions)
    seen = {
        "": new,
        "hidden": np.concatenate([view.test_features for view in views], axis=1),
        "prediction": np.column_stack([view.test_prediction for view in views]),
    }[reads]
    expected = METHODS[name].function(views, x, y, new)
    np.testing.assert_allclose(evaluate("linear", form.arrays, seen), expected, rtol=2e-5)


@pytest.mark.parametrize("name", FITS)
def test_forms_of_unequal_sizes_are_stacked(name):
    found = [drawn(n, seed=n) for n in (12, 24)]
    forms = [FITS[name](x, y, marker=3, seed=3) for x, y, _ in found]
    together = stacked(forms)
    for k, ((_, _, new), form) in enumerate(zip(found, forms, strict=True)):
        own = evaluate(form.kind, form.arrays, new)
        np.testing.assert_allclose(evaluate(form.kind, {n: v[k] for n, v in together.items()}, new), own, rtol=1e-6)
