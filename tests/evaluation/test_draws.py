"""Intervals over draws and test compounds, against slow twins and by hand."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import matthews_corrcoef

from tl_jax.errors import InputError
from tl_jax.evaluation.draws import draws as d
from tl_jax.evaluation.draws.classification import resampled
from tl_jax.evaluation.draws.draw_comparisons import ARM_COLUMNS, COLUMNS, arm_intervals, compare_draws
from tl_jax.evaluation.statistics.paired import corrected_t, holm


def drawn(seed, draws=6, n=40):
    random = np.random.default_rng(seed)
    truth = (random.random(n) < 0.5).astype(float)
    truth[:2] = 0, 1
    shared = random.standard_normal(n) + 1.5 * truth
    a, b = (1 / (1 + np.exp(0.7 - shared - random.standard_normal((draws, n)))) for _ in range(2))
    return truth, a, b


def mcc_of(truth, p):
    return np.asarray([matthews_corrcoef(truth, row > 0.5) for row in p])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 30), st.integers(1, 5))
def test_auroc_without_a_cluster_equals_weights_of_0(seed, groups, n, levels):
    """With ties, clusters of one class or both, and clusters without which one class is left."""
    random = np.random.default_rng(seed)
    truth, codes = random.integers(0, 2, n).astype(float), random.integers(0, groups, n)
    p = random.integers(0, levels, (2, n)) / levels
    kept = (np.unique(codes, return_inverse=True)[1] != np.arange(len(np.unique(codes)))[:, None]).astype(float)
    np.testing.assert_allclose(d.left_out("auroc", truth, p, codes), resampled("auroc", truth, p, kept), atol=1e-12)


@pytest.mark.parametrize("clusters", [None, np.repeat(np.arange(8), 5)])
def test_crossed_t_against_a_slow_twin(clusters):
    truth, a, b = drawn(1)
    names = np.arange(40) if clusters is None else clusters
    difference = mcc_of(truth, a) - mcc_of(truth, b)
    groups, draws, overlap = len(set(names)), 6, 0.3
    without = np.empty((groups, draws))
    for g in range(groups):
        kept = names != g
        without[g] = mcc_of(truth[kept], a[:, kept]) - mcc_of(truth[kept], b[:, kept])

    def jackknife(values):
        return (groups - 1) / groups * sum((value - np.mean(values)) ** 2 for value in values)

    tests = jackknife(without.mean(axis=1))
    own = [jackknife(without[:, k] - without.mean(axis=1)) for k in range(draws)]
    main = max(0, np.var(difference, ddof=1) - sum(own) / (draws - 1))
    variance = main * (1 / draws + overlap / (1 - overlap)) + tests
    whole = np.var(difference, ddof=1) * (1 / draws + overlap / (1 - overlap))
    df = max(draws - 1, variance**2 / (whole**2 / (draws - 1) + tests**2 / (groups - 1)))
    ours = d.left_out("mcc", truth, a, clusters) - d.left_out("mcc", truth, b, clusters)
    found = d.crossed_t(difference, ours, overlap)
    np.testing.assert_allclose(ours, without, atol=1e-12)
    low, high = stats.t.interval(0.95, df, difference.mean(), np.sqrt(variance))
    np.testing.assert_allclose(found[:3], (difference.mean(), low, high), rtol=1e-9)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(difference.mean()) / np.sqrt(variance), df), rel=1e-9)


@pytest.mark.parametrize("clusters", [None, np.repeat(np.arange(8), 5)])
def test_crossed_means_against_a_slow_twin(clusters):
    truth, a, b = drawn(2)
    tests, draws = d.weights_of_tests(40, 30, 5, clusters), d.weights_of_draws(6, 30, 5)
    assert (tests.sum(axis=1) == 40).all()
    assert (draws.sum(axis=1) == 6).all()
    slow = []
    for t, w in zip(tests.astype(int), draws.astype(int), strict=True):
        rows = np.repeat(np.arange(40), t)
        each = mcc_of(truth[rows], a[:, rows]) - mcc_of(truth[rows], b[:, rows])
        slow.append(np.mean(np.repeat(each, w)))
    again = resampled("mcc", truth, a, tests) - resampled("mcc", truth, b, tests)
    np.testing.assert_allclose(d.crossed_means(again, draws), slow, atol=1e-12)


def test_clusters_are_drawn_whole():
    weights = d.weights_of_tests(40, 50, 0, np.repeat(np.arange(8), 5))
    blocks = weights.reshape(50, 8, 5)
    assert (blocks == blocks[:, :, :1]).all()
    assert (weights != weights[0]).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["mcc", "auroc", "accuracy"]))
def test_invariants(seed, metric):
    truth, a, b = drawn(seed, draws=4, n=24)

    def run(rows, order, a, b):
        t, pair = truth[rows], [p[order][:, rows] for p in (a, b)]
        each = [resampled(metric, t, p, np.ones((1, 24)))[0] for p in pair]
        without = [d.left_out(metric, t, p) for p in pair]
        return d.crossed_t(each[0] - each[1], without[0] - without[1], 0.2)

    rows, order = np.arange(24), np.arange(4)
    plain, shuffled = run(rows, order, a, b), run(rows[::-1], order[[2, 0, 3, 1]], a, b)
    np.testing.assert_allclose(plain, shuffled, atol=1e-9)
    turned = run(rows, order, b, a)
    np.testing.assert_allclose(turned[:3], (-plain.point, -plain.ci_high, -plain.ci_low), atol=1e-12)
    np.testing.assert_allclose((turned.p, turned.p_better), (plain.p, 1 - plain.p_better), atol=1e-9)


def test_more_overlap_is_a_wider_interval_and_the_test_set_counts():
    random = np.random.default_rng(0)
    truth = (np.arange(200) % 2).astype(float)
    skill = np.linspace(0.5, 2.5, 8)[:, None]  # draws that differ much
    a, b = (1 / (1 + np.exp(-skill * (2 * truth - 1) - random.standard_normal((8, 200)))) for _ in range(2))
    a[:4] = 1 - a[:4]
    difference = mcc_of(truth, a) - mcc_of(truth, b)
    without = d.left_out("mcc", truth, a) - d.left_out("mcc", truth, b)
    widths = [np.ptp(d.crossed_t(difference, without, share)[1:3]) for share in (0.0, 0.2, 0.5)]
    assert widths[0] < widths[1] < widths[2]
    assert np.ptp(corrected_t(difference, 0.25)[3:]) > np.ptp(corrected_t(difference, 0.0)[3:])
    # Arms whose draws agree in all: the naive interval has no width, the test set still has one.
    same_a, same_b = np.repeat(a[5:6], 8, axis=0), np.repeat(b[5:6], 8, axis=0)
    difference = mcc_of(truth, same_a) - mcc_of(truth, same_b)
    without = d.left_out("mcc", truth, same_a) - d.left_out("mcc", truth, same_b)
    assert np.isnan(corrected_t(difference, 0.0).low)
    assert np.ptp(d.crossed_t(difference, without, 0.1)[1:3]) > 0.01


def test_no_difference_and_too_little():
    zero = np.zeros(5)
    assert d.crossed_t(zero, np.zeros((9, 5)), 0.1) == (0, 0, 0, 1, 0.5)
    for found in (
        d.crossed_t([0.2], np.ones((9, 1)), 0.1),
        d.crossed_t([0.2, 0.1], np.full((9, 2), np.nan), 0.1),
    ):
        assert np.isnan(found[1:]).all()
    with pytest.raises(ValueError, match="share all rows"):
        d.crossed_t([0.1, 0.2], np.ones((9, 2)), 1.0)


def test_overlap_of_draws():
    random = np.random.default_rng(4)
    sets = [set(random.choice(60, 12, False)) | set(100 + random.choice(30, 12, False)) for _ in range(150)]
    shared = np.mean([len(a & b) / 24 for a, b in combinations(sets, 2)])
    assert d.mean_overlap((12, 12), (60, 30)) == pytest.approx(shared, abs=0.005)
    assert d.mean_overlap(400, 2000) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="cannot draw"):
        d.mean_overlap((12, 12), (60, 10))


def table(truth, arms, size=12):
    """arms: {(source, arm): (draws, n)}."""
    ids = np.asarray([f"c{k:03d}" for k in range(len(truth))])
    parts = [
        pd.DataFrame({"source": s, "arm": arm, "size": size, "draw": k, "compound_id": ids})
        .assign(y_true=truth, probability=row)
        .sample(frac=1, random_state=k)
        for (s, arm), p in arms.items()
        for k, row in enumerate(p)
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_table_of_comparisons():
    truth, a, b = drawn(6)
    _, c, e = drawn(7)
    small = table(truth, {("", "scratch"): b, ("gpcr", "mode1"): a, ("kinase", "mode1"): c})
    large = table(truth, {("", "scratch"): e, ("gpcr", "mode1"): a}, size=48)
    zero = table(truth, {("gpcr", "zero_shot"): a[:1]}, size=0)
    found = compare_draws(pd.concat([small, large, zero]), "scratch", overlap={12: 0.01, 48: 0.05})
    assert list(found.columns) == list(COLUMNS)
    assert list(zip(found["size"], found["source"], found["arm"], strict=True)) == [
        *((12, "gpcr", "mode1"), (12, "kinase", "mode1"), (12, "gpcr", "zero_shot")),
        *((48, "gpcr", "mode1"), (48, "gpcr", "zero_shot")),
    ]
    row = found.iloc[0]
    without = d.left_out("mcc", truth, a) - d.left_out("mcc", truth, b)
    expected = d.crossed_t(mcc_of(truth, a) - mcc_of(truth, b), without, 0.01)
    np.testing.assert_allclose(
        row[["difference", "ci_low", "ci_high", "p", "p_better"]].astype(float), expected, atol=1e-12
    )
    assert row["mean"] == pytest.approx(mcc_of(truth, a).mean())
    for _, part in found.groupby("size"):
        np.testing.assert_allclose(part["p_holm"], holm(part["p"]))
    shot = found[(found["arm"] == "zero_shot") & (found["size"] == 48)].iloc[0]
    assert shot["draws"] == 6
    assert shot["mean"] == pytest.approx(mcc_of(truth, a[:1])[0])
    brier = compare_draws(small, "scratch", overlap={12: 0.01}, metric="brier").iloc[0]
    assert (brier["difference"] < 0) == (brier["p_better"] > 0.5)


def test_the_mean_of_each_arm():
    truth, a, b = drawn(10)
    rows = pd.concat([table(truth, {("", "svc"): b, ("gpcr", "mode1"): a}), table(truth, {("gpcr", "zero"): a[:1]}, 0)])
    found = arm_intervals(rows, overlap={12: 0.2})
    assert list(found.columns) == list(ARM_COLUMNS)
    assert found[["size", "arm", "draws"]].to_numpy().tolist() == [[0, "zero", 1], [12, "svc", 6], [12, "mode1", 6]]
    svc, zero = found.set_index("arm").loc["svc"], found.set_index("arm").loc["zero"]
    expected = d.crossed_t(mcc_of(truth, b), d.left_out("mcc", truth, b), 0.2)
    np.testing.assert_allclose(svc[["value", "ci_low", "ci_high"]].astype(float), expected[:3], atol=1e-12)
    assert svc["sd_draws"] == pytest.approx(np.std(mcc_of(truth, b), ddof=1))
    # Without training there are no draws to vary: the jackknife over test compounds is all.
    without = d.left_out("mcc", truth, a[:1])[:, 0]
    scale = np.sqrt(39 / 40 * np.sum((without - without.mean()) ** 2))
    reach = stats.t.ppf(0.975, 39) * scale
    assert zero["ci_high"] - zero["value"] == pytest.approx(reach)
    assert np.isnan(zero["sd_draws"])
    names = dict.fromkeys(rows["compound_id"], "one scaffold") | {"c000": "another"}
    assert arm_intervals(rows, overlap={12: 0.2}, clusters=names)["ci_low"].iloc[0] != pytest.approx(zero["ci_low"])
    with pytest.raises(InputError, match="compound c001 has no cluster"):
        arm_intervals(rows, overlap={12: 0.2}, clusters={"c000": "a"})


def test_the_reference_of_the_same_source_goes_first():
    truth, a, b = drawn(8)
    rows = table(truth, {("", "scratch"): b, ("gpcr", "scratch"): a, ("gpcr", "mode1"): a, ("kinase", "mode1"): a})
    found = compare_draws(rows, "scratch", overlap={12: 0.0}).set_index(["source", "arm"])
    assert found.loc[("gpcr", "mode1"), "difference"] == 0
    assert found.loc[("gpcr", "mode1"), "p"] == 1
    assert found.loc[("kinase", "mode1"), "reference_source"] == ""
    assert ("gpcr", "scratch") not in found.index


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t[t["arm"] != "scratch"], "no arm 'scratch'"),
        (lambda t: t.drop(index=t.index[3]), "no prediction"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "two predictions"),
        (lambda t: t.assign(y_true=(t["arm"] == "scratch").astype(int)), "both active and inactive"),
        (lambda t: t.drop(columns="probability"), "lack the column 'probability'"),
        (lambda t: t.assign(size=48), "no overlap for draws of 48 rows"),
    ],
)
def test_faults_have_one_line(spoil, message):
    truth, a, b = drawn(9, draws=2, n=10)
    rows = table(truth, {("", "scratch"): b, ("gpcr", "mode1"): a})
    with pytest.raises(InputError, match=message) as fault:
        compare_draws(spoil(rows), "scratch", overlap={12: 0.0})
    assert "\n" not in str(fault.value)
