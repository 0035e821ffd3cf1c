"""Intervals: mapie as an oracle, pairs counted by hand, and what must not matter."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapie.regression import CrossConformalRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, LeaveOneOut

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.conformal import COLUMNS, cv_plus, cv_plus_over_repeats, held_out_intervals, rank_of


def data(seed, n, m=7):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n + m, 5))
    y = x @ rng.standard_normal(5) + rng.standard_normal(n + m)
    return x[:n], y[:n], x[n:]


@pytest.mark.parametrize("n", [22, 39, 58])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("splits", [KFold(3), KFold(5, shuffle=True, random_state=0), LeaveOneOut()])
def test_bounds_equal_mapie(n, level, splits):
    x, y, new = data(n, n)
    residuals, of_models, fold_of = np.empty(n), [], np.empty(n, int)
    for k, (train, held) in enumerate(splits.split(x)):
        model = Ridge().fit(x[train], y[train])
        residuals[held], fold_of[held] = np.abs(y[held] - model.predict(x[held])), k
        of_models.append(model.predict(new))
    low, high = cv_plus(residuals, np.stack(of_models)[fold_of], level)
    oracle = CrossConformalRegressor(Ridge(), confidence_level=level, method="plus", cv=splits)
    _, bounds = oracle.fit_conformalize(x, y).predict_interval(new)
    np.testing.assert_allclose(low, bounds[:, 0, 0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(high, bounds[:, 1, 0], rtol=0, atol=1e-9)


@given(st.integers(1, 60), st.floats(0.05, 0.98), st.integers(0, 2**31))
def test_bounds_by_counting(n, level, seed):
    """The high bound is the smallest value that enough of the n values do not exceed; low mirrors high."""
    rng = np.random.default_rng(seed)
    residuals, predictions = rng.exponential(size=n), rng.standard_normal((n, 3))
    low, high = cv_plus(residuals, predictions, level)
    for k in range(3):
        values = predictions[:, k] + residuals
        enough = [v for v in values if np.sum(values <= v) >= level * (n + 1) - 1e-9]
        assert high[k] == min(enough, default=np.inf)
    mirrored_low, mirrored_high = cv_plus(residuals, -predictions, level)
    np.testing.assert_array_equal(mirrored_low, -high)
    np.testing.assert_array_equal(mirrored_high, -low)
    wider = cv_plus(residuals, predictions, (1 + level) / 2)
    assert (wider[0] <= low).all()
    assert (wider[1] >= high).all()


def test_ranks_and_faults():
    assert [rank_of(0.9, n) for n in (8, 9, 19, 22)] == [9, 9, 18, 21]
    assert np.isinf(cv_plus(np.ones(8), np.zeros((8, 2)), 0.9)).all()
    assert np.isfinite(cv_plus(np.ones(9), np.zeros((9, 2)), 0.9)).all()
    for level in (0, 1, -0.2, 90):
        with pytest.raises(InputError, match="between 0 and 1"):
            cv_plus(np.ones(9), np.zeros((9, 2)), level)
    with pytest.raises(ValueError, match=r"\(n,\) and \(n, m\)"):
        cv_plus(np.ones(9), np.zeros((8, 2)), 0.9)


def test_repeats_are_averaged():
    rng = np.random.default_rng(0)
    y, held_out, predictions = rng.standard_normal(12), rng.standard_normal((2, 12)), rng.standard_normal((2, 3, 4))
    fold_of = np.stack([np.arange(12) % 3, np.arange(12) // 4])
    found = cv_plus_over_repeats(y, held_out, fold_of, predictions, 0.8)
    residuals = [abs(y[i] - (held_out[0, i] + held_out[1, i]) / 2) for i in range(12)]
    unseen = [(predictions[0, i % 3] + predictions[1, i // 4]) / 2 for i in range(12)]
    np.testing.assert_allclose(found, cv_plus(residuals, np.stack(unseen), 0.8))
    once = cv_plus_over_repeats(y, held_out[:1], fold_of[:1], predictions[:1], 0.8)
    twice = cv_plus_over_repeats(y, held_out[[0, 0]], fold_of[[0, 0]], predictions[[0, 0]], 0.8)
    np.testing.assert_allclose(once, twice)


def table(n=12, repeats=3, folds=3, seed=0, arm="a"):
    """A predictions table with random folds of equal size."""
    rng = np.random.default_rng(seed)
    names, y = np.array([f"s{i:02d}" for i in range(n)]), rng.standard_normal(n)
    frames = []
    for repeat in range(repeats):
        fold = rng.permutation(np.arange(n) % folds)
        columns = {"repeat": repeat, "fold": fold, "sample_id": names, "y_true": y, "y_pred": rng.standard_normal(n)}
        frames.append(pd.DataFrame(columns).sort_values(["fold", "sample_id"]))
    return pd.concat(frames, ignore_index=True).assign(arm=arm, source="", protocol="honest")


def by_hand(rows, name, level):
    """The bounds of one sample, pair by pair."""
    cells = {(r.sample_id, r.repeat): r for r in rows.itertuples()}
    lows, highs = [], []
    for other in sorted(set(rows.sample_id) - {name}):
        shared = [r for r in set(rows["repeat"]) if cells[name, r].fold == cells[other, r].fold]
        if shared:
            own = np.mean([cells[name, r].y_pred for r in shared])
            residual = abs(cells[other, 0].y_true - np.mean([cells[other, r].y_pred for r in shared]))
            lows.append(own - residual)
            highs.append(own + residual)
    rank = int(np.ceil(level * (len(lows) + 1) - 1e-9))
    if rank > len(lows):
        return -np.inf, np.inf
    return sorted(lows)[len(lows) - rank], sorted(highs)[rank - 1]


@pytest.mark.parametrize(("repeats", "level"), [(3, 0.5), (3, 0.8), (1, 0.6), (1, 0.9)])
def test_held_out_intervals_pair_by_pair(repeats, level):
    rows = pd.concat([table(repeats=repeats), table(repeats=repeats, seed=1, arm="b")])
    found = held_out_intervals(rows, level)
    assert list(found.columns) == COLUMNS
    assert len(found) == 24
    for one in found.itertuples():
        own = rows[rows.arm == one.arm]
        np.testing.assert_allclose((one.low, one.high), by_hand(own, one.sample_id, level))
        mine = own[own.sample_id == one.sample_id]
        assert one.y_true == mine.y_true.iloc[0]
        np.testing.assert_allclose(one.y_pred, mine.y_pred.mean())


def test_a_samples_own_response_does_not_move_its_interval():
    rows = table()
    before = held_out_intervals(rows, 0.7).set_index("sample_id")
    changed = rows.assign(y_true=rows.y_true.where(rows.sample_id != "s03", 99.0))
    after = held_out_intervals(changed, 0.7).set_index("sample_id")
    assert tuple(before.loc["s03", ["low", "high"]]) == tuple(after.loc["s03", ["low", "high"]])
    assert not before[["low", "high"]].equals(after[["low", "high"]])


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 14), st.floats(0.5, 0.9), st.integers(0, 2**31))
def test_few_samples_lie_outside_whatever_the_data(n, level, seed):
    """The proof's counting: where all pairs were held out together, at most 2 (1 - level) of the samples are missed."""
    rows = pd.concat(
        [table(n, 1, 2, seed + k).assign(repeat=k) for k in range(4)]
        + [table(n, 1, 1, seed).assign(repeat=4)]  # one fold of all: every pair at least here
    )
    y = rows.drop_duplicates("sample_id").set_index("sample_id").y_true
    found = held_out_intervals(rows.assign(y_true=rows.sample_id.map(y)), level)
    missed = (found.y_true < found.low) | (found.y_true > found.high)
    assert missed.sum() < 2 * (1 - level) * n + 1e-9 or not missed.any()


def test_order_of_rows_does_not_matter_and_gaps_are_refused():
    rows = table()
    shuffled = held_out_intervals(rows.sample(frac=1, random_state=0), 0.7).sort_values("sample_id")
    pd.testing.assert_frame_equal(
        shuffled.reset_index(drop=True),
        held_out_intervals(rows, 0.7).sort_values("sample_id").reset_index(drop=True),
    )
    assert held_out_intervals(rows.iloc[:0]).empty
    with pytest.raises(InputError, match="arm a has no prediction of some held-out samples"):
        held_out_intervals(rows.iloc[1:])
