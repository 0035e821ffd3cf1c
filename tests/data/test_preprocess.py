"""Preprocessing fitted on training rows: golden numbers, slow twins, and what no unseen row may change."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from tl_jax.data.preprocessing.preprocess import STEPS, Preprocess, check_counts, fit, from_record
from tl_jax.data.preprocessing.transforms import log_cpm, tmm_log_cpm
from tl_jax.errors import InputError

GENES, TRAIN, TEST = 40, 12, 5
CHAINS = [
    ("cpm_log",),
    ("tmm_cpm_log",),
    ("low_expression", "tmm_cpm_log"),
    ("cpm_log", "quantile"),
    ("rank",),
    ("rank_normal",),
    ("combat",),
    ("tmm_cpm_log", "low_expression", "combat", "quantile"),
    ("cpm_log", "combat", "low_expression", "rank_normal"),
]


def counts(seed=0, rows=TRAIN + TEST):
    """Counts of two batches: depth, batch and sample effects, and some genes that are mostly silent."""
    rng = np.random.default_rng(seed)
    batch = np.array(["A", "B"])[np.arange(rows) % 2]
    level = rng.gamma(2, 60, GENES) * np.where(np.arange(GENES) % 7 == 0, 0.005, 1)
    factor = np.exp(rng.normal(0, 0.4, (rows, GENES)) + np.outer(batch == "B", rng.normal(0, 1, GENES)))
    return rng.poisson(level * factor * np.exp(rng.normal(0, 0.5, (rows, 1)))).astype(np.float64), batch


def options(steps, **others):
    # Few random genes of a count stay below 2 on any of the scales that the chains give.
    given = {"combat_reference": "A"} if "combat" in steps else {}
    return Preprocess(tuple(steps), low_expression_below=2.0, **given, **others)


def fitted(steps, **others):
    x, batch = counts()
    return fit(options(steps, **others), x[:TRAIN], batch[:TRAIN]), x, batch


@pytest.fixture
def m2(golden):
    return golden("M2_statistics")


def test_tmm_on_all_rows_is_the_golden_one(m2):
    x = m2["counts"].astype(np.float64)
    found = fit(options(["tmm_cpm_log"]), x, np.full(len(x), ""))
    state = found.states[0]
    np.testing.assert_allclose(STEPS["tmm_cpm_log"].apply(state, x, None), m2["log2_cpm_plus_one"], rtol=1e-10)


def slow_rank(values, value):
    """Average rank of `value` among `values`, from 1."""
    return sum(v < value for v in values) + (sum(v == value for v in values) + 1) / 2


def slow_factor(own, other):
    """Robinson and Oshlack's factor of one sample against another, gene by gene."""
    p, q = own / sum(own), other / sum(other)
    genes = [g for g in range(len(own)) if own[g] > 0 and other[g] > 0]
    ratio = [np.log2(p[g] / q[g]) for g in genes]
    level = [np.log2(p[g] * q[g]) / 2 for g in genes]
    above = below = 0.0
    for g, m, a in zip(genes, ratio, level, strict=True):
        kept = True
        for value, values, trim in ((m, ratio, 0.3), (a, level, 0.05)):
            low = int(len(genes) * trim) + 1
            kept = kept and low <= slow_rank(values, value) <= len(genes) + 1 - low
        if kept:
            weight = 1 / ((1 - p[g]) / own[g] + (1 - q[g]) / other[g])
            above, below = above + weight * m, below + weight
    return 2 ** (above / below)


def slow_tmm(train, rows):
    """log2(counts per million + 1) of `rows` with what `train` teaches."""
    seen = [g for g in range(train.shape[1]) if any(train[:, g] > 0)]
    quartile = [np.percentile(row[seen], 75) / sum(row) for row in train]
    reference = train[np.argmin(np.abs(quartile - np.mean(quartile)))]
    middle = np.exp(np.mean([np.log(slow_factor(row, reference)) for row in train]))
    sizes = [sum(row) * slow_factor(row, reference) / middle for row in rows]
    return np.array([np.log2(row * 1e6 / size + 1) for row, size in zip(rows, sizes, strict=True)])


@pytest.mark.parametrize("seed", range(8))
def test_tmm_against_a_slow_twin(seed):
    x, batch = counts(seed)
    assert (x == 0).any()
    np.testing.assert_allclose(tmm_log_cpm(x), slow_tmm(x, x), rtol=1e-9)
    found = fit(options(["tmm_cpm_log"]), x[:TRAIN], batch[:TRAIN])
    np.testing.assert_allclose(found.apply(x, batch), slow_tmm(x[:TRAIN], x), rtol=1e-6)


def test_cpm_is_the_transform_of_that_name():
    found, x, batch = fitted(["cpm_log"])
    np.testing.assert_allclose(found.apply(x, batch), log_cpm(x), rtol=1e-6)


def slow_quantile(reference, row):
    """Each value in turn: the reference at its average rank, between two where that is a half."""
    out = []
    for value in row:
        rank = (row < value).sum() + ((row == value).sum() + 1) / 2 - 1
        low = int(np.floor(rank))
        out.append(reference[low] if rank == low else (reference[low] + reference[low + 1]) / 2)
    return np.array(out)


def test_quantile_against_a_slow_twin_with_ties():
    found, x, batch = fitted(["quantile"])
    reference = np.mean([np.sort(row) for row in x[:TRAIN]], axis=0)
    expected = [slow_quantile(reference, row) for row in x]
    assert any(len(set(row)) < GENES for row in x[TRAIN:])
    np.testing.assert_allclose(found.apply(x, batch), expected, rtol=1e-6)


def test_quantile_gives_every_row_without_ties_the_reference():
    x = np.random.default_rng(0).normal(size=(9, 30))
    found = fit(options(["quantile"]), x[:6], np.full(6, ""))
    moved = np.sort(found.apply(x, np.full(9, "")), axis=1)
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), rtol=1e-6)
    np.testing.assert_array_equal(np.argsort(found.apply(x, np.full(9, "")), axis=1), np.argsort(x, axis=1))


def test_ranks_by_scipy():
    found, x, batch = fitted(["rank"])
    places = (np.array([rankdata(row) for row in x]) - 0.5) / GENES
    np.testing.assert_allclose(found.apply(x, batch), places, rtol=1e-6)
    normal, _, _ = fitted(["rank_normal"])
    np.testing.assert_allclose(normal.apply(x, batch), norm.ppf(places), rtol=1e-5, atol=1e-6)


def test_low_expression_by_hand_leaves_zeros():
    x = np.array([[0.0, 5, 0], [0, 5, 5], [0, 0, 5], [5, 5, 5]])
    what = Preprocess(("low_expression", "rank"), low_expression_below=1.0, low_expression_share=0.5)
    found = fit(what, x, np.full(4, ""))
    np.testing.assert_array_equal(found.filtered, [True, False, False])
    np.testing.assert_allclose(
        found.apply(x, np.full(4, "")), [[0, 0.75, 0.25], [0, 0.5, 0.5], [0, 0.25, 0.75], [0, 0.5, 0.5]]
    )
    with pytest.raises(InputError, match=r"leaves no gene: each lies below 9 .* lower low_expression_below"):
        fit(Preprocess(("low_expression",), low_expression_below=9.0), x, np.full(4, ""))


@pytest.mark.parametrize("steps", CHAINS)
def test_a_row_is_processed_by_itself(steps):
    found, x, batch = fitted(steps)
    together = found.apply(x, batch)
    alone = np.concatenate([found.apply(x[[i]], batch[[i]]) for i in range(len(x))])
    np.testing.assert_array_equal(together, alone)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    assert together.std() > 0


@pytest.mark.parametrize("steps", CHAINS)
@settings(max_examples=8, deadline=None)
@given(st.permutations(range(TRAIN)), st.permutations(range(GENES)))
def test_order_of_samples_and_genes_changes_nothing(steps, rows, columns):
    found, x, batch = fitted(steps)
    rows, columns = np.array(rows), np.array(columns)
    other = fit(options(steps), x[rows][:, columns], batch[rows])
    np.testing.assert_allclose(
        other.apply(x[:, columns], batch), found.apply(x, batch)[:, columns], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("steps", CHAINS)
def test_arrays_survive_json_exactly(steps):
    found, x, batch = fitted(steps)
    back = from_record(json.loads(json.dumps(found.record(), allow_nan=False)))
    np.testing.assert_array_equal(back.apply(x, batch), found.apply(x, batch))
    np.testing.assert_array_equal(back.filtered, found.filtered)
    assert back.batches == found.batches
    assert back.record() == found.record()


@pytest.mark.parametrize("steps", CHAINS)
def test_absent_genes_stay_absent_and_move_the_others_little(steps):
    """A table without some genes: they stay NaN, and the others come out near to what the whole table gives."""
    found, x, batch = fitted(steps)
    gone = np.array([3, 17, 28])
    less = x.copy()
    less[:, gone] = np.nan
    part, whole = found.apply(less, batch), found.apply(x, batch)
    there = np.setdiff1d(np.arange(GENES), gone)
    absent = np.setdiff1d(gone, np.flatnonzero(found.filtered))
    assert np.isnan(part[:, absent]).all()
    assert np.isfinite(part[:, there]).all()
    spread = np.abs(whole[:, there] - whole[:, there].mean()).mean()
    assert np.abs(part - whole)[:, there].mean() < 0.15 * spread


def test_counts_per_million_do_not_know_the_depth():
    found, x, batch = fitted(["cpm_log"])
    np.testing.assert_allclose(found.apply(x * 16, batch), found.apply(x, batch), rtol=1e-6)


def test_without_steps_nothing_is_done():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    assert not Preprocess()
    np.testing.assert_array_equal(from_record([]).apply(x, np.full(3, "")), x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": ("cpm",)}, r"unknown preprocess step 'cpm'; write some of cpm_log, tmm_cpm_log"),
        ({"steps": ("rank", "rank")}, "names 'rank' twice"),
        ({"steps": ("rank", "cpm_log")}, "'cpm_log' needs counts; write it before 'rank'"),
        ({"steps": ("cpm_log", "tmm_cpm_log")}, "'tmm_cpm_log' needs counts; write it before 'cpm_log'"),
        ({"steps": ("combat",)}, "needs combat_reference"),
        ({"steps": ("combat",), "combat_reference": "A", "combat_unknown": "guess"}, "write 'error' or 'pooled'"),
        ({"steps": ("low_expression",), "low_expression_share": 1.0}, "at least 0 and below 1"),
    ],
)
def test_what_cannot_work_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        Preprocess(**options)


def test_a_model_of_a_later_version_is_refused():
    with pytest.raises(InputError, match=r"'vst', which this version does not know"):
        from_record([{"step": "vst", "arrays": {}}])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([5, -1, 900], r"here: sample 's2' has -1 for gene 'g2'; .*never negative"),
        ([0, 0, 0], r"here: sample 's2' has no counts"),
    ],
)
def test_what_cannot_be_counts(row, message):
    with pytest.raises(InputError, match=message):
        check_counts(np.array([[1.0, 2, 300], row]), ["s1", "s2"], ["g1", "g2", "g3"], "here")


def test_logarithms_are_no_counts():
    x = np.random.default_rng(0).uniform(0, 14, (4, 9))
    with pytest.raises(InputError, match="look like logarithms"):
        check_counts(x, list("abcd"), list("abcdefghi"), "here")
    check_counts(np.round(x), list("abcd"), list("abcdefghi"), "here")  # shallow counts are counts


@pytest.mark.parametrize("steps", [["cpm_log"], ["tmm_cpm_log"]])
def test_a_new_sample_without_counts_is_refused(steps):
    found, x, batch = fitted(steps)
    x[1] = 0
    with pytest.raises(InputError, match="sample in row 2 has no counts"):
        found.apply(x, batch)


def test_a_sample_that_shares_no_gene_with_the_reference():
    found, _, batch = fitted(["tmm_cpm_log"])
    silent = found.states[0]["reference"] == 0
    assert silent.any()
    row = np.where(silent, 10.0, 0)[None]
    with pytest.raises(InputError, match=r"row 1 \(.* counts\) shares too few expressed genes"):
        found.apply(row, batch[:1])


@pytest.mark.parametrize("x", [np.ones((0, 3)), np.full((2, 3), np.nan), np.ones(3)])
def test_fitting_needs_finite_rows(x):
    with pytest.raises(ValueError, match="expected finite"):
        fit(Preprocess(("rank",)), x, np.full(len(x), ""))
