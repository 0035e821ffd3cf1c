"""Where transfer stops to help: known curves, words, and simulated studies."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.draws.crossover import COLUMNS, crossing, crossover, crossovers

SIZES = np.asarray([2, 6, 12, 48, 96, 400, 1000])


def test_a_straight_line_in_log_n():
    assert crossing(SIZES, 3 * (np.log(150) - np.log(SIZES))) == pytest.approx(150, rel=1e-12)
    assert crossing([10, 1000], [1, -1]) == pytest.approx(100)
    assert crossing([10, 1000], [3, -1]) == pytest.approx(10**2.5)
    assert crossing([10, 100, 1000], [1, 0, -1]) == pytest.approx(100)


def test_no_crossing():
    assert crossing(SIZES, np.full(7, 0.1)) == np.inf
    assert crossing(SIZES, np.full(7, -0.1)) == -np.inf
    assert np.isnan(crossing(SIZES, np.zeros(7)))
    assert np.isnan(crossing([10, 100], [np.nan, 1]))


def test_a_curve_that_rises_is_smoothed_and_one_that_falls_is_left_alone():
    # .3 and .1, -.1: the first two are pooled to .2 from the second on, so that the line starts at 100.
    assert crossing([10, 100, 1000], [0.1, 0.3, -0.2]) == pytest.approx(10**2.5)
    # A dip below 0 between two gains above is noise, as far as a curve that falls is concerned.
    assert crossing([10, 20, 40, 80], [0.4, -0.1, 0.3, -0.4]) > 40


def bundle(gains, spread, seed=0):
    return np.asarray(gains) + spread * np.random.default_rng(seed).standard_normal((1000, len(gains)))


@pytest.mark.parametrize(
    ("gains", "spread", "words"),
    [
        (0.1 * (np.log(150) - np.log(SIZES)), 0.01, "transfer helps below n = 150 (95%: "),
        (np.full(7, 0.2), 0.02, "none: ahead at all sizes (2 to 1000)"),
        (np.full(7, -0.2), 0.02, "none: behind at all sizes (2 to 1000)"),
        (np.linspace(0.03, -0.03, 7), 1.0, "not identified: the 95% interval holds every size from 2 to 1000"),
        (0.1 * (np.log(900) - np.log(SIZES)), 0.03, "above 1000)"),
        (0.1 * (np.log(3) - np.log(SIZES)), 0.1, "below 2 to"),
        (-0.1 * (np.log(150) - np.log(SIZES)), 0.01, "not identified: behind at n = 2 and ahead at 1000"),
        (np.zeros(7), 0.0, "not identified: the gains are undefined or 0"),
        ((0.3, 0.3, 0.3, 0.3, 0.3, 0.2, 0.05), 0.04, "none: ahead at all sizes (2 to 1000); 95%: no crossing below"),
    ],
)
def test_the_answer_in_words(gains, spread, words):
    found = crossover(SIZES, gains, bundle(gains, spread))
    assert words in found.answer
    assert not found.low > found.high


def test_a_wider_spread_is_a_wider_interval():
    gains = 0.1 * (np.log(150) - np.log(SIZES))
    near, far = (crossover(SIZES, gains, bundle(gains, spread)) for spread in (0.005, 0.03))
    assert far.low < near.low < 150 < near.high < far.high


def predictions(seed, edge=60.0, draws=6, n=150):
    """A reference that gets better with n, and an arm that is as good at every size as the reference at `edge`."""
    random = np.random.default_rng(seed)
    truth = (np.arange(n) % 2).astype(float)
    hard, rows = random.standard_normal(n), []
    for size in (4, 16, 64, 256):
        for arm, skill in (("scratch", np.log(size)), ("mode1", np.log(edge))):
            for draw in range(draws):
                logit = 0.3 * skill * (2 * truth - 1) + hard + 0.5 * random.standard_normal(n)
                frame = pd.DataFrame({"draw": draw, "compound_id": np.arange(n).astype(str), "y_true": truth})
                source = "" if arm == "scratch" else "kinase"
                rows.append(frame.assign(source=source, arm=arm, size=size, probability=1 / (1 + np.exp(-logit))))
    return pd.concat(rows, ignore_index=True)


@pytest.mark.full
def test_a_study_with_a_known_edge():
    table = pd.concat([crossovers(predictions(seed), "scratch", resamples=300) for seed in range(12)])
    assert list(table.columns) == list(COLUMNS)
    assert table["arm"].eq("mode1").all()
    covered = (table["ci_low"] <= 60) & (table["ci_high"] >= 60)
    assert covered.mean() >= 10 / 12
    assert table["crossover"].median() == pytest.approx(60, rel=0.5)
    assert (table["ci_high"] < np.inf).mean() > 0.5  # the interval says something


def test_less_is_better_turns_the_gain_and_one_size_is_refused():
    table = predictions(1)
    for metric in ("mcc", "brier"):
        found = crossovers(table, "scratch", metric=metric, resamples=100).iloc[0]
        assert found["answer"].startswith("transfer helps below n = "), (metric, found["answer"])
    alone = table.assign(source="")
    assert crossovers(alone, "scratch", resamples=100).iloc[0]["answer"].startswith("ahead below n = ")
    with pytest.raises(InputError, match="two training sizes"):
        crossovers(table[table["size"] == 4], "scratch")


@pytest.mark.slow
@pytest.mark.parametrize("edge", [20.0, 60.0])
def test_recorded_coverage_of_the_edge(edge):
    """docs/draws.md: 200 studies with a known edge."""
    table = pd.concat([crossovers(predictions(1000 + k, edge), "scratch", resamples=500) for k in range(200)])
    covered = ((table["ci_low"] <= edge) & (table["ci_high"] >= edge)).mean()
    print(f"\nedge {edge:g}: median {table['crossover'].median():.1f}, interval holds it in {covered:.3f}", end="")
    assert covered >= 0.93
    assert table["crossover"].median() == pytest.approx(edge, rel=0.1)
