"""The rates that reports print are those that docs/calibration.json records."""

import json
from pathlib import Path

import pytest

from tl_jax.evaluation.statistics.known_rates import RATES, UNRELATED, false_positives

RECORDED = Path(__file__).resolve().parents[2] / "docs" / "calibration.json"


def test_every_rate_is_the_recorded_one():
    lines = [line for line in json.loads(RECORDED.read_text())["null"] if line["signal"] == "all"]
    recorded = {(line["test"], line["n"]): line for line in lines}
    assert {(test, n) for test, sizes in RATES.items() for n in sizes} == set(recorded)
    for (test, n), line in recorded.items():
        known = RATES[test][n]
        assert known[:3] == pytest.approx((line["rate"], line["low"], line["high"]), abs=5.1e-4)
        assert known.studies == line["studies"]


def test_every_rate_of_unrelated_arms_is_the_recorded_one():
    lines = json.loads(RECORDED.read_text())["influence"]["null"]
    sizes = {22: "disjoint-n22-k3", 35: "disjoint-n35-k3", 58: "disjoint-n58-k5"}
    for test, known in UNRELATED.items():
        for n, column in sizes.items():
            line = next(one for one in lines if (one["column"], one["repeats"]) == (column, 10))[test]
            assert known[n][:3] == pytest.approx((line["rate"], line["low"], line["high"]), abs=5.1e-4)
            assert known[n].studies == line["studies"]


def test_words_name_the_size_that_was_measured():
    assert "of 22 samples" in false_positives("wilcoxon_repeats", 30)
    assert "of 83 samples" in false_positives("wilcoxon_repeats", 60)
    known = RATES["corrected_t"][22]
    assert f"in {known.rate:.0%} ({known.low:.0%} to {known.high:.0%})" in false_positives("corrected_t", 22)
    with pytest.raises(KeyError):
        false_positives("guess", 22)
