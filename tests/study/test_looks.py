"""Looking again at the same samples is counted and charged."""

import json

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.study.cohort.looks import FILE, charged, note


def test_the_first_look_is_free_and_later_ones_are_charged():
    table = pd.DataFrame({"p_holm": [0.01, 0.2, np.nan]})
    np.testing.assert_array_equal(charged(table, 1).p_after_looks, table.p_holm)
    np.testing.assert_allclose(charged(table, 2).p_after_looks, [0.06, 1, np.nan])
    np.testing.assert_allclose(charged(table, 3).p_after_looks, [0.12, 1, np.nan])
    assert note([{}]) is None


def test_more_repeats_are_a_look_and_other_arms_are_none(run, small, cohort, caplog):
    caplog.set_level("INFO", "tl_jax")
    alone = {"strategies": (), "baselines": ("mean", "ridge")}
    first = run("exp4_target", small(**alone), cohort)
    assert set(first.comparisons.looks) == {1}
    again = run("exp4_target", small(strategies=(), baselines=("mean", "ridge", "marker_gene")), cohort)
    assert set(again.comparisons.looks) == {1}
    caplog.clear()
    more = run("exp4_target", small(**alone, repeats=3), cohort)
    assert set(more.comparisons.looks) == {2}
    assert any("judged 1 time(s) before" in line and "repeats 2" in line for line in caplog.messages)
    other = run("exp4_target", small(**alone, repeats=3, protocol="transductive"), cohort)
    assert set(other.comparisons.looks) == {1}


def test_a_broken_record_is_one_line(run, small, cohort, tmp_path):
    place = tmp_path / "checkpoints" / cohort.name
    place.mkdir(parents=True)
    (place / FILE).write_text("{")
    with pytest.raises(InputError, match="delete it to begin to count anew"):
        run("exp4_target", small(strategies=(), baselines=("mean",)), cohort)
    (place / FILE).write_text(json.dumps([1]))
    with pytest.raises(InputError, match="delete it to begin to count anew"):
        run("exp4_target", small(strategies=(), baselines=("mean",)), cohort)
