"""Transforms of counts and matching of genes, against hand values and the golden arrays."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.cohort.genes import align_matrix, shared_genes
from tl_jax.data.preprocessing.transforms import apply_transform, log_cpm, refuse_logged, tmm_log_cpm
from tl_jax.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def golden():
    file = Path(os.environ.get("TLJAX_GOLDEN", ROOT / "../shared/golden")) / "M2_statistics.npz"
    if not file.is_file():
        pytest.skip(f"no golden arrays at {file}; set TLJAX_GOLDEN")
    with np.load(file, allow_pickle=False) as arrays:
        return {k: arrays[k] for k in ("counts", "library_size", "tmm_cpm", "log2_cpm_plus_one")}


def test_tmm_agrees_with_golden(golden):
    logged = tmm_log_cpm(golden["counts"])
    np.testing.assert_allclose(logged, golden["log2_cpm_plus_one"], rtol=1e-10)
    np.testing.assert_allclose(2**logged - 1, golden["tmm_cpm"], rtol=1e-9, atol=1e-9)


def test_log_cpm_agrees_with_golden_library_sizes(golden):
    expected = np.log2(golden["counts"] / golden["library_size"][:, None] * 1e6 + 1)
    np.testing.assert_allclose(log_cpm(golden["counts"]), expected, rtol=1e-12)


def test_log_cpm_by_hand():
    np.testing.assert_allclose(log_cpm(np.array([[1, 3], [0, 5]])), np.log2([[250001, 750001], [1, 1000001]]))


def test_log_cpm_of_a_sample_ignores_the_others():
    counts = np.random.default_rng(0).poisson(20, (5, 30))
    np.testing.assert_array_equal(log_cpm(counts)[2:3], log_cpm(counts[2:3]))


def test_log2_by_hand():
    np.testing.assert_allclose(apply_transform("log2", np.array([[0.0, 1.0, 3.0]])), [[0, 1, 2]])


@pytest.mark.parametrize("name", ["log2", "log_cpm", "tmm_log_cpm"])
def test_negative_values_are_refused(name):
    with pytest.raises(InputError, match=r"1 values are negative.*set transform = 'none'"):
        apply_transform(name, np.array([[1.0, -2.0]]))


def test_a_sample_without_counts_is_refused():
    with pytest.raises(InputError, match=r"sample in row 2 has no counts.*drop it"):
        log_cpm(np.array([[1, 2], [0, 0]]))


def test_unknown_transform():
    with pytest.raises(InputError, match=r"unknown transform 'rpkm'; write one of none"):
        apply_transform("rpkm", np.zeros((1, 1)))


LOGGED = np.array([[3.2, 7.1, 9.9], [4.1, 0.0, 2.5]])


@pytest.mark.parametrize("name", ["log2", "log_cpm", "tmm_log_cpm"])
def test_logarithms_are_not_taken_for_counts(name):
    with pytest.raises(InputError, match=r"t.csv: no value exceeds 9.9 .* look like logarithms.*transform = 'none'"):
        refuse_logged(name, LOGGED, "t.csv")


@pytest.mark.parametrize(
    "values", [LOGGED * 10, np.round(LOGGED), LOGGED / LOGGED.sum(axis=1, keepdims=True), np.full((2, 3), np.nan)]
)
def test_what_may_be_counts_or_shares_is_no_logarithm(values):
    refuse_logged("log_cpm", values, "t.csv")
    refuse_logged("none", LOGGED, "t.csv")


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(8)), st.permutations(range(8)))
def test_align_matrix_goes_by_name(columns, wanted):
    genes = np.array([f"G{i}" for i in range(8)])
    x = np.arange(24, dtype=np.float32).reshape(3, 8)
    aligned, coverage = align_matrix(x[:, columns], genes[columns], [*genes[wanted], "absent"])
    np.testing.assert_array_equal(aligned[:, :8], x[:, wanted])
    assert np.isnan(aligned[:, 8]).all()
    assert coverage == 8 / 9
    assert aligned.dtype == np.float32


def test_align_matrix_refuses_repeated_genes():
    with pytest.raises(InputError, match=r"gene 'A' occurs more than once; average or drop"):
        align_matrix(np.zeros((1, 2)), ["A", "A"], ["A"])


def test_align_matrix_refuses_foreign_genes():
    with pytest.raises(InputError, match=r"none of the 1 genes.*'TP53'.*'ENSG01'.*use the same kind"):
        align_matrix(np.zeros((1, 1)), ["ENSG01"], ["TP53"])


def test_shared_genes_are_sorted_and_need_enough_overlap():
    names = [f"G{i:03d}" for i in range(60)]
    assert shared_genes(["a", "b"], [names[::-1], [*names, "X"]]).tolist() == names
    with pytest.raises(InputError, match=r"share 40 genes, too few.*a has 60: 'G000'.*b has 40.*same kind"):
        shared_genes(["a", "b"], [names, names[:40]])


def test_shared_genes_under_one_percent():
    shared = [f"G{i}" for i in range(60)]
    sides = [[*shared, *(f"{side}{i}" for i in range(6000))] for side in "ab"]
    with pytest.raises(InputError, match=r"share 60 genes, too few"):
        shared_genes(["a", "b"], sides)


def test_shared_genes_that_differ_in_case():
    names = [f"Gene{i}" for i in range(60)]
    with pytest.raises(InputError, match=r"60 agree but for upper and lower case"):
        shared_genes(["a", "b"], [names, [n.upper() for n in names]])
