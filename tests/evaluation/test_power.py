"""Power from simulated studies: the table's own numbers come back, and what must hold of any design."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics import power
from tl_jax.evaluation.statistics.power import ARMS, QUESTIONS, SOURCE, TARGETS, curve, detectable, rising
from tl_jax.study.core import derived

DESIGNS = [(ARMS, 22, None), (ARMS, 58, None), (SOURCE, 22, None), (SOURCE, 35, None), (TARGETS, 22, 8)]


@pytest.mark.parametrize("design", DESIGNS)
def test_power_never_falls_with_the_gain_and_what_is_detectable_is_found_so_often(design):
    found = curve(*design)
    assert (np.diff(found.power) >= 0).all()
    assert 0 <= found.power[0] <= 0.05
    for share in (0.1, 0.3, 0.5):
        size = found.reached(share)
        if np.isfinite(size) and size > 0:
            np.testing.assert_allclose(found.at(size), share, atol=1e-9)
        else:
            assert found.power[-1] < share or size == 0


def test_a_measured_design_gives_its_own_numbers():
    rows = [row for row in power.table() if (row["question"], row["n"], row["targets"]) == (TARGETS, 22, 12)]
    for row in rows:
        assert curve(TARGETS, 22, 12).at(row["gain"]) == pytest.approx(row["power"])
    assert {row["question"] for row in power.table()} == set(QUESTIONS)
    assert all(row["origin"] for row in power.table())


def test_more_samples_and_more_targets_find_more():
    assert curve(SOURCE, 58).at(0.1) > curve(SOURCE, 35).at(0.1) > curve(SOURCE, 22).at(0.1)
    assert curve(TARGETS, 22, 12).at(0.15) > curve(TARGETS, 22, 8).at(0.15) > curve(TARGETS, 22, 5).at(0.15)


def test_scattered_shares_are_pooled_to_what_never_falls():
    np.testing.assert_allclose(
        rising(np.array([0.3, 0.1, 0.5, 0.4]), np.array([1.0, 3, 1, 1])), [0.15, 0.15, 0.45, 0.45]
    )


def test_nothing_is_said_of_designs_that_were_not_measured():
    with pytest.raises(InputError, match="nothing is known of 500"):
        curve(ARMS, 500)
    with pytest.raises(InputError, match="independent targets"):
        curve(TARGETS, 22, 2)
    assert np.isnan(detectable(500))


def metrics(n):
    rows = [
        (arm, "", "honest", repeat, fold, "spearman", 0.125 * fold + bonus, n - n // 3, n // 3)
        for arm, bonus in (("ridge", 0.0), ("svr", 0.5))
        for repeat in range(2)
        for fold in range(3)
    ]
    columns = ["arm", "source", "protocol", "repeat", "fold", "metric", "value", "n_train", "n_test"]
    return pd.DataFrame(rows, columns=columns)


def test_a_study_reports_what_the_command_says():
    """Of 30 samples, and by its own model where nothing was measured."""
    assert derived.detectable(metrics(30), "ridge", power=0.1)["detectable"].tolist() == [detectable(30, 0.1)]
    assert np.isnan(derived.detectable(metrics(3000), "ridge")["detectable"]).all()  # differences without spread


def test_the_command_needs_no_jax():
    code = "import sys; from experiments import power; power.main(['--n=22', '--gain=.2']); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[-1] == "False"
    assert f"a gain of 0.20: {curve(SOURCE, 22).at(0.2):.0%}" in done.stdout


def test_the_table_is_that_of_its_script():
    from benchmarks.calibration import power_table

    made = [*power_table.arms(), *power_table.sources(), *power_table.targets()]
    assert made == json.loads(power_table.WHERE.read_text())["rows"]


def test_enough_is_the_fewest_samples_that_find_a_gain():
    for share in (0.1, 0.3):
        for gain in (0.05, 0.1, 0.2):
            n = power.enough(gain, share)
            if n is None:
                assert curve(ARMS, 83).reached(share) > gain
            else:
                assert curve(ARMS, n).reached(share) <= gain
                assert n == 22 or curve(ARMS, n - 1).reached(share) > gain
    assert power.enough(0.2) is None  # at the usual power no simulated study of arms is large enough
