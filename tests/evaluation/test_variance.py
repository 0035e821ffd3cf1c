"""Variance components against statsmodels, a table by hand, and simulated components."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.variance import FACTORS, components, mean_squares, variance_split

EFFECTS = [("partition",), ("initialisation",), ("order",), ("partition", "initialisation"), ("partition", "order")]
EFFECTS += [("initialisation", "order"), ("partition", "initialisation", "order")]
AXES = dict(zip(FACTORS, range(3), strict=True))


def long(values):
    rows = [(*levels, values[levels]) for levels in product(*map(range, values.shape))]
    return pd.DataFrame(rows, columns=[*FACTORS, "value"])


def draw(rng, shape, sd):
    """Values whose effects have the standard deviations `sd`, in the order of EFFECTS."""
    total = np.zeros(shape)
    for key, size in zip(EFFECTS, sd, strict=True):
        total = total + size * rng.standard_normal([n if f in key else 1 for f, n in zip(FACTORS, shape, strict=True)])
    return total


def test_mean_squares_are_those_of_statsmodels():
    pytest.importorskip("statsmodels")
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    values = np.random.default_rng(0).standard_normal((4, 3, 2))
    names = {f: f"C({f})" for f in FACTORS}
    model = ols("value ~ " + " + ".join(":".join(names[f] for f in key) for key in EFFECTS[:-1]), long(values)).fit()
    table = anova_lm(model)
    found = mean_squares(values, EFFECTS, AXES)
    for key in EFFECTS:
        name = ":".join(names[f] for f in key) if len(key) < 3 else "Residual"
        assert found[key] == pytest.approx(table.loc[name, "mean_sq"], rel=1e-9)


def test_a_table_by_hand():
    # Only the partition matters: 0 or 2. Mean square 8 of 1 degree of freedom over 2 x 2 values a level.
    values = np.zeros((2, 2, 2))
    values[1] = 2
    found = variance_split(long(values)).set_index("component")
    assert found["variance"].to_dict() == {
        "partition": 2,
        "initialisation": 0,
        "batch order": 0,
        "interaction": 0,
    }
    assert found.loc["partition", "share"] == 1
    assert not found["note"].any()


def test_known_components_are_found_on_average():
    rng = np.random.default_rng(3)
    sd = (0.3, 0.2, 0.1, 0.15, 0.1, 0.05, 0.12)
    drawn = [components(draw(rng, (6, 5, 4), sd)) for _ in range(1000)]
    for key, size in zip(EFFECTS, sd, strict=True):
        values = np.array([one[key] for one in drawn])
        assert values.mean() == pytest.approx(size**2, abs=4 * values.std() / np.sqrt(len(values)))


def test_a_large_table_gives_its_components():
    sd = (0.3, 0.2, 0.1, 0.15, 0.1, 0.05, 0.12)
    found = variance_split(long(draw(np.random.default_rng(5), (40, 40, 40), sd)))
    expected = [*np.square(sd[:3]), np.sum(np.square(sd[3:]))]
    np.testing.assert_allclose(found["variance"], expected, rtol=0.6)  # a standard error is about .23
    np.testing.assert_allclose(found["share"].sum(), 1)


def test_what_is_negative_is_nought_and_said():
    # Only partition and initialisation together: their mean square is 2, so 2 / 2, and the partition's is (0 - 2) / 4.
    values = np.array([[[0.0, 0.0], [1.0, 1.0]], [[1.0, 1.0], [0.0, 0.0]]])
    assert components(values)[("partition",)] == pytest.approx(-0.5)
    found = variance_split(long(values)).set_index("component")
    assert found["variance"].to_dict() == pytest.approx(
        {"partition": 0, "initialisation": 0, "batch order": 0, "interaction": 1}
    )
    assert found.loc["partition", "note"] == "it was estimated below zero and set to 0"
    assert not found.loc[["batch order", "interaction"], "note"].any()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), move=st.floats(-5, 5), stretch=st.floats(0.1, 5))
def test_order_of_rows_and_unit_change_nothing(seed, move, stretch):
    rng = np.random.default_rng(seed)
    values = draw(rng, (3, 2, 4), rng.uniform(0, 1, 7))
    found = variance_split(long(values))
    other = variance_split(long(values * stretch + move).sample(frac=1, random_state=seed))
    np.testing.assert_allclose(other["variance"], found["variance"] * stretch**2, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other["share"], found["share"], rtol=1e-6, atol=1e-9)
    assert found["share"].sum() == pytest.approx(1)


def test_undefined_values_and_nothing_that_varies():
    values = np.ones((2, 2, 2))
    assert variance_split(long(values))["share"].isna().all()
    values[0, 0, 0] = np.nan
    assert variance_split(long(values))["variance"].isna().all()


def test_faults_are_named():
    table = long(np.random.default_rng(0).standard_normal((2, 3, 2)))
    faults = {
        "lacks the column order": table.drop(columns="order"),
        "partition 1, initialisation 2, order 1 is missing": table.iloc[:-1],
        "partition 0, initialisation 0, order 0 is there twice": pd.concat([table, table.iloc[:1]]),
        "the factor order has 1 level": table[table["order"] == 0],
    }
    for words, faulty in faults.items():
        with pytest.raises(InputError, match=words):
            variance_split(faulty)
