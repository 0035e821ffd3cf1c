"""Pairs of arms out of a table of metrics: who is paired with whom, and in which direction."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tl_jax.evaluation.statistics.comparisons import COLUMNS, compare, of_study
from tl_jax.evaluation.statistics.influence import influence_test
from tl_jax.evaluation.statistics.metrics import rmse, spearman

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


def predicted(spread, n=18, repeats=4, groups=None):
    """(metrics, predictions) of arms on the same folds. spread: {(source, arm): noise, or None for a constant}."""
    rng = np.random.default_rng(5)
    y, rows = rng.normal(size=n), []
    unit = np.arange(n) if groups is None else groups
    for repeat in range(repeats):
        fold = (rng.permutation(unit.max() + 1) % 3)[unit]
        for (source, arm), noise in spread.items():
            made = np.zeros(n) if noise is None else y + noise * rng.normal(size=n)
            rows += [("exp", "honest", source, arm, repeat, fold[i], f"s{i:02d}", y[i], made[i]) for i in range(n)]
    keys = ["experiment", "protocol", "source", "arm", "repeat", "fold"]
    predictions = pd.DataFrame(rows, columns=[*keys, "sample_id", "y_true", "y_pred"])
    values = [
        (*key, metric, function(part.y_true, part.y_pred), n * 2 // 3, len(part))
        for key, part in predictions.groupby(keys, sort=False)
        for metric, function in (("spearman", spearman), ("rmse", rmse))
    ]
    return pd.DataFrame(values, columns=[*keys, "metric", "value", "n_train", "n_test"]), predictions


SPREAD = {("", "ridge"): 0.8, ("", "mean"): None, ("drug", "copy_layer1"): 0.5, ("other", "copy_layer1"): 3.0}


def test_spearman_is_tested_by_influences_and_errors_by_the_corrected_t():
    frame, predictions = predicted(SPREAD)
    found = compare(frame, by_source=False, predictions=predictions)
    assert set(pick(found, metric="spearman")["test"]) == {"influence"}
    errors = pick(found, metric="rmse")
    assert set(errors["test"]) == {"corrected t"}
    np.testing.assert_array_equal(errors["p"], errors["p_corrected"])
    row = pick(found, metric="spearman", arm_a="ridge", source_b="drug").iloc[0]
    arms = of_study(predictions)
    test = influence_test(arms["", "ridge"], arms["drug", "copy_layer1"])
    assert (row["mean_difference"], row["p"]) == pytest.approx((test.difference, test.p))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((test.wide_low, test.wide_high))
    assert row["reference"] == "ridge"
    # Without predictions the table is what it was: the corrected t, its interval, and Holm over a family.
    plain = compare(frame, by_source=False)
    for name in ("p_corrected", "p_holm", "t", "df", "p_better", "win_rate"):
        np.testing.assert_array_equal(plain[name], found[name])
    assert set(plain["test"]) == {"corrected t"}


def test_families_hold_transfers_and_others_apart_and_pairs_without_the_reference_have_no_p():
    frame, predictions = predicted(SPREAD)
    found = pick(compare(frame, by_source=False, predictions=predictions), metric="spearman")
    family = found.set_index(["arm_a", "source_a", "arm_b", "source_b"])["family"].to_dict()
    assert family["ridge", "", "copy_layer1", "drug"] == family["ridge", "", "copy_layer1", "other"] == "transfer"
    assert family["ridge", "", "mean", ""] == "beside"
    outside = found[found["family"] == ""]
    assert len(outside) == 3
    assert outside["p_family"].isna().all()
    assert (found["p_family"].dropna() >= found["p"][found["p_family"].notna()]).all()
    # An arm that is worse than the reference and a second arm change no family of the others.
    fewer = predictions[predictions["arm"] != "mean"]
    again = compare(frame[frame["arm"] != "mean"], by_source=False, predictions=fewer)
    same = pick(again, metric="spearman", arm_a="ridge", source_b="drug")["p_family"].iloc[0]
    assert same == pick(found, arm_a="ridge", source_b="drug")["p_family"].iloc[0]


def test_groups_are_units_of_the_influence_test():
    groups = np.arange(18) // 2
    frame, predictions = predicted(SPREAD, groups=groups)
    names = {f"s{i:02d}": f"g{groups[i]}" for i in range(18)}
    arms, alone = of_study(predictions, names), of_study(predictions)
    assert arms["", "ridge"].moved.shape == (4, 9)
    assert alone["", "ridge"].moved.shape == (4, 18)
    found = compare(frame, by_source=False, predictions=predictions, groups=names)
    row = pick(found, metric="spearman", arm_a="ridge", source_b="drug").iloc[0]
    assert row["p"] == influence_test(arms["", "ridge"], arms["drug", "copy_layer1"]).p


def test_a_constant_prediction_is_an_arm_like_any_other():
    frame, predictions = predicted(SPREAD)
    row = pick(compare(frame, by_source=False, predictions=predictions), metric="spearman", arm_b="mean").iloc[0]
    ridge = pick(frame, metric="spearman", arm="ridge")["value"]
    assert row["mean_difference"] == pytest.approx(ridge.mean())
    assert 0 < row["p"] < 1
    assert np.isfinite(row["p_family"])


def test_eight_samples_are_enough_for_numbers():
    frame, predictions = predicted(SPREAD, n=8)
    found = pick(compare(frame, by_source=False, predictions=predictions), metric="spearman")
    assert set(found["test"]) == {"influence"}
    assert found["p"].between(0, 1).all()
    assert (found["ci_low"] <= found["mean_difference"]).all()
    assert found["ci_low"].ge(-2).all()


def test_predictions_that_are_not_those_of_the_metrics_test_nothing():
    frame, predictions = predicted(SPREAD)
    other = frame.assign(value=frame["value"] + 0.1 * (frame["arm"] == "ridge"))
    found = pick(compare(other, by_source=False, predictions=predictions), metric="spearman")
    held = found["arm_a"].eq("ridge") | found["arm_b"].eq("ridge")
    assert set(found.loc[held, "test"]) == {"corrected t"}
    gap = predictions.assign(y_pred=predictions["y_pred"].mask(predictions.index == 0))
    assert ("", "ridge") not in of_study(gap)
