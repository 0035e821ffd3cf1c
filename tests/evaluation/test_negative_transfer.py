"""The warning appears where transfer did harm, whichever way round the pair stands, and names what is better."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.evaluation.statistics.comparisons import compare
from tl_jax.evaluation.statistics.negative_transfer import negative_transfer

COLUMNS = ["experiment", "protocol", "source", "arm", "repeat", "fold", "metric", "value", "n_train", "n_test"]


def study(levels, metric="spearman"):
    """Metrics of arms whose value per fold lies around the given levels."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.02, (10, 4))
    rows = [
        ("exp", "honest", source, arm, repeat, fold, metric, level + noise[repeat, k] + rng.normal(0, 0.02), 14, 8)
        for (source, arm), level in levels.items()
        for repeat in range(10)
        for k, fold in enumerate((0, 1, 2, "pooled"))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.mark.parametrize("scratch_first", [True, False])
def test_harm_is_named_with_a_remedy(scratch_first):
    levels = {("", "scratch"): 0.4, ("drug", "copy_layer1"): 0.1, ("drug", "fine_tune@50"): 0.6, ("", "ridge"): 0.5}
    if not scratch_first:
        levels = dict(reversed(levels.items()))
    frame = study(levels)
    lines = negative_transfer(compare(frame, by_source=False, reference="scratch"), frame, {"copy_layer1", "fine_tune"})
    assert len(lines) == 1
    assert lines[0].startswith(
        "negative transfer: copy_layer1 from drug is shown to do worse than scratch: Spearman per fold -0.3"
    )
    assert "of what needs no source ridge has the highest mean here" in lines[0]
    low, high = (float(text) for text in lines[0].split("95 % ")[1].split(")")[0].split(" to "))
    assert low < -0.3 < high < 0


def test_the_reference_itself_where_no_baseline_is_better():
    frame = study({("", "scratch"): 0.4, ("drug", "copy_layer1"): 0.1, ("", "mean"): np.nan})
    (line,) = negative_transfer(compare(frame, by_source=False, reference="scratch"), frame, {"copy_layer1"})
    assert "scratch has the highest mean here" in line


def test_nothing_is_said_without_a_reference_or_harm():
    frame = study({("drug", "copy_layer1"): 0.1, ("", "ridge"): 0.5})
    assert negative_transfer(compare(frame, by_source=False, reference="scratch"), frame, {"copy_layer1"}) == []
    frame = study({("", "scratch"): 0.1, ("drug", "copy_layer1"): 0.4})
    assert negative_transfer(compare(frame, by_source=False, reference="scratch"), frame, {"copy_layer1"}) == []


def test_a_larger_error_is_harm_and_a_smaller_one_is_not():
    frame = study(
        {("", "scratch"): 0.4, ("drug", "copy_layer1"): 0.7, ("drug", "fine_tune"): 0.1, ("", "ridge"): 0.2}, "rmse"
    )
    arms = {"copy_layer1", "fine_tune"}
    (line,) = negative_transfer(compare(frame, by_source=False, reference="scratch"), frame, arms, metric="rmse")
    assert line.startswith(
        "negative transfer: copy_layer1 from drug is shown to do worse than scratch: RMSE per fold +0.3"
    )
    assert "ridge has the lowest mean here" in line


def test_lower_on_average_is_not_called_harm():
    frame = study({("", "scratch"): 0.4, ("drug", "copy_layer1"): 0.39})
    rows = compare(frame, by_source=False, reference="scratch")
    assert rows["p_worse"].iloc[0] < 1
    assert negative_transfer(rows.assign(p_after_looks=0.06), frame, {"copy_layer1"}) == []
    assert len(negative_transfer(rows.assign(p_after_looks=0.04), frame, {"copy_layer1"})) == 1
