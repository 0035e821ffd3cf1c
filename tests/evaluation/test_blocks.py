"""Gains over blocks by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tl_jax.evaluation.statistics.blocks import gains


def test_gains_by_hand():
    blocks = pd.DataFrame({"r": [0.1, 0.2, 0.3, 0.4], "a": [0.2, 0.2, 0.2, 0.7], "gaps": [np.nan, 0.3, np.nan, np.nan]})
    found = gains(blocks, "r").set_index("method")
    assert list(found.index) == ["a", "gaps"]
    d = np.array([0.1, 0.0, -0.1, 0.3])
    expected = stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert found.loc["a", "gain"] == pytest.approx(d.mean())
    assert (found.loc["a", "ci_low"], found.loc["a", "ci_high"]) == pytest.approx((expected.low, expected.high))
    assert found.loc["a", "won"] == pytest.approx(0.625)
    assert found.loc["gaps", "blocks"] == 1
    assert found.loc["gaps", "gain"] == pytest.approx(0.1)
    assert np.isnan(found.loc["gaps", "ci_low"])


def test_a_method_that_is_never_defined_has_no_gain():
    found = gains(pd.DataFrame({"r": [0.1, 0.2], "mean": [np.nan, np.nan]}), "r").iloc[0]
    assert found.blocks == 0
    assert np.isnan([found.gain, found.ci_low, found.won]).all()
