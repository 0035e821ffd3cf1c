"""Responses put back on the scale that they were measured on, and kept within what they can be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.response_scales import on_scale, suggested
from tl_jax.data.own_scale import learned_unit, on_own_scale, own_scale, possible_words
from tl_jax.errors import InputError


@pytest.mark.parametrize(
    ("transform", "unit", "values"),
    [
        ("none", "AUC", [0.1, 0.5, 0.93]),
        ("log10", "IC50 (uM)", [1e-3, 4.0, 900.0]),
        ("logit", "AUC", [0.05, 0.5, 0.93]),
        ("logit", "viability (%)", [5.0, 50.0, 93.0]),
        ("logit", "percent alive", [0.5 + 1, 50.0, 93.0]),
    ],
)
def test_values_come_back_as_they_were_measured(transform, unit, values):
    frame = pd.DataFrame({"T": values}, index=list("abc"))
    learned = on_scale(frame, transform, unit, Path("t.csv"))["T"].to_numpy()
    scale = own_scale(learned_unit(unit, transform), learned.min(), learned.max())
    assert (scale.unit, scale.transform) == (unit, transform)
    np.testing.assert_allclose(scale.back(learned), values)
    assert scale.possible(scale.back(learned))[1] == 0


@pytest.mark.parametrize(
    ("unit", "low", "high", "limits"),
    [
        ("AUC", 0.2, 0.98, (0, 1)),
        ("AUC", 0.2, 1.3, (0, np.inf)),  # what was measured is possible
        ("AUC", -0.1, 0.9, (-np.inf, np.inf)),
        ("IC50 (uM)", 0.1, 30, (0, np.inf)),
        ("ln_IC50", 0.1, 3, (-np.inf, np.inf)),
        ("pIC50", 4, 9, (-np.inf, np.inf)),
        ("log10(IC50)", 1, 3, (-np.inf, np.inf)),
        ("viability (%)", 10, 80, (0, np.inf)),
        ("response", 0.1, 0.5, (-np.inf, np.inf)),
        ("growth inhibition (%)", 5, 95, (-np.inf, np.inf)),  # dying cells grow by less than nothing
        ("\u00b5M", 0.1, 30, (0, np.inf)),
        ("log10 of IC50", -3, 2, (0, np.inf)),
        ("logit of AUC", -3, 2, (0, 1)),
        ("logit of viability (%)", -3, 2, (0, 100)),
    ],
)
def test_what_a_response_can_be(unit, low, high, limits):
    assert own_scale(unit, low, high)[2:] == limits


def test_impossible_values_are_set_to_the_limit_and_counted():
    table = pd.DataFrame({"prediction": [-0.2, 0.5, np.nan], "low": [-np.inf, 0.1, 0.2], "high": [0.3, 1.4, np.inf]})
    scale = own_scale("AUC", 0.1, 0.9)
    found, outside = on_own_scale(table, scale, ("prediction", "low", "high", "absent"))
    assert outside == 2
    np.testing.assert_array_equal(found["prediction"], [0, 0.5, np.nan])
    np.testing.assert_array_equal(found["low"], [0, 0.1, 0.2])
    np.testing.assert_array_equal(found["high"], [0.3, 1, 1])
    assert possible_words(scale, outside).startswith("2 forecasts or ends of intervals lay outside 0 to 1 [AUC]")
    assert possible_words(scale, 0) == ""
    endless, _ = on_own_scale(table, own_scale("log10 of IC50"), ("low", "high"))
    assert (endless["low"][0], endless["high"][2]) == (0, np.inf)


def test_percentages_without_their_sign_are_asked_about():
    frame = pd.DataFrame({"T": [40.0, 60.0]}, index=["a", "b"])
    with pytest.raises(InputError, match=r"40 of sample 'a'.* no share between 0 and 1 .*unit = 'viability \(%\)'"):
        on_scale(frame, "logit", "viability", Path("t.csv"))


CROWDED = [0.3, 0.6, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99]


@pytest.mark.parametrize(
    ("values", "unit", "name"),
    [
        (10.0 ** np.linspace(-3, 3, 20), "IC50_uM", "log10"),
        (10.0 ** np.linspace(-3, 3, 20), "log10 of IC50", "none"),
        (np.linspace(4, 9, 20), "pIC50", "none"),
        (CROWDED, "AUC", "logit"),
        (100 * np.array(CROWDED), "viability (%)", "logit"),
        (1 - np.array(CROWDED), "AAC", "logit"),
        (CROWDED, "score", "none"),
        ([*CROWDED, 1.2], "AUC", "none"),
        (np.linspace(0.1, 0.9, 20), "AUC", "none"),
        ([0.5] * 20, "AUC", "none"),
    ],
)
def test_the_scale_that_a_distribution_asks_for(values, unit, name):
    assert suggested(np.asarray(values), unit) == name
