"""Pairs of arms out of a table of metrics: who is paired with whom, and in which direction."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tl_jax.evaluation.statistics.comparisons import COLUMNS, compare

RNG = np.random.default_rng(0)
ARMS = (("", "ridge"), ("drug", "copy_layer1"), ("drug", "scratch"))


def metrics(arms=ARMS, repeats=4, folds=3, names=("spearman", "rmse")):
    rows = [
        ("exp", "honest", source, arm, repeat, fold, name, RNG.normal(1), 14, 8)
        for source, arm in arms
        for repeat in range(repeats)
        for fold in (*range(folds), "pooled")
        for name in names
    ]
    columns = ["experiment", "protocol", "source", "arm", "repeat", "fold", "metric", "value", "n_train", "n_test"]
    return pd.DataFrame(rows, columns=columns)


def pick(frame, **wanted):
    for column, value in wanted.items():
        frame = frame[frame[column] == value]
    return frame


def test_every_pair_once_with_numbers_of_the_right_folds():
    frame = metrics()
    found = compare(frame, by_source=False)
    assert list(found.columns) == list(COLUMNS)
    assert len(found) == 2 * 3
    row = pick(found, metric="spearman", arm_a="ridge", arm_b="scratch").iloc[0]
    values = [
        pick(frame, metric="spearman", arm=arm).query("fold != 'pooled'")["value"].to_numpy()
        for arm in ("ridge", "scratch")
    ]
    d = values[0] - values[1]
    t = d.mean() / np.sqrt(d.var(ddof=1) * (1 / 12 + 8 / 14))
    assert row["t"] == pytest.approx(t)
    assert row["p_corrected"] == pytest.approx(2 * stats.t.sf(abs(t), 11))
    assert (row["folds"], row["df"]) == (12, 11)
    pooled = [
        pick(frame, metric="spearman", arm=arm, fold="pooled")["value"].to_numpy() for arm in ("ridge", "scratch")
    ]
    assert row["p_naive_wilcoxon"] == pytest.approx(stats.wilcoxon(pooled[0] - pooled[1]).pvalue)


def test_less_error_is_better():
    frame = metrics()
    frame.loc[frame["metric"] == "rmse", "value"] += 5.0 * (frame["arm"] == "ridge")
    row = pick(compare(frame, by_source=False), metric="rmse", arm_a="ridge", arm_b="scratch").iloc[0]
    assert row["mean_difference"] > 2
    assert row["p_worse"] > 0.9
    assert row["win_rate"] < 0.1
    assert row["cliffs_delta"] < -0.9


def test_domains_of_their_own_are_not_compared():
    frame = metrics(arms=[(drug, arm) for drug in ("a", "b") for arm in ("scratch", "ridge")])
    assert len(compare(frame, by_source=False)) == 2 * 6
    apart = compare(frame, by_source=True)
    assert len(apart) == 2 * 2
    assert (apart["source_a"] == apart["source_b"]).all()


def test_holm_counts_the_pairs_of_one_metric():
    found = compare(metrics(), by_source=False)
    for _, rows in found.groupby("metric"):
        assert rows["p_holm"].min() == pytest.approx(min(1, 3 * rows["p_corrected"].min()))


def test_a_fold_without_a_value_is_left_out_of_its_pairs_alone():
    frame = metrics()
    frame.loc[(frame["arm"] == "ridge") & (frame["fold"] == 0) & (frame["repeat"] == 1), "value"] = np.nan
    found = compare(frame, by_source=False)
    assert set(found.loc[found["arm_a"] == "ridge", "folds"]) == {11}
    assert set(found.loc[found["arm_a"] != "ridge", "folds"]) == {12}


def test_one_arm_alone_gives_an_empty_table():
    assert list(compare(metrics(arms=ARMS[:1]), by_source=False).columns) == list(COLUMNS)
    assert compare(metrics(arms=ARMS[:1]), by_source=False).empty
